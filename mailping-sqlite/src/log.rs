//! Moves the pages of the write-ahead log to the file on a thread of its own: a batch that does it
//! itself keeps all others waiting.
//!
//! The log begins anew only when all of it has been moved, which it never is while batches come one
//! after the other. So now and then the connection that writes moves the little that has come
//! meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;

use crate::connect;
use crate::failure::Result;
use crate::record::Recorder;
use crate::worker::Worker;

/// With so many pages it is worth while: fewer would be moved again and again, and more keep the
/// core from the next batch for milliseconds.
const PAGES: usize = 250;
/// With so many pages in all, moved ones too, the log begins anew. It is only then that SQLite
/// waits for the file to be on disk, and keeps the next batch waiting: seldom enough that few hits
/// in a thousand meet it.
const LONG: usize = 2_000;
/// After so many rows and transactions it is asked how many there are.
const LOOK: usize = 250;

#[derive(Debug)]
pub(crate) struct LogMover {
    worker: Worker<Connection>,
    /// Rows and transactions since the log was last looked at.
    changed: AtomicUsize,
    /// Pages are moved, or the log ends.
    at_work: Arc<AtomicBool>,
}

impl LogMover {
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let worker = Worker::start("mailping-sqlite-log", connect::reader(path)?, |_| false)?;
        worker.tell(|_| step_back());
        Ok(Self { worker, changed: AtomicUsize::new(0), at_work: Arc::default() })
    }

    /// Notes that transactions have changed so many rows. The rest of a long log is moved by
    /// `writing`: after the answer to whoever waits for these rows.
    pub(crate) fn changed(&self, rows: usize, writer: &Arc<Recorder>, writing: &Worker<Arc<Recorder>>) {
        if self.changed.fetch_add(rows + 1, Ordering::Relaxed) + rows < LOOK {
            return;
        }
        self.changed.store(0, Ordering::Relaxed);
        let log = writer.writer.log_pages();
        let is_long = log.all >= LONG;
        if (log.to_move < PAGES && !is_long) || self.at_work.swap(true, Ordering::AcqRel) {
            return;
        }
        let at_work = AtWork(Arc::clone(&self.at_work));
        if log.to_move >= PAGES {
            let writer = Arc::clone(writer);
            self.worker.tell(move |connection| {
                let _moving = writer.writer.moving();
                // What is not moved now is moved later, at the latest by the connection that
                // writes.
                let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
                drop(at_work);
            });
        } else {
            writing.tell(move |writer| {
                writer.writer.end_log();
                drop(at_work);
            });
        }
    }
}

/// Ends when the work is done, and if it never comes to it: the thread takes no more calls, or the
/// work panics.
struct AtWork(Arc<AtomicBool>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Lets whoever serves a hit go before this thread.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::files::Files;
    use crate::schema;
    use crate::writer::Writer;

    #[test]
    fn a_log_that_has_grown_is_moved_to_the_file_and_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let connection = connect::writer(&file, &schema::STORE).unwrap();
        let writer = Writer::new(connection, Files::of(&file));
        let writer = Arc::new(Recorder::new(writer, Arc::default(), 1));
        let writing = Worker::start("test", Arc::clone(&writer), |_| false).unwrap();
        let mover = LogMover::start(&file).unwrap();
        let row = "INSERT INTO names VALUES (printf('%03900d', ?1), ?1, '')";
        let write = |seq: usize| {
            writer.writer.write(|transaction| Ok(transaction.execute(row, [seq as i64])?)).unwrap();
        };
        (0..PAGES).for_each(write);
        let wait_until = |what: &str, is_so: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !is_so() {
                assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", writer.writer.log_pages());
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        let look = || mover.changed(LOOK, &writer, &writing);
        look();
        wait_until("moved", &|| writer.writer.log_pages().to_move == 0);
        (PAGES..LONG).for_each(write);
        assert!(writer.writer.log_pages().all >= LONG);
        // A reader of this state keeps what comes after it in the log, as the next batches do where
        // they come one after the other.
        let reader = connect::reader(&file).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM pings").unwrap();
        (LONG..LONG + 20).for_each(write);
        look();
        wait_until("moved but for the rest", &|| !mover.at_work.load(Ordering::Acquire));
        drop(reader);
        assert!((1..PAGES).contains(&writer.writer.log_pages().to_move), "{:?}", writer.writer.log_pages());
        // Where the thread that writes takes no more calls, it is tried again.
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        writing.tell(move |_| assert!(wait.recv().is_err()));
        (0..5_000).for_each(|_| writing.tell(|_| ()));
        look();
        assert!(!mover.at_work.load(Ordering::Acquire));
        drop(go_on);
        wait_until("ended", &|| {
            look();
            writer.writer.log_pages().to_move == 0
        });
        write(LONG + 20);
        assert!(writer.writer.log_pages().all < PAGES, "{:?}", writer.writer.log_pages());
    }
}
