//! What the example services share: settings from the environment, the receipts page, the JSON API
//! and the log, without any framework.
//!
//! A framework hands over a [`Call`] and sends back an [`Answer`]; see `examples/axum` and
//! `examples/actix`.

mod admin;
mod api;
mod assets;
mod call;
mod csv;
mod ending;
mod erasures;
mod guard;
mod guesses;
mod input;
mod live;
mod log;
mod metrics;
mod pages;
mod service;
mod sessions;
mod settings;
mod why;

pub use call::{Answer, BODY_TIMEOUT, Body, Call, HEAD_TIMEOUT, HEADERS, MOST_BODY_BYTES, is_forwarding};
pub use ending::told_to_end;
pub use erasures::Erasure;
pub use live::Live;
pub use log::start_log;
pub use service::Service;
pub use settings::{Program, Settings, SettingsError, with_sources};
