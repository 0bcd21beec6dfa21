//! The thread that seals, from when the first hit may come until the tracker is dropped.

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
        Self { sealer: Arc::new(sealer), signals: Arc::default() }
    }

    /// Starts the thread unless it runs.
    pub(crate) fn start(&self) {
        let mut state = self.signals.lock();
        if state.runs || state.ends {
            return;
        }
        let (sealer, signals) = (Arc::clone(&self.sealer), Arc::clone(&self.signals));
        let spawned = std::thread::Builder::new().name("mailping-sealer".into());
        match spawned.spawn(move || signals.run(&sealer)) {
            Ok(_) => state.runs = true,
            Err(error) => tracing::error!(%error, "no thread to seal with: it is tried again"),
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
            let worked = pollster::block_on(sealer.work());
            let mut state = self.lock();
            state.note(worked);
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
    fn note(&mut self, worked: Result<(), Error>) {
        let failure = worked.err().map(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            format!("{error}{}", source.unwrap_or_default())
        });
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
