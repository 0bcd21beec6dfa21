//! The thread that seals, from when the first hit may come until the tracker is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Sealer;
use crate::Error;

/// How often the thread looks for what is new: so often within the time of a seal, and at least
/// once a minute.
const LOOKS_A_SEAL: u32 = 60;
const MAX_PAUSE: Duration = Duration::from_secs(60);
const MIN_PAUSE: Duration = Duration::from_millis(50);

/// A sealer with its thread, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Sealing {
    pub(crate) sealer: Arc<Sealer>,
    signals: Arc<Signals>,
    /// It was to start, and the operating system gave no thread.
    is_owed: AtomicBool,
}

#[derive(Debug, Default)]
struct Signals {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    runs: bool,
    ends: bool,
    /// There is something to do at once.
    is_nudged: bool,
    /// The last failure; empty after a success.
    failure: String,
}

impl Sealing {
    pub(crate) fn new(sealer: Sealer) -> Self {
        Self { sealer: Arc::new(sealer), signals: Arc::default(), is_owed: AtomicBool::new(false) }
    }

    /// Starts the thread unless it runs. If the operating system gives none, that is the failure
    /// until [`Sealing::start_if_owed`] gets one.
    pub(crate) fn start(&self) {
        self.start_with(std::thread::Builder::new().name("mailping-sealer".into()));
    }

    /// Tries again to start the thread: with each hit and each new ping, so it costs next to
    /// nothing.
    pub(crate) fn start_if_owed(&self) {
        if self.is_owed.load(Ordering::Relaxed) {
            self.start();
        }
    }

    fn start_with(&self, thread: std::thread::Builder) {
        let mut state = self.signals.lock();
        if state.runs || state.ends {
            return;
        }
        let (sealer, signals) = (Arc::clone(&self.sealer), Arc::clone(&self.signals));
        let spawned = thread.spawn(move || signals.run(&sealer));
        self.is_owed.store(spawned.is_err(), Ordering::Relaxed);
        match spawned {
            Ok(_) => state.runs = true,
            Err(error) => state.note(Some(format!("there was no thread to seal with: {error}"))),
        }
    }

    /// Has the thread look now, so that an end is sealed with its own time.
    pub(crate) fn nudge(&self) {
        self.signals.lock().is_nudged = true;
        self.signals.changed.notify_all();
    }

    /// Why the last attempt failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        let failure = self.signals.lock().failure.clone();
        (!failure.is_empty()).then_some(failure)
    }
}

impl Drop for Sealing {
    fn drop(&mut self) {
        self.signals.lock().ends = true;
        self.signals.changed.notify_all();
    }
}

impl Signals {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, sealer: &Sealer) {
        let pause = (sealer.log.every / LOOKS_A_SEAL).clamp(MIN_PAUSE, MAX_PAUSE);
        loop {
            let failure = failure_of(|| pollster::block_on(sealer.work()));
            let mut state = self.lock();
            state.note(failure);
            let end = Instant::now() + pause;
            while !state.ends && !state.is_nudged && Instant::now() < end {
                let left = end.saturating_duration_since(Instant::now());
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            if state.ends {
                return;
            }
            state.is_nudged = false;
        }
    }
}

impl State {
    /// Each failure is logged once.
    fn note(&mut self, failure: Option<String>) {
        match failure {
            Some(failure) if failure != self.failure => {
                tracing::error!(failure, "nothing is sealed for now; it is tried again");
                self.failure = failure;
            }
            Some(_) => {}
            None if !self.failure.is_empty() => {
                tracing::info!("sealing goes on");
                self.failure.clear();
            }
            None => {}
        }
    }
}

/// Why it did not work; a panic of the store must not end the thread.
fn failure_of(work: impl FnOnce() -> Result<(), Error>) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(worked) => worked.err().map(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            format!("{error}{}", source.unwrap_or_default())
        }),
        Err(_) => Some("the store panicked".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::tests::{Fixture, key};
    use super::*;

    /// Waits until the failure is this one, in a text that may go on.
    fn fails_by(sealing: &Sealing, begins: Option<&str>) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            sealing.nudge();
            let failure = sealing.failure();
            match (begins, &failure) {
                (None, None) => return,
                (Some(begins), Some(failure)) if failure.starts_with(begins) => return,
                _ => assert!(Instant::now() < end, "{failure:?}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_panic_is_told_and_the_thread_goes_on() {
        let fixture = Fixture::new("panic");
        let sealing = Sealing::new(fixture.sealer(|log| log, key(1)));
        fixture.created(&sealing.sealer, 1);
        sealing.start();
        let now = fixture.now.swap(-1, Ordering::SeqCst);
        fails_by(&sealing, Some("the store panicked"));
        fixture.now.store(now, Ordering::SeqCst);
        fails_by(&sealing, None);
    }

    #[test]
    fn a_thread_that_is_not_to_be_had_is_told_and_started_later() {
        let fixture = Fixture::new("no-thread");
        let sealing = Sealing::new(fixture.sealer(|log| log, key(1)));
        sealing.start_if_owed();
        assert!(!sealing.signals.lock().runs, "nobody has asked for it");
        sealing.start_with(std::thread::Builder::new().stack_size(usize::MAX >> 8));
        fails_by(&sealing, Some("there was no thread to seal with"));
        sealing.start_if_owed();
        fails_by(&sealing, None);
    }
}
