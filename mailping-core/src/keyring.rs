//! The keys that sign tokens and hash recipients. The first key signs, all of them verify.
//!
//! No key leaves this module but through [`Keyring::secret_text`].

mod edge_name;
mod key;

use std::env::VarError;
use std::fmt;
use std::str::FromStr;

pub(crate) use self::edge_name::EdgeName;
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
    /// Whose they are, if they are those of an edge.
    edge: Option<EdgeName>,
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
        Ok(Self { newest: Key::new(KeyId(0), secret), older: Vec::new(), edge: None })
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
        let (newest, edge) = read_key(entry, position)?;
        let mut keys = Self { newest, older: Vec::new(), edge };
        for (entry, position) in entries {
            let (key, edge) = read_key(entry, position)?;
            if edge != keys.edge {
                return Err(KeyringError::Mixed { position });
            }
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
    /// As [`Keyring::from_text`], and if the variable is not set. It names the variable.
    pub fn from_env(name: &str) -> Result<Self, ParseError> {
        let refused = |problem: &dyn fmt::Display| {
            ParseError::because(format_args!("environment variable {name}: {problem}"))
        };
        match std::env::var(name) {
            Ok(text) => Self::from_text(&text).map_err(|error| refused(&error)),
            Err(VarError::NotUnicode(_)) => Err(refused(&"its value is not UTF-8 text")),
            Err(VarError::NotPresent) => {
                Err(ParseError::because(format_args!("environment variable {name} is not set: {GIVE}")))
            }
        }
    }

    /// The keyring as text, to be kept where it stays secret.
    ///
    /// # Security
    /// This is the secret itself: write it to a file with mode 0600 or to a secret store, never to
    /// a log.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let of = self.edge.as_ref().map(|name| format!("{EDGE}{name}:")).unwrap_or_default();
        let entries = self.keys().map(|key| format!("{}:{of}{}", key.id, STANDARD.encode(&key.secret)));
        entries.collect::<Vec<_>>().join(",")
    }

    /// The keys for an edge node of this name, 1 to 32 lower-case letters, digits and hyphens: what
    /// it needs to tell pixels of ours from forged ones, and to sign what it sends home. As text
    /// they are `id:edge-name:base64[,…]`. The guide of `mailping-edge` shows where they go.
    ///
    /// They make no ping, match no recipient, and sign no objection, confirmation or report.
    /// Another edge's keys cannot be had from them, nor the keyring itself.
    ///
    /// # Errors
    /// [`ParseError`] for another name, and if these are an edge's keys already.
    pub fn for_edge(&self, name: &str) -> Result<Self, ParseError> {
        let name: EdgeName = name.parse()?;
        self.whole()?;
        let of_edge = |key: &Key| Key::of_edge(key.id, key.edge_secret(&name));
        let newest = of_edge(&self.newest).ok_or(ParseError::new(EDGE_KEY))?;
        Ok(Self { newest, older: self.older.iter().filter_map(of_edge).collect(), edge: Some(name) })
    }

    /// Whether these are an edge's keys.
    pub(crate) const fn is_of_edge(&self) -> bool {
        self.edge.is_some()
    }

    /// Refuses an edge's keys, for what they must not do.
    pub(crate) fn whole(&self) -> Result<(), ParseError> {
        if self.is_of_edge() { Err(ParseError::because(NOT_WHOLE).in_field("keys")) } else { Ok(()) }
    }

    /// Whose keys these are, if they are those of an edge.
    #[cfg(feature = "edges")]
    pub(crate) const fn edge(&self) -> Option<&EdgeName> {
        self.edge.as_ref()
    }

    /// What the edge of this name signs with under this key; `None` if there is no such key, or
    /// these are another edge's.
    #[cfg(feature = "edges")]
    pub(crate) fn edge_subkey(&self, name: &EdgeName, id: KeyId) -> Option<Subkey> {
        let key = self.key(id)?;
        match &self.edge {
            None => Some(key.edge(name)),
            Some(own) if own == name => key.of_own_edge(),
            Some(_) => None,
        }
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

/// What the name of an edge comes after in its keys' text.
const EDGE: &str = "edge-";
const EDGE_KEY: &str = "keys that an edge can be given a part of";
const NOT_WHOLE: &str = "these keys are an edge's: this is done at the centre, with the whole keyring";

/// Reads a key, and the name of the edge whose it is, if any.
fn read_key(entry: &str, position: usize) -> Result<(Key, Option<EdgeName>), KeyringError> {
    let (id, rest) = entry.trim().split_once(':').ok_or(KeyringError::Form { position })?;
    let id = id.parse().map_err(|_| KeyringError::Id { position })?;
    // No base64 has a colon.
    let (edge, secret) = match rest.split_once(':') {
        Some((name, secret)) => (Some(name), secret),
        None => (None, rest),
    };
    let secret = STANDARD
        .decode(secret)
        .or_else(|_| URL_SAFE.decode(secret))
        .map_err(|_| KeyringError::Base64 { position })?;
    if let Some(name) = edge {
        let name = name.strip_prefix(EDGE).and_then(|name| name.parse().ok());
        let name = name.ok_or(KeyringError::Form { position })?;
        let key = Key::of_edge(id, secret).ok_or(KeyringError::Edge { position })?;
        return Ok((key, Some(name)));
    }
    if !(MIN_BYTES..=MAX_BYTES).contains(&secret.len()) {
        return Err(KeyringError::Length { position });
    }
    Ok((Key::new(id, secret), None))
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
        if let Some(edge) = &self.edge {
            write!(f, " of the edge {edge}")?;
        }
        f.write_str(")")
    }
}

const GIVE: &str = "give it keys in the form id:base64[,id:base64...], for example from `echo \"0:$(openssl rand \
                    -base64 32)\"`; those of an edge, id:edge-name:base64, are made at the centre with `Keyring::for_edge`";

/// Why a keyring was refused. It names the entry by its position and never repeats a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum KeyringError {
    /// There is no key.
    #[error("no key given: {GIVE}")]
    Empty,
    /// An entry has no colon.
    #[error(
        "key {position} is not of the form id:base64, such as 0: and what `openssl rand -base64 32` prints"
    )]
    Form {
        /// Which entry, from 1.
        position: usize,
    },
    /// An id is not a number from 0 to 63.
    #[error("the id of key {position} is not a number from 0 to 63")]
    Id {
        /// Which entry, from 1.
        position: usize,
    },
    /// A key is not base64.
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
    /// The key of an edge is cut, or none.
    #[error("key {position} is not the key of an edge: `Keyring::for_edge` makes one")]
    Edge {
        /// Which entry, from 1.
        position: usize,
    },
    /// Keys of an edge stand beside whole keys or another edge's.
    #[error("key {position} is another's than key 1: an edge has its own keys and no others")]
    Mixed {
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
        assert!(not_set.contains("`echo \"0:$(openssl rand -base64 32)\"`"), "{not_set}");
        assert!(not_set.contains("id:edge-name:base64") && !not_set.contains("  "), "{not_set}");
        // Cargo sets it, and it is no key.
        let wrong = Keyring::from_env("CARGO_PKG_NAME").unwrap_err();
        assert!(
            wrong.to_string().starts_with("environment variable CARGO_PKG_NAME: key 1 is not"),
            "{wrong}"
        );
        assert_eq!(format!("{wrong:?}"), wrong.to_string(), "what a main that returns it prints");
    }

    #[test]
    fn debug_shows_no_secret() {
        let keys = Keyring::from_text(&format!("3:{}", STANDARD.encode(SECRET))).unwrap();
        assert_eq!(format!("{keys:?}"), "Keyring([redacted]; ids 3)");
        let edge = keys.for_edge("fra").unwrap();
        assert_eq!(format!("{edge:?}"), "Keyring([redacted]; ids 3 of the edge fra)");
    }

    #[test]
    #[cfg(feature = "edges")]
    fn an_edge_can_tell_pixels_and_sign_as_itself_and_nothing_else() {
        let (one, other) = (STANDARD.encode(SECRET), STANDARD.encode([7; 32]));
        let centre = Keyring::from_text(&format!("3:{one},1:{other}")).unwrap();
        let edge = centre.for_edge("fra-1").unwrap();
        assert!(edge.is_of_edge() && edge.whole().is_err() && centre.whole().is_ok());
        assert_eq!(edge.ids().collect::<Vec<_>>(), [3, 1]);
        for (whole, part) in centre.keys().zip(edge.keys()) {
            let mac = |subkey: &Subkey| subkey.mac(b"x");
            assert_eq!(mac(&part.token), mac(&whole.token));
            let signs = |keys: &Keyring, name: &str| {
                keys.edge_subkey(&name.parse().unwrap(), whole.id).map(|subkey| mac(&subkey))
            };
            assert_eq!(signs(&edge, "fra-1"), signs(&centre, "fra-1"));
            assert_ne!(signs(&edge, "fra-1"), signs(&centre, "sin"));
            assert_eq!(signs(&edge, "sin"), None);
            for (part, whole) in [
                (&part.opt_out, &whole.opt_out),
                (&part.confirm, &whole.confirm),
                (&part.report, &whole.report),
                (&part.recipient, &whole.recipient),
            ] {
                assert_ne!(mac(part), mac(whole));
            }
            assert_ne!(part.fingerprint, whole.fingerprint);
        }
        let text = edge.secret_text();
        assert!(!text.contains(&one) && !text.contains(&other) && text.starts_with("3:edge-fra-1:"));
        let again = Keyring::from_text(&text).unwrap();
        assert_eq!((again.secret_text(), again.is_of_edge()), (text.clone(), true));
        assert!(edge.for_edge("sin").is_err(), "an edge makes no other edge's keys");
        for name in ["", "Fra", "a b", "a:b", &"a".repeat(33)] {
            assert!(centre.for_edge(name).is_err(), "{name}");
        }
        let refused = |text: &str| Keyring::read(text).unwrap_err();
        assert_eq!(refused(&format!("{text},7:{one}")), KeyringError::Mixed { position: 3 });
        let sin = centre.for_edge("sin").unwrap().secret_text().replace("3:", "5:").replace("1:", "6:");
        assert_eq!(refused(&format!("{text},{sin}")), KeyringError::Mixed { position: 3 });
        assert_eq!(refused(&format!("0:edge-fra:{one}")), KeyringError::Edge { position: 1 });
        assert_eq!(refused(&format!("0:fra:{one}")), KeyringError::Form { position: 1 });
    }
}
