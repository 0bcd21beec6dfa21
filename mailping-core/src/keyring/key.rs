//! One key of a keyring: its number, what tells it from another under that number, and a subkey for
//! each use.
//!
//! A secret can be had by the keyring alone, and subkeys only as MACs.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::EdgeName;
use crate::text::{ParseError, decimal, hex, text};

/// The number of a key, 0 to 63. It stands in every token and beside every recipient hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyId(pub(super) u8);

impl KeyId {
    /// A key number; `None` above 63.
    pub(crate) const fn new(id: u8) -> Option<Self> {
        if id < 64 { Some(Self(id)) } else { None }
    }

    /// The number.
    pub(crate) const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const KEY_ID: &str = "the number of a key, from 0 to 63";

impl FromStr for KeyId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let id = decimal(text).and_then(|id| u8::try_from(id).ok());
        id.and_then(Self::new).ok_or(ParseError::new(KEY_ID))
    }
}

/// The number of a key and 48 bits derived from its secret: what a recipient hash is kept with, so
/// that another secret under the same number is noticed before objections are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint(u64);

impl KeyFingerprint {
    const CHECK_BITS: u32 = 48;

    /// From what a store has kept; `None` for what is none.
    #[must_use]
    pub const fn from_bits(bits: i64) -> Option<Self> {
        if bits < 0 || bits >> Self::CHECK_BITS > 63 { None } else { Some(Self(bits.cast_unsigned())) }
    }

    /// As a number for a store to keep: never negative, below 2^54.
    #[must_use]
    pub const fn to_bits(self) -> i64 {
        self.0.cast_signed()
    }

    /// The number of the key, from 0 to 63.
    #[must_use]
    pub const fn id(self) -> u8 {
        (self.0 >> Self::CHECK_BITS) as u8
    }

    fn of(id: KeyId, check: &Subkey) -> Self {
        let check = check.mac(b"").first_chunk().copied().map_or(0, u64::from_be_bytes);
        Self(u64::from(id.0) << Self::CHECK_BITS | check >> (u64::BITS - Self::CHECK_BITS))
    }
}

impl fmt::Display for KeyFingerprint {
    /// The number of the key and 12 hexadecimal digits, joined by a dash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:012x}", self.id(), self.0 & ((1 << Self::CHECK_BITS) - 1))
    }
}

const KEY_FINGERPRINT: &str = "the fingerprint of a key, such as 7-0123456789ab";

impl FromStr for KeyFingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let read = || {
            let (id, check) = text.split_once('-')?;
            let id: KeyId = id.parse().ok()?;
            Some(Self(u64::from(id.0) << Self::CHECK_BITS | hex::<12>(check)?))
        };
        read().ok_or(ParseError::new(KEY_FINGERPRINT))
    }
}

text!(KeyFingerprint, expected: KEY_FINGERPRINT, pattern: "^[0-9]{1,2}-[0-9a-f]{12}$");

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) fingerprint: KeyFingerprint,
    pub(super) secret: Vec<u8>,
    pub(crate) token: Subkey,
    pub(crate) opt_out: Subkey,
    pub(crate) confirm: Subkey,
    pub(crate) report: Subkey,
    pub(crate) recipient: Subkey,
    #[cfg(feature = "certified")]
    pub(crate) certified: Subkey,
}

impl Key {
    pub(super) fn new(id: KeyId, secret: Vec<u8>) -> Self {
        let subkey = |label| Subkey::derive(&secret, label);
        Self {
            id,
            fingerprint: KeyFingerprint::of(id, &subkey("fingerprint")),
            token: subkey("token"),
            opt_out: subkey("opt-out"),
            confirm: subkey("confirm"),
            report: subkey("report"),
            recipient: subkey("recipient"),
            #[cfg(feature = "certified")]
            certified: subkey("certified"),
            secret,
        }
    }

    /// What [`Key::edge_secret`] made. Its subkeys for what an edge does not do are good for
    /// nothing.
    pub(super) fn of_edge(id: KeyId, secret: Vec<u8>) -> Option<Self> {
        let token = secret.first_chunk().filter(|_| secret.len() == 2 * SUBKEY_BYTES).map(Subkey::of)?;
        Some(Self { token, ..Self::new(id, secret) })
    }

    /// The subkeys that an edge of this name needs: that of pixels, and one of its own to sign
    /// with.
    pub(super) fn edge_secret(&self, name: &EdgeName) -> Vec<u8> {
        [derive(&self.secret, "token"), derive(&self.secret, &edge_label(name))].concat()
    }

    /// What the edge of this name signs with, by the whole key.
    #[cfg(feature = "edges")]
    pub(super) fn edge(&self, name: &EdgeName) -> Subkey {
        Subkey::derive(&self.secret, &edge_label(name))
    }

    /// The same by the edge's own.
    #[cfg(feature = "edges")]
    pub(super) fn of_own_edge(&self) -> Option<Subkey> {
        self.secret.last_chunk().map(Subkey::of)
    }
}

/// How long a subkey is, in bytes.
const SUBKEY_BYTES: usize = 32;

fn edge_label(name: &EdgeName) -> String {
    format!("edge/{name}")
}

/// HMAC-SHA256(key, "mailping/1/" + label).
fn derive(secret: &[u8], label: &str) -> [u8; SUBKEY_BYTES] {
    let mut mac = hmac(secret);
    mac.update(b"mailping/1/");
    mac.update(label.as_bytes());
    mac.finalize().into_bytes().into()
}

/// A key for one use, prepared: HMAC-SHA256 under what [`derive`] makes of the key and a label.
#[derive(Clone)]
pub(crate) struct Subkey(Hmac<Sha256>);

impl Subkey {
    fn derive(secret: &[u8], label: &str) -> Self {
        Self::of(&derive(secret, label))
    }

    /// A key that was derived elsewhere.
    pub(crate) fn of(key: &[u8; 32]) -> Self {
        Self(hmac(key))
    }

    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// Compares in constant time with the first bytes of the MAC.
    pub(crate) fn verify_left(&self, message: &[u8], tag: &[u8]) -> bool {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_truncated_left(tag).is_ok()
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length, so this cannot fail")]
fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("any key length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u8, byte: u8) -> Key {
        Key::new(KeyId(id), vec![byte; 32])
    }

    #[test]
    fn the_labels_have_different_subkeys() {
        let key = key(0, 1);
        let subkeys = [&key.token, &key.opt_out, &key.confirm, &key.report, &key.recipient];
        let macs: std::collections::BTreeSet<_> = subkeys.map(|subkey| subkey.mac(b"x")).into();
        assert_eq!(macs.len(), subkeys.len());
    }

    #[test]
    fn a_fingerprint_tells_keys_of_one_number_apart_and_comes_back_from_its_bits() {
        let all = [key(63, 1), key(63, 2), key(0, 1)].map(|key| key.fingerprint);
        assert_eq!(all.map(|print| print.id()), [63, 63, 0]);
        assert_ne!(all[0], all[1]);
        assert_ne!(all[0].to_bits() & 0xffff_ffff_ffff, all[1].to_bits() & 0xffff_ffff_ffff);
        assert_eq!(all[0], key(63, 1).fingerprint);
        assert_eq!(all.map(|print| KeyFingerprint::from_bits(print.to_bits())), all.map(Some));
        assert_eq!([-1, 1 << 54, i64::MAX].map(KeyFingerprint::from_bits), [None; 3]);
        assert!(KeyFingerprint::from_bits((1 << 54) - 1).is_some());
    }
}
