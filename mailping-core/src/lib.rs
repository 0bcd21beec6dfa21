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

mod acceptances;
mod base_url;
mod basis;
mod bell;
mod both;
mod builder;
mod burst;
#[cfg(feature = "certified")]
pub mod certified;
mod client_ip;
mod confirm;
mod delivery;
mod detail;
#[cfg(feature = "edges")]
pub mod edge;
mod error;
mod events;
pub mod fetcher;
pub mod geo;
pub mod guide;
mod health;
#[cfg(feature = "html")]
mod html;
mod id;
mod img_tag;
pub mod intake;
mod key_check;
mod keyring;
mod limiter;
mod links;
mod mask;
mod memory;
mod milestone;
pub mod mount;
mod named;
mod new_ping;
mod notification;
mod observe;
mod open;
pub mod opt_out;
pub mod people;
mod ping;
pub mod pings;
pub mod pixel;
mod prepared_ping;
/// [Behind a proxy]: crate::guide::proxies
#[doc = include_str!("../docs/privacy.md")]
pub mod privacy {}
mod queue;
mod receipt;
pub mod receipts;
mod recipient;
mod refusals;
mod repeats;
mod request;
#[cfg(feature = "utoipa")]
mod schema;
mod sentence;
mod sequences;
mod smtp_reply;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod time;
mod token;
mod tracker;

pub use basis::Basis;
pub use builder::TrackerBuilder;
pub use client_ip::ClientIp;
pub use detail::Detail;
pub use error::Error;
pub use id::PingId;
pub use keyring::Keyring;
pub use memory::MemoryStore;
pub use new_ping::NewPing;
pub use prepared_ping::PreparedPing;
pub use receipt::{Receipt, State};
pub use text::ParseError;
pub use time::Timestamp;
pub use tracker::Tracker;

// What stands in a door's module for others stands here for the crate itself.
#[rustfmt::skip]
pub(crate) use crate::{
    basis::{EprivacyGround, MessageKind, Purpose},
    id::OpenId,
    intake::{HeaderSource, MaskedIp, PixelRequest},
    open::{LastDay, Open},
    ping::{Ping, Status},
    receipt::Summary,
    recipient::{RecipientHash, RecipientHashes},
    store::{Store, StoreError},
    time::{StepTime, TimeStep},
};
