//! The ids of pings and opens.

#[cfg(feature = "tracker")]
mod random;

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::text::{ParseError, hex, text};

/// The id of a ping: a UUID of version 7 minted at the sent time, so that pings sort by it and the
/// time since sending needs no database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PingId([u8; 16]);

impl PingId {
    /// From the 16 bytes that a store has kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, for a store to keep: in time order of sending.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// When the message was (or will be) handed over for sending, as told when the ping was made.
    #[must_use]
    pub fn sent_at(&self) -> Timestamp {
        let [a, b, c, d, e, f, ..] = self.0;
        let millis = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        Timestamp::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for PingId {
    /// The hyphenated form of a UUID, in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for PingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PingId({self})")
    }
}

const PING_ID: &str = "the id of a ping, such as 019ab1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b";

/// Reads any of the usual forms of a UUID.
impl FromStr for PingId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let uuid = uuid::Uuid::try_parse(text).map_err(|_| ParseError::new(PING_ID))?;
        Ok(Self(uuid.into_bytes()))
    }
}

text!(PingId, expected: PING_ID, format: "uuid");

/// The id of an open within its ping: 8 random bytes, with no time in them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpenId([u8; 8]);

impl OpenId {
    /// From 8 random bytes, or from those that a store has kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 bytes, for a store to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for OpenId {
    /// 16 hexadecimal digits, in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenId({self})")
    }
}

const OPEN_ID: &str = "the id of an open: 16 hexadecimal digits";

impl FromStr for OpenId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        hex::<16>(text).map(|id| Self(id.to_be_bytes())).ok_or(ParseError::new(OPEN_ID))
    }
}

text!(OpenId, expected: OPEN_ID, pattern: "^[0-9a-f]{16}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_id_tells_its_sent_time_and_sorts_by_it() {
        let early = PingId::mint(Timestamp::from_unix_millis(1_000)).unwrap();
        let late = PingId::mint(Timestamp::from_unix_millis(1_001)).unwrap();
        assert_eq!(early.sent_at().unix_millis(), 1_000);
        assert!(early < late);
        assert_eq!(uuid::Uuid::from_bytes(early.0).get_version_num(), 7);
        assert_ne!(PingId::mint(Timestamp::from_unix_millis(1_000)).unwrap(), early);
    }

    #[test]
    fn a_ping_id_reads_back_from_its_text() {
        let id = PingId::mint(Timestamp::from_unix_millis(1_795_428_120_250)).unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("invoice-42".parse::<PingId>().is_err());
    }
}
