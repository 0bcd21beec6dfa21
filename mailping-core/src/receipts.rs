//! The door of whoever reads: receipts, lists, pages of opens, notifications and events. It starts
//! no thread but for events. The sums take one pass over the opens, a list no query per ping, and a
//! page no look at the pages before it.

pub use crate::events::{Event, Events};
pub use crate::id::OpenId;
pub use crate::milestone::{Milestone, MilestoneKind, StatusCode};
pub use crate::notification::Notification;
pub use crate::open::{LastDay, Open};
pub use crate::receipt::Summary;
pub use crate::store::{Mark, OpenCursor, OpenQuery, Page, PingQuery};
pub use crate::time::StepTime;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::both::both;
use crate::notification::Progress;
use crate::receipt::{Receipt, Tally};
use crate::store::StoreError;
use crate::tracker::{Inner, Tracker};
use crate::{Error, Ping, PingId};

/// How many opens or pings are read from the store at once, and the most that a page shows.
pub(crate) const MAX_PAGE: usize = 1_000;
/// How many pings of a list have their opens read at once, [`MAX_PAGE`] of each at the most.
const MAX_PINGS_AT_ONCE: usize = 64;

/// What [`Inner::sum_up_each`] hands on.
pub(crate) enum Step<'a> {
    /// The next open of a ping.
    Open(&'a Open),
    /// The ping's last open is behind: its sums.
    End(Box<Summary>),
}

/// Reads what is kept: see [`Tracker::receipts`](crate::Tracker::receipts).
#[derive(Debug, Clone, Copy)]
pub struct Receipts<'a>(&'a Inner);

impl Tracker {
    /// For whoever reads: receipts, lists, notifications and events.
    #[must_use]
    pub fn receipts(&self) -> Receipts<'_> {
        Receipts(&self.0)
    }
}

impl Receipts<'_> {
    /// How long after a counted open others of its kind, from the same place, are its repeats.
    #[must_use]
    pub const fn repeat_window(self) -> Duration {
        self.0.repeat_window
    }

    /// The receipt of a ping with its first 1,000 opens; `None` if there is no such ping.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn get(self, id: PingId) -> Result<Option<Receipt>, Error> {
        self.page(&OpenQuery::oldest(id, MAX_PAGE)).await
    }

    /// The receipt of a ping with the opens that the query asks for, in its order, at most 1,000.
    /// The sums are those of all opens, so that they take as long as there are opens: for a further
    /// page alone ask for the [opens](Self::opens).
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn page(self, query: &OpenQuery) -> Result<Option<Receipt>, Error> {
        let query = OpenQuery { limit: query.limit.clamp(1, MAX_PAGE), ..*query };
        let first = OpenQuery::oldest(query.ping, MAX_PAGE);
        let store = &self.0.store;
        // Asked for at once: a short receipt then takes as long as the longer of the two.
        let (ping, opens) = both(store.ping(query.ping), store.opens(&first)).await;
        let Some(ping) = ping? else { return Ok(None) };
        let opens = opens?;
        let page = match query.is_start_of(&first, &opens) {
            Some(page) => page,
            None => store.opens(&query).await?,
        };
        let summary = self.0.sum_up_from(ping, opens, |_| {}).await?;
        Ok(Some(Receipt { summary, opens: page.items, next: page.next }))
    }

    /// The certified receipt of a ping, as text for a file: what was sealed of it until the last
    /// seal, with the proof. `None` if there is no such ping, it was made without
    /// [`seal`](crate::TrackerBuilder::seal), or its first seal is not made yet.
    /// [`certified`](crate::guide::certified) says what it proves.
    ///
    /// It is verified before it is handed out, which takes some tenths of a second for a ping that
    /// is kept for months.
    ///
    /// # Errors
    /// If the store cannot be read. [`Error::Log`] if the keyring lacks the key that the ping was
    /// made with.
    #[cfg(feature = "certified")]
    pub async fn certified(self, id: PingId) -> Result<Option<String>, Error> {
        match &self.0.sealing {
            Some(sealing) => sealing.sealer.receipt(id).await,
            None => Ok(None),
        }
    }

    /// The first page of the [certified receipt](Self::certified) as an HTML document to print, as
    /// [`Certified::to_html`](crate::certified::Certified::to_html) makes it.
    ///
    /// # Errors
    /// As [`certified`](Self::certified).
    #[cfg(feature = "certified")]
    pub async fn certified_html(self, id: PingId) -> Result<Option<String>, Error> {
        match &self.0.sealing {
            Some(sealing) => Ok(sealing.sealer.certified(id).await?.map(|(_, proven)| proven.to_html())),
            None => Ok(None),
        }
    }

    /// One page of a ping's opens without the sums, at most 1,000: it takes no longer for a ping of
    /// many. Empty if there is no such ping.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn opens(self, query: &OpenQuery) -> Result<Page<Open, OpenCursor>, Error> {
        Ok(self.0.store.opens(&OpenQuery { limit: query.limit.clamp(1, MAX_PAGE), ..*query }).await?)
    }

    /// The sums of the pings that a query asks for, from the newest.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn list(self, query: &PingQuery) -> Result<Page<Summary>, Error> {
        let page = self.0.store.pings(query).await?;
        let mut summaries = Vec::with_capacity(page.items.len());
        let each = |step: Step<'_>| {
            if let Step::End(summary) = step {
                summaries.push(*summary);
            }
        };
        self.0.sum_up_each(page.items, each).await?;
        Ok(Page::new(summaries, page.next).unreadable(page.unreadable))
    }

    /// The notifications of a ping as of now, with its sums; those of opens come first, and by
    /// time. `None` if there is no such ping. They depend only on what is kept and on the time, so
    /// that nothing is missed by asking later: an [`Event`] says when it is worth asking.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn notifications(self, id: PingId) -> Result<Option<(Summary, Vec<Notification>)>, Error> {
        let Some(ping) = self.0.store.ping(id).await? else { return Ok(None) };
        Ok(self.0.notifications_of(vec![ping]).await?.pop())
    }

    /// The notifications of the pings that a query asks for, from the newest; of those without any,
    /// too.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn list_notifications(
        self,
        query: &PingQuery,
    ) -> Result<Page<(Summary, Vec<Notification>)>, Error> {
        let page = self.0.store.pings(query).await?;
        let all = self.0.notifications_of(page.items).await?;
        Ok(Page::new(all, page.next).unreadable(page.unreadable))
    }

    /// The events from now on, of all programs on this database.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn events(self) -> Result<Events, Error> {
        let mark = self.0.store.mark().await?;
        Ok(self.events_since(mark))
    }

    /// The events since a mark that an earlier [`Event`] carried: nothing is missed while
    /// the program did not run.
    pub fn events_since(self, mark: Mark) -> Events {
        Events::new(Arc::clone(&self.0.store), Arc::clone(self.0.queue.bell()), mark)
    }
}

/// Sums.
impl Inner {
    /// Sums up pings in their order, and hands on each open and, after those of a ping, their sum.
    pub(crate) async fn sum_up_each(
        &self,
        pings: Vec<Ping>,
        mut each: impl FnMut(Step<'_>),
    ) -> Result<(), StoreError> {
        let mut pings = VecDeque::from(pings);
        while !pings.is_empty() {
            let some: Vec<Ping> = pings.drain(..pings.len().min(MAX_PINGS_AT_ONCE)).collect();
            let ids: Vec<PingId> = some.iter().map(|ping| ping.id).collect();
            let pages = self.store.opens_of(&ids, MAX_PAGE).await?;
            if pages.len() != ids.len() {
                return Err(StoreError::unavailable("the store did not answer for each ping"));
            }
            for (ping, first) in some.into_iter().zip(pages) {
                let summary = self.sum_up_from(ping, first, |open| each(Step::Open(open))).await?;
                each(Step::End(Box::new(summary)));
            }
        }
        Ok(())
    }

    /// Goes on from the first page of a ping's opens.
    pub(crate) async fn sum_up_from(
        &self,
        ping: Ping,
        mut page: Page<Open, OpenCursor>,
        mut each: impl FnMut(&Open),
    ) -> Result<Summary, StoreError> {
        let id = ping.id;
        let mut tally = Tally::new(ping, self.now(), self.repeat_window);
        loop {
            tally.note_unreadable(page.unreadable);
            for open in &page.items {
                tally.add(open);
                each(open);
            }
            if page.next.is_none() {
                return Ok(tally.finish());
            }
            page = self.store.opens(&OpenQuery::oldest(id, MAX_PAGE).after(page.next)).await?;
        }
    }
}

impl Inner {
    async fn notifications_of(
        &self,
        pings: Vec<Ping>,
    ) -> Result<Vec<(Summary, Vec<Notification>)>, StoreError> {
        let rules = self.notification_rules;
        let (now, mut all) = (self.now(), Vec::with_capacity(pings.len()));
        let mut so_far = Progress::default();
        let each = |step: Step<'_>| match step {
            Step::Open(open) => so_far.add(open, rules),
            Step::End(summary) => all.push(std::mem::take(&mut so_far).finish(*summary, rules, now)),
        };
        self.sum_up_each(pings, each).await?;
        Ok(all)
    }
}

impl OpenQuery {
    /// The page that this query asks for, if it is the start of the one that another has answered.
    fn is_start_of(&self, other: &Self, answer: &Page<Open, OpenCursor>) -> Option<Page<Open, OpenCursor>> {
        let is_start =
            self.newest_first == other.newest_first && self.after == other.after && self.limit <= other.limit;
        // What cannot be read might stand at the cut.
        let is_whole = answer.unreadable == 0 || answer.next.is_none() && answer.items.len() <= self.limit;
        if !is_start || !is_whole {
            return None;
        }
        let mut page = Page::cut(answer.items.clone(), self.limit);
        page.next = page.next.or(answer.next);
        page.unreadable = answer.unreadable;
        Some(page)
    }
}
