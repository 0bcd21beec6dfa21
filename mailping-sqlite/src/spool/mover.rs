//! Between the database and the spool's file: which of the two gets a batch, and the thread that moves what waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::StoreError;
use mailping_core::store::{Answer, Attempt, Store, Written};
use pollster::block_on;

use super::file::File;
use crate::failure::Failure;

/// The most opens that one step moves: one batch of the database.
const STEP: u32 = 1_000;
/// How long a failing database is left alone before the next try: the first pause and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) database: Arc<dyn Store>,
    pub(crate) file: File,
    pub(crate) patience: Duration,
    pub(crate) most: u64,
    failing: AtomicBool,
    /// Calls of the database that were waited for long enough and have not come back.
    hanging: Arc<AtomicUsize>,
    stop: Mutex<bool>,
    work: Condvar,
}

impl Shared {
    pub(crate) fn new(database: Arc<dyn Store>, file: File, patience: Duration, most: u64) -> Self {
        Self {
            database,
            file,
            patience,
            most,
            failing: AtomicBool::new(false),
            hanging: Arc::default(),
            stop: Mutex::new(false),
            work: Condvar::new(),
        }
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire) || self.hanging.load(Ordering::Acquire) > 0
    }

    pub(crate) fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Written, StoreError> {
        if !self.is_failing() {
            let (sent, days) = (opens.to_vec(), last_days.to_vec());
            match self.ask(move |database| block_on(database.record(&sent, &days, attempt))) {
                Ok(written) if written.opens.len() == opens.len() => return Ok(written),
                Ok(_) => self.note_failure("it did not answer for each open"),
                Err(error) => self.note_failure(&told(&error)),
            }
        }
        let kept = self.file.keep(opens, last_days, self.most);
        self.work.notify_all();
        kept.map_err(|Failure(error)| error)?;
        Ok(Written::new(vec![Answer::Kept; opens.len()], vec![Answer::Kept; last_days.len()]))
    }

    /// Makes a call on a thread of its own and waits for it no longer than the patience. A call that takes longer goes on to its end.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = mpsc::channel();
        let (database, over) = (Arc::clone(&self.database), Arc::new(AtomicBool::new(false)));
        let end = End { over: Arc::clone(&over), hanging: Arc::clone(&self.hanging) };
        let work = move || {
            let _end = end;
            let _ = answer.send(call(&*database));
        };
        std::thread::Builder::new()
            .name("mailping-spool-ask".into())
            .spawn(work)
            .map_err(StoreError::unavailable)?;
        match answered.recv_timeout(self.patience) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => {
                Err(StoreError::unavailable("the database's store panicked"))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.hanging.fetch_add(1, Ordering::AcqRel);
                // Both sides say that it is over: whoever is second takes the count back.
                if over.swap(true, Ordering::AcqRel) {
                    self.hanging.fetch_sub(1, Ordering::AcqRel);
                }
                Err(StoreError::unavailable("the database did not answer within the spool's patience"))
            }
        }
    }

    fn note_failure(&self, failure: &str) {
        if !self.failing.swap(true, Ordering::AcqRel) {
            tracing::error!(failure, "the database does not take opens; they are kept in the spool");
        }
        self.work.notify_all();
    }

    /// Moves what waits until it is told to stop.
    pub(crate) fn move_all(&self) {
        let mut pause = PAUSE.0;
        while !self.is_stopped() {
            if self.file.is_empty() {
                // A wake-up that is missed costs one such wait.
                self.wait(PAUSE.1 / 2);
                if self.file.is_empty() {
                    // Nothing is left to try with: the next batch finds out.
                    self.failing.store(false, Ordering::Release);
                }
            } else if self.move_some() {
                pause = PAUSE.0;
                if self.file.is_empty() {
                    self.end_outage();
                }
            } else {
                self.rest(pause);
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }

    fn end_outage(&self) {
        tracing::info!("the database takes opens again, and the spool is empty");
        if let Err(Failure(error)) = self.file.shrink() {
            tracing::warn!(failure = told(&error), "the spool's file was not made small again");
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until something may have come, or for so long.
    fn wait(&self, most: Duration) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        if !*stop {
            drop(self.work.wait_timeout(stop, most).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// For so long, whatever comes.
    fn rest(&self, pause: Duration) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = self.work.wait_timeout_while(stop, pause, |stop| !*stop);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }

    /// Moves a batch; `false` where the database or the file failed.
    fn move_some(&self) -> bool {
        let batch = match self.file.first(STEP) {
            Ok(batch) => batch,
            Err(Failure(error)) => {
                tracing::error!(failure = told(&error), "the spool cannot be read");
                return false;
            }
        };
        if batch.opens.is_empty() && batch.last_days.is_empty() {
            // They are being written.
            return false;
        }
        let call = || block_on(self.database.record(&batch.opens, &batch.last_days, Attempt::Repeat));
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)) {
            Ok(Ok(written)) if written.opens.len() == batch.opens.len() => {}
            Ok(Ok(_)) => {
                self.note_failure("it did not answer for each open");
                return false;
            }
            Ok(Err(error)) => {
                self.note_failure(&told(&error));
                return false;
            }
            Err(_) => {
                self.note_failure("its store panicked");
                return false;
            }
        }
        self.failing.store(false, Ordering::Release);
        // What cannot be taken off is moved again: the database keeps an open once.
        match self.file.forget(&batch) {
            Ok(()) => true,
            Err(Failure(error)) => {
                tracing::error!(failure = told(&error), "the spool cannot be written");
                false
            }
        }
    }

    pub(crate) fn stop(&self) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.work.notify_all();
    }
}

/// The end of a call, also by a panic.
struct End {
    over: Arc<AtomicBool>,
    hanging: Arc<AtomicUsize>,
}

impl Drop for End {
    fn drop(&mut self) {
        if self.over.swap(true, Ordering::AcqRel) {
            self.hanging.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn told(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
