//! Which opens of a ping to read, and the place between two of them.

use std::fmt;

use crate::text::{ParseError, decimal, text};
use crate::{Open, OpenId, PingId, Timestamp};

/// Which of a ping's opens to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenQuery {
    /// The ping.
    pub ping: PingId,
    /// From which end: from the oldest if not.
    pub newest_first: bool,
    /// Only those that come after this place in that order: the `next` of the page before.
    pub after: Option<OpenCursor>,
    /// At most so many.
    pub limit: usize,
}

impl OpenQuery {
    /// The first `limit` opens of a ping.
    #[must_use]
    pub const fn oldest(ping: PingId, limit: usize) -> Self {
        Self { ping, newest_first: false, after: None, limit }
    }

    /// The latest `limit` opens of a ping, the newest first.
    #[must_use]
    pub const fn newest(ping: PingId, limit: usize) -> Self {
        Self { ping, newest_first: true, after: None, limit }
    }

    /// Only those after this place in the query's order, if there is one.
    #[must_use]
    pub const fn after(mut self, place: Option<OpenCursor>) -> Self {
        self.after = place;
        self
    }
}

/// A place in a ping's opens: after the open of this time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct OpenCursor {
    /// The time of the last open of the page before.
    pub at: Timestamp,
    /// Its id.
    pub id: OpenId,
}

impl OpenCursor {
    /// The place after the open of this time and id.
    #[must_use]
    pub const fn new(at: Timestamp, id: OpenId) -> Self {
        Self { at, id }
    }

    /// The place after this open.
    #[must_use]
    pub const fn of(open: &Open) -> Self {
        Self::new(open.at, open.id)
    }
}

impl fmt::Display for OpenCursor {
    /// The time in milliseconds and the id in hex, joined by a dash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.unix_millis(), self.id)
    }
}

const OPEN_CURSOR: &str = "the `next` of the page before";

impl std::str::FromStr for OpenCursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = || ParseError::new(OPEN_CURSOR);
        let (at, id) = text.split_once('-').ok_or_else(refused)?;
        let at = decimal(at).and_then(|at| i64::try_from(at).ok()).ok_or_else(refused)?;
        Ok(Self::new(Timestamp::from_unix_millis(at), id.parse().map_err(|_| refused())?))
    }
}

text!(OpenCursor, expected: OPEN_CURSOR, pattern: "^[0-9]{1,15}-[0-9a-f]{16}$");
