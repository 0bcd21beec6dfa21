//! Signed notes (c2sp.org/signed-note): a text and lines of signatures, and the public keys that
//! these name.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};

use super::escape::is_hidden;
use super::hash::{from_base64, sha256, to_base64, to_hex};
use crate::{ParseError, Timestamp};

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Notes as they are, such as a log's own checkpoints.
    Log = 1,
    /// Checkpoints of other logs, with the time at which it saw them (c2sp.org/tlog-cosignature).
    Witness = 4,
}

/// The public key of a log or of a witness, with its name: the text of a C2SP verifier key, such as
/// `example.com/receipts+0a1b2c3d+AQ…`. A log's name is also its origin.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: Box<str>,
    role: Role,
    key: VerifyingKey,
}

impl PublicKey {
    /// The key of the log with this origin. `None` if the origin is empty or has white space, a
    /// plus sign or a hidden character in it.
    pub(super) fn of_log(origin: &str, key: VerifyingKey) -> Option<Self> {
        is_name(origin).then(|| Self { name: origin.into(), role: Role::Log, key })
    }

    /// The name: a log's origin, such as `example.com/receipts`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a witness's key.
    #[must_use]
    pub const fn is_witness(&self) -> bool {
        matches!(self.role, Role::Witness)
    }

    fn typed(&self) -> Vec<u8> {
        [&[self.role as u8][..], self.key.as_bytes()].concat()
    }

    pub(super) fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = sha256(&[self.name.as_bytes(), b"\n", &self.typed()]);
        [a, b, c, d]
    }

    /// When it signed: of a witness the time that it gives, of a log `None`. An error if the
    /// signature is not that of this key over this text.
    fn check(&self, text: &str, signature: &[u8]) -> Result<Option<Timestamp>, Unsigned> {
        let (time, message, signature) = match self.role {
            Role::Log => (None, text.to_owned(), signature),
            Role::Witness => {
                let (seconds, signature) = signature.split_first_chunk().ok_or(Unsigned::Wrong)?;
                let seconds = u64::from_be_bytes(*seconds);
                let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
                let message = format!("cosignature/v1\ntime {seconds}\n{text}");
                (Some(Timestamp::from_unix_millis(millis)), message, signature)
            }
        };
        let signature = Signature::from_slice(signature).map_err(|_| Unsigned::Wrong)?;
        self.key.verify_strict(message.as_bytes(), &signature).map_err(|_| Unsigned::Wrong)?;
        Ok(time)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, to_hex(&self.id()), to_base64(self.typed()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

const PUBLIC_KEY: &str = "the public key of a log or witness, such as example.com/receipts+0a1b2c3d+AQ…";

impl FromStr for PublicKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = || ParseError::new(PUBLIC_KEY);
        let (name, rest) = text.split_once('+').ok_or_else(refused)?;
        let (_, typed) = rest.split_once('+').ok_or_else(refused)?;
        let typed = from_base64(typed).ok_or_else(refused)?;
        let (role, key) = match typed.split_first().ok_or_else(refused)? {
            (1, key) => (Role::Log, key),
            (4, key) => (Role::Witness, key),
            _ => return Err(refused()),
        };
        let key: &[u8; 32] = key.try_into().map_err(|_| refused())?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| refused())?;
        let read = Self { name: name.into(), role, key };
        // The id in the middle is derived from the rest.
        if is_name(name) && !key.is_weak() && read.to_string() == text { Ok(read) } else { Err(refused()) }
    }
}

fn is_name(name: &str) -> bool {
    let refused = |character: char| character == '+' || character.is_whitespace() || is_hidden(character);
    !name.is_empty() && !name.chars().any(refused)
}

/// A text with its signatures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note<'a> {
    /// With the line end at its end.
    pub(super) text: &'a str,
    signatures: &'a str,
}

/// Why a note is not signed by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// There is no line of this key, or more than one.
    Missing,
    /// Its line is no signature of this text.
    Wrong,
}

/// A log's signature, a few witnesses, and a later kind of key.
const MAX_SIGNATURES: usize = 32;
const START: &str = "\u{2014} ";

impl<'a> Note<'a> {
    pub(super) fn parse(note: &'a str) -> Option<Self> {
        let text_end = note.rfind("\n\n")? + 1;
        let (text, signatures) = note.split_at_checked(text_end)?;
        let signatures = signatures.strip_prefix('\n')?;
        let read = Self { text, signatures };
        let is_plain = |byte: u8| byte >= b' ' || byte == b'\n';
        let count = read.signatures().take(MAX_SIGNATURES + 1).count();
        let fits = (1..=MAX_SIGNATURES).contains(&count) && count == signatures.matches('\n').count();
        (fits && signatures.ends_with('\n') && note.bytes().all(is_plain)).then_some(read)
    }

    /// The name, the key's id and what was signed, of each line that is a signature.
    fn signatures(self) -> impl Iterator<Item = (&'a str, [u8; 4], Vec<u8>)> {
        self.signatures.lines().filter_map(|line| {
            let (name, signature) = line.strip_prefix(START)?.split_once(' ')?;
            let signature = from_base64(signature)?;
            let (id, signature) = signature.split_first_chunk()?;
            (is_name(name) && !signature.is_empty()).then(|| (name, *id, signature.to_vec()))
        })
    }

    /// When the key signed; see [`PublicKey::check`].
    pub(super) fn signed_by(self, key: &PublicKey) -> Result<Option<Timestamp>, Unsigned> {
        let id = key.id();
        let mut lines = self.signatures().filter(|(name, of, _)| *name == key.name() && *of == id);
        match (lines.next(), lines.next()) {
            (Some((.., signature)), None) => key.check(self.text, &signature),
            _ => Err(Unsigned::Missing),
        }
    }
}

/// One line of a note: the signature of a key over its text.
pub(super) fn signature_line(key: &PublicKey, signature: &[u8]) -> String {
    format!("{START}{} {}\n", key.name(), to_base64([&key.id()[..], signature].concat()))
}
