//! Who fetched the pixel, did a person cause it, and why do we think so.
//!
//! A [`Classifier`] judges by a pure function of what a request says of its software, the masked
//! network and the time since sending. What it knows stands as dated data in `agent_names.rs`
//! (User-Agents), `networks.rs` and `signals.rs` (headers), and is listed by
//! `testing::fetchers::rules`; how the pieces confirm or contradict each other stands in
//! `combine.rs`.

#[cfg_attr(
    not(any(test, feature = "testing")),
    allow(dead_code, reason = "sources are listed by the feature `testing`")
)]
mod agent_names;
#[cfg(feature = "maxmind")]
mod as_database;
#[cfg_attr(
    not(any(test, feature = "testing")),
    allow(dead_code, reason = "sources are listed by the feature `testing`")
)]
#[cfg(any(test, feature = "maxmind", feature = "testing"))]
mod as_numbers;
mod as_ranges;
mod class;
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "the feature `testing` shows it"))]
pub(crate) mod classifier;
mod combine;
mod cover;
mod evidence;
mod hints;
mod index;
mod kind;
mod network_list;
mod networks;
mod provider;
mod ranges;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "the feature `testing` shows it"))]
pub(crate) mod rules;
mod shape;
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "the feature `testing` shows it"))]
#[cfg_attr(
    not(any(test, feature = "testing")),
    allow(dead_code, reason = "sources are listed by the feature `testing`")
)]
pub(crate) mod signals;
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "the feature `testing` shows it"))]
pub(crate) mod timing;
mod tokens;
mod user_agent;

#[cfg(test)]
mod tests;

#[cfg(feature = "maxmind")]
pub(crate) use as_database::AsnDatabase;
pub use class::{Fetcher, Verdict};
#[cfg(test)]
use classifier::Classified;
pub use classifier::Classifier;
pub use evidence::{Evidence, EvidenceSet};
pub use network_list::{networks_from_google_json, networks_from_lines};
pub use networks::Network;
pub use provider::Provider;
pub(crate) use signals::FetchSignals;
pub(crate) use timing::SinceSent;

/// The edition of the rules that made a judgement, kept with each open: year, month and a running
/// digit, so 26113 is the third of November 2026.
pub const RULES_VERSION: u16 = 26_115;
