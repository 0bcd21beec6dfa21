//! The one connection that writes, shared by the tracker's thread and the store's own, with what it
//! remembers of opens that are in no index yet.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{Attempt, Recorded};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::connect;
use crate::failure::{Failure, Result};
use crate::files::Files;
use crate::index::{self, Entry, ROUND, Tail, locked};
use crate::record::{self, Recording};

/// How long an erasure waits for readers of an older state before emptying the log is put off. No
/// hit waits for it.
const ERASURE_PATIENCE: Duration = Duration::from_millis(500);

/// With so many pages, moved ones too, the log begins anew. It is only then that SQLite waits for
/// the file to be on disk, and keeps the next batch waiting: seldom enough that few hits in a
/// thousand meet it.
pub(crate) const LONG_LOG: i64 = 2_000;

/// No state of a file has this version.
const UNKNOWN: i64 = -1;

#[derive(Debug)]
pub(crate) struct Writer {
    connection: Mutex<Connection>,
    /// Whoever comes next holds it while waiting, so that a thread which writes batch after batch
    /// cannot keep another out.
    next: Mutex<()>,
    /// Held by whoever moves the log: two at once would only be in each other's way.
    moving: Mutex<()>,
    pub(crate) tail: Arc<Mutex<Tail>>,
    /// The state of the file that the tail knows of.
    version: AtomicI64,
    recording: Mutex<Recording>,
    /// Erased bytes may still stand in the log.
    log_holds_erased: AtomicBool,
    files: Files,
}

impl Writer {
    pub(crate) fn new(connection: Connection, files: Files) -> Result<Self> {
        let (tail, now) = (Arc::default(), version(&connection)?);
        index::catch_up(&connection, &tail, 0)?;
        Ok(Self {
            connection: Mutex::new(connection),
            next: Mutex::default(),
            moving: Mutex::default(),
            tail,
            version: AtomicI64::new(now),
            recording: Mutex::default(),
            // A process that was killed may have left a log with erased bytes in it.
            log_holds_erased: AtomicBool::new(true),
            files,
        })
    }

    /// Keeps a batch, and with it brings about as many opens into the index, if enough wait.
    pub(crate) fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Vec<Recorded>> {
        let mut connection = self.connection();
        let keep = |connection: &mut Connection, slice_of: usize, beside: Option<&Connection>| {
            self.write_by(connection, |transaction| {
                let indexed = match attempt {
                    Attempt::First => None,
                    Attempt::Repeat => Some(record::indexed(transaction, beside, opens)?),
                };
                let mut known = locked(&self.recording);
                let batch = record::batch(transaction, &self.tail, &mut known, opens, last_days, indexed)?;
                let slice = index::advance(transaction, beside, &self.tail, ROUND, slice_of)?;
                Ok((batch, slice))
            })
        };
        // A little more than these, so that what waits is bounded.
        let slice_of = if locked(&self.tail).has_round(ROUND) { opens.len() * 9 / 8 + 1 } else { 0 };
        let mut kept = keep(&mut connection, slice_of, None);
        let is_index_to_blame = kept.as_ref().is_err_and(Failure::is_corrupt);
        if is_index_to_blame {
            kept = keep(&mut connection, 0, Some(&connect::reader(self.files.path())?));
        }
        let (batch, slice) = kept?;
        let mut tail = locked(&self.tail);
        tail.append(&batch.appended);
        tail.indexed(&slice);
        drop(tail);
        drop(connection);
        if is_index_to_blame {
            self.fill_index(ROUND, slice_of);
        }
        Ok(batch.answers)
    }

    /// Runs `work` as one durable transaction that knows of all opens; any error takes all of it
    /// back. So does a page that turns out to be damaged, even if it is only read: SQLite writes
    /// nothing more then.
    pub(crate) fn write<R>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<R>) -> Result<R> {
        self.write_by(&mut self.connection(), |transaction| {
            self.doubt();
            work(transaction)
        })
    }

    fn write_by<R>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&Transaction<'_>) -> Result<R>,
    ) -> Result<R> {
        // The write lock comes first: what is read inside cannot be outdated by another process
        // before the commit.
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !self.is_up_to_date(&transaction)? {
            // Most of it outside of a transaction, which must not come across damage.
            drop(transaction);
            self.catch_up(connection)?;
            transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if !self.is_up_to_date(&transaction)? {
                self.catch_up(&transaction)?;
            }
        }
        let result = work(&transaction)?;
        // After the commit: a file that is taken away before it is noticed here, and one that is
        // taken away later had it.
        let kept = transaction.commit().map_err(Failure::from).and_then(|()| self.files.check());
        if kept.is_err() {
            // It may stand in the file all the same: the next look finds it.
            self.version.store(UNKNOWN, Ordering::Release);
        }
        kept.map(|()| result)
    }

    /// Takes over what another process has written since the last look.
    fn catch_up(&self, connection: &Connection) -> Result<()> {
        let now = version(connection)?;
        let seen = locked(&self.tail).seen;
        index::catch_up(connection, &self.tail, seen)?;
        self.doubt();
        self.version.store(now, Ordering::Release);
        Ok(())
    }

    fn is_up_to_date(&self, connection: &Connection) -> Result<bool> {
        Ok(version(connection)? == self.version.load(Ordering::Acquire))
    }

    /// Somebody may change who records, and erase.
    fn doubt(&self) {
        *locked(&self.recording) = Recording::default();
        locked(&self.tail).doubt();
    }

    /// As [`Writer::write`], with the opens that are in no index, and what was deleted leaves the
    /// log at once, or as soon as its readers allow.
    pub(crate) fn erase<R>(&self, work: impl FnOnce(&Transaction<'_>, &[Entry]) -> Result<R>) -> Result<R> {
        // Most of it before the transaction, which must not come across damage, and by a connection
        // of its own, so that no hit waits.
        let reader = connect::reader(self.files.path())?;
        let mut waiting = index::waiting(&reader, None)?;
        let last = waiting.last().map_or(index::mark(&reader), |entry| Ok(entry.seq))?;
        let result = self.write(|transaction| {
            waiting.extend(index::waiting(transaction, Some(last))?);
            work(transaction, &waiting)
        })?;
        self.owe_empty_log();
        let begun = Instant::now();
        while !self.empty_log() && begun.elapsed() < ERASURE_PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(result)
    }

    /// Writes the whole file anew, without a trace of what was deleted. The copy that SQLite makes
    /// meanwhile stands in the file's own folder, for its owner's eyes only: it is the one thing
    /// that may leave memory other than into the file and its log.
    pub(crate) fn rewrite(&self) -> Result<()> {
        let connection = self.connection();
        connection.pragma_update(None, "temp_store", "FILE")?;
        let vacuumed = connection
            .pragma_update(None, "temp_store_directory", self.files.folder().to_string_lossy())
            .and_then(|()| connection.execute_batch("VACUUM"));
        let _ = connection.pragma_update(None, "temp_store_directory", "");
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        drop(connection);
        vacuumed?;
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
        let _moving = locked(&self.moving);
        let connection = self.connection();
        // Nothing is erased meanwhile: that takes this connection too.
        let is_busy = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0)));
        let _ = connection.busy_timeout(connect::BUSY);
        self.log_holds_erased.store(is_busy != Ok(false), Ordering::Release);
        is_busy == Ok(false)
    }

    /// Moves the log's pages to the file by another connection, so that no batch waits. The rest of
    /// a long log is moved while batches do wait, so that it begins anew. What stands in the way is
    /// no error: it is tried again.
    pub(crate) fn move_log(&self, by: &Connection) {
        let passive = |connection: &Connection| {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get::<_, i64>(1))
        };
        let _moving = locked(&self.moving);
        if passive(by).is_ok_and(|pages| pages >= LONG_LOG) {
            let _ = passive(&self.connection());
        }
    }

    /// Has the next start write what can be read to a new file. Without this note the damage is
    /// found again.
    pub(crate) fn ask_for_repair(&self) {
        // Alone, so that it comes across no other page.
        let noted = self.connection().execute("UPDATE about SET index_broken = 1", ());
        if let Err(error) = noted {
            tracing::error!(%error, "the damage could not be noted for the next start");
        }
    }

    /// Brings at most `most` opens into the index, if `enough` wait for a round of it, and tells
    /// whether there may be more. No open is lost if it is damaged: it is left as it is then, and
    /// made anew at the next start.
    pub(crate) fn fill_index(&self, enough: usize, most: usize) -> bool {
        if !locked(&self.tail).has_round(enough) {
            return false;
        }
        let fill = |beside: Option<&Connection>| {
            self.write_by(&mut self.connection(), |transaction| {
                index::advance(transaction, beside, &self.tail, enough, most)
            })
        };
        let mut filled = fill(None);
        if filled.as_ref().is_err_and(Failure::is_corrupt) {
            filled = connect::reader(self.files.path()).and_then(|reader| fill(Some(&reader)));
        }
        if filled.as_ref().is_err_and(Failure::is_corrupt) {
            tracing::error!(
                "the index of opens is damaged: they are kept without it and found more slowly until the next start"
            );
            locked(&self.tail).break_off();
            self.ask_for_repair();
        }
        let slice = filled.unwrap_or_default();
        locked(&self.tail).indexed(&slice);
        !slice.0.is_empty()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic rolls its transaction back, so the connection stays good.
        let _next = locked(&self.next);
        locked(&self.connection)
    }
}

/// It changes whenever another connection writes.
pub(crate) fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mailping_core::fetcher::{Fetcher, Verdict};
    use mailping_core::pings::{Ping, Status};
    use mailping_core::receipts::OpenId;
    use mailping_core::{Basis, PingId, Timestamp};

    use super::*;
    use crate::changes;

    /// A writer of a file with one live ping.
    fn writer(file: &Path) -> (Writer, Ping) {
        let writer = Writer::new(connect::writer(file).unwrap(), Files::of(file)).unwrap();
        let mut ping = Ping::stored(PingId::from_bytes([1; 16]), "x".into(), Basis::Contract, Status::Live);
        ping.record_until = Timestamp::from_unix_millis(1_000_000);
        ping.keep_until = ping.record_until;
        writer.write(|change| changes::insert_ping(change, &ping, None)).unwrap();
        (writer, ping)
    }

    fn open(ping: &Ping, n: i64) -> [Open; 1] {
        let at = Timestamp::from_unix_millis(1_000);
        [Open::new(ping.id, OpenId::from_bytes(n.to_be_bytes()), at, Fetcher::Browser, Verdict::Human)]
    }

    fn counts(writer: &Writer) -> (i64, i64) {
        let count = "SELECT (SELECT count(*) FROM opens), (SELECT count(*) FROM opens_by_ping)";
        writer.connection().query_row(count, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    /// By this process or by another, before its round and in the middle of it.
    #[test]
    fn what_is_erased_while_it_waits_is_not_indexed() {
        for in_round in [0, 5] {
            for by_another in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("mailping.db");
                let (writer, ping) = writer(&file);
                for n in 0..20 {
                    writer.record(&open(&ping, n), &[], Attempt::First).unwrap();
                }
                writer.fill_index(1, in_round);
                let another = Writer::new(connect::writer(&file).unwrap(), Files::of(&file)).unwrap();
                let eraser = if by_another { &another } else { &writer };
                eraser.erase(|change, waiting| changes::erase(change, ping.id, waiting)).unwrap();
                while writer.fill_index(1, 7) {}
                assert_eq!(counts(&writer), (0, 0), "{in_round} {by_another}");
            }
        }
    }

    /// A reader may take over what was erased since its state of the file.
    #[test]
    fn what_a_reader_takes_over_late_is_not_indexed_once_it_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let (writer, ping) = writer(&file);
        let another = Writer::new(connect::writer(&file).unwrap(), Files::of(&file)).unwrap();
        another.record(&open(&ping, 1), &[], Attempt::First).unwrap();
        let mut reader = connect::reader(&file).unwrap();
        let snapshot = reader.transaction().unwrap();
        assert_eq!(index::waiting(&snapshot, None).unwrap().len(), 1);
        another.erase(|change, waiting| changes::erase(change, ping.id, waiting)).unwrap();
        writer.write(|_| Ok(())).unwrap();
        index::catch_up(&snapshot, &writer.tail, 0).unwrap();
        drop(snapshot);
        while writer.fill_index(1, 7) {}
        assert_eq!(counts(&writer), (0, 0));
    }

    /// What was kept although its answer was an error is known to the next.
    #[test]
    fn a_batch_that_is_kept_and_refused_is_no_second_one_when_it_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let (file, away) = (folder.path().join("mailping.db"), folder.path().join("away.db"));
        let (writer, ping) = writer(&file);
        std::fs::rename(&file, &away).unwrap();
        writer.record(&open(&ping, 1), &[], Attempt::First).unwrap_err();
        for _ in 0..3 {
            writer.record(&open(&ping, 1), &[], Attempt::Repeat).unwrap_err();
        }
        std::fs::rename(&away, &file).unwrap();
        assert_eq!(writer.record(&open(&ping, 2), &[], Attempt::First).unwrap(), [Recorded::Durable]);
        while writer.fill_index(1, 7) {}
        assert_eq!(counts(&writer), (2, 2));
    }

    /// I6, also while the open that comes again moves into the index.
    #[test]
    fn a_repeat_beside_the_filling_of_the_index_is_kept_once() {
        const BATCHES: i64 = 300;
        let folder = tempfile::tempdir().unwrap();
        let (writer, ping) = writer(&folder.path().join("mailping.db"));
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    writer.fill_index(1, 1);
                }
            });
            for n in 0..BATCHES {
                for attempt in [Attempt::First, Attempt::Repeat, Attempt::Repeat] {
                    assert_eq!(writer.record(&open(&ping, n), &[], attempt).unwrap(), [Recorded::Durable]);
                }
            }
            is_done.store(true, Ordering::Relaxed);
        });
        while writer.fill_index(1, 100) {}
        assert_eq!(counts(&writer), (BATCHES, BATCHES));
        assert!(locked(&writer.tail).some_of(&index::Span::new(1, false, None), 9).is_empty());
    }
}
