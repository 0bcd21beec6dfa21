//! What a sender wants to be told about a message, read from what is kept: it can be asked again
//! after a crash, and says the same.

use std::time::Duration;

use crate::fetcher::{Evidence, Verdict};
use crate::milestone::MilestoneKind;
use crate::{Open, State, Status, StepTime, Summary, Timestamp};

/// Something that a sender wants to be told about a message.
///
/// Its time prints as exactly as it is kept. A proxy's or scanner's fetch is none of these unless a
/// person caused it, and [`NotOpened`](Self::NotOpened) does not mean unread: many readers block
/// images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notification {
    /// A person displayed the message for the first time. At the detail `last_day` the first day is
    /// not kept, and this is the latest.
    Opened {
        /// When.
        at: StepTime,
    },
    /// A person displayed it again, after a pause. At the detail `last_day` it is never known.
    Reopened {
        /// When.
        at: StepTime,
    },
    /// The recipient's mail server refused the message, or a mail server gave it up.
    Undelivered {
        /// When that was told.
        at: StepTime,
    },
    /// A mail server reported that it is in the mailbox.
    Delivered {
        /// When that was told.
        at: StepTime,
    },
    /// The recipient confirmed receipt.
    Confirmed {
        /// When.
        at: StepTime,
    },
    /// No person is known to have displayed it within the configured time. It is not said of a
    /// message that was not delivered, or whose receipt is confirmed.
    NotOpened {
        /// Since when this has been due: the sent time and the patience.
        at: StepTime,
        /// What its fetches prove: a message with uncertain fetches is not one that nobody touched.
        state: State,
    },
}

impl Notification {
    /// The names, as webhooks send them.
    pub const NAMES: [&'static str; 6] =
        ["opened", "reopened", "not_opened", "undelivered", "delivered", "confirmed"];

    /// Its name, one of [`NAMES`](Self::NAMES).
    #[must_use]
    pub const fn name(self) -> &'static str {
        let [opened, reopened, not_opened, undelivered, delivered, confirmed] = Self::NAMES;
        match self {
            Self::Opened { .. } => opened,
            Self::Reopened { .. } => reopened,
            Self::Undelivered { .. } => undelivered,
            Self::Delivered { .. } => delivered,
            Self::Confirmed { .. } => confirmed,
            Self::NotOpened { .. } => not_opened,
        }
    }

    /// When it came true.
    #[must_use]
    pub const fn at(self) -> StepTime {
        match self {
            Self::Opened { at }
            | Self::Reopened { at }
            | Self::Undelivered { at }
            | Self::Delivered { at }
            | Self::Confirmed { at }
            | Self::NotOpened { at, .. } => at,
        }
    }
}

/// When a message counts as reopened, and as not opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The least pause between two displays.
    pub(crate) reopened_after: Duration,
    /// How long after the sent time.
    pub(crate) not_opened_after: Duration,
}

/// A pause of a day, and three days without an open.
impl Default for Rules {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { reopened_after: DAY, not_opened_after: 3 * DAY }
    }
}

/// The notifications of one ping while its opens are read.
#[derive(Default)]
pub(crate) struct Progress {
    notifications: Vec<Notification>,
    before: Option<Timestamp>,
}

impl Progress {
    pub(crate) fn add(&mut self, open: &Open, rules: Rules) {
        if !is_of_the_recipient(open) {
            return;
        }
        match self.before.replace(open.at) {
            None => self.notifications.push(Notification::Opened { at: open.time() }),
            Some(before) if open.at.since(before) >= Some(rules.reopened_after) => {
                self.notifications.push(Notification::Reopened { at: open.time() });
            }
            Some(_) => {}
        }
    }

    pub(crate) fn finish(
        self,
        summary: Summary,
        rules: Rules,
        now: Timestamp,
    ) -> (Summary, Vec<Notification>) {
        let Self { mut notifications, before } = self;
        if let (None, Some(day)) = (before, summary.last_human_open) {
            notifications.push(Notification::Opened { at: day });
        }
        // A refusal or a failure that was made up for is none.
        let is_lost = matches!(summary.delivery, MilestoneKind::Refused | MilestoneKind::Failed);
        for milestone in &summary.milestones {
            let at = milestone.time();
            match milestone.kind {
                MilestoneKind::Refused | MilestoneKind::Failed if milestone.kind == summary.delivery => {
                    notifications.push(Notification::Undelivered { at });
                }
                MilestoneKind::Delivered => notifications.push(Notification::Delivered { at }),
                MilestoneKind::Confirmed => notifications.push(Notification::Confirmed { at }),
                _ => {}
            }
        }
        let is_seen = summary.last_human_open.is_some() || summary.confirmed_at.is_some();
        let due = summary.ping.sent_at.plus(rules.not_opened_after);
        let was_recorded = matches!(summary.ping.status, Status::Live | Status::Expired);
        if !is_seen && !is_lost && was_recorded && now >= due {
            notifications.push(Notification::NotOpened { at: due.into(), state: summary.state });
        }
        (summary, notifications)
    }
}

fn is_of_the_recipient(open: &Open) -> bool {
    open.verdict == Verdict::Human && !open.evidence.contains(Evidence::NetOwn)
}
