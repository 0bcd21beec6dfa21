//! A store that keeps opens at the centre, and nothing else.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use mailping_core::edge::{Answer, Batch, Outcome};
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{
    Attempt, DatabaseId, Deleted, KeyFingerprint, Mark, Milestone, ObjectionScope, Observation, OpenCursor,
    OpenQuery, Page, PingQuery, RecipientHashes, Recorded, Sealing, Spooling, Store, StoreError,
};
use mailping_core::{Keyring, ParseError, PingId, Timestamp};
use ureq::Agent;

use crate::centre::{agent, exchange};

/// The most records of one batch: some 350 KB.
const STEP: usize = 1_000;

/// The store of an edge node: [`Store::record`] sends a batch to the centre and answers once that
/// has it on disk. Put a [`Spool`](https://docs.rs/mailping-spool) of no patience before it, so
/// that hits are answered from this machine's disk and nothing is lost while the line is cut.
///
/// The other calls are errors, but for those that a tracker makes by itself: there is nothing here
/// to purge, and no recipient whose keys could be missing. Its calls block, for 15 seconds at the
/// most.
pub struct EdgeStore {
    agent: Agent,
    url: String,
    keys: Keyring,
    /// What the centre has said since its last failure.
    database: Mutex<Option<DatabaseId>>,
}

impl EdgeStore {
    /// Sends to the centre whose routes are at this base URL, such as `https://app.example/px`,
    /// with the keys that [`Keyring::for_edge`] made for this edge.
    ///
    /// It trusts the certificate authorities that this machine trusts, goes through the proxy that
    /// `HTTPS_PROXY` names, and follows no redirect. Over plain `http` nobody can change what is
    /// sent, but whoever is on the way can read it: use that on this machine alone, or in a tunnel.
    ///
    /// # Errors
    /// [`ParseError`] for what is no base URL, and for keys that are not an edge's.
    pub fn new(centre: &str, keys: Keyring) -> Result<Self, ParseError> {
        let url = Batch::url(centre)?;
        Batch::check_keys(&keys)?;
        Ok(Self { agent: agent(), url, keys, database: Mutex::default() })
    }

    /// Sends by a client of your own, for a certificate authority or a proxy of yours. Give it
    /// time-outs: without them a line that is cut is noticed late.
    #[must_use]
    pub fn agent(self, agent: Agent) -> Self {
        Self { agent, ..self }
    }

    fn known(&self) -> MutexGuard<'_, Option<DatabaseId>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(
        &self,
        database: Option<DatabaseId>,
        opens: &[Open],
        last_days: &[LastDay],
    ) -> Result<Answer, StoreError> {
        let batch = Batch::sign(&self.keys, SystemTime::now(), database, opens, last_days)?;
        let answer = exchange(&self.agent, &self.url, &batch);
        *self.known() = answer.as_ref().ok().map(|answer| answer.database);
        answer
    }

    /// The centre's database: as it has said before, or asked with an empty batch.
    fn centre(&self) -> Result<DatabaseId, StoreError> {
        let known = *self.known();
        known.map_or_else(|| self.send(None, &[], &[]).map(|answer| answer.database), Ok)
    }
}

impl fmt::Debug for EdgeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeStore")
            .field("centre", &self.url)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// The answers for a batch, or the error if some of it is refused: then it has to be sent in parts.
fn recorded(outcomes: &[Outcome]) -> Result<Vec<Recorded>, StoreError> {
    let each = outcomes.iter().map(|outcome| match outcome {
        Outcome::Kept => Ok(Recorded::Durable),
        Outcome::Filtered => Ok(Recorded::Filtered),
        Outcome::Refused => Err(StoreError::Refused { source: REFUSED.into() }),
    });
    each.collect()
}

const REFUSED: &str =
    "the centre refuses an open: its database does, or its time is ahead, or a newer version wrote it";
const ELSEWHERE: &str = "an edge keeps opens and nothing else: do this at the centre";

fn elsewhere<T>() -> Result<T, StoreError> {
    Err(StoreError::Incompatible { reason: ELSEWHERE.to_owned() })
}

#[async_trait]
impl Store for EdgeStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        _attempt: Attempt,
    ) -> Result<Vec<Recorded>, StoreError> {
        let database = self.centre()?;
        let mut answers = Vec::with_capacity(opens.len() + last_days.len());
        for opens in opens.chunks(STEP) {
            answers.extend(recorded(&self.send(Some(database), opens, &[])?.outcomes)?);
        }
        for last_days in last_days.chunks(STEP) {
            answers.extend(recorded(&self.send(Some(database), &[], last_days)?.outcomes)?);
        }
        Ok(answers)
    }

    async fn reach(&self, _: &Milestone) -> Result<Recorded, StoreError> {
        elsewhere()
    }

    async fn insert_ping(&self, _: &Ping, _: Option<&RecipientHashes>) -> Result<Status, StoreError> {
        elsewhere()
    }

    async fn ping(&self, _: PingId) -> Result<Option<Ping>, StoreError> {
        elsewhere()
    }

    async fn pings(&self, _: &PingQuery) -> Result<Page<Ping>, StoreError> {
        elsewhere()
    }

    async fn opens(&self, _: &OpenQuery) -> Result<Page<Open, OpenCursor>, StoreError> {
        elsewhere()
    }

    async fn opens_of(&self, _: &[PingId], _: usize) -> Result<Vec<Page<Open, OpenCursor>>, StoreError> {
        elsewhere()
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        elsewhere()
    }

    async fn news(&self, _: &Mark, _: usize) -> Result<Page<Observation, Mark>, StoreError> {
        elsewhere()
    }

    async fn withdraw(&self, _: PingId) -> Result<bool, StoreError> {
        elsewhere()
    }

    async fn erase(&self, _: PingId) -> Result<Option<Deleted>, StoreError> {
        elsewhere()
    }

    async fn object(&self, _: &RecipientHashes, _: ObjectionScope) -> Result<(), StoreError> {
        elsewhere()
    }

    async fn object_by_ping(&self, _: PingId) -> Result<(), StoreError> {
        elsewhere()
    }

    async fn erase_recipient(&self, _: &RecipientHashes) -> Result<Deleted, StoreError> {
        elsewhere()
    }

    async fn objection(&self, _: &RecipientHashes) -> Result<Option<ObjectionScope>, StoreError> {
        elsewhere()
    }

    async fn pings_of(
        &self,
        _: &RecipientHashes,
        _: Option<PingId>,
        _: usize,
    ) -> Result<Page<Ping>, StoreError> {
        elsewhere()
    }

    /// None: an edge makes no recipient's hash.
    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        Ok(Vec::new())
    }

    /// Nothing is due here: the centre purges what it has.
    async fn purge(&self, _: Timestamp, _: usize) -> Result<Deleted, StoreError> {
        Ok(Deleted::default())
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.centre()
    }

    fn spool(&self) -> Option<&dyn Spooling> {
        None
    }

    /// The centre seals.
    fn sealing(&self) -> Option<&dyn Sealing> {
        None
    }

    /// The disk of the centre.
    fn copies(&self) -> usize {
        1
    }
}
