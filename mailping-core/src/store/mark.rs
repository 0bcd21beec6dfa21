//! A place in the order in which a database keeps things.

use std::fmt;
use std::str::FromStr;

use crate::text::{ParseError, text};

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

text!(Mark, expected: MARK, pattern: "^[0-9A-Za-z.-]{1,400}$");

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
