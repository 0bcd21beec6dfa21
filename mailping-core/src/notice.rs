//! What a sender wants to be told about a message, read from what is kept: it can be asked again
//! after a crash, and says the same.

use std::time::Duration;

use crate::delivery::MilestoneKind;
use crate::fetcher::{Evidence, Verdict};
use crate::named::named;
use crate::receipts::Step;
use crate::store::{KeptPing, StoreError};
use crate::tracker::Inner;
use crate::{Open, PingId, State, Status, StepTime, Summary, Timestamp};

/// Something that a sender wants to be told about a message.
///
/// Its time prints as exactly as it is kept. A proxy's or scanner's fetch is none of these unless a
/// person caused it, and [`NotOpened`](Self::NotOpened) does not mean unread: many readers block
/// images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notice {
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

impl Notice {
    /// What it says, without the time.
    #[must_use]
    pub const fn kind(self) -> NoticeKind {
        match self {
            Self::Opened { .. } => NoticeKind::Opened,
            Self::Reopened { .. } => NoticeKind::Reopened,
            Self::Undelivered { .. } => NoticeKind::Undelivered,
            Self::Delivered { .. } => NoticeKind::Delivered,
            Self::Confirmed { .. } => NoticeKind::Confirmed,
            Self::NotOpened { .. } => NoticeKind::NotOpened,
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

named! {
    /// What a [`Notice`] says, without its time.
    pub enum NoticeKind ("a notice") {
        /// A person displayed the message for the first time.
        Opened = 0, "opened";
        /// A person displayed it again.
        Reopened = 1, "reopened";
        /// No person is known to have displayed it in time.
        NotOpened = 2, "not_opened";
        /// A mail server refused it or gave it up.
        Undelivered = 3, "undelivered";
        /// A mail server reported that it is in the mailbox.
        Delivered = 4, "delivered";
        /// The recipient confirmed receipt.
        Confirmed = 5, "confirmed";
    }
}

/// When a message counts as reopened, and as not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeRules {
    reopened_after: Duration,
    not_opened_after: Duration,
}

/// A pause of a day, and three days without an open.
impl Default for NoticeRules {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { reopened_after: DAY, not_opened_after: 3 * DAY }
    }
}

impl NoticeRules {
    /// A display counts as a reopening if it comes at least so long after the person's display
    /// before it. At a time step of an hour or a day it is the steps that are compared.
    #[must_use]
    pub fn reopened_after(mut self, pause: Duration) -> Self {
        self.reopened_after = pause;
        self
    }

    /// How long after the sent time a message without a person's display counts as not opened.
    #[must_use]
    pub fn not_opened_after(mut self, patience: Duration) -> Self {
        self.not_opened_after = patience;
        self
    }
}

/// A ping's sums with its notices, those of opens first and by time, then those of milestones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notices {
    /// The sums.
    pub summary: Summary,
    /// The notices.
    pub notices: Vec<Notice>,
}

/// A page of pings with their notices.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticesPage {
    /// One for each ping, from the newest.
    pub all: Vec<Notices>,
    /// The [`after`](crate::store::PingQuery::after) of the next page; `None` on the last.
    pub next: Option<PingId>,
}

impl Inner {
    pub(crate) async fn notices_of(
        &self,
        pings: Vec<KeptPing>,
        rules: NoticeRules,
    ) -> Result<Vec<Notices>, StoreError> {
        let (now, mut all) = (self.now(), Vec::with_capacity(pings.len()));
        let mut so_far = Noticed::default();
        let each = |step: Step<'_>| match step {
            Step::Open(open) => so_far.add(open, rules),
            Step::End(summary) => all.push(std::mem::take(&mut so_far).finish(*summary, rules, now)),
        };
        self.sum_up_each(pings, each).await?;
        Ok(all)
    }
}

/// The notices of one ping while its opens are read.
#[derive(Default)]
struct Noticed {
    notices: Vec<Notice>,
    before: Option<Timestamp>,
}

impl Noticed {
    fn add(&mut self, open: &Open, rules: NoticeRules) {
        if !is_of_the_recipient(open) {
            return;
        }
        match self.before.replace(open.at) {
            None => self.notices.push(Notice::Opened { at: open.time() }),
            Some(before) if open.at.since(before) >= Some(rules.reopened_after) => {
                self.notices.push(Notice::Reopened { at: open.time() });
            }
            Some(_) => {}
        }
    }

    fn finish(self, summary: Summary, rules: NoticeRules, now: Timestamp) -> Notices {
        let Self { mut notices, before } = self;
        if let (None, Some(day)) = (before, summary.last_human_open) {
            notices.push(Notice::Opened { at: day });
        }
        // A refusal or a failure that was made up for is none.
        let is_lost = matches!(summary.delivery, MilestoneKind::Refused | MilestoneKind::Failed);
        for milestone in &summary.milestones {
            let at = milestone.time();
            match milestone.kind {
                MilestoneKind::Refused | MilestoneKind::Failed if milestone.kind == summary.delivery => {
                    notices.push(Notice::Undelivered { at });
                }
                MilestoneKind::Delivered => notices.push(Notice::Delivered { at }),
                MilestoneKind::Confirmed => notices.push(Notice::Confirmed { at }),
                _ => {}
            }
        }
        let is_seen = summary.last_human_open.is_some() || summary.confirmed_at.is_some();
        let due = summary.ping.sent_at.plus(rules.not_opened_after);
        let was_recorded = matches!(summary.ping.status, Status::Live | Status::Expired);
        if !is_seen && !is_lost && was_recorded && now >= due {
            notices.push(Notice::NotOpened { at: due.into(), state: summary.state });
        }
        Notices { summary, notices }
    }
}

fn is_of_the_recipient(open: &Open) -> bool {
    open.verdict == Verdict::Human && !open.evidence.contains(Evidence::NetOwn)
}
