//! Which database it is.

use std::fmt;
use std::str::FromStr;

use crate::{OpenId, RandomError};

/// The id of a database, drawn when its tables are made: a copy has the same, and so has a restored
/// backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DatabaseId([u8; 8]);

impl DatabaseId {
    /// A new random id.
    ///
    /// # Errors
    /// If the operating system has no random bytes to give.
    pub fn random() -> Result<Self, RandomError> {
        OpenId::random().map(|id| Self(*id.as_bytes()))
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

/// The text is no id of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the 16 hexadecimal digits of a database's id")]
#[non_exhaustive]
pub struct DatabaseIdError;

impl FromStr for DatabaseId {
    type Err = DatabaseIdError;

    fn from_str(text: &str) -> Result<Self, DatabaseIdError> {
        let is_plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_plain.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(|number| Self(number.to_be_bytes())).ok_or(DatabaseIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_text_and_no_two_are_the_same() {
        let id = DatabaseId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(id, DatabaseId::random().unwrap());
        for text in ["", "12", "+234567890123456", &"g".repeat(16), &"0".repeat(17)] {
            assert_eq!(text.parse::<DatabaseId>(), Err(DatabaseIdError), "{text:?}");
        }
    }
}
