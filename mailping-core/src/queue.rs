//! Between the hits and the store: one bounded queue, one thread that writes batches, one that
//! keeps the deadlines, and one that has a spool hand over, if there is one.
//!
//! A waiter is a future without a runtime. Dropping it, as a client that hangs up does, loses
//! nothing: the open stays queued. No open leaves the queue before the store has answered for it.

mod deadline;
mod handover;
mod loss;
mod pause;
mod purge;
mod ticket;
mod writer;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub(crate) use self::deadline::DEFAULT_DEADLINE;
pub(crate) use self::loss::Loss;
pub(crate) use self::purge::{DEFAULT_PURGE_INTERVAL, MIN_PURGE_INTERVAL};
pub(crate) use self::ticket::Recording;
use self::ticket::{Ticket, Wakes};
use crate::Timestamp;
use crate::bell::{Bell, wake};
use crate::limiter::HitLimiter;
use crate::observe::Observation;
use crate::store::{Attempt, Store};

/// How many opens may wait for the store: about 20 MB.
pub(crate) const DEFAULT_QUEUE_CAPACITY: usize = 65_536;

/// How long a tracker that is dropped, not closed, goes on writing what waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stands for "forever" in all durations: a clock cannot be asked for `Duration::MAX` from now.
const MAX_WAIT: Duration = Duration::from_secs(100 * 365 * 86_400);

fn from_now(duration: Duration) -> Instant {
    Instant::now() + duration.min(MAX_WAIT)
}

/// Asked each time that the database behind a spool has answered: whether it may be handed over to.
pub(crate) type AtContact = Box<dyn Fn() -> bool + Send + Sync>;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) capacity: usize,
    pub(crate) deadline: Duration,
    pub(crate) purge_every: Duration,
}

/// Handle of the queue and its threads.
#[derive(Debug)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    limits: Limits,
    limiter: Arc<HitLimiter>,
    state: Mutex<State>,
    /// The writer sleeps on it; told when the queue was empty and is no more.
    work: Condvar,
    /// The deadline thread sleeps on it; told when the first waiter comes and when the queue ends.
    waiting: Condvar,
    /// The thread that hands over sleeps on it; told when the queue ends.
    ended: Condvar,
    wakes: Arc<Wakes>,
    counts: Counts,
    bell: Arc<Bell>,
    at_contact: AtContact,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    entries: VecDeque<Queued>,
    /// How many entries the writer has taken and not yet got an answer for.
    in_flight: usize,
    oldest_in_flight: Option<Instant>,
    /// In order of their deadlines, since all wait equally long.
    waiters: VecDeque<(Instant, Arc<Ticket>)>,
    /// The writer sleeps until so many entries wait; none if it runs.
    wakes_writer_at: usize,
    watcher_sleeps: bool,
    /// The deadline thread was started.
    keeps_deadlines: bool,
    /// The thread that hands over was started.
    hands_over: bool,
    /// The writer was started, and the deadline thread before it.
    writes: bool,
    closing: bool,
    /// When closing stops waiting for the store.
    give_up: Option<Instant>,
    /// The writer has ended, or is waited for no longer.
    closed: bool,
    on_close: Vec<Waker>,
}

impl State {
    /// Takes the waiters off that have their answer, so that the list is never longer than the
    /// queue.
    fn forget_answered(&mut self) {
        while self.waiters.front().is_some_and(|(_, ticket)| ticket.is_answered()) {
            self.waiters.pop_front();
        }
    }

    /// The wakers are to be woken once the lock is released: one may end the last handle of this
    /// queue.
    #[must_use]
    fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        std::mem::take(&mut self.on_close)
    }
}

struct Queued {
    entry: Observation,
    attempt: Attempt,
    ticket: Arc<Ticket>,
    since: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) durable: AtomicU64,
    pub(crate) spooled: AtomicU64,
    pub(crate) filtered: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) queue_full: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) no_thread: AtomicU64,
    pub(crate) purged_pings: AtomicU64,
    pub(crate) purged_opens: AtomicU64,
    pub(crate) purge_passed_over: AtomicU64,
    pub(crate) store_failing: AtomicBool,
}

impl Queue {
    /// A queue whose threads start with [`Queue::start`] or the first entry.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        limits: Limits,
        limiter: Arc<HitLimiter>,
        at_contact: AtContact,
    ) -> Self {
        let shared = Arc::new(Shared {
            store,
            clock,
            limits,
            limiter,
            state: Mutex::default(),
            work: Condvar::new(),
            waiting: Condvar::new(),
            ended: Condvar::new(),
            wakes: Arc::default(),
            counts: Counts::default(),
            bell: Arc::default(),
            at_contact,
        });
        Self { shared }
    }

    /// Starts the two threads, and a third one for a spool, unless they run already or the queue is
    /// closed.
    pub(crate) fn start(&self) -> std::io::Result<()> {
        self.start_locked(&mut self.shared.state())
    }

    fn start_locked(&self, state: &mut State) -> std::io::Result<()> {
        if state.writes || state.closing {
            return Ok(());
        }
        let spawn = |name: &str, run: fn(&Shared)| {
            let shared = Arc::clone(&self.shared);
            std::thread::Builder::new().name(name.into()).spawn(move || run(&shared)).map(drop)
        };
        if !state.keeps_deadlines {
            spawn("mailping-deadline", Shared::keep_deadlines)?;
            state.keeps_deadlines = true;
        }
        if self.shared.store.spool().is_some() && !state.hands_over {
            spawn("mailping-spool", |shared| shared.hand_over(&shared.at_contact))?;
            state.hands_over = true;
        }
        spawn("mailping-writer", Shared::write_batches)?;
        state.writes = true;
        Ok(())
    }

    /// Queues what a hit leaves, or what an edge hands over again and again until it is kept.
    pub(crate) fn push(&self, entry: Observation, attempt: Attempt) -> Recording {
        let now = Instant::now();
        let mut state = self.shared.state();
        let lose = |loss, count: &AtomicU64| {
            self.shared.note_loss(&entry, attempt, count);
            Recording::ready(Err(loss))
        };
        let counts = &self.shared.counts;
        if state.closing {
            return lose(Loss::Closed, &counts.closed);
        }
        if state.entries.len() + state.in_flight >= self.shared.limits.capacity {
            return lose(Loss::QueueFull, &counts.queue_full);
        }
        if !state.writes
            && let Err(error) = self.start_locked(&mut state)
        {
            tracing::error!(%error, "the tracker's threads could not be started: an open is not taken");
            return lose(Loss::NoThread, &counts.no_thread);
        }
        let ticket = Arc::new(Ticket::new(Arc::clone(&self.shared.wakes)));
        state.waiters.push_back((now + self.shared.limits.deadline.min(MAX_WAIT), Arc::clone(&ticket)));
        state.entries.push_back(Queued { entry, attempt, ticket: Arc::clone(&ticket), since: now });
        // A running writer looks again by itself: one wake-up a batch, not one a hit.
        if state.entries.len() == state.wakes_writer_at {
            self.shared.work.notify_one();
        }
        if std::mem::take(&mut state.watcher_sleeps) {
            self.shared.waiting.notify_one();
        }
        Recording::waiting(ticket)
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Rings after each batch that is on disk.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.shared.bell
    }

    /// How many opens wait, and for how long the oldest has.
    pub(crate) fn depth(&self) -> (usize, Option<Duration>) {
        let state = self.shared.state();
        let oldest = state.oldest_in_flight.or(state.entries.front().map(|queued| queued.since));
        (state.entries.len() + state.in_flight, oldest.map(|since| since.elapsed()))
    }

    pub(crate) fn capacity(&self) -> usize {
        self.shared.limits.capacity
    }

    /// Takes no more entries, writes what waits and returns how many could not be written within
    /// `patience`.
    pub(crate) async fn close(&self, patience: Duration) -> usize {
        self.begin_close(patience);
        Closing(&self.shared).await;
        let state = self.shared.state();
        state.entries.len() + state.in_flight
    }

    fn begin_close(&self, patience: Duration) {
        let mut state = self.shared.state();
        state.closing = true;
        state.give_up.get_or_insert(from_now(patience));
        // Without a writer nothing waits.
        let wakers = if state.writes { Vec::new() } else { state.close() };
        let writes = state.writes;
        drop(state);
        if !writes {
            self.shared.ended.notify_one();
            self.shared.bell.close();
        }
        wakers.into_iter().for_each(wake);
        self.shared.work.notify_one();
        self.shared.waiting.notify_one();
    }
}

/// The threads write what waits and end; nobody waits for them.
impl Drop for Queue {
    fn drop(&mut self) {
        self.begin_close(PATIENCE);
    }
}

struct Closing<'a>(&'a Shared);

impl Future for Closing<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.state();
        if state.closed {
            return Poll::Ready(());
        }
        if !state.on_close.iter().any(|waker| waker.will_wake(context.waker())) {
            state.on_close.push(context.waker().clone());
        }
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while a lock is held leaves no state half-changed here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What an edge hands over is not lost: the edge has it, and sends it again. The hit limit,
    /// which counts what is stored, has counted it there.
    fn note_loss(&self, entry: &Observation, attempt: Attempt, count: &AtomicU64) {
        if attempt == Attempt::First {
            count.fetch_add(1, Ordering::Relaxed);
            if let Observation::Open(open) = entry {
                self.limiter.give_back(open.ping);
            }
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
