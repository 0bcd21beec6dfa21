//! Pages of a ping's opens.

use std::fmt;

use crate::text::{ParseError, decimal, text};
use crate::{Open, OpenId, PingId, Timestamp};

/// In which direction opens are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "time has two directions")]
pub enum Order {
    /// From the oldest.
    #[default]
    OldestFirst,
    /// From the newest.
    NewestFirst,
}

/// Which of a ping's opens to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenQuery {
    /// The ping.
    pub ping: PingId,
    /// From which end.
    pub order: Order,
    /// Only those that come after this place in that order: the `next` of the page before.
    pub after: Option<OpenCursor>,
    /// At most so many.
    pub limit: usize,
}

impl OpenQuery {
    /// The first `limit` opens of a ping.
    #[must_use]
    pub const fn oldest(ping: PingId, limit: usize) -> Self {
        Self { ping, order: Order::OldestFirst, after: None, limit }
    }

    /// The latest `limit` opens of a ping, the newest first.
    #[must_use]
    pub const fn newest(ping: PingId, limit: usize) -> Self {
        Self { ping, order: Order::NewestFirst, after: None, limit }
    }

    /// Only those after this place in the query's order, if there is one.
    #[must_use]
    pub const fn after(mut self, place: Option<OpenCursor>) -> Self {
        self.after = place;
        self
    }
}

/// One page of a ping's opens, in the order of its query.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct OpenPage {
    /// The opens.
    pub opens: Vec<Open>,
    /// What the next page comes [after](OpenQuery::after); `None` on the last.
    pub next: Option<OpenCursor>,
    /// Rows between them that cannot be read and are left out.
    pub unreadable: u64,
}

impl OpenPage {
    /// A page with nothing unreadable on it.
    #[must_use]
    pub const fn new(opens: Vec<Open>, next: Option<OpenCursor>) -> Self {
        Self { opens, next, unreadable: 0 }
    }

    /// With so many rows that cannot be read.
    #[must_use]
    pub const fn unreadable(mut self, rows: u64) -> Self {
        self.unreadable = rows;
        self
    }

    /// A page of opens of which `limit` and perhaps one more were read: that one more shows that
    /// there is a next page.
    #[must_use]
    pub fn cut(mut opens: Vec<Open>, limit: usize) -> Self {
        let more = opens.len() > limit;
        opens.truncate(limit);
        let next = opens.last().filter(|_| more).map(OpenCursor::of);
        Self::new(opens, next)
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
        let refused = ParseError::new(OPEN_CURSOR);
        let (at, id) = text.split_once('-').ok_or(refused)?;
        let at = decimal(at).and_then(|at| i64::try_from(at).ok()).ok_or(refused)?;
        Ok(Self::new(Timestamp::from_unix_millis(at), id.parse().map_err(|_| refused)?))
    }
}

text!(OpenCursor, expected: OPEN_CURSOR, pattern: "^[0-9]{1,15}-[0-9a-f]{16}$");
