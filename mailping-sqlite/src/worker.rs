//! A thread of the store's own that carries out calls one after another, so that no async runtime waits for the disk.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_channel::oneshot;
use mailping_core::StoreError;

use crate::failure::{Failure, Result};

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A thread and what it works on. Dropping it waits until the calls that were accepted have been carried out.
#[derive(Debug)]
pub(crate) struct Worker<T> {
    jobs: Option<mpsc::Sender<Job<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    /// `idle` is called every now and then while there is nothing to do, and once at the end.
    pub(crate) fn start(name: &str, mut on: T, idle: impl Fn(&mut T) + Send + 'static) -> Result<Self> {
        const PAUSE: Duration = Duration::from_secs(1);
        let (jobs, queue) = mpsc::channel::<Job<T>>();
        let run = move || {
            loop {
                match queue.recv_timeout(PAUSE) {
                    Ok(job) => job(&mut on),
                    Err(RecvTimeoutError::Timeout) => idle(&mut on),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            idle(&mut on);
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        let thread = thread.map_err(StoreError::unavailable)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Carries out a call on the thread. A call whose future was dropped before its turn is left out.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> Result<R> + Send + 'static,
    ) -> std::result::Result<R, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job<T> = Box::new(move |on| {
            if !answer.is_canceled() {
                // Where nobody waits any more, the change is made all the same.
                let _ = answer.send(work(on));
            }
        });
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if !sent {
            return Err(ended());
        }
        answered.await.map_err(|_| ended())?.map_err(|Failure(error)| error)
    }
}

fn ended() -> StoreError {
    StoreError::unavailable("the store's thread has ended")
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.jobs = None;
        let Some(thread) = self.thread.take() else { return };
        // An answer can wake the task that drops the store, on this very thread.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}
