//! The name of an edge node: what the centre tells its edges apart by.

use std::fmt;
use std::str::FromStr;

use crate::text::ParseError;

/// The name of an edge node: 1 to 32 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EdgeName(Box<str>);

impl EdgeName {
    pub(crate) const MAX_BYTES: usize = 32;
}

impl fmt::Display for EdgeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const EDGE_NAME: &str = "the name of an edge: 1 to 32 lower-case letters, digits and hyphens";

impl FromStr for EdgeName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        if fits && text.bytes().all(is_plain) {
            Ok(Self(text.into()))
        } else {
            Err(ParseError::new(EDGE_NAME))
        }
    }
}
