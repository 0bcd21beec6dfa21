//! What the example services share: settings from the environment, the JSON API and the log, without any framework.
//!
//! A framework hands over a [`Call`] and sends back an [`Answer`]; see `examples/axum` and `examples/actix`.

mod admin;
mod api;
mod call;
mod input;
mod log;
mod settings;
mod start_page;

pub use api::Service;
pub use call::{Answer, Call, MOST_BODY_BYTES};
pub use log::start_log;
pub use settings::{Settings, SettingsError};
