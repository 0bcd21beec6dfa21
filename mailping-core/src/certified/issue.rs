//! Makes what a certified receipt consists of: statements, seals, the log, and the receipt.
//!
//! Nothing in here does I/O: whoever seals keeps what these values hold.

mod leaves;
#[cfg(test)]
mod log;
mod log_key;
mod outside;
mod receipt;
mod statements;
pub(super) mod tree;

pub(super) use self::leaves::{Leaves, Parts};
#[cfg(test)]
pub(super) use self::log::Log;
pub use self::log_key::LogKey;
pub use self::outside::{Outside, Seen, request_for, token_of};
pub(super) use self::receipt::{Draft, NotExtended, extends};
pub(super) use self::statements::Message;
