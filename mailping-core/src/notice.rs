//! What a sender wants to be told about a message, read from what is kept: it can be asked again after a crash, and says the same.

use std::time::Duration;

use crate::fetcher::{Evidence, Verdict};
use crate::reading::Step;
use crate::store::{KeptPing, PingQuery, StoreError};
use crate::{Open, PingId, Status, Summary, Timestamp, Tracker};

/// Something that a sender wants to be told about a message.
///
/// Its time is as exact as the ping keeps times. A proxy's or scanner's fetch is none of these unless a person caused it, and
/// [`NotOpened`](Self::NotOpened) does not mean unread: many readers block images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// A person displayed the message for the first time. At the detail `last_day` the first day is not kept, and this is the latest.
    Opened {
        /// When.
        at: Timestamp,
    },
    /// A person displayed it again, after a pause. At the detail `last_day` it is never known.
    Reopened {
        /// When.
        at: Timestamp,
    },
    /// So long after the sending it is known of no person to have displayed it.
    NotOpened {
        /// Since when this has been due: the sent time and the patience.
        at: Timestamp,
    },
}

impl Notice {
    /// The name, as in JSON: `opened`, `reopened` or `not_opened`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Reopened { .. } => "reopened",
            Self::NotOpened { .. } => "not_opened",
        }
    }

    /// When it came true.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Opened { at } | Self::Reopened { at } | Self::NotOpened { at } => at,
        }
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
    /// A display counts as a reopening if it comes at least so long after the person's display before it. At a time step of an hour or
    /// a day it is the steps that are compared.
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

/// A ping's sums with its notices, those of opens first and by time.
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
    /// The [`after`](PingQuery::after) of the next page; `None` on the last.
    pub next: Option<PingId>,
}

/// What a sender wants to be told.
impl Tracker {
    /// The notices of a ping as of now; `None` where there is no such ping. They depend only on what is kept and on the time, so
    /// that nothing is missed by asking later: an [`Event`](crate::Event) says when it is worth asking.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn notices(&self, id: PingId, rules: NoticeRules) -> Result<Option<Notices>, StoreError> {
        let Some(kept) = self.0.store.ping(id).await? else { return Ok(None) };
        let mut all = self.notices_of_kept(vec![kept], rules).await?;
        Ok(all.pop())
    }

    /// The notices of the pings that a query asks for, from the newest; of those without any, too. A ping whose row is damaged is
    /// left out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn notices_of(&self, query: &PingQuery, rules: NoticeRules) -> Result<NoticesPage, StoreError> {
        let page = self.0.store.pings(query).await?;
        Ok(NoticesPage { all: self.notices_of_kept(page.pings, rules).await?, next: page.next })
    }

    async fn notices_of_kept(
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
            None => self.notices.push(Notice::Opened { at: open.at }),
            Some(before) if open.at.since(before) >= Some(rules.reopened_after) => {
                self.notices.push(Notice::Reopened { at: open.at });
            }
            Some(_) => {}
        }
    }

    fn finish(self, summary: Summary, rules: NoticeRules, now: Timestamp) -> Notices {
        let Self { mut notices, before } = self;
        if let (None, Some(day)) = (before, summary.last_human_open) {
            notices.push(Notice::Opened { at: day });
        }
        let due = summary.ping.sent_at.plus(rules.not_opened_after);
        let was_recorded = matches!(summary.ping.status, Status::Live | Status::Expired);
        if notices.is_empty() && was_recorded && now >= due {
            notices.push(Notice::NotOpened { at: due });
        }
        Notices { summary, notices }
    }
}

fn is_of_the_recipient(open: &Open) -> bool {
    open.verdict == Verdict::Human && !open.evidence.contains(Evidence::NetOwn)
}
