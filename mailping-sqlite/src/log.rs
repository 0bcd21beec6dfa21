//! Moves the pages of the write-ahead log to the file on a thread of its own: a batch that does it itself keeps all others waiting.
//!
//! The log begins anew only when all of it has been moved, which it never is while batches come one after the other. So the connection that
//! writes still does it, when the log has grown long; by then little is left to move.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;

use crate::connect;
use crate::failure::Result;
use crate::worker::Worker;

/// After so many rows and their like it is worth while: a page is then moved once for several batches.
const PAGES: usize = 4_000;
/// The pages that each transaction changes besides those of its rows.
const EACH: usize = 8;

#[derive(Debug)]
pub(crate) struct LogMover {
    worker: Worker<Connection>,
    /// How many pages were changed since, at the most.
    changed: AtomicUsize,
    moving: Arc<AtomicBool>,
}

impl LogMover {
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let worker = Worker::start("mailping-sqlite-log", connect::reader(path)?, |_| {})?;
        Ok(Self { worker, changed: AtomicUsize::new(0), moving: Arc::default() })
    }

    /// Notes a transaction that has changed so many rows. It waits for nothing.
    pub(crate) fn changed(&self, rows: usize) {
        let changed = self.changed.fetch_add(rows + EACH, Ordering::Relaxed) + rows + EACH;
        if changed < PAGES || self.moving.swap(true, Ordering::AcqRel) {
            return;
        }
        self.changed.store(0, Ordering::Relaxed);
        let moving = Arc::clone(&self.moving);
        self.worker.tell(move |connection| {
            // What is not moved now is moved later, at the latest by the connection that writes.
            let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
            moving.store(false, Ordering::Release);
        });
    }
}
