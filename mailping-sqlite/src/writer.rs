//! The one connection that writes, shared by the tracker's thread and the store's own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::connect;
use crate::failure::Result;
use crate::files::Files;

/// How long an erasure waits for readers of an older state before emptying the log is put off. No
/// hit waits for it.
const ERASURE_PATIENCE: Duration = Duration::from_millis(500);

/// The connection that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Mutex<Connection>,
    /// Whoever comes next holds it while waiting, so that a thread which writes batch after batch
    /// cannot keep another out.
    next: Mutex<()>,
    /// Held by whoever moves the log: two at once would only be in each other's way.
    moving: Mutex<()>,
    /// Erased bytes may still stand in the log.
    log_holds_erased: AtomicBool,
    files: Files,
}

/// How many pages the log has, and how many of them have not been moved to the file.
#[derive(Debug)]
pub(crate) struct LogPages {
    pub(crate) all: usize,
    pub(crate) to_move: usize,
}

impl Writer {
    pub(crate) fn new(connection: Connection, files: Files) -> Self {
        Self {
            connection: Mutex::new(connection),
            next: Mutex::new(()),
            moving: Mutex::new(()),
            // A process that was killed may have left a log with erased bytes in it.
            log_holds_erased: AtomicBool::new(true),
            files,
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic rolls its transaction back, so the connection stays good.
        let _next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn moving(&self) -> MutexGuard<'_, ()> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` as one durable transaction; any error takes all of it back.
    pub(crate) fn write<R>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<R>) -> Result<R> {
        self.write_then(work, |result| result)
    }

    /// As [`Writer::write`], and `committed` runs once the transaction is durable, before another
    /// one begins.
    pub(crate) fn write_then<R, T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<R>,
        committed: impl FnOnce(R) -> T,
    ) -> Result<T> {
        let mut connection = self.connection();
        // The write lock comes first: what is read inside cannot be outdated by another process
        // before the commit.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        let result = committed(result);
        // After the commit: a file that is taken away before it is noticed here, and one that is
        // taken away later had it.
        self.files.check()?;
        Ok(result)
    }

    /// As [`Writer::write`], and what was deleted leaves the log at once, or as soon as its readers
    /// allow.
    pub(crate) fn erase<R>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<R>) -> Result<R> {
        let result = self.write(work)?;
        self.owe_empty_log();
        let begun = Instant::now();
        while !self.empty_log() && begun.elapsed() < ERASURE_PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(result)
    }

    pub(crate) fn log_pages(&self) -> LogPages {
        let look = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let (all, moved) =
            self.connection().query_row("PRAGMA wal_checkpoint(NOOP)", (), look).unwrap_or((0, 0));
        let count = |pages| usize::try_from(pages).unwrap_or(0);
        LogPages { all: count(all), to_move: count(all - moved) }
    }

    /// Moves what another connection has left of the log, so that it begins anew. What stands in
    /// the way is no error: it is tried again.
    pub(crate) fn end_log(&self) {
        let _moving = self.moving();
        let _ = self.connection().query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
    }

    /// Writes the whole file anew, without a trace of what was deleted. The copy that SQLite makes
    /// meanwhile stands in the file's own folder, for its owner's eyes only: it is the one thing
    /// that may leave memory other than into the file and its log.
    pub(crate) fn rewrite(&self) -> Result<()> {
        {
            let connection = self.connection();
            let folder = self.files.folder().to_string_lossy().into_owned();
            connection.pragma_update(None, "temp_store", "FILE")?;
            let vacuumed = connection
                .pragma_update(None, "temp_store_directory", folder)
                .and_then(|()| connection.execute_batch("VACUUM"));
            let _ = connection.pragma_update(None, "temp_store_directory", "");
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            vacuumed?;
        }
        self.owe_empty_log();
        self.empty_log();
        Ok(())
    }

    /// Notes that the log holds deleted rows, to be emptied when there is time.
    pub(crate) fn owe_empty_log(&self) {
        self.log_holds_erased.store(true, Ordering::Release);
    }

    /// Empties the log if it holds erased bytes, and tells whether it holds none now. A reader of
    /// an older state stands in the way: it is not waited for, since hits would wait too, but tried
    /// again later.
    pub(crate) fn empty_log(&self) -> bool {
        if !self.log_holds_erased.load(Ordering::Acquire) {
            return true;
        }
        let _moving = self.moving();
        let connection = self.connection();
        // Before the look, so that what is erased meanwhile is owed again.
        self.log_holds_erased.store(false, Ordering::Release);
        let emptied = connection.busy_timeout(Duration::ZERO).and_then(|()| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0))
        });
        let _ = connection.busy_timeout(connect::BUSY);
        let is_empty = matches!(emptied, Ok(0));
        if !is_empty {
            self.owe_empty_log();
        }
        is_empty
    }
}
