//! Moves the pages of the write-ahead log to the file on a thread of its own: a batch that does it itself keeps all others waiting.
//!
//! The log begins anew only when all of it has been moved, which it never is while batches come one after the other. So the connection that
//! writes moves the little that has come meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;

use crate::connect;
use crate::failure::Result;
use crate::worker::Worker;
use crate::writer::Writer;

/// With so many pages it is worth while: fewer would be moved again and again, and more keep the disk from the next batch for milliseconds.
const PAGES: usize = 250;
/// After so many rows and transactions it is asked how many there are.
const LOOK: usize = 250;

#[derive(Debug)]
pub(crate) struct LogMover {
    worker: Worker<Connection>,
    /// Rows and transactions since the log was last looked at.
    changed: AtomicUsize,
    moving: Arc<AtomicBool>,
    /// It has moved what it found, and the rest is left to the connection that writes.
    moved: Arc<AtomicBool>,
}

impl LogMover {
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let worker = Worker::start("mailping-sqlite-log", connect::reader(path)?, |_| {})?;
        worker.tell(|_| step_back());
        Ok(Self { worker, changed: AtomicUsize::new(0), moving: Arc::default(), moved: Arc::default() })
    }

    /// Notes that transactions have changed so many rows. `end` has the rest moved: after the answer to whoever waits for these rows.
    pub(crate) fn changed(&self, rows: usize, writer: &Writer, end: impl FnOnce()) {
        if self.moved.swap(false, Ordering::AcqRel) {
            end();
        }
        if self.changed.fetch_add(rows + 1, Ordering::Relaxed) + rows < LOOK {
            return;
        }
        self.changed.store(0, Ordering::Relaxed);
        if writer.pages_to_move() < PAGES || self.moving.swap(true, Ordering::AcqRel) {
            return;
        }
        let (moving, moved) = (Arc::clone(&self.moving), Arc::clone(&self.moved));
        self.worker.tell(move |connection| {
            // What is not moved now is moved later, at the latest by the connection that writes.
            let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
            moved.store(done.is_ok(), Ordering::Release);
            moving.store(false, Ordering::Release);
        });
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
    use crate::schema;

    #[test]
    fn a_log_that_has_grown_is_moved_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let writer = Writer::new(connect::writer(&file, &schema::STORE).unwrap());
        let mover = LogMover::start(&file).unwrap();
        let row = "INSERT INTO arrivals (seq, opens) VALUES (?1, zeroblob(4000))";
        for seq in 0..PAGES * 2 {
            writer.write(|transaction| Ok(transaction.execute(row, [seq as i64])?)).unwrap();
        }
        assert!(writer.pages_to_move() >= PAGES);
        mover.changed(LOOK, &writer, || writer.end_log());
        let begun = Instant::now();
        while writer.pages_to_move() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} pages", writer.pages_to_move());
            std::thread::sleep(Duration::from_millis(5));
            mover.changed(0, &writer, || writer.end_log());
        }
    }
}
