//! A file in front of a database on another machine: while that is away, opens are durable here, and are moved when it is back.

mod file;
mod mover;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use async_trait::async_trait;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{
    Attempt, Backlog, Erased, KeptPing, Mark, News, OpenPage, OpenQuery, PingPage, PingQuery, Purged, Store,
    Written,
};
use mailping_core::store::{KeyFingerprint, RecipientHashes, StoreError};
use mailping_core::{PingId, Timestamp};

use self::file::File;
use self::mover::Shared;
use crate::worker::Worker;

/// How long the database may take for a batch unless told otherwise: far below the two seconds within which hits are answered.
const PATIENCE: Duration = Duration::from_millis(250);
/// The most opens that may wait unless told otherwise: some 150 MB on disk.
const MOST: u64 = 1_000_000;
/// How many of a recipient's pings are looked up at once.
const PAGE: usize = 1_000;

/// A file that keeps opens while the database behind it is away, to be put [before](Spool::before) its store.
///
/// ```no_run
/// use mailping_core::MemoryStore; // stands for a store on a database server
/// use mailping_sqlite::Spool;
///
/// # fn open() -> Result<(), mailping_core::store::StoreError> {
/// let store = Spool::open("spool.db")?.before(MemoryStore::new())?;
/// # Ok(()) }
/// ```
///
/// It is a file of its own, made with mode 0600, and used by one process at a time: another one is refused. It holds what the database will be given
/// of an open, and nothing else; what has been moved is overwritten.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    file: File,
    patience: Duration,
    most: u64,
}

impl Spool {
    /// Opens the spool's file, and makes it where it is missing.
    ///
    /// # Errors
    /// As [`SqliteStore::open`](crate::SqliteStore::open), and [`StoreError::Incompatible`] where another process uses the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        Ok(Self { file: File::open(&path)?, path, patience: PATIENCE, most: MOST })
    }

    /// Sets how long the database may take for a batch before it goes into the spool: 250 milliseconds without this. It must be well below
    /// the tracker's deadline.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        self
    }

    /// Sets how many opens may wait in it, a million without this. Beyond it the store fails, and opens wait in the tracker's memory.
    #[must_use]
    pub fn most(mut self, opens: u64) -> Self {
        self.most = opens;
        self
    }

    /// Puts the spool before a store.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the system gives no threads.
    pub fn before(self, database: impl Store) -> Result<SpooledStore, StoreError> {
        let shared = Arc::new(Shared::new(Arc::new(database), self.file, self.patience, self.most));
        let erasures = Worker::start("mailping-spool", Arc::clone(&shared), |shared| {
            shared.file.empty_log();
            false
        })?;
        let (ended, end) = mpsc::channel();
        let moving = Arc::clone(&shared);
        let work = move || {
            moving.move_all();
            drop(moving);
            drop(ended);
        };
        let thread = std::thread::Builder::new().name("mailping-spool-move".into());
        thread.spawn(work).map_err(StoreError::unavailable)?;
        Ok(SpooledStore { path: self.path, shared, erasures, end: end.into() })
    }
}

/// A store with a [`Spool`] before it.
///
/// [`Store::record`] hands a batch to the database. Where that fails or does not answer in time, the batch is kept durably in the spool and
/// answered as kept; the database filters it when it is moved, so that a dead ping gains nothing. While the database fails, batches go into the spool
/// at once, and one thread tries again until the database takes them, then moves what waits, without a restart. What a process has left in
/// the file is moved by the next one.
///
/// All other calls are the database's: pings cannot be made and receipts not be read while it is away. What ends a ping takes what waits of it out
/// of the spool too. A purge while the database fails is an error at once. The calls of the store behind must come to an end by themselves, in an
/// error if need be, as those of a store with a time limit do.
pub struct SpooledStore {
    path: PathBuf,
    shared: Arc<Shared>,
    erasures: Worker<Arc<Shared>>,
    end: std::sync::Mutex<mpsc::Receiver<()>>,
}

impl SpooledStore {
    async fn take_out(&self, pings: Vec<PingId>) -> Result<(), StoreError> {
        if self.shared.file.is_empty() || pings.is_empty() {
            return Ok(());
        }
        self.erasures.call(move |shared| shared.file.erase(&pings)).await
    }

    /// The pings of a recipient, where anything waits that could be theirs.
    async fn theirs(&self, recipient: &RecipientHashes) -> Result<Vec<PingId>, StoreError> {
        let mut ids: Vec<PingId> = Vec::new();
        if self.shared.file.is_empty() {
            return Ok(ids);
        }
        let mut after = None;
        loop {
            let page = self.shared.database.pings_of(recipient, after, PAGE).await?;
            ids.extend(page.pings.iter().map(|kept| kept.ping.id));
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
            .field("spool", &self.path)
            .field("database", &self.shared.database)
            .finish_non_exhaustive()
    }
}

/// Waits a moment for a step under way, so that the file is free; a database that hangs is not waited for.
impl Drop for SpooledStore {
    fn drop(&mut self) {
        self.shared.stop();
        let end = self.end.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = end.recv_timeout(self.shared.patience.min(Duration::from_secs(5)));
    }
}

#[async_trait]
impl Store for SpooledStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Written, StoreError> {
        if opens.is_empty() && last_days.is_empty() {
            return Ok(Written::default());
        }
        self.shared.record(opens, last_days, attempt)
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        self.shared.database.insert_ping(ping, recipient).await
    }

    async fn ping(&self, id: PingId) -> Result<Option<KeptPing>, StoreError> {
        self.shared.database.ping(id).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<PingPage, StoreError> {
        self.shared.database.pings(query).await
    }

    async fn opens(&self, query: &OpenQuery) -> Result<OpenPage, StoreError> {
        self.shared.database.opens(query).await
    }

    async fn opens_of(&self, pings: &[PingId], limit: usize) -> Result<Vec<OpenPage>, StoreError> {
        self.shared.database.opens_of(pings, limit).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.shared.database.mark().await
    }

    async fn news(&self, since: &Mark, limit: usize) -> Result<News, StoreError> {
        self.shared.database.news(since, limit).await
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        let found = self.shared.database.withdraw(id).await?;
        self.take_out(vec![id]).await?;
        Ok(found)
    }

    async fn erase(&self, id: PingId) -> Result<Option<Erased>, StoreError> {
        let erased = self.shared.database.erase(id).await?;
        self.take_out(vec![id]).await?;
        Ok(erased)
    }

    async fn object(&self, recipient: &RecipientHashes) -> Result<(), StoreError> {
        self.shared.database.object(recipient).await?;
        self.take_out(self.theirs(recipient).await?).await
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        // Who else is theirs the database alone knows: it filters those when they are moved.
        self.shared.database.object_by_ping(id).await?;
        self.take_out(vec![id]).await
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Erased, StoreError> {
        // Afterwards they could not be found any more.
        let theirs = self.theirs(recipient).await?;
        let erased = self.shared.database.erase_recipient(recipient).await?;
        self.take_out(theirs).await?;
        Ok(erased)
    }

    async fn has_objected(&self, recipient: &RecipientHashes) -> Result<bool, StoreError> {
        self.shared.database.has_objected(recipient).await
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<PingPage, StoreError> {
        self.shared.database.pings_of(recipient, after, limit).await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        self.shared.database.recipient_keys().await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreError> {
        if self.shared.is_failing() {
            return Err(StoreError::unavailable("nothing is purged while the database fails"));
        }
        self.shared.ask(move |database| pollster::block_on(database.purge(now, limit)))
    }

    fn backlog(&self) -> Backlog {
        self.shared.file.backlog()
    }
}
