// Its code is for axum.
#![cfg_attr(feature = "axum", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "axum"),
    doc = "mailping's receipts page and JSON API, to be mounted in an app: see the README."
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
#[cfg(feature = "actix")]
pub mod actix;
mod answer;
mod api;
mod assets;
#[cfg(feature = "axum")]
pub mod axum;
mod body;
mod certified;
mod countries;
mod csv;
mod erasures;
mod guard;
mod guesses;
mod live;
#[cfg(feature = "prometheus")]
mod metrics;
mod page;
mod pages;
mod prefix;
mod request;
mod sessions;
mod source;
mod visit;
mod why;

pub use access::{Access, Scope, WeakToken};
pub use body::PageBody;
pub use erasures::Erasure;
pub use page::Page;
pub use request::FromThisMachine;
