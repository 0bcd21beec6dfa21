//! Who fetched the pixel, did a person cause it, and why do we think so.
//!
//! [`Classifier::classify`] is a pure function of [`FetchSignals`], the masked network and the time
//! since sending. What it knows stands as dated data in `agent_names.rs` (User-Agents),
//! `networks.rs` and `signals.rs` (headers), and is listed by [`rules`]; how the pieces confirm or
//! contradict each other stands in `combine.rs`.

mod agent_names;
mod as_numbers;
#[cfg(feature = "maxmind")]
mod asn;
mod class;
mod classifier;
mod combine;
mod evidence;
mod hints;
mod index;
mod kind;
mod network_list;
mod networks;
mod packed;
mod provider;
mod ranges;
mod rules;
mod shape;
mod signals;
mod tokens;
mod user_agent;

#[cfg(test)]
mod names;
#[cfg(test)]
mod order;
#[cfg(test)]
mod tests;

#[cfg(feature = "maxmind")]
pub use asn::{AsnDatabase, AsnError};
pub use class::{Fetcher, Verdict};
pub use classifier::{Classified, Classifier, SinceSent};
pub use evidence::{Evidence, EvidenceSet};
pub use network_list::{NetworkList, NetworkListError};
pub use networks::Network;
pub use provider::Provider;
pub use rules::{Rule, rules};
pub use signals::FetchSignals;

/// The edition of the rules that made a judgement, kept with each open: year, month and a running
/// digit, so 26113 is the third of November 2026.
pub const RULES_VERSION: u16 = 26_114;
