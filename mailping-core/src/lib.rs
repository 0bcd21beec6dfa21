// Links for rustdoc: see the comment in `guide.rs`.
//! [What is kept]: crate::privacy
//! [`Detail`]: crate::Detail
//! [`Events::on_first_open`]: crate::receipts::Events::on_first_open
//! [`Events`]: crate::receipts::Events
//! [`Health::dropped`]: crate::intake::Health::dropped
//! [`Intake::observe`]: crate::intake::Intake::observe
//! [`Intake`]: crate::intake::Intake
//! [`MaskedIp`]: crate::intake::MaskedIp
//! [`People`]: crate::people::People
//! [`Pings`]: crate::pings::Pings
//! [`Receipts::get`]: crate::receipts::Receipts::get
//! [`Receipts::notifications`]: crate::receipts::Receipts::notifications
//! [`Receipts`]: crate::receipts::Receipts
//! [`observe`]: crate::observe
//! [`Error::Lost`]: crate::Error::Lost
//! [`Recorded::Filtered`]: crate::intake::Recorded::Filtered
//! [`Recorded::Late`]: crate::intake::Recorded::Late
//! [damaged files]: crate::guide::damaged_files
//! [delivery]: crate::guide::delivery
//! [keys]: crate::guide::keys
//! [limits]: crate::guide::limits
//! [places]: crate::guide::geo
//! [proxies]: crate::guide::proxies
//! [retention]: crate::guide::retention
//! [stores]: crate::guide::stores
//! [upgrading]: crate::guide::upgrading
//! [verdicts]: crate::guide::verdicts
//! [whole programs]: https://github.com/mailping/mailping/blob/main/mailping-axum/README.md
#![doc = include_str!("../docs/manual.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "tracker"),
    allow(dead_code, unreachable_pub, unused_imports, reason = "the tracker uses more of what is pure")
)]

// What a judgement needs, and no machine under it: see `observe`.
mod client_ip;
mod detail;
mod error;
pub mod fetcher;
pub mod geo;
pub mod guide;
mod id;
mod keyring;
mod links;
mod mask;
mod milestone;
mod named;
pub mod observe;
mod open;
pub mod pixel;
/// [Behind a proxy]: crate::guide::proxies
#[doc = include_str!("../docs/privacy.md")]
pub mod privacy {}
mod request;
#[cfg(feature = "utoipa")]
mod schema;
mod text;
mod time;
mod token;

// All that needs threads, a clock, random bytes or files.
#[cfg(feature = "tracker")]
mod acceptances;
#[cfg(feature = "tracker")]
mod base_url;
#[cfg(feature = "tracker")]
mod basis;
#[cfg(feature = "tracker")]
mod bell;
#[cfg(feature = "tracker")]
mod both;
#[cfg(feature = "tracker")]
mod builder;
#[cfg(feature = "tracker")]
mod burst;
#[cfg(feature = "certified")]
pub mod certified;
#[cfg(feature = "tracker")]
mod confirm;
#[cfg(feature = "tracker")]
mod delivery;
#[cfg(feature = "edges")]
pub mod edge;
#[cfg(feature = "tracker")]
mod events;
#[cfg(feature = "tracker")]
mod health;
#[cfg(feature = "html")]
mod html;
#[cfg(feature = "tracker")]
mod img_tag;
#[cfg(feature = "tracker")]
pub mod intake;
#[cfg(feature = "tracker")]
mod key_check;
#[cfg(feature = "tracker")]
mod limiter;
#[cfg(feature = "tracker")]
mod memory;
#[cfg(feature = "tracker")]
pub mod mount;
#[cfg(feature = "tracker")]
mod new_ping;
#[cfg(feature = "tracker")]
mod notification;
#[cfg(feature = "tracker")]
pub mod opt_out;
#[cfg(feature = "tracker")]
pub mod people;
#[cfg(feature = "tracker")]
mod ping;
#[cfg(feature = "tracker")]
pub mod pings;
#[cfg(feature = "tracker")]
mod prepared_ping;
#[cfg(feature = "tracker")]
mod queue;
#[cfg(feature = "tracker")]
mod receipt;
#[cfg(feature = "tracker")]
pub mod receipts;
#[cfg(feature = "tracker")]
mod recipient;
#[cfg(feature = "tracker")]
mod refusals;
#[cfg(feature = "tracker")]
mod repeats;
#[cfg(feature = "tracker")]
mod sentence;
#[cfg(feature = "tracker")]
mod sequences;
#[cfg(feature = "tracker")]
mod smtp_reply;
#[cfg(feature = "tracker")]
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tracker")]
mod tracker;

pub use client_ip::ClientIp;
pub use detail::Detail;
pub use error::Error;
pub use id::PingId;
pub use keyring::Keyring;
pub use text::ParseError;
pub use time::Timestamp;
#[cfg(feature = "tracker")]
#[rustfmt::skip]
pub use crate::{
    basis::Basis,
    builder::TrackerBuilder,
    memory::MemoryStore,
    new_ping::NewPing,
    prepared_ping::PreparedPing,
    receipt::{Receipt, State},
    tracker::Tracker,
};

// What stands in a door's module for others stands here for the crate itself.
#[rustfmt::skip]
pub(crate) use crate::{
    id::OpenId,
    mask::MaskedIp,
    open::{LastDay, Open},
    request::{HeaderSource, PixelRequest},
    time::{StepTime, TimeStep},
};
#[cfg(feature = "tracker")]
#[rustfmt::skip]
pub(crate) use crate::{
    basis::{EprivacyGround, MessageKind, Purpose},
    ping::{Ping, Status},
    receipt::Summary,
    recipient::{RecipientHash, RecipientHashes},
    store::{Store, StoreError},
};
