//! A recipient's address, and the keyed hash that is kept instead of it.
//!
//! Matching too much is the safe error for an objection: the whole address is lower-cased.

mod addr_spec;
mod address;
mod character;

use std::fmt;

use crate::Keyring;
use crate::keyring::{Key, KeyFingerprint};
use crate::text::ParseError;

/// The address of a recipient, brought to one form: lower case, NFKC, the domain in its ASCII form.
///
/// What people paste around an address is taken off: blanks, quotes, brackets, a name, a comment,
/// `mailto:` and what follows a `?`, punctuation, invisible characters. A local part is unquoted if
/// it can be. So an objection by `Ada <mailto:ADA@example.com>` finds the pings to
/// `ada@example.com`. What may be an address with a piece of the text around it, such as
/// `#ada@example.com`, is taken in quotes alone: `"#ada"@example.com`.
///
/// No provider's own rules are known: `ada+news@`, `a.da@` and `ada@`, and `gmail.com` and
/// `googlemail.com`, are different recipients.
///
/// It has no accessor, no `Display` and no `Serialize`: an address can be hashed and nothing else.
pub(crate) struct Recipient(String);

impl Recipient {
    /// Reads the one address in a text of at most 2,000 bytes, by RFC 5321, 5322 and 6531.
    ///
    /// # Errors
    /// For no address, for more than one, and for anything that might be another one.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let refused = |error: RecipientError| ParseError::because(error).in_field("recipient");
        address::canonical(text).map(Self).map_err(refused)
    }

    /// What a certified receipt shows of it: a hash under the ping's own key.
    #[cfg(feature = "certified")]
    pub(crate) fn certified(&self, key: &crate::certified::PingKey) -> [u8; 32] {
        key.recipient(self.0.as_bytes())
    }

    fn hash(&self, key: &Key) -> RecipientHash {
        RecipientHash { key: key.fingerprint, hash: key.recipient.mac(self.0.as_bytes()) }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient([redacted])")
    }
}

/// Why an address was refused. It never repeats the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum RecipientError {
    /// Empty, or longer than an address may be.
    #[error(
        "recipient must not be empty, nor longer than {} bytes ({} before the @)",
        addr_spec::MAX_ADDRESS,
        addr_spec::MAX_LOCAL
    )]
    Length,
    /// A control character.
    #[error("recipient must not have control characters")]
    Control,
    /// More than one address, or what may be read as more than one.
    #[error("recipient must be one address such as ada@example.com: it has more than one @")]
    NotOne,
    /// No `@`, or nothing on one side of it.
    #[error("recipient must have a local part and a domain, such as ada@example.com")]
    NoDomain,
    /// What stands before the `@` is no local part.
    #[error(
        "the recipient's local part is not valid: quote it, as in \"odd user\"@example.com, if it has blanks, dots at \
         an end or next to each other, a sign at an end, or looks like a part of a URL"
    )]
    LocalPart,
    /// The domain is no domain name.
    #[error("the recipient's domain is not a valid domain name: expected one such as example.com")]
    Domain,
}

/// The keyed hash of a recipient's address (HMAC-SHA256) with the fingerprint of its key: what is
/// kept instead of the address.
///
/// It is a pseudonym, not anonymous: whoever has the key can test an address against it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipientHash {
    key: KeyFingerprint,
    hash: [u8; 32],
}

impl RecipientHash {
    /// From what a store has kept.
    #[must_use]
    pub const fn from_parts(key: KeyFingerprint, hash: [u8; 32]) -> Self {
        Self { key, hash }
    }

    /// The key it was made with.
    #[must_use]
    pub const fn key(&self) -> KeyFingerprint {
        self.key
    }

    /// The 32 bytes, for a store to keep.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

impl fmt::Debug for RecipientHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientHash([redacted]; key {})", self.key.id())
    }
}

/// One recipient's hashes under all keys of a keyring: a store matches any of them and keeps the
/// newest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientHashes {
    /// Under the key that signs: what a store writes.
    pub newest: RecipientHash,
    /// Under the other keys: what a store may find from before a rotation.
    pub older: Vec<RecipientHash>,
}

impl RecipientHashes {
    /// From hashes, for the tests of a store: the tracker makes all others.
    #[must_use]
    pub const fn from_parts(newest: RecipientHash, older: Vec<RecipientHash>) -> Self {
        Self { newest, older }
    }

    pub(crate) fn of(recipient: &Recipient, keys: &Keyring) -> Self {
        Self {
            newest: recipient.hash(keys.newest()),
            older: keys.older().iter().map(|key| recipient.hash(key)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_repeats_nothing() {
        for text in
            ["lovelace", "lovelace@x@y", "love lace@example.com", "lovelace@\u{0}", "lovelace@example..com"]
        {
            let error = Recipient::parse(text).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("love") && text.len() < 450, "{text}");
        }
    }

    #[test]
    fn hashes_differ_by_key_and_debug_shows_neither_address_nor_hash() {
        let keys = Keyring::generate().unwrap();
        let ada = Recipient::parse("ada@example.com").unwrap();
        let hashes = RecipientHashes::of(&ada, &keys);
        assert_eq!(hashes, RecipientHashes::of(&Recipient::parse("ADA@example.com").unwrap(), &keys));
        assert_ne!(hashes, RecipientHashes::of(&ada, &Keyring::generate().unwrap()));
        assert_eq!(
            format!("{ada:?} {:?}", hashes.newest),
            "Recipient([redacted]) RecipientHash([redacted]; key 0)"
        );
    }
}
