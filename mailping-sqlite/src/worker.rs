//! A thread of the store's own that carries out calls one after another, so that no async runtime
//! waits for the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use mailping_core::store::StoreError;

use crate::failure::{Failure, Result};

/// The most calls that may wait: beyond it a call fails at once, as it would have in the end.
pub(crate) const MAX_CALLS: usize = 4_096;

const PAUSE: Duration = Duration::from_secs(1);

type Job<T> = Box<dyn FnOnce(&T) + Send>;

/// A thread and what it works on. Dropping it waits until the calls that were accepted have been
/// carried out.
#[derive(Debug)]
pub(crate) struct Worker<T> {
    jobs: Option<SyncSender<Job<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    /// At most `calls` wait. `idle` is called about every second, between two calls if these do not
    /// end, and once at the end. If it tells that there is more to do, it is called again after the
    /// calls that wait.
    pub(crate) fn start(
        name: &str,
        calls: usize,
        on: T,
        mut idle: impl FnMut(&T) -> bool + Send + 'static,
    ) -> Result<Self> {
        let (jobs, queue) = sync_channel::<Job<T>>(calls);
        let run = move || {
            let mut next_idle = Instant::now() + PAUSE;
            loop {
                match queue.recv_timeout(next_idle.saturating_duration_since(Instant::now())) {
                    // A panic rolls its transaction back, and its caller is told: the thread goes
                    // on.
                    Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(&on)))),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if Instant::now() >= next_idle {
                    next_idle = Instant::now() + if idle(&on) { Duration::ZERO } else { PAUSE };
                }
            }
            while idle(&on) {}
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        Ok(Self { jobs: Some(jobs), thread: Some(thread.map_err(StoreError::unavailable)?) })
    }

    /// Has something done that nobody waits for; `false` if too much waits already.
    pub(crate) fn tell(&self, work: impl FnOnce(&T) + Send + 'static) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(Box::new(work)).is_ok())
    }

    /// Carries out a call. One whose future was dropped before its turn is left out.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&T) -> Result<R> + Send + 'static,
    ) -> std::result::Result<R, StoreError> {
        let (answer, answered) = oneshot::channel();
        let is_taken = self.tell(move |on| {
            if !answer.is_canceled() {
                // If nobody waits any more, the change is made all the same.
                let _ = answer.send(work(on));
            }
        });
        if !is_taken {
            return Err(StoreError::unavailable("too many calls wait for the database file"));
        }
        let answered = answered.await.map_err(|_| StoreError::unavailable("the call panicked"))?;
        answered.map_err(|Failure(error)| error)
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.jobs = None;
        // An answer can wake the task that drops the store, on this very thread.
        let is_other = |thread: &JoinHandle<()>| thread.thread().id() != std::thread::current().id();
        if let Some(thread) = self.thread.take().filter(is_other) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_done_when_idle_is_done_too_while_calls_come_without_end() {
        let idled = Arc::new(AtomicU32::new(0));
        let idles = Arc::clone(&idled);
        let idle = move |(): &()| {
            std::thread::sleep(Duration::from_millis(1));
            idles.fetch_add(1, Ordering::AcqRel) < 100
        };
        let worker = Worker::start("test", MAX_CALLS, (), idle).unwrap();
        let begun = Instant::now();
        let mut calls_meanwhile = 0;
        // Where there was more to do, it came again without a pause, and calls in between.
        while idled.load(Ordering::Acquire) <= 100 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{idled:?} times idle");
            calls_meanwhile += u32::from(idled.load(Ordering::Acquire) > 0);
            pollster::block_on(worker.call(|()| Ok(()))).unwrap();
        }
        assert!(calls_meanwhile > 50, "{calls_meanwhile}");
    }

    #[test]
    fn a_call_that_panics_is_an_error_and_the_next_is_carried_out() {
        let worker = Worker::start("test", MAX_CALLS, 1, |_| false).unwrap();
        let panics = worker.call(|_: &i32| -> Result<i32> { panic!("told to") });
        assert!(pollster::block_on(panics).is_err());
        assert_eq!(pollster::block_on(worker.call(|on| Ok(*on))).unwrap(), 1);
    }

    #[test]
    fn calls_beyond_the_most_that_wait_fail_at_once() {
        use std::future::Future;
        use std::task::{Context, Waker};
        let (release, released) = mpsc::channel::<()>();
        let worker = Worker::start("test", MAX_CALLS, released, |_| false).unwrap();
        let mut waiting: Vec<_> = (0..MAX_CALLS + 2)
            .map(|_| Box::pin(worker.call(|released| Ok(released.recv().is_ok()))))
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        let mut refused = 0;
        for call in &mut waiting {
            refused += usize::from(call.as_mut().poll(&mut context).is_ready());
        }
        // One is under way, or not yet taken.
        assert!((1..=2).contains(&refused), "{refused}");
        drop(release);
    }
}
