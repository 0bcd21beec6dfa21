//! One thread that looks after the file. It moves the write-ahead log's pages to it: a batch that
//! does this itself keeps all others waiting. While no hits come, it fills the index and empties a
//! log that holds what was erased.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rusqlite::Connection;

use crate::connect;
use crate::failure::Result;
use crate::index::locked;
use crate::worker::Worker;
use crate::writer::Writer;

/// After so many rows and transactions the log is moved: more often, the same pages would be moved
/// again and again; more seldom, each move would take long.
const ROWS: usize = 500;

/// How many opens come into the index at once while no hits come: one that comes meanwhile waits.
const STEP: usize = 512;

#[derive(Debug)]
pub(crate) struct Upkeep {
    /// It takes one call, since one is enough for all that ask meanwhile.
    worker: Worker<Connection>,
    writer: Arc<Writer>,
    /// Rows and transactions since the log was last moved.
    changed: AtomicUsize,
}

impl Upkeep {
    pub(crate) fn start(path: &Path, writer: Arc<Writer>) -> Result<Self> {
        let (idle_writer, mut seen) = (Arc::clone(&writer), 0);
        let idle = move |_: &Connection| {
            let now = locked(&idle_writer.tail).seen;
            let no_hits_come = std::mem::replace(&mut seen, now) == now;
            let has_more = no_hits_come && idle_writer.fill_index(1, STEP);
            if !has_more {
                idle_writer.empty_log();
            }
            has_more
        };
        let worker = Worker::start("mailping-sqlite-upkeep", 1, connect::reader(path)?, idle)?;
        Ok(Self { worker, writer, changed: AtomicUsize::new(0) })
    }

    /// Notes that a transaction has changed so many rows. When there are enough, the log is moved.
    pub(crate) fn changed(&self, rows: usize) {
        if self.is_due(rows) {
            self.worker.tell(self.move_log());
        }
    }

    /// As [`Upkeep::changed`], and waits until the log has been moved and as long again: for who
    /// writes many pages, which would lengthen what is moved while batches wait. Half of the time
    /// the disk is theirs alone.
    pub(crate) async fn moved(&self, rows: usize) {
        if self.is_due(rows) {
            let move_log = self.move_log();
            let moved = |connection: &Connection| {
                let begun = Instant::now();
                move_log(connection);
                std::thread::sleep(begun.elapsed());
                Ok(())
            };
            // If a move waits already, that is enough.
            let _ = self.worker.call(moved).await;
        }
    }

    fn is_due(&self, rows: usize) -> bool {
        let is_due = self.changed.fetch_add(rows + 1, Ordering::Relaxed) + rows >= ROWS;
        if is_due {
            self.changed.store(0, Ordering::Relaxed);
        }
        is_due
    }

    fn move_log(&self) -> impl FnOnce(&Connection) + Send + 'static {
        let writer = Arc::clone(&self.writer);
        move |connection| writer.move_log(connection)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::files::Files;
    use crate::writer::LONG_LOG;

    #[test]
    fn a_log_that_has_grown_is_moved_to_the_file_and_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let connection = connect::writer(&file).unwrap();
        let writer = Arc::new(Writer::new(connection, Files::of(&file)).unwrap());
        let upkeep = Upkeep::start(&file, Arc::clone(&writer)).unwrap();
        let look = Connection::open(&file).unwrap();
        let pages = || -> (i64, i64) {
            let noop = "PRAGMA wal_checkpoint(NOOP)";
            look.query_row(noop, (), |row| Ok((row.get(1)?, row.get(2)?))).unwrap()
        };
        let row = "INSERT INTO names VALUES (printf('%03900d', ?1), ?1, '')";
        let write = |number: i64| {
            writer.write(|transaction| Ok(transaction.execute(row, [number])?)).unwrap();
        };
        let wait_until = |what: &str, is_so: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !is_so() {
                assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", pages());
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        // What a killed process may have left is gone first.
        wait_until("emptied", &|| pages().0 == 0);
        (0..300).for_each(write);
        assert!(pages().1 < pages().0);
        upkeep.changed(1);
        assert!(pages().1 < pages().0, "not for so little");
        upkeep.changed(ROWS);
        wait_until("moved", &|| pages().1 == pages().0);
        (9_000..9_010).for_each(write);
        pollster::block_on(upkeep.moved(ROWS));
        assert_eq!(pages().1, pages().0, "who waits for it finds it moved");
        let all = pages().0;
        // A reader of this state keeps what comes after it in the log.
        let reader = connect::reader(&file).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM names").unwrap();
        (300..LONG_LOG).for_each(write);
        upkeep.changed(ROWS);
        std::thread::sleep(Duration::from_millis(50));
        assert!(pages().0 >= LONG_LOG && pages().1 <= all, "{:?}", pages());
        drop(reader);
        wait_until("moved", &|| {
            upkeep.changed(ROWS);
            pages().1 == pages().0
        });
        write(LONG_LOG);
        assert!(pages().0 < all, "it begins anew: {:?}", pages());
    }
}
