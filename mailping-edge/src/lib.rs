//! An edge node of [mailping](mailping_core): it answers pixels near the readers, and the address
//! never leaves it. What may be kept of each hit goes into a spool on its own disk, which answers
//! the hit, and from there to the centre, in signed batches. It needs neither the database nor the
//! ping's row: the token says all.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use mailping_core::{Keyring, Tracker};
//! use mailping_edge::EdgeStore;
//! use mailping_spool::Spool;
//!
//! # async fn build() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keyring::from_env("MAILPING_EDGE_KEYS")?;
//! let centre = EdgeStore::new("https://app.example/px", keys.clone())?;
//! let store = Spool::open("spool")?.patience(Duration::ZERO).before(centre);
//! let tracker = Tracker::builder(keys, store).base_url("https://px.example/px")?.build().await?;
//! # Ok(()) }
//! ```
//!
//! Mount the tracker with any adapter. [The guide](guide) has both ends, with nginx before each;
//! [`mailping_core::edge`] says what is sent, and what the centre takes of it.
//!
//! # What an edge does not do
//! It makes no ping, reads no receipt and keeps no objection: those calls are errors, and the pages
//! behind the links of a message say that nothing was done. Let the proxy before it send those
//! links to the centre, as the guide does.
#![forbid(unsafe_code)]

mod centre;
mod store;

#[doc = include_str!("../docs/edge.md")]
pub mod guide {}

pub use store::EdgeStore;
