//! A store in memory, for tests and for trying things: it keeps every promise of [`Store`] but that
//! of durability.

mod ledger;
mod rows;
mod sealing;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::rows::Rows;
use crate::keyring::KeyFingerprint;
use crate::store::{
    Attempt, DatabaseId, Deleted, Mark, Milestone, ObjectionScope, Observation, OpenCursor, OpenQuery, Page,
    PingQuery, Recorded, Sealing, Spooling, Store, StoreError,
};
use crate::{LastDay, Open, Ping, PingId, RecipientHashes, Status, Timestamp};

/// Keeps pings and opens in memory. Everything is gone when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn answer(kept: bool) -> Recorded {
    if kept { Recorded::Durable } else { Recorded::Filtered }
}

#[async_trait]
impl Store for MemoryStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        _attempt: Attempt,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut rows = self.rows();
        let mut answers: Vec<_> = opens.iter().map(|open| answer(rows.keep(open))).collect();
        answers.extend(last_days.iter().map(|last| answer(rows.raise(*last))));
        Ok(answers)
    }

    async fn reach(&self, milestone: &Milestone) -> Result<Recorded, StoreError> {
        Ok(answer(self.rows().reach(milestone)))
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        self.rows().insert(ping.clone(), recipient)
    }

    async fn ping(&self, id: PingId) -> Result<Option<Ping>, StoreError> {
        Ok(self.rows().ping(id))
    }

    async fn pings(&self, query: &PingQuery) -> Result<Page<Ping>, StoreError> {
        Ok(self.rows().newest(query.after, query.limit, |ping, _| query.asks_for(ping)))
    }

    async fn opens(&self, query: &OpenQuery) -> Result<Page<Open, OpenCursor>, StoreError> {
        Ok(self.rows().opens(query))
    }

    async fn opens_of(
        &self,
        pings: &[PingId],
        limit: usize,
    ) -> Result<Vec<Page<Open, OpenCursor>>, StoreError> {
        let rows = self.rows();
        Ok(pings.iter().map(|ping| rows.opens(&OpenQuery::oldest(*ping, limit))).collect())
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.rows().mark()
    }

    async fn news(&self, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>, StoreError> {
        self.rows().news(since, limit)
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        Ok(self.rows().withdraw(id))
    }

    async fn erase(&self, id: PingId) -> Result<Option<Deleted>, StoreError> {
        Ok(self.rows().erase(id))
    }

    async fn object(&self, recipient: &RecipientHashes, scope: ObjectionScope) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.unify(recipient);
        rows.object(recipient.newest, scope);
        Ok(())
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        let mut rows = self.rows();
        match rows.recipient_of(id) {
            Some(hash) => rows.object(hash, ObjectionScope::Opens),
            None => drop(rows.withdraw(id)),
        }
        Ok(())
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Deleted, StoreError> {
        let mut rows = self.rows();
        rows.unify(recipient);
        let erased = rows.sent_to(recipient.newest).into_iter().filter_map(|id| rows.erase(id));
        Ok(erased
            .fold(Deleted::default(), |sum, one| Deleted::new(sum.pings + one.pings, sum.opens + one.opens)))
    }

    async fn objection(&self, recipient: &RecipientHashes) -> Result<Option<ObjectionScope>, StoreError> {
        let rows = self.rows();
        Ok(recipient.all().filter_map(|hash| rows.objection(hash)).max())
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<Ping>, StoreError> {
        Ok(self.rows().newest(after, limit, |_, sent_to| {
            sent_to.is_some_and(|hash| recipient.all().any(|other| *other == hash))
        }))
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        Ok(self.rows().keys())
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Deleted, StoreError> {
        Ok(self.rows().purge(now, limit))
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.rows().identity()
    }

    fn spool(&self) -> Option<&dyn Spooling> {
        None
    }

    fn sealing(&self) -> Option<&dyn Sealing> {
        Some(self)
    }

    fn copies(&self) -> usize {
        0
    }
}
