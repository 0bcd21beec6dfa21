//! A store that breaks when it is told to, for tests of what stands in front of one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::fetcher::{Fetcher, Verdict};
use crate::keyring::KeyFingerprint;
use crate::store::{
    Attempt, DatabaseId, Deleted, Mark, Milestone, ObjectionScope, Observation, OpenCursor, OpenQuery, Page,
    PingQuery, Recorded, Sealing, Spooling, Store, StoreError,
};
use crate::{LastDay, MemoryStore, Open, OpenId, Ping, PingId, RecipientHashes, Status, Timestamp};

/// How a [`FaultyStore`] breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Fault {
    /// Not at all.
    #[default]
    None,
    /// [`Store::record`] is an error.
    RecordFails,
    /// [`Store::record`] blocks its thread until another fault, or none, is set.
    RecordHangs,
    /// [`Store::record`] panics.
    RecordPanics,
    /// [`Store::record`] does its work and answers for none of the opens, which breaks the trait's
    /// promise.
    RecordAnswersNothing,
    /// [`Store::record`] says that the database is damaged if the batch holds an open or last day
    /// of this ping.
    DamagedAt(PingId),
    /// Nothing breaks, but hits never end: behind each [`Store::news`] comes one more open of this
    /// ping.
    HitsGoOn(PingId),
    /// Every call is an error.
    Down,
}

/// A [`MemoryStore`] that breaks when it is told to. Clones are one store, so that a test keeps a
/// handle to what it gave away.
///
/// ```
/// use mailping_core::testing::faulty::{Fault, FaultyStore};
/// use mailping_core::{Basis, Keyring, NewPing, Tracker};
///
/// # pollster::block_on(async {
/// let store = FaultyStore::default();
/// let tracker = Tracker::builder(Keyring::generate()?, store.clone());
/// let tracker = tracker.base_url("https://app.example/px")?.build().await?;
/// store.fault(Fault::Down);
/// let new = NewPing::one_to_one("invoice-42", Basis::Contract);
/// assert!(tracker.pings().create(new).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct FaultyStore(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    memory: MemoryStore,
    fault: Mutex<Fault>,
    changed: Condvar,
    records: AtomicUsize,
    repeats: AtomicUsize,
    refused: Mutex<HashSet<OpenId>>,
    refuses_next: AtomicBool,
    damaged: Mutex<HashSet<PingId>>,
    calls_left: Mutex<Option<usize>>,
}

impl FaultyStore {
    /// Breaks from now on in this way, and in no other.
    pub fn fault(&self, fault: Fault) {
        *self.now() = fault;
        self.0.changed.notify_all();
    }

    /// From now on [`Store::record`] is an error if the batch holds this open.
    pub fn refuse(&self, open: OpenId) {
        self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(open);
    }

    /// As [`FaultyStore::refuse`], for the first open of the next batch.
    pub fn refuse_next(&self) {
        self.0.refuses_next.store(true, Ordering::SeqCst);
    }

    /// From now on [`Store::ping`] says of this ping that it cannot be read.
    pub fn damage(&self, ping: PingId) {
        self.0.damaged.lock().unwrap_or_else(PoisonError::into_inner).insert(ping);
    }

    /// Works for so many more calls of [`Store::record`], then it is [`Fault::Down`].
    pub fn fail_after(&self, records: usize) {
        *self.0.calls_left.lock().unwrap_or_else(PoisonError::into_inner) = Some(records);
    }

    /// How often [`Store::record`] was called.
    #[must_use]
    pub fn records(&self) -> usize {
        self.0.records.load(Ordering::SeqCst)
    }

    /// How often [`Store::record`] was called as a repeat.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.0.repeats.load(Ordering::SeqCst)
    }

    /// What is really kept, whatever the fault.
    #[must_use]
    pub fn memory(&self) -> &MemoryStore {
        &self.0.memory
    }

    fn refuses(&self, opens: &[Open]) -> bool {
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = opens.first()
            && self.0.refuses_next.swap(false, Ordering::SeqCst)
        {
            refused.insert(first.id);
        }
        opens.iter().any(|open| refused.contains(&open.id))
    }

    fn count_down(&self) {
        let mut left = self.0.calls_left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.as_mut() {
            Some(0) => {
                *left = None;
                self.fault(Fault::Down);
            }
            Some(left) => *left -= 1,
            None => {}
        }
    }

    fn now(&self) -> MutexGuard<'_, Fault> {
        self.0.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<&MemoryStore, StoreError> {
        if *self.now() == Fault::Down { Err(broken()) } else { Ok(self.memory()) }
    }
}

fn broken() -> StoreError {
    StoreError::unavailable("the store was told to fail")
}

#[async_trait]
impl Store for FaultyStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.0.records.fetch_add(1, Ordering::SeqCst);
        self.0.repeats.fetch_add(usize::from(attempt == Attempt::Repeat), Ordering::SeqCst);
        self.count_down();
        let hangs = |fault: &mut Fault| *fault == Fault::RecordHangs;
        let fault = *self.0.changed.wait_while(self.now(), hangs).unwrap_or_else(PoisonError::into_inner);
        assert!(fault != Fault::RecordPanics, "the store was told to panic");
        if fault == Fault::RecordFails || self.refuses(opens) {
            return Err(broken());
        }
        if let Fault::DamagedAt(ping) = fault
            && (opens.iter().any(|open| open.ping == ping) || last_days.iter().any(|last| last.ping == ping))
        {
            return Err(StoreError::Corrupt { what: "the store was told to be damaged" });
        }
        let written = self.up()?.record(opens, last_days, attempt).await?;
        Ok(if fault == Fault::RecordAnswersNothing { Vec::new() } else { written })
    }

    async fn reach(&self, milestone: &Milestone) -> Result<Recorded, StoreError> {
        self.up()?.reach(milestone).await
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        self.up()?.insert_ping(ping, recipient).await
    }

    async fn ping(&self, id: PingId) -> Result<Option<Ping>, StoreError> {
        let memory = self.up()?;
        if self.0.damaged.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            return Err(StoreError::Corrupt { what: "a ping that the test has damaged" });
        }
        memory.ping(id).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<Page<Ping>, StoreError> {
        self.up()?.pings(query).await
    }

    async fn opens(&self, query: &OpenQuery) -> Result<Page<Open, OpenCursor>, StoreError> {
        self.up()?.opens(query).await
    }

    async fn opens_of(
        &self,
        pings: &[PingId],
        limit: usize,
    ) -> Result<Vec<Page<Open, OpenCursor>>, StoreError> {
        self.up()?.opens_of(pings, limit).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.up()?.mark().await
    }

    async fn news(&self, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>, StoreError> {
        let news = self.up()?.news(since, limit).await;
        let fault = *self.now();
        if let Fault::HitsGoOn(ping) = fault {
            let id = OpenId::from_bytes((self.records() as u64).to_be_bytes());
            let open = Open::new(ping, id, ping.sent_at(), Fetcher::Browser, Verdict::Human);
            self.record(&[open], &[], Attempt::First).await?;
        }
        news
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        self.up()?.withdraw(id).await
    }

    async fn erase(&self, id: PingId) -> Result<Option<Deleted>, StoreError> {
        self.up()?.erase(id).await
    }

    async fn object(&self, recipient: &RecipientHashes, scope: ObjectionScope) -> Result<(), StoreError> {
        self.up()?.object(recipient, scope).await
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        self.up()?.object_by_ping(id).await
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Deleted, StoreError> {
        self.up()?.erase_recipient(recipient).await
    }

    async fn objection(&self, recipient: &RecipientHashes) -> Result<Option<ObjectionScope>, StoreError> {
        self.up()?.objection(recipient).await
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<Ping>, StoreError> {
        self.up()?.pings_of(recipient, after, limit).await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        self.up()?.recipient_keys().await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Deleted, StoreError> {
        self.up()?.purge(now, limit).await
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.up()?.identity().await
    }

    fn spool(&self) -> Option<&dyn Spooling> {
        None
    }

    fn sealing(&self) -> Option<&dyn Sealing> {
        self.memory().sealing()
    }

    fn copies(&self) -> usize {
        0
    }
}
