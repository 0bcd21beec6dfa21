//! Signed webhooks (Standard Webhooks) of what a sender wants to be told:
//! `cargo run --example receipts_webhooks`.
//!
//! What is to be told follows from what is kept: the tracker's events since a mark, which an
//! [`Outbox`] on disk keeps, so that neither a crash nor a pause of weeks loses any of it. The
//! outbox also remembers what has been told, and tries again until the [`Target`] has answered.

mod outbox;
mod post;
mod target;
mod webhooks;

pub use outbox::Outbox;
pub use target::{Target, TargetError};
pub use webhooks::Webhooks;
