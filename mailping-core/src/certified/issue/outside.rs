//! Who outside of the sender's reach sees the log: an authority that stamps its head with the time
//! (RFC 3161), a witness that signs it too.

use std::error::Error;

use async_trait::async_trait;

use crate::certified::hash::{Hash, sha256};

/// An outside party that is shown the log's signed heads. The app brings its own HTTP client.
///
/// It is called on a thread of its own, which has no async runtime: a client that needs one, as all
/// that stand on tokio do, panics there unless you enter a runtime of your own or hand the request
/// to one. Sealing does not wait for it. While it has not answered it is not asked again, so give
/// its requests time-outs.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Shows a signed checkpoint, and returns what the party made of it.
    ///
    /// # Errors
    /// Whatever went wrong, a panic included, is logged; it is asked again a day later.
    async fn show(&self, checkpoint: &str) -> Result<Seen, Box<dyn Error + Send + Sync>>;
}

/// What an outside party made of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// A time-stamp token of RFC 3161 over the SHA-256 of the whole note.
    Stamp(Vec<u8>),
    /// A witness's signature line (c2sp.org/tlog-cosignature), with its line end.
    Cosignature(String),
}

/// The request to send to an authority of RFC 3161, as `application/timestamp-query`: for the
/// SHA-256 of a signed checkpoint, with the authority's certificate in the answer.
#[must_use]
pub fn request_for(checkpoint: &str) -> Vec<u8> {
    /// Version 1, then SHA-256 without parameters, then a hash of 32 bytes.
    const BEFORE: &[u8] = &[
        0x30, 0x39, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
        0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
    ];
    const WITH_CERTIFICATE: &[u8] = &[0x01, 0x01, 0xff];
    let digest: Hash = sha256(&[checkpoint.as_bytes()]);
    [BEFORE, &digest, WITH_CERTIFICATE].concat()
}

/// The token within an authority's answer (`application/timestamp-reply`); `None` if it refused, or
/// if this is none over this checkpoint.
#[must_use]
pub fn token_of(answer: &[u8], checkpoint: &str) -> Option<Vec<u8>> {
    let token = crate::certified::token::in_answer(answer)?;
    crate::certified::token::time(token, &sha256(&[checkpoint.as_bytes()]))?;
    Some(token.to_vec())
}
