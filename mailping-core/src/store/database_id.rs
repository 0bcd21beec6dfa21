//! Which database it is.

use std::fmt;
use std::str::FromStr;

use super::StoreError;
use crate::OpenId;
use crate::text::{ParseError, hex, text};

/// The id of a database, drawn when its tables are made: a copy has the same, and so has a restored
/// backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DatabaseId([u8; 8]);

impl DatabaseId {
    /// A new random id.
    ///
    /// # Errors
    /// If the operating system has no random bytes to give.
    pub fn random() -> Result<Self, StoreError> {
        OpenId::random().map(|id| Self(*id.as_bytes())).map_err(StoreError::unavailable)
    }

    /// From the 8 bytes that a database keeps.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 bytes, for a database to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for DatabaseId {
    /// 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

const DATABASE_ID: &str = "the id of a database: 16 hexadecimal digits";

impl FromStr for DatabaseId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        hex::<16>(text).map(|id| Self(id.to_be_bytes())).ok_or(ParseError::new(DATABASE_ID))
    }
}

text!(DatabaseId, expected: DATABASE_ID, pattern: "^[0-9a-f]{16}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_text_and_no_two_are_the_same() {
        let id = DatabaseId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(id, DatabaseId::random().unwrap());
        for text in ["", "12", "+234567890123456", &"g".repeat(16), &"0".repeat(17)] {
            assert!(text.parse::<DatabaseId>().is_err(), "{text:?}");
        }
    }
}
