//! Signed webhooks (Standard Webhooks) of what a sender wants to be told:
//! `cargo run --example receipts_webhooks`.
//!
//! What is to be told follows from what is kept ([`mailping_core::receipts::Receipts::notices`]),
//! so that a crash loses none of it; an [`Outbox`] on disk remembers what has been told, and tries
//! again until the [`Target`] has answered.

mod outbox;
mod target;
mod webhooks;

pub use outbox::Outbox;
pub use target::{Target, TargetError};
pub use webhooks::Webhooks;
