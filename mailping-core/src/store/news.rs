//! What is new since a mark.

use std::fmt;
use std::str::FromStr;

use crate::delivery::Milestone;
use crate::text::{ParseError, text};
use crate::{LastDay, Open, PingId};

/// What was kept since a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct News {
    /// Opens, raised last days and milestones, in the store's own order.
    pub items: Vec<NewsItem>,
    /// The mark to ask with next. It differs from the one that was asked with if anything was read,
    /// also if nothing of that is there any more.
    pub mark: Mark,
    /// Rows between them that cannot be read and are left out.
    pub unreadable: u64,
}

impl News {
    /// News with nothing unreadable between them.
    #[must_use]
    pub const fn new(items: Vec<NewsItem>, mark: Mark) -> Self {
        Self { items, mark, unreadable: 0 }
    }

    /// With so many rows that cannot be read.
    #[must_use]
    pub const fn unreadable(mut self, rows: u64) -> Self {
        self.unreadable = rows;
        self
    }
}

/// One thing that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewsItem {
    /// An open, cut down to its ping's detail.
    Open(Open),
    /// At the detail `last_day`: the latest day of a ping was raised to this one.
    LastDay(LastDay),
    /// A milestone of a ping, the first of its kind.
    Milestone(Milestone),
}

impl NewsItem {
    /// The ping that it belongs to.
    #[must_use]
    pub const fn ping(&self) -> PingId {
        match self {
            Self::Open(open) => open.ping,
            Self::LastDay(last) => last.ping,
            Self::Milestone(milestone) => milestone.ping,
        }
    }
}

/// A place in the order in which one database keeps things. It means something to that database
/// alone; a text of at most 400 letters, digits, dots and dashes for everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark(Box<str>);

impl Mark {
    /// The longest text of a mark, in bytes.
    pub const MAX_BYTES: usize = 400;

    /// The text, for the store that made it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const MARK: &str = "a mark that a store has given";

impl FromStr for Mark {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if fits && text.bytes().all(is_plain) { Ok(Self(text.into())) } else { Err(ParseError::new(MARK)) }
    }
}

text!(Mark, expected: MARK, pattern: "^[0-9A-Za-z.-]{1,120}$");

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_from_its_text_and_json_and_nothing_else_is_one() {
        let mark: Mark = "4f1c-17.203".parse().unwrap();
        assert_eq!(mark.to_string().parse(), Ok(mark.clone()));
        let json = serde_json::to_string(&mark).unwrap();
        assert_eq!(serde_json::from_str::<Mark>(&json).unwrap(), mark);
        for text in ["", "a b", "a\n", "\u{e9}", &"a".repeat(401)] {
            assert!(text.parse::<Mark>().is_err(), "{text:?}");
        }
    }
}
