//! Makes what a certified receipt consists of: statements, seals, the log, and the receipt.
//!
//! Nothing in here does I/O either: whoever seals keeps what these values hold.

mod leaves;
mod log;
mod log_key;
mod outside;
mod statements;
pub(super) mod tree;

pub(super) use self::leaves::Leaves;
pub(super) use self::log::{Log, NotExtended};
pub(super) use self::log_key::LogKey;
pub(super) use self::outside::{Outside, Seen, request_for, token_of};
pub(super) use self::statements::{End, Message};
