//! Wakes whoever waits for news: after a batch of this process, at a time, or at the end. It knows
//! nothing of what is new.
//!
//! The writer rings after it has answered the waiters of a batch, and waits for nobody, so that no
//! listener slows a pixel.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How long the alarm thread stays without anybody to wake.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// The bell of one tracker.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    /// Whether anybody ever listened: until then a batch takes no lock here.
    has_listeners: AtomicBool,
    /// The alarm thread sleeps on it.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rings: u64,
    closed: bool,
    next_sleeper: u64,
    /// By the time that each waits until, then by its number.
    sleepers: BTreeMap<(Instant, u64), Waker>,
    alarm_runs: bool,
}

/// What the bell has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    rings: u64,
    /// No more batches come from this process.
    pub(crate) closed: bool,
}

impl Bell {
    /// To be asked before looking for news, so that none falls between looking and waiting.
    pub(crate) fn heard(&self) -> Heard {
        self.has_listeners.store(true, Ordering::Release);
        let state = self.lock();
        Heard { rings: state.rings, closed: state.closed }
    }

    /// Something new is on disk.
    pub(crate) fn ring(&self) {
        if self.has_listeners.load(Ordering::Acquire) {
            self.change(|state| state.rings += 1);
        }
    }

    /// No more comes.
    pub(crate) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    /// Waits until the bell has rung or closed since `heard`, at most until this time.
    pub(crate) fn wait(self: &Arc<Self>, heard: Heard, until: Instant) -> Wait {
        Wait { bell: Arc::clone(self), heard, until, sleeper: None }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let sleepers = std::mem::take(&mut state.sleepers);
        drop(state);
        sleepers.into_values().for_each(wake);
    }

    fn start_alarm(self: &Arc<Self>, state: &mut State) {
        if state.alarm_runs {
            self.changed.notify_one();
            return;
        }
        let bell = Arc::clone(self);
        match std::thread::Builder::new().name("mailping-alarm".into()).spawn(move || bell.run_alarm()) {
            Ok(_) => state.alarm_runs = true,
            Err(error) => {
                tracing::warn!(%error, "no thread for an alarm: what waits for a time or for other processes waits for this one's next batch");
            }
        }
    }

    fn run_alarm(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let mut due = Vec::new();
            while let Some(sleeper) = state.sleepers.first_entry().filter(|sleeper| sleeper.key().0 <= now) {
                due.push(sleeper.remove());
            }
            if !due.is_empty() {
                drop(state);
                due.into_iter().for_each(wake);
                state = self.lock();
                continue;
            }
            let next = state.sleepers.keys().next().map(|(until, _)| *until);
            let wait = next.map_or(MAX_IDLE, |next| next.saturating_duration_since(now));
            let (woken, timeout) =
                self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() && next.is_none() && state.sleepers.is_empty() || state.closed {
                state.alarm_runs = false;
                return;
            }
        }
    }
}

/// A waker is the waiter's code: it must end no thread of ours, nor keep the others from waking.
pub(crate) fn wake(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}

/// A wait for the bell.
#[derive(Debug)]
pub(crate) struct Wait {
    bell: Arc<Bell>,
    heard: Heard,
    until: Instant,
    sleeper: Option<u64>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let bell = Arc::clone(&self.bell);
        let mut state = bell.lock();
        let now = Heard { rings: state.rings, closed: state.closed };
        if now != self.heard || Instant::now() >= self.until {
            return Poll::Ready(());
        }
        let id = *self.sleeper.get_or_insert_with(|| {
            state.next_sleeper += 1;
            state.next_sleeper
        });
        let sleeper = (self.until, id);
        let is_new = state.sleepers.insert(sleeper, context.waker().clone()).is_none();
        let is_first = state.sleepers.keys().next() == Some(&sleeper);
        if is_new && (is_first || !state.alarm_runs) {
            bell.start_alarm(&mut state);
        }
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(id) = self.sleeper {
            self.bell.lock().sleepers.remove(&(self.until, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_wait_ends_with_a_ring_that_came_before_it() {
        let bell = Arc::new(Bell::default());
        let heard = bell.heard();
        bell.ring();
        pollster::block_on(bell.wait(heard, Instant::now() + LONG));
        let heard = bell.heard();
        bell.close();
        pollster::block_on(bell.wait(heard, Instant::now() + LONG));
        assert!(bell.heard().closed);
    }

    #[test]
    fn a_wait_ends_at_its_time_and_with_a_ring_of_another_thread() {
        let bell = Arc::new(Bell::default());
        let until = Instant::now() + Duration::from_millis(20);
        pollster::block_on(bell.wait(bell.heard(), until));
        assert!(Instant::now() >= until && bell.lock().sleepers.is_empty());
        let heard = bell.heard();
        let other = Arc::clone(&bell);
        let waits = std::thread::spawn(move || pollster::block_on(other.wait(heard, Instant::now() + LONG)));
        bell.ring();
        waits.join().unwrap();
    }

    #[test]
    fn a_wait_that_is_dropped_leaves_nothing() {
        let bell = Arc::new(Bell::default());
        let mut wait = Box::pin(bell.wait(bell.heard(), Instant::now() + LONG));
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(bell.lock().sleepers.len(), 1);
        drop(wait);
        assert!(bell.lock().sleepers.is_empty());
    }
}
