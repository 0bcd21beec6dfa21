//! What a message has reached, step by step, as a parcel's tracking shows it.

use mailping_core::receipts::{MilestoneKind, Summary};
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

/// The steps of a message, in their order. What mail servers and the recipient told has its step
/// only if they told it: most messages never hear of either.
pub(crate) fn steps(summary: &Summary, now: Timestamp) -> Vec<Step> {
    let told = |kind: MilestoneKind| {
        let milestone = summary.milestones.iter().find(|milestone| milestone.kind == kind)?;
        Some(Step { name: step_name(kind)?, reached: Some(Moment::new(milestone.time(), now)), instead: "" })
    };
    let sent = Moment::exact(summary.ping.sent_at, now);
    let opened = summary.first_human_open.or(summary.last_human_open);
    let mut steps = vec![Step { name: "Sent", reached: Some(sent), instead: "" }];
    steps.extend(told(summary.delivery));
    steps.push(Step {
        name: "First opened",
        reached: opened.map(|time| Moment::new(time, now)),
        instead: if summary.state == State::Uncertain { "perhaps" } else { "not as far as we know" },
    });
    steps.extend(told(MilestoneKind::Confirmed));
    steps
}

const fn step_name(kind: MilestoneKind) -> Option<&'static str> {
    Some(match kind {
        MilestoneKind::Deferred | MilestoneKind::Delayed => "Delayed by a mail server",
        MilestoneKind::Refused => "Refused by the mail server",
        MilestoneKind::Accepted => "Accepted by the mail server",
        MilestoneKind::Failed => "Could not be delivered",
        MilestoneKind::Delivered => "In the recipient's mailbox",
        MilestoneKind::Confirmed => "Confirmed by the recipient",
        _ => return None,
    })
}
