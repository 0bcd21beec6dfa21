//! SHA-256, and how its results are written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub(crate) type Hash = [u8; 32];

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

pub(crate) fn to_base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Padded, and without bits that say nothing: each value has one text.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn hash_from_base64(text: &str) -> Option<Hash> {
    from_base64(text)?.try_into().ok()
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Many hashes, one behind the other; `-` for none.
pub(crate) fn hashes_to_base64(hashes: &[Hash]) -> String {
    if hashes.is_empty() { "-".to_owned() } else { to_base64(hashes.concat()) }
}

pub(crate) fn hashes_from_base64(text: &str) -> Option<Vec<Hash>> {
    if text == "-" {
        return Some(Vec::new());
    }
    let bytes = from_base64(text)?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && !hashes.is_empty()).then(|| hashes.to_vec())
}
