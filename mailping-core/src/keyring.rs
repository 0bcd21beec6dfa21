//! The keys that sign tokens and hash recipients. The first key signs, all of them verify.
//!
//! No key leaves this module but through [`Keyring::secret_text`].

mod key;

use std::fmt;
use std::str::FromStr;

pub use self::key::KeyFingerprint;
pub(crate) use self::key::KeyId;
pub(crate) use self::key::{Key, Subkey};
use crate::text::ParseError;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// One or more secret keys with their numbers.
///
/// As text a keyring is `id:base64[,id:base64…]`: ids from 0 to 63, each key at least 32 bytes,
/// standard or URL-safe base64, padded or not. The first key signs, all verify. To rotate, put a
/// new key under a new id in front and keep the old ones: tokens in mail already sent name their
/// key, and so do the recipient hashes of objections. If several instances share a store, first add
/// the new key at the end everywhere, and only then move it to the front: an instance that lacks a
/// key refuses its pixels and misses its objections. Never give another key an id that was used:
/// pixels in mail already sent name their key by it.
///
/// # Security
/// Whoever has a key can make tokens and test addresses against recipient hashes. `Debug` shows the
/// ids alone.
///
/// ```
/// use mailping_core::Keyring;
/// let keys = Keyring::generate()?;
/// let same = Keyring::from_text(&keys.secret_text())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    newest: Key,
    older: Vec<Key>,
}

const MIN_BYTES: usize = 32;
/// Beyond this an HMAC key adds nothing; a longer one is a mistake, such as a whole file.
const MAX_BYTES: usize = 1_024;

const BASE64: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(false);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, BASE64);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, BASE64);

impl Keyring {
    /// A keyring of one new random key with the id 0.
    ///
    /// # Errors
    /// If the operating system has no random bytes to give.
    #[cfg(feature = "tracker")]
    pub fn generate() -> Result<Self, crate::Error> {
        let mut secret = vec![0; MIN_BYTES];
        getrandom::fill(&mut secret).map_err(|_| crate::Error::NoRandom)?;
        Ok(Self { newest: Key::new(KeyId(0), secret), older: Vec::new() })
    }

    /// Reads `id:base64[,id:base64…]`; white space around the entries is dropped.
    ///
    /// # Errors
    /// [`ParseError`] tells which entry is wrong and why; it never repeats a key.
    pub fn from_text(text: &str) -> Result<Self, ParseError> {
        Self::read(text).map_err(ParseError::because)
    }

    fn read(text: &str) -> Result<Self, KeyringError> {
        if text.trim().is_empty() {
            return Err(KeyringError::Empty);
        }
        let mut entries = text.split(',').zip(1..);
        let (entry, position) = entries.next().ok_or(KeyringError::Empty)?;
        let mut keys = Self { newest: read_key(entry, position)?, older: Vec::new() };
        for (entry, position) in entries {
            let key = read_key(entry, position)?;
            if keys.key(key.id).is_some() {
                return Err(KeyringError::Twice { position });
            }
            keys.older.push(key);
        }
        Ok(keys)
    }

    /// Reads the keyring from the environment variable `name`, in the form of
    /// [`Keyring::from_text`].
    ///
    /// # Errors
    /// As [`Keyring::from_text`], and if the variable is not set.
    pub fn from_env(name: &str) -> Result<Self, ParseError> {
        let not_set = "is not set: give it keys in the form id:base64[,id:base64...]";
        let text = std::env::var(name)
            .map_err(|_| ParseError::because(format_args!("environment variable {name} {not_set}")))?;
        Self::from_text(&text)
    }

    /// The keyring as text, to be kept where it stays secret.
    ///
    /// # Security
    /// This is the secret itself: write it to a file with mode 0600 or to a secret store, never to
    /// a log.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let entries = self.keys().map(|key| format!("{}:{}", key.id, STANDARD.encode(&key.secret)));
        entries.collect::<Vec<_>>().join(",")
    }

    /// The numbers of the keys, from 0 to 63, that of the signing one first.
    pub fn ids(&self) -> impl Iterator<Item = u8> {
        self.keys().map(|key| key.id.get())
    }

    /// The key that signs.
    pub(crate) const fn newest(&self) -> &Key {
        &self.newest
    }

    /// The keys that only verify.
    pub(crate) fn older(&self) -> &[Key] {
        &self.older
    }

    pub(crate) fn key(&self, id: KeyId) -> Option<&Key> {
        self.keys().find(|key| key.id == id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

fn read_key(entry: &str, position: usize) -> Result<Key, KeyringError> {
    let (id, secret) = entry.trim().split_once(':').ok_or(KeyringError::Form { position })?;
    let id = id.parse().map_err(|_| KeyringError::Id { position })?;
    let secret = STANDARD
        .decode(secret)
        .or_else(|_| URL_SAFE.decode(secret))
        .map_err(|_| KeyringError::Base64 { position })?;
    if !(MIN_BYTES..=MAX_BYTES).contains(&secret.len()) {
        return Err(KeyringError::Length { position });
    }
    Ok(Key::new(id, secret))
}

impl FromStr for Keyring {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::from_text(text)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring([redacted]; ids")?;
        self.ids().try_for_each(|id| write!(f, " {id}"))?;
        f.write_str(")")
    }
}

/// Why a keyring was refused. It names the entry by its position and never repeats a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum KeyringError {
    /// There is no key.
    #[error("no key given: expected id:base64[,id:base64...]")]
    Empty,
    /// An entry has no colon.
    #[error("key {position} is not of the form id:base64")]
    Form {
        /// Which entry, from 1.
        position: usize,
    },
    /// An id is no number from 0 to 63.
    #[error("the id of key {position} is not a number from 0 to 63")]
    Id {
        /// Which entry, from 1.
        position: usize,
    },
    /// A key is no base64.
    #[error("key {position} is not base64")]
    Base64 {
        /// Which entry, from 1.
        position: usize,
    },
    /// A key is too short or far too long.
    #[error(
        "key {position} must have from {MIN_BYTES} to {MAX_BYTES} bytes: `openssl rand -base64 32` makes one"
    )]
    Length {
        /// Which entry, from 1.
        position: usize,
    },
    /// An id stands twice.
    #[error("key {position} has the id of an earlier key: ids must differ")]
    Twice {
        /// Which entry, from 1.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 bytes whose base64 has `+` and `/` in it.
    const SECRET: [u8; 32] = [0xfb; 32];

    #[test]
    fn keys_are_read_in_both_alphabets_padded_or_not() {
        let padded = STANDARD.encode(SECRET);
        let url_safe = URL_SAFE.encode(SECRET);
        assert!(padded.contains('+') && url_safe.contains('-') && padded.ends_with('='));
        for secret in [&padded, &url_safe, padded.trim_end_matches('='), url_safe.trim_end_matches('=')] {
            let keys = Keyring::from_text(&format!(" 7:{secret} ")).unwrap();
            assert_eq!(keys.key(KeyId(7)).unwrap().secret, SECRET);
        }
    }

    #[test]
    fn the_first_key_signs_and_all_are_found() {
        let secret = STANDARD.encode(SECRET);
        let keys = Keyring::from_text(&format!("63:{secret},0:{secret}")).unwrap();
        assert_eq!(keys.newest().id, KeyId(63));
        assert_eq!(keys.ids().collect::<Vec<_>>(), [63, 0]);
        assert!(keys.key(KeyId(5)).is_none());
    }

    #[test]
    fn a_wrong_entry_is_named_and_never_repeated() {
        let secret = STANDARD.encode(SECRET);
        let refused = |text: &str| Keyring::read(text).unwrap_err();
        assert_eq!(refused("  "), KeyringError::Empty);
        assert_eq!(refused(&secret), KeyringError::Form { position: 1 });
        assert_eq!(refused(&format!("0:{secret},64:{secret}")), KeyringError::Id { position: 2 });
        assert_eq!(refused(&format!("0:{secret},0:{secret}")), KeyringError::Twice { position: 2 });
        assert_eq!(refused("0:AAAA"), KeyringError::Length { position: 1 });
        assert_eq!(refused("0:hunter2-hunter2!"), KeyringError::Base64 { position: 1 });
        assert!(!refused("0:hunter2-hunter2!").to_string().contains("hunter2"));
        let not_set = Keyring::from_env("MAILPING_NOT_SET").unwrap_err().to_string();
        assert!(not_set.starts_with("environment variable MAILPING_NOT_SET is not set"), "{not_set}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let keys = Keyring::from_text(&format!("3:{}", STANDARD.encode(SECRET))).unwrap();
        assert_eq!(format!("{keys:?}"), "Keyring([redacted]; ids 3)");
    }
}
