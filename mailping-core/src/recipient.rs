//! A recipient's address, and the keyed hash that is kept instead of it.
//!
//! Matching too much is the safe error for an objection: the whole address is lower-cased.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::Keyring;
use crate::keyring::{Key, KeyFingerprint};

/// The address of a recipient, brought to one form: trimmed, NFC, lower case, the domain in its ASCII form.
///
/// It has no accessor, no `Display` and no `Serialize`: an address can be hashed and nothing else.
pub struct Recipient(String);

/// The longest address that SMTP carries (RFC 5321: 64 + 1 + 255 bytes).
const MOST_BYTES: usize = 320;

impl Recipient {
    /// Reads a bare address such as `ada@example.com`.
    ///
    /// # Errors
    /// [`RecipientError`] for anything else, without repeating it.
    pub fn parse(address: &str) -> Result<Self, RecipientError> {
        let address = address.trim();
        if address.is_empty() || address.len() > MOST_BYTES {
            return Err(RecipientError::Length);
        }
        let forbidden = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';');
        if address.chars().any(forbidden) {
            return Err(RecipientError::NotBare);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(RecipientError::NoDomain)?;
        if local.is_empty() || domain.is_empty() {
            return Err(RecipientError::NoDomain);
        }
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        // Lower case can undo the composed form, so it is composed again.
        let local = nfc.normalize(&nfc.normalize(local).to_lowercase()).into_owned();
        let domain = if domain.starts_with('[') {
            domain.to_lowercase()
        } else {
            idna::domain_to_ascii(domain.trim_end_matches('.')).map_err(|_| RecipientError::Domain)?
        };
        if domain.is_empty() {
            return Err(RecipientError::NoDomain);
        }
        Ok(Self(format!("{local}@{domain}")))
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
#[non_exhaustive]
pub enum RecipientError {
    /// Empty, or longer than any address may be.
    #[error("recipient must have from 1 to {MOST_BYTES} bytes")]
    Length,
    /// More than one bare address.
    #[error("recipient must be one bare address such as ada@example.com, without name, brackets or blanks")]
    NotBare,
    /// No `@`, or nothing on one side of it.
    #[error("recipient must have a local part and a domain, such as ada@example.com")]
    NoDomain,
    /// The domain is no domain name.
    #[error("the recipient's domain is not a valid domain name")]
    Domain,
}

/// The keyed hash of a recipient's address (HMAC-SHA256) with the fingerprint of its key: what is kept instead of the address.
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

/// One recipient's hashes under all keys of a keyring: a store matches any of them and keeps the newest.
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

    fn form(address: &str) -> String {
        Recipient::parse(address).unwrap().0
    }

    #[test]
    fn one_person_written_in_several_ways_is_one_recipient() {
        assert_eq!(form(" Ada.Lovelace@Example.COM "), "ada.lovelace@example.com");
        assert_eq!(form("ada@example.com."), "ada@example.com");
        assert_eq!(form("ada@b\u{fc}cher.example"), form("ADA@xn--bcher-kva.example"));
        assert_eq!(form("jose\u{301}@example.com"), form("JOS\u{c9}@example.com"));
        assert_eq!(form("\"a@b\"@example.com"), "\"a@b\"@example.com");
    }

    #[test]
    fn what_is_no_bare_address_is_refused_without_repeating_it() {
        let refused = |address: &str| Recipient::parse(address).unwrap_err();
        assert_eq!(refused("ada"), RecipientError::NoDomain);
        assert_eq!(refused("@example.com"), RecipientError::NoDomain);
        assert_eq!(refused("ada@"), RecipientError::NoDomain);
        assert_eq!(refused("ada@."), RecipientError::NoDomain);
        assert_eq!(refused("  "), RecipientError::Length);
        assert_eq!(refused(&format!("{}@example.com", "a".repeat(400))), RecipientError::Length);
        assert_eq!(refused("Ada <ada@example.com>"), RecipientError::NotBare);
        assert_eq!(refused("a@example.com,b@example.com"), RecipientError::NotBare);
        assert_eq!(refused("ada@exa\u{0}mple.com"), RecipientError::NotBare);
        assert_eq!(refused("ada@xn--0.example"), RecipientError::Domain);
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
