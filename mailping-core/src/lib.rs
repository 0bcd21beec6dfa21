#![doc = include_str!("../docs/manual.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod base_url;
mod basis;
mod bell;
mod both;
mod builder;
mod burst;
mod client_ip;
mod detail;
mod error;
mod events;
pub mod fetcher;
pub mod geo;
pub mod guide;
mod health;
#[cfg(feature = "html")]
mod html;
mod id;
mod intake;
mod keyring;
mod limiter;
mod links;
mod mask;
mod memory;
mod named;
mod new_ping;
mod notice;
mod observe;
mod open;
pub mod opt_out;
mod people;
mod ping;
mod pings;
pub mod pixel;
mod prepared;
#[doc = include_str!("../docs/privacy.md")]
pub mod privacy {}
mod queue;
mod receipt;
mod receipts;
mod recipient;
mod request;
#[cfg(feature = "utoipa")]
mod schema;
mod sentence;
mod sequences;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod time;
mod token;
mod tracker;

pub use base_url::BaseUrlError;
pub use basis::{Basis, Consent, EprivacyGround, MessageKind, Purpose};
pub use builder::{BuildError, TrackerBuilder};
pub use client_ip::{ClientIp, ClientIpError, TrustedProxies};
pub use detail::{Detail, TimeStep};
pub use error::Error;
pub use events::{Event, Events};
pub use health::{Closed, Dropped, Health};
pub use id::{OpenId, PingId, RandomError};
pub use intake::Intake;
pub use keyring::{KeyFingerprint, KeyId, Keyring, KeyringError};
pub use links::Link;
pub use mask::{Mask, MaskError, MaskedIp};
pub use memory::MemoryStore;
pub use new_ping::{InvalidPing, NewPing};
pub use notice::{Notice, NoticeKind, NoticeRules, Notices, NoticesPage};
pub use observe::{Hit, Observation, SignalPolicy};
pub use open::{LastDay, Open};
pub use people::{Objection, People, RecipientExport};
pub use ping::{Ping, Status};
pub use pings::Pings;
pub use prepared::PreparedPing;
pub use queue::{RecordError, Recorded, Recording};
pub use receipt::{Receipt, State, Summary, SummaryPage};
pub use receipts::Receipts;
pub use recipient::{Recipient, RecipientError, RecipientHash, RecipientHashes};
pub use request::{HeaderSource, PixelRequest};
pub use store::{
    Backlog, Erased, Mark, OpenCursor, OpenPage, OpenQuery, Order, PingQuery, Store, StoreError,
};
pub use text::ParseError;
pub use time::{StepTime, Timestamp};
pub use tracker::Tracker;
