//! The store: which call runs where.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{
    Attempt, Backlog, Erased, KeptPing, Mark, News, OpenPage, OpenQuery, PingPage, PingQuery, Purged, Store,
    Written,
};
use mailping_core::store::{KeyFingerprint, RecipientHashes, StoreError};
use mailping_core::{PingId, Timestamp};
use rusqlite::{Connection, Transaction};

use crate::arrivals::{self, Arrivals};
use crate::failure::Result as Outcome;
use crate::log::LogMover;
use crate::worker::Worker;
use crate::writer::Writer;
use crate::{changes, connect, reads, schema};

/// A [`Store`] in one SQLite file.
///
/// [`Store::record`] and [`Store::purge`] run, and block, on the thread that calls them, which is the tracker's own. All
/// other calls run on two threads of the store, one that writes and one that reads, so that they block no async runtime and a
/// receipt never waits for a batch; a third moves the write-ahead log to the file. Dropping the store carries out what was accepted and ends all.
pub struct SqliteStore {
    path: PathBuf,
    pub(crate) writer: Arc<Writer>,
    pub(crate) arrivals: Arc<Arrivals>,
    log: LogMover,
    changes: Worker<Arc<Writer>>,
    reads: Worker<Connection>,
}

impl SqliteStore {
    /// Opens the database file, and makes it where it is missing: on Unix with mode 0600, in a folder that must exist.
    ///
    /// It touches the disk and may wait up to five seconds for other processes; call it at start.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] where the path is no database of this crate, or one of a newer version, or cannot be
    /// written, or where an SQLite older than 3.51.3 is linked; a file that is not ours is left as it was.
    /// [`StoreError::Corrupt`] where the file is damaged, [`StoreError::Unavailable`] where another process keeps it locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(Self::start(path.as_ref(), arrivals::ROUND)?)
    }

    /// Writes the whole file anew (`VACUUM`), so that not even a stray copy of something erased is left in it, and the file is as
    /// small as what it holds. Hits wait meanwhile: run it when few come.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where another process writes, or the disk has no room for a second copy.
    pub async fn rewrite(&self) -> Result<(), StoreError> {
        self.changes.call(|writer| writer.rewrite()).await
    }

    /// Makes a change on the thread that writes, as one transaction.
    async fn change<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &Arrivals) -> Outcome<R> + Send + 'static,
    ) -> Result<R, StoreError> {
        let arrivals = Arc::clone(&self.arrivals);
        self.changes.call(move |writer| writer.write(changing(&arrivals, work))).await
    }

    /// As [`SqliteStore::change`], and what was deleted leaves the file's log.
    async fn change_and_wipe<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &Arrivals) -> Outcome<R> + Send + 'static,
    ) -> Result<R, StoreError> {
        let arrivals = Arc::clone(&self.arrivals);
        self.changes.call(move |writer| writer.erase(changing(&arrivals, work))).await
    }

    fn log_changed(&self, rows: usize) {
        self.log.changed(rows, &self.writer, &self.changes);
    }

    pub(crate) fn start(path: &Path, round: RangeInclusive<usize>) -> Outcome<Self> {
        let connection = connect::writer(path, &schema::STORE)?;
        let arrivals = Arc::new(Arrivals::load(&connection, round)?);
        let writer = Arc::new(Writer::new(connection));
        let waiting = Arc::clone(&arrivals);
        let idle = move |writer: &mut Arc<Writer>| {
            let has_more = tidy(writer, &waiting);
            if !has_more {
                writer.empty_log();
            }
            has_more
        };
        let changes = Worker::start("mailping-sqlite-write", Arc::clone(&writer), idle)?;
        let reads = Worker::start("mailping-sqlite-read", connect::reader(path)?, |_| false)?;
        let log = LogMover::start(path)?;
        Ok(Self { path: path.to_owned(), writer, arrivals, log, changes, reads })
    }
}

/// What is remembered of who records ends with any change but a batch of opens: before it, and inside its transaction, so that none comes
/// between.
fn changing<R>(
    arrivals: &Arrivals,
    work: impl FnOnce(&Transaction<'_>, &Arrivals) -> Outcome<R>,
) -> impl FnOnce(&Transaction<'_>) -> Outcome<R> {
    move |transaction| {
        arrivals.forget_who_records();
        work(transaction, arrivals)
    }
}

/// Folds some of what waits, where no hits come, and tells whether there may be more. A step that fails is tried again when there is time.
fn tidy(writer: &Writer, arrivals: &Arrivals) -> bool {
    let step = |transaction: &Transaction<'_>| arrivals.tidy(transaction);
    arrivals.rests() && writer.write_then(step, |step| arrivals.committed(step)).is_ok()
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
        _attempt: Attempt,
    ) -> Result<Written, StoreError> {
        if opens.is_empty() && last_days.is_empty() {
            return Ok(Written::default());
        }
        let record =
            |transaction: &Transaction<'_>| changes::record(transaction, &self.arrivals, opens, last_days);
        let written = self.writer.write_then(record, |(written, step)| {
            self.arrivals.committed(step);
            written
        })?;
        self.log_changed(opens.len() + last_days.len());
        Ok(written)
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        let (ping, recipient) = (ping.clone(), recipient.cloned());
        self.change(move |transaction, _| changes::insert_ping(transaction, &ping, recipient.as_ref())).await
    }

    async fn ping(&self, id: PingId) -> Result<Option<KeptPing>, StoreError> {
        self.reads.call(move |connection| reads::ping(connection, id)).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<PingPage, StoreError> {
        let query = query.clone();
        self.reads.call(move |connection| reads::pings(connection, &query)).await
    }

    async fn opens(&self, query: &OpenQuery) -> Result<OpenPage, StoreError> {
        let (arrivals, query) = (Arc::clone(&self.arrivals), *query);
        self.reads.call(move |connection| reads::opens(connection, &arrivals, &query)).await
    }

    async fn opens_of(&self, pings: &[PingId], limit: usize) -> Result<Vec<OpenPage>, StoreError> {
        let mut pages = Vec::with_capacity(pings.len());
        for ping in pings {
            pages.push(self.opens(&OpenQuery::oldest(*ping, limit)).await?);
        }
        Ok(pages)
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        Err(StoreError::unavailable("this store has no marks yet"))
    }

    async fn news(&self, _since: &Mark, _limit: usize) -> Result<News, StoreError> {
        Err(StoreError::unavailable("this store has no marks yet"))
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        self.change(move |transaction, _| changes::withdraw(transaction, id)).await
    }

    async fn erase(&self, id: PingId) -> Result<Option<Erased>, StoreError> {
        self.change_and_wipe(move |transaction, arrivals| changes::erase(transaction, arrivals, id)).await
    }

    async fn object(&self, recipient: &RecipientHashes) -> Result<(), StoreError> {
        let recipient = recipient.clone();
        self.change(move |transaction, _| changes::object(transaction, &recipient)).await
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        self.change(move |transaction, _| changes::object_by_ping(transaction, id)).await
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Erased, StoreError> {
        let recipient = recipient.clone();
        self.change_and_wipe(move |transaction, arrivals| {
            changes::erase_recipient(transaction, arrivals, &recipient)
        })
        .await
    }

    async fn has_objected(&self, recipient: &RecipientHashes) -> Result<bool, StoreError> {
        let recipient = recipient.clone();
        self.reads.call(move |connection| reads::has_objected(connection, &recipient)).await
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<PingPage, StoreError> {
        let recipient = recipient.clone();
        self.reads.call(move |connection| reads::pings_of(connection, &recipient, after, limit)).await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        self.reads.call(|connection| reads::recipient_keys(connection)).await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreError> {
        let work = |transaction: &Transaction<'_>, arrivals: &Arrivals| {
            changes::purge(transaction, arrivals, now, limit)
        };
        let purged = self.writer.write(changing(&self.arrivals, work))?;
        if purged != Purged::default() {
            self.writer.owe_empty_log();
            self.log_changed(limit);
        }
        Ok(purged)
    }

    fn backlog(&self) -> Backlog {
        Backlog::default()
    }
}
