//! The enhanced status codes of mail servers (RFC 3463).

use std::fmt;
use std::str::FromStr;

use crate::text::{ParseError, decimal, text};

/// An enhanced status code of RFC 3463, such as `5.1.1`: a class (2, 4 or 5) and two numbers of at
/// most three digits. It says why in numbers, and cannot hold an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode {
    class: u8,
    subject: u16,
    detail: u16,
}

/// The most that a number of a code can be.
const MAX_NUMBER: u64 = 999;
/// The longest code, `5.999.999`, in bytes.
const MAX_BYTES: usize = 9;

impl StatusCode {
    /// The code that a text begins with, as servers write it before their own words.
    pub(crate) fn at_start(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let end = text.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(text.len());
        text.get(..end)?.parse().ok()
    }

    /// The first of its numbers: 2 is success, 4 a temporary failure, 5 a permanent one.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.class
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

const STATUS_CODE: &str = "an enhanced status code, such as 5.1.1";

impl FromStr for StatusCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_BYTES {
            return Err(ParseError::new(STATUS_CODE));
        }
        let mut numbers =
            text.split('.').map(|number| decimal(number).filter(|number| *number <= MAX_NUMBER));
        let mut next = || numbers.next().flatten().and_then(|number| u16::try_from(number).ok());
        let (class, subject, detail) = (next(), next(), next());
        let class = class.and_then(|class| u8::try_from(class).ok());
        match (class, subject, detail, numbers.next()) {
            (Some(class @ (2 | 4 | 5)), Some(subject), Some(detail), None) => {
                Ok(Self { class, subject, detail })
            }
            _ => Err(ParseError::new(STATUS_CODE)),
        }
    }
}

text!(StatusCode, expected: STATUS_CODE, pattern: r"^[245]\.[0-9]{1,3}\.[0-9]{1,3}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_and_nothing_else_is_one() {
        for text in ["2.0.0", "4.4.7", "5.1.1", "5.999.999", "4.0.10"] {
            let code: StatusCode = text.parse().unwrap();
            assert_eq!((code.to_string().as_str(), code.class()), (text, text.as_bytes()[0] - b'0'));
        }
        for text in [
            "", "5", "5.1", "5.1.", "5.1.1.1", "3.1.1", "0.0.0", "5.1.1000", "5.01.1", "5.+1.1", "5.1.1 ",
            "5..1",
        ] {
            assert!(text.parse::<StatusCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_words_after_a_code_are_dropped() {
        let read = |text| StatusCode::at_start(text).map(|code| code.to_string());
        assert_eq!(read("5.1.1 <ada@example.com>: no such user"), Some("5.1.1".to_owned()));
        assert_eq!(read(" 2.6.0 <x@y> Queued mail"), Some("2.6.0".to_owned()));
        assert_eq!(read("4.2.2(mailbox full)"), Some("4.2.2".to_owned()));
        for none in ["", "ada@example.com", "10.0.0.7 refused", "5.1.1.1 x", "192.0.2.1"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
