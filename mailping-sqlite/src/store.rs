//! The store: which call runs where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{
    Attempt, DatabaseId, Deleted, KeyFingerprint, Mark, Milestone, ObjectionScope, Observation, OpenCursor,
    OpenQuery, Page, PingQuery, RecipientHashes, Recorded, Sealing, Spooling, Store, StoreError,
};
use mailping_core::{PingId, Timestamp};
use rusqlite::{Connection, Transaction};

use crate::failure::Failure;
use crate::files;
use crate::index::Entry;
use crate::repair::Recovered;
use crate::upkeep::Upkeep;
use crate::worker::{MAX_CALLS, Worker};
use crate::writer::Writer;
use crate::{changes, connect, milestones, news, opens, purge, reads, repair};

/// A [`Store`] in one SQLite file.
///
/// [`Store::record`] and [`Store::purge`] run, and block, on the thread that calls them, which is
/// the tracker's own. All other calls run on two threads of the store, one that writes and one that
/// reads, so that they block no async runtime and a receipt never waits for a batch; a third moves
/// the write-ahead log to the file. Dropping the store carries out what was accepted and ends all.
pub struct SqliteStore {
    path: PathBuf,
    // Dropped in this order: what was accepted is carried out, then the file is left in order.
    pub(crate) changes: Worker<Arc<Writer>>,
    pub(crate) reads: Worker<Connection>,
    pub(crate) upkeep: Upkeep,
    writer: Arc<Writer>,
}

impl SqliteStore {
    /// Opens the database file, and makes it if it is missing: on Unix with mode 0600, in a folder
    /// that must exist.
    ///
    /// It touches the disk and may wait up to five seconds for other processes; call it at start. A
    /// damaged file is opened with what can be read of it; if nothing can be added to it, what can
    /// be read is written to a new file first, and the damaged one stays beside it: the log says
    /// so. That takes minutes for ten million opens; another process that starts meanwhile waits
    /// for it, or is told that the file is locked.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if the path is no database of this crate, or one of a newer
    /// version, or cannot be written, or if an SQLite older than 3.51.3 is linked; a file that is
    /// not ours is left as it was. [`StoreError::Corrupt`] if nothing can be read,
    /// [`StoreError::Unavailable`] if another process keeps it locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let (connection, files) = repair::open(&path)?;
        let writer = Arc::new(Writer::new(connection, files)?);
        let changes = Worker::start("mailping-sqlite-write", MAX_CALLS, Arc::clone(&writer), |_| false)?;
        let reads = Worker::start("mailping-sqlite-read", MAX_CALLS, connect::reader(&path)?, |_| false)?;
        let upkeep = Upkeep::start(&path, Arc::clone(&writer))?;
        Ok(Self { path, changes, reads, upkeep, writer })
    }

    /// Runs `change` on the thread that writes. If it meets damage, the next start writes what can
    /// be read to a new file, and then it can be made.
    pub(crate) async fn change<R: Send + 'static>(
        &self,
        change: impl FnOnce(&Writer) -> Result<R, Failure> + Send + 'static,
    ) -> Result<R, StoreError> {
        let changed = self.changes.call(move |writer| change(writer)).await;
        if matches!(changed, Err(StoreError::Corrupt { .. })) {
            tracing::error!(
                "the database file is damaged where something changes: the next start writes what can be read to a \
                 new file"
            );
            self.changes.tell(|writer| writer.ask_for_repair());
        }
        changed
    }

    /// As one transaction.
    pub(crate) async fn write<R: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<R, Failure> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.change(move |writer| writer.write(change)).await
    }

    /// A page for each of these queries.
    async fn pages(&self, queries: Vec<OpenQuery>) -> Result<Vec<Page<Open, OpenCursor>>, StoreError> {
        let tail = Arc::clone(&self.writer.tail);
        self.reads.call(move |connection| opens::pages(connection, &tail, &queries)).await
    }

    /// Writes all that can be read of a damaged database file to a new one of mode 0600, past pages
    /// that cannot be read: see [damaged files](mailping_core::guide::damaged_files). No process
    /// may have the damaged file open. It blocks for as long as it takes, some minutes for ten
    /// million opens; the damaged file stays where it is.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if `to` is there already, or if `from` is no file of this crate
    /// or its description of itself is lost; [`StoreError::Unavailable`] if a disk is full or
    /// fails.
    pub fn recover(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Recovered, StoreError> {
        Ok(repair::recover(from.as_ref(), to.as_ref())?)
    }

    /// Writes a copy of the database to a new file of mode 0600, in one consistent state, while
    /// this store and others go on: the way to back it up. It costs about the time to read and
    /// write the file once. Erased rows that are still somewhere in this file are not in the copy;
    /// those erased later are.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if there is a file already, or no such folder;
    /// [`StoreError::Unavailable`] if the disk is full.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let (from, to) = (self.path.clone(), to.as_ref().to_owned());
        // On a thread of its own, so that no receipt waits for it.
        let worker = Worker::start("mailping-sqlite-backup", 1, connect::reader(&from)?, |_| false)?;
        worker.call(move |connection| files::back_up(connection, &to)).await
    }

    /// Writes the whole file anew (`VACUUM`), so that not even a stray copy of something erased is
    /// left in it, and the file is as small as what it holds. Hits wait meanwhile: run it when few
    /// come. SQLite's copy stands in the file's own folder meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if another process writes, or the disk has no room for a second
    /// copy.
    pub async fn rewrite(&self) -> Result<(), StoreError> {
        self.changes.call(|writer| writer.rewrite()).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Vec<Recorded>, StoreError> {
        if opens.is_empty() && last_days.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.writer.record(opens, last_days, attempt)?;
        // A little more than these, so that what waits is bounded.
        self.upkeep.changed(opens.len() + last_days.len());
        Ok(written)
    }

    async fn reach(&self, milestone: &Milestone) -> Result<Recorded, StoreError> {
        let milestone = *milestone;
        self.write(move |change| milestones::reach(change, &milestone)).await
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        let (ping, recipient) = (ping.clone(), recipient.cloned());
        self.write(move |change| changes::insert_ping(change, &ping, recipient.as_ref())).await
    }

    async fn ping(&self, id: PingId) -> Result<Option<Ping>, StoreError> {
        self.reads.call(move |connection| reads::ping(connection, id)).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<Page<Ping>, StoreError> {
        let query = query.clone();
        self.reads.call(move |connection| reads::pings(connection, &query)).await
    }

    async fn opens(&self, query: &OpenQuery) -> Result<Page<Open, OpenCursor>, StoreError> {
        Ok(self.pages(vec![*query]).await?.pop().unwrap_or_default())
    }

    async fn opens_of(
        &self,
        pings: &[PingId],
        limit: usize,
    ) -> Result<Vec<Page<Open, OpenCursor>>, StoreError> {
        self.pages(pings.iter().map(|ping| OpenQuery::oldest(*ping, limit)).collect()).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.reads.call(news::mark).await
    }

    async fn news(&self, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>, StoreError> {
        let since = since.clone();
        self.reads.call(move |connection| news::news(connection, &since, limit)).await
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        self.write(move |change| changes::withdraw(change, id)).await
    }

    async fn erase(&self, id: PingId) -> Result<Option<Deleted>, StoreError> {
        let erase = move |change: &Transaction<'_>, waiting: &[Entry]| changes::erase(change, id, waiting);
        self.change(move |writer| writer.erase(erase)).await
    }

    async fn object(&self, recipient: &RecipientHashes, scope: ObjectionScope) -> Result<(), StoreError> {
        let recipient = recipient.clone();
        self.write(move |change| changes::object(change, &recipient, scope)).await
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        self.write(move |change| changes::object_by_ping(change, id)).await
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Deleted, StoreError> {
        let recipient = recipient.clone();
        let erase = move |change: &Transaction<'_>, waiting: &[Entry]| {
            changes::erase_recipient(change, &recipient, waiting)
        };
        self.change(move |writer| writer.erase(erase)).await
    }

    async fn objection(&self, recipient: &RecipientHashes) -> Result<Option<ObjectionScope>, StoreError> {
        let recipient = recipient.clone();
        self.reads.call(move |connection| reads::objection(connection, &recipient)).await
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<Ping>, StoreError> {
        let recipient = recipient.clone();
        self.reads.call(move |connection| reads::pings_of(connection, &recipient, after, limit)).await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        self.reads.call(reads::recipient_keys).await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Deleted, StoreError> {
        let purged = purge::purge(&self.writer, now, limit)?;
        if purged.pings + purged.opens > 0 {
            self.writer.owe_empty_log();
            self.upkeep.changed(limit);
        }
        Ok(purged)
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.reads.call(news::identity).await
    }

    fn spool(&self) -> Option<&dyn Spooling> {
        None
    }

    fn sealing(&self) -> Option<&dyn Sealing> {
        Some(self)
    }

    fn copies(&self) -> usize {
        1
    }

    /// Empties the log, so that the file alone holds everything.
    async fn close(&self) {
        let emptied = self.changes.call(|writer| {
            writer.owe_empty_log();
            Ok(writer.empty_log())
        });
        if !matches!(emptied.await, Ok(true)) {
            tracing::info!("another reader of the database file keeps its log (-wal) from being emptied");
        }
    }
}
