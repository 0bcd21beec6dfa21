//! What a message has reached, step by step, as a parcel's tracking shows it.

use mailping_core::receipts::Summary;
use mailping_core::{State, Timestamp};

use super::moment::Moment;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// When it was reached; `None` if it was not, as far as is known.
    pub(crate) reached: Option<Moment>,
    /// What is known instead of a time.
    pub(crate) instead: &'static str,
}

/// The steps of a message, in their order.
pub(crate) fn steps(summary: &Summary, now: Timestamp) -> Vec<Step> {
    let sent = Moment::exact(summary.ping.sent_at, now);
    let opened = summary.first_human_open.or(summary.last_human_open);
    vec![
        Step { name: "Sent", reached: Some(sent), instead: "" },
        Step {
            name: "Opened",
            reached: opened.map(|time| Moment::new(time, now)),
            instead: if summary.state == State::Uncertain { "perhaps" } else { "not as far as we know" },
        },
    ]
}
