//! Certified receipts: what was sealed about one message, in one file that a stranger can verify
//! offline, without trusting the sender's database. [The guide](crate::guide::certified) says what
//! one proves and describes the format to the byte. Behind the feature `certified`.
//!
//! Nothing in here does I/O.

mod checkpoint;
mod error;
mod escape;
mod file;
mod hash;
mod html;
// Makes receipts. No tracker does that yet, so only the tests need it.
#[cfg(test)]
mod issue;
mod map;
mod note;
mod page;
mod ping_key;
mod proven;
mod seal;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod verify;

pub use self::error::VerifyError;
pub use self::note::PublicKey;
#[cfg(test)]
pub(crate) use self::ping_key::PingKey;
pub use self::proven::{Certified, Stamp};
pub use self::statement::{Statement, StatementKind};
pub use self::verify::Verifier;
