//! Certified receipts: what was sealed about one message, in one file that a stranger can verify
//! offline, without trusting the sender's database. [The guide](crate::guide::certified) says what
//! one proves and describes the format to the byte. Behind the feature `certified`.
//!
//! Verifying does no I/O. Sealing is done by a tracker: see [`SealLog`].

mod checkpoint;
mod create;
mod error;
mod escape;
mod file;
mod hash;
mod html;
mod issue;
mod map;
mod note;
mod page;
mod ping_key;
mod proven;
mod seal;
mod seal_log;
mod sealer;
mod seals;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod verify;

pub(crate) use self::create::Digests;
pub use self::error::VerifyError;
pub use self::issue::{LogKey, Outside, Seen, request_for, token_of};
pub use self::note::PublicKey;
pub(crate) use self::ping_key::{HEADER, PingKey};
pub use self::proven::{Certified, Stamp};
pub use self::seal_log::SealLog;
pub(crate) use self::sealer::{Sealer, SealingThread};
pub use self::seals::Seals;
pub use self::statement::{Statement, StatementKind};
pub use self::verify::Verifier;
