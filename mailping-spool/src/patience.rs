//! Calls of the database that are not waited for longer than the spool's patience, whatever becomes
//! of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mailping_core::store::StoreError;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that make calls. One that waits for its call longer than the caller did ends with it.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    idle: Mutex<Vec<mpsc::Sender<Job>>>,
    /// Calls that nobody waits for any more and that have not come back.
    hanging: Arc<AtomicUsize>,
}

impl Patience {
    /// Whether a call has been given up and has not come back.
    pub(crate) fn is_hanging(&self) -> bool {
        self.hanging.load(Ordering::Acquire) > 0
    }

    /// Makes a call on another thread and waits for it for so long. A call that takes longer goes
    /// on to its end.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        patience: Duration,
        call: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = mpsc::channel();
        let over = Arc::new(AtomicBool::new(false));
        let end = End { over: Arc::clone(&over), hanging: Arc::clone(&self.hanging) };
        let job: Job = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(call));
            drop(end);
            let _ = answer.send(result.unwrap_or_else(|_| Err(panicked())));
        });
        let thread = self.start(job)?;
        match answered.recv_timeout(patience) {
            Ok(result) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
                result
            }
            Err(RecvTimeoutError::Disconnected) => Err(panicked()),
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

    /// Has the job done by a thread that is free, or by a new one.
    fn start(&self, mut job: Job) -> Result<mpsc::Sender<Job>, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(thread) = idle {
            match thread.send(job) {
                Ok(()) => return Ok(thread),
                Err(mpsc::SendError(unsent)) => job = unsent,
            }
        }
        let (thread, jobs) = mpsc::channel::<Job>();
        let work = move || {
            job();
            jobs.into_iter().for_each(|job| job());
        };
        let named = std::thread::Builder::new().name("mailping-spool".into());
        named.spawn(work).map_err(StoreError::unavailable)?;
        Ok(thread)
    }
}

fn panicked() -> StoreError {
    StoreError::unavailable("the database's store panicked")
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_call_that_hangs_is_given_up_and_counted_until_it_comes_back() {
        let patience = Patience::default();
        let (release, released) = mpsc::channel::<()>();
        let hangs = move || {
            let _ = released.recv();
            Ok(())
        };
        assert!(patience.call(Duration::from_millis(20), hangs).is_err());
        assert!(patience.is_hanging());
        // Others are made meanwhile.
        assert_eq!(patience.call(Duration::from_secs(20), || Ok(7)).unwrap(), 7);
        assert!(patience.is_hanging());
        drop(release);
        let begun = Instant::now();
        while patience.is_hanging() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it never came back");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_call_that_panics_is_an_error_and_its_thread_makes_the_next() {
        let patience = Patience::default();
        let wait = Duration::from_secs(20);
        assert!(patience.call(wait, || -> Result<(), StoreError> { panic!("told to") }).is_err());
        assert_eq!(patience.call(wait, || Ok(8)).unwrap(), 8);
        assert_eq!(patience.idle.lock().unwrap().len(), 1);
        assert!(!patience.is_hanging());
    }
}
