//! A store with a spool before it: which of the two gets a batch.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::line::Entry;
use mailping_core::store::{
    Attempt, Backlog, DatabaseId, Deleted, Mark, Milestone, ObjectionScope, Observation, OpenCursor,
    OpenQuery, Page, PingQuery, Recorded, Sealing, Spooling, Store,
};
use mailping_core::store::{KeyFingerprint, RecipientHashes, StoreError};
use mailping_core::{PingId, Timestamp};
use pollster::block_on;

use crate::handover::Mover;
use crate::journal::Journal;
use crate::outage::Outage;
use crate::patience::Patience;
use crate::spool::DEFAULT_PATIENCE;

/// The most records that one step hands over.
const STEP: usize = 1_000;
/// How many of a recipient's pings are looked up at once.
const PAGE: usize = 1_000;
/// How long a start waits for the database, which is looked at again when it comes.
const START_PATIENCE: Duration = Duration::from_secs(2);

/// A store with a [`Spool`](crate::Spool) before it.
///
/// [`Store::record`] hands a batch to the database. If that fails or does not answer in time, the
/// batch is kept durably in the spool and answered as [`Spooled`](Recorded::Spooled); the database
/// filters it when it is handed over, so that a dead ping gains nothing. While the database fails,
/// batches go into the spool at once, as they always do with a patience of zero. The tracker tries
/// again until the database takes them, and then hands over what waits, without a restart. What a
/// process has left in the folder is handed over by the next one.
///
/// All other calls are the database's: pings cannot be made and receipts not be read while it is
/// away. What ends a ping takes what waits of it out of this process's spool too. A purge while the
/// database fails is an error at once. The calls of the store behind must come to an end by
/// themselves, in an error if need be, as those of a store with a time limit do.
pub struct SpooledStore {
    database: Arc<dyn Store>,
    journal: Journal,
    patience: Duration,
    calls: Patience,
    mover: Mutex<Mover>,
    outage: Outage,
    /// An open of the last batch that the database took by itself.
    taken: Mutex<Option<Open>>,
}

impl SpooledStore {
    pub(crate) fn new(database: impl Store, journal: Journal, patience: Duration) -> Self {
        Self {
            database: Arc::new(database),
            journal,
            patience,
            calls: Patience::default(),
            mover: Mutex::default(),
            outage: Outage::default(),
            taken: Mutex::default(),
        }
    }

    /// Calls the database and waits no longer than the spool's patience.
    fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        call: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.database);
        self.calls.call(patience, move || call(&*database))
    }

    fn take_out(&self, pings: impl IntoIterator<Item = PingId>) -> Result<(), StoreError> {
        let pings: HashSet<PingId> = pings.into_iter().collect();
        if pings.is_empty() || self.journal.is_clean() { Ok(()) } else { self.journal.erase(&pings) }
    }

    /// The pings of a recipient, if anything is kept that could be theirs.
    async fn sent_to(&self, recipient: &RecipientHashes) -> Result<Vec<PingId>, StoreError> {
        let mut ids: Vec<PingId> = Vec::new();
        if self.journal.is_clean() {
            return Ok(ids);
        }
        let mut after = None;
        loop {
            let page = self.database.pings_of(recipient, after, PAGE).await?;
            ids.extend(page.items.iter().map(|ping| ping.id));
            after = page.next;
            if after.is_none() {
                return Ok(ids);
            }
        }
    }
}

impl fmt::Debug for SpooledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpooledStore")
            .field("spool", &self.journal.path())
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl Spooling for SpooledStore {
    fn backlog(&self) -> Backlog {
        self.journal.backlog()
    }

    fn is_away(&self) -> bool {
        self.outage.is_on() || self.calls.is_hanging()
    }

    fn hand_over(&self) -> Result<bool, StoreError> {
        let mut mover = self.mover.lock().unwrap_or_else(PoisonError::into_inner);
        self.journal.look_again();
        if self.journal.is_empty() && self.journal.is_bound() && !self.is_away() {
            return Ok(false);
        }
        if let Some(open) = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            mover.note(Entry::Open(open));
        }
        let handed_over = block_on(self.database.identity()).and_then(|id| {
            self.journal.bind(id)?;
            let Some(chunk) = self.journal.chunk(STEP) else { return Ok(false) };
            let outcome = mover.hand_over(&*self.database, &chunk.entries, || self.journal.later())?;
            if outcome.filtered > 0 {
                tracing::warn!(
                    opens = outcome.filtered,
                    "the database filtered opens of the spool: their pings are unknown to it, or have ended"
                );
            }
            self.journal.moved(&chunk, &outcome.refused, outcome.filtered);
            Ok(!self.journal.is_empty())
        });
        match &handed_over {
            Ok(_) => self.outage.note_success(),
            Err(error) => self.outage.note_failure(error),
        }
        handed_over
    }
}

#[async_trait]
impl Store for SpooledStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Vec<Recorded>, StoreError> {
        if opens.is_empty() && last_days.is_empty() {
            return Ok(Vec::new());
        }
        if !self.patience.is_zero() && !self.is_away() {
            let (sent, days) = (opens.to_vec(), last_days.to_vec());
            let record = move |database: &dyn Store| block_on(database.record(&sent, &days, attempt));
            match self.ask(self.patience, record) {
                Ok(written) if written.len() == opens.len() + last_days.len() => {
                    if let Some(open) = opens.first() {
                        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(open.clone());
                    }
                    return Ok(written);
                }
                Ok(_) => {
                    self.outage.note_failure(&StoreError::unavailable("it did not answer for each open"))
                }
                // It takes others: the spool tries each alone, and sets aside what is refused.
                Err(error @ (StoreError::Refused { .. } | StoreError::Corrupt { .. })) => {
                    let failure = error.with_sources();
                    tracing::warn!(failure, "the database refuses a batch: it goes through the spool");
                }
                Err(error) => self.outage.note_failure(&error),
            }
        }
        self.journal.append(opens, last_days)?;
        Ok(vec![Recorded::Spooled; opens.len() + last_days.len()])
    }

    async fn reach(&self, milestone: &Milestone) -> Result<Recorded, StoreError> {
        self.database.reach(milestone).await
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        self.database.insert_ping(ping, recipient).await
    }

    async fn ping(&self, id: PingId) -> Result<Option<Ping>, StoreError> {
        self.database.ping(id).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<Page<Ping>, StoreError> {
        self.database.pings(query).await
    }

    async fn opens(&self, query: &OpenQuery) -> Result<Page<Open, OpenCursor>, StoreError> {
        self.database.opens(query).await
    }

    async fn opens_of(
        &self,
        pings: &[PingId],
        limit: usize,
    ) -> Result<Vec<Page<Open, OpenCursor>>, StoreError> {
        self.database.opens_of(pings, limit).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.database.mark().await
    }

    async fn news(&self, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>, StoreError> {
        self.database.news(since, limit).await
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        let found = self.database.withdraw(id).await?;
        self.take_out([id])?;
        Ok(found)
    }

    async fn erase(&self, id: PingId) -> Result<Option<Deleted>, StoreError> {
        let erased = self.database.erase(id).await?;
        self.take_out([id])?;
        Ok(erased)
    }

    async fn object(&self, recipient: &RecipientHashes, scope: ObjectionScope) -> Result<(), StoreError> {
        self.database.object(recipient, scope).await?;
        self.take_out(self.sent_to(recipient).await?)
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        // Which others are theirs the database alone knows: it filters those when they are handed
        // over.
        self.database.object_by_ping(id).await?;
        self.take_out([id])
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Deleted, StoreError> {
        // Afterwards they could not be found any more.
        let pings = self.sent_to(recipient).await?;
        let erased = self.database.erase_recipient(recipient).await?;
        self.take_out(pings)?;
        Ok(erased)
    }

    async fn objection(&self, recipient: &RecipientHashes) -> Result<Option<ObjectionScope>, StoreError> {
        self.database.objection(recipient).await
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<Ping>, StoreError> {
        self.database.pings_of(recipient, after, limit).await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        let keys = self.ask(START_PATIENCE, |database| block_on(database.recipient_keys()));
        if let Err(error @ StoreError::Unavailable { .. }) = &keys {
            self.outage.note_failure(error);
        }
        keys
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Deleted, StoreError> {
        if self.is_away() {
            return Err(StoreError::unavailable("nothing is purged while the database fails"));
        }
        let patience = if self.patience.is_zero() { DEFAULT_PATIENCE } else { self.patience };
        self.ask(patience, move |database| block_on(database.purge(now, limit)))
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.database.identity().await
    }

    fn spool(&self) -> Option<&dyn Spooling> {
        Some(self)
    }

    fn sealing(&self) -> Option<&dyn Sealing> {
        self.database.sealing()
    }

    fn copies(&self) -> usize {
        self.database.copies()
    }

    async fn close(&self) {
        self.database.close().await;
    }
}
