//! Between the hits and the store: one bounded queue, one thread that writes batches, one that keeps the deadlines.
//!
//! A waiter is a future without a runtime. Dropping it, as a client that hangs up does, loses nothing: the open stays
//! queued. No open leaves the queue before the store has answered for it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::notify::{Event, Notifier};
use crate::store::{Erased, Store, Written};
use crate::{LastDay, Open, Timestamp};

/// The most opens that one batch holds: large enough that a commit costs each little, small enough to keep locks short.
const MOST_IN_BATCH: usize = 2_048;
/// The most rows that one step of a purge deletes, so that hits wait for it no longer than for a batch.
const PURGE_STEP: usize = 500;
/// How long a failing store is left alone before the next try: the first pause and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How long a tracker that is dropped, not closed, goes on writing what waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stands for "for ever" in all durations: a clock cannot be asked for `Duration::MAX` from now.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

fn from_now(duration: Duration) -> Instant {
    Instant::now() + duration.min(LONGEST)
}

/// What became of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recorded {
    /// The open is on disk: it survives `kill -9` and power loss.
    Durable,
    /// Nothing is kept of it: the token is not ours, or the ping records no opens, or a limit or signal forbids it.
    Filtered,
    /// The deadline passed first. The open stays queued and is written when the store answers.
    Late,
}

/// The queue is full or closed: this open is lost, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The store has not kept up and the queue holds as many opens as it may.
    #[error("the queue of opens is full: the store does not keep up")]
    QueueFull,
    /// The tracker was closed.
    #[error("the tracker is closed")]
    Closed,
    /// The operating system gave no random bytes for the open's id.
    #[error("the operating system gave no random bytes")]
    NoRandom,
}

/// What a hit leaves in the queue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Open(Open),
    LastDay(LastDay),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) capacity: usize,
    pub(crate) deadline: Duration,
    pub(crate) purge_every: Duration,
}

/// Handle of the queue and its two threads.
#[derive(Debug)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    limits: Limits,
    state: Mutex<State>,
    /// The writer sleeps on it; told when the queue was empty and is no more.
    work: Condvar,
    /// The deadline thread sleeps on it; told when the first waiter comes and when the queue ends.
    waiting: Condvar,
    counts: Counts,
    notifier: Notifier,
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
    writer_sleeps: bool,
    watcher_sleeps: bool,
    closing: bool,
    /// When closing stops waiting for the store.
    give_up: Option<Instant>,
    /// The writer has ended, or is waited for no longer.
    closed: bool,
    on_close: Vec<Waker>,
}

impl State {
    /// Takes the waiters off that have their answer, so that the list is never longer than the queue.
    fn forget_answered(&mut self) {
        while self.waiters.front().is_some_and(|(_, ticket)| ticket.is_answered()) {
            self.waiters.pop_front();
        }
    }

    /// The wakers are to be woken once the lock is released: one may end the last handle of this queue.
    #[must_use]
    fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        std::mem::take(&mut self.on_close)
    }
}

struct Queued {
    entry: Entry,
    ticket: Arc<Ticket>,
    since: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) durable: AtomicU64,
    pub(crate) filtered: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) queue_full: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) purged_pings: AtomicU64,
    pub(crate) purged_opens: AtomicU64,
    pub(crate) store_failing: AtomicBool,
}

/// The place where one hit's answer is left, by the writer or at the deadline, whichever is first.
#[derive(Debug, Default)]
struct Ticket {
    state: Mutex<(Option<Recorded>, Option<Waker>)>,
}

impl Ticket {
    /// Answers, unless there is an answer already. `first` runs before the waiter can see it.
    fn answer(&self, recorded: Recorded, first: impl FnOnce()) {
        let mut state = lock(&self.state);
        if state.0.is_some() {
            return;
        }
        first();
        state.0 = Some(recorded);
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn is_answered(&self) -> bool {
        lock(&self.state).0.is_some()
    }
}

/// The answer to one hit, to be awaited. The open is queued already: dropping this loses nothing.
#[derive(Debug)]
#[must_use = "the answer to the client should wait for the open to be durable"]
pub struct Recording(Kind);

#[derive(Debug)]
enum Kind {
    Ready(Result<Recorded, RecordError>),
    Waiting(Arc<Ticket>),
}

impl Recording {
    pub(crate) const fn ready(result: Result<Recorded, RecordError>) -> Self {
        Self(Kind::Ready(result))
    }
}

impl Future for Recording {
    type Output = Result<Recorded, RecordError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.0 {
            Kind::Ready(result) => Poll::Ready(*result),
            Kind::Waiting(ticket) => {
                let mut state = lock(&ticket.state);
                if let Some(recorded) = state.0 {
                    return Poll::Ready(Ok(recorded));
                }
                match &mut state.1 {
                    Some(waker) => waker.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

impl Queue {
    pub(crate) fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            store,
            clock,
            limits,
            state: Mutex::default(),
            work: Condvar::new(),
            waiting: Condvar::new(),
            counts: Counts::default(),
            notifier: Notifier::default(),
        });
        let queue = Self { shared: Arc::clone(&shared) };
        let watched = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("mailping-deadline".into())
            .spawn(move || watched.keep_deadlines())?;
        std::thread::Builder::new().name("mailping-writer".into()).spawn(move || shared.write_batches())?;
        Ok(queue)
    }

    pub(crate) fn push(&self, entry: Entry) -> Recording {
        let now = Instant::now();
        let mut state = self.shared.state();
        if state.closing {
            self.shared.counts.closed.fetch_add(1, Ordering::Relaxed);
            return Recording::ready(Err(RecordError::Closed));
        }
        if state.entries.len() + state.in_flight >= self.shared.limits.capacity {
            self.shared.counts.queue_full.fetch_add(1, Ordering::Relaxed);
            return Recording::ready(Err(RecordError::QueueFull));
        }
        let ticket = Arc::new(Ticket::default());
        state.waiters.push_back((now + self.shared.limits.deadline.min(LONGEST), Arc::clone(&ticket)));
        state.entries.push_back(Queued { entry, ticket: Arc::clone(&ticket), since: now });
        // A running writer looks again by itself: one wake-up a batch, not one a hit.
        if std::mem::take(&mut state.writer_sleeps) {
            self.shared.work.notify_one();
        }
        if std::mem::take(&mut state.watcher_sleeps) {
            self.shared.waiting.notify_one();
        }
        Recording(Kind::Waiting(ticket))
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    pub(crate) fn notifier(&self) -> &Notifier {
        &self.shared.notifier
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

    /// Takes no more entries, writes what waits and returns how many could not be written within `patience`.
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
}

/// The writer thread.
impl Shared {
    fn write_batches(&self) {
        let mut next_purge = Instant::now();
        while let Some(mut batch) = self.next_batch(next_purge) {
            // The store's tree is sorted this way: neighbours in the batch are neighbours on disk.
            batch.sort_unstable_by_key(|queued| queued.entry.key());
            if !batch.is_empty() && !self.write_until_answered(&batch) {
                break;
            }
            if Instant::now() >= next_purge && self.purge_step() {
                next_purge = from_now(self.limits.purge_every);
            }
        }
        let wakers = self.state().close();
        wakers.into_iter().for_each(Waker::wake);
        self.waiting.notify_one();
        self.notifier.close();
    }

    /// Waits for entries or the time of the purge; `None` when the queue is closed and empty.
    fn next_batch(&self, next_purge: Instant) -> Option<Vec<Queued>> {
        let mut state = self.state();
        loop {
            if !state.entries.is_empty() {
                let size = state.entries.len().min(MOST_IN_BATCH);
                let batch: Vec<Queued> = state.entries.drain(..size).collect();
                state.in_flight = size;
                state.oldest_in_flight = batch.first().map(|queued| queued.since);
                return Some(batch);
            }
            if state.closing {
                return None;
            }
            let wait = next_purge.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return Some(Vec::new());
            }
            state.writer_sleeps = true;
            state = self.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
            state.writer_sleeps = false;
        }
    }

    /// Tries until the store has answered; `false` where the queue was given up first. Repeating a batch is safe: the
    /// store keeps an open once.
    fn write_until_answered(&self, batch: &[Queued]) -> bool {
        let (opens, last_days) = split(batch);
        let mut pause = PAUSE.0;
        loop {
            let written = guarded(|| pollster::block_on(self.store.record(&opens, &last_days)));
            match written {
                Ok(written) if written.len() == opens.len() => {
                    if self.counts.store_failing.swap(false, Ordering::Relaxed) {
                        tracing::info!("the store takes opens again");
                    }
                    self.answer(batch, &written);
                    self.notifier.publish(kept(batch, &written));
                    return true;
                }
                Ok(_) => self.note_failure("it did not answer for each open"),
                Err(failure) => self.note_failure(&failure),
            }
            if !self.pause(pause) {
                return false;
            }
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    fn answer(&self, batch: &[Queued], written: &[Written]) {
        let mut written = written.iter();
        let recorded: Vec<Recorded> = batch
            .iter()
            .map(|queued| match queued.entry {
                Entry::LastDay(_) => Recorded::Durable,
                Entry::Open(_) => match written.next() {
                    Some(Written::Filtered) => Recorded::Filtered,
                    Some(Written::Kept) | None => Recorded::Durable,
                },
            })
            .collect();
        let filtered = recorded.iter().filter(|recorded| **recorded == Recorded::Filtered).count();
        self.counts.filtered.fetch_add(filtered as u64, Ordering::Relaxed);
        self.counts.durable.fetch_add((recorded.len() - filtered) as u64, Ordering::Relaxed);
        {
            let mut state = self.state();
            state.in_flight = 0;
            state.oldest_in_flight = None;
        }
        for (queued, recorded) in batch.iter().zip(recorded) {
            queued.ticket.answer(recorded, || {});
        }
        self.state().forget_answered();
    }

    fn note_failure(&self, failure: &str) {
        if !self.counts.store_failing.swap(true, Ordering::Relaxed) {
            tracing::error!(
                failure,
                "the store does not take opens; they wait in memory and are tried again"
            );
        }
    }

    /// `false` where the queue is waited for no longer.
    fn pause(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        let mut state = self.state();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if state.closed || left.is_zero() {
                return !state.closed;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Deletes a little of what is due; `true` where nothing is left, or the store failed and shall be left alone.
    fn purge_step(&self) -> bool {
        let purged = guarded(|| pollster::block_on(self.store.purge((self.clock)(), PURGE_STEP)));
        match purged {
            Ok(Erased { pings, opens }) => {
                self.counts.purged_pings.fetch_add(pings, Ordering::Relaxed);
                self.counts.purged_opens.fetch_add(opens, Ordering::Relaxed);
                if pings + opens > 0 {
                    tracing::info!(pings, opens, "purged what was kept long enough");
                }
                pings + opens < PURGE_STEP as u64
            }
            Err(failure) => {
                tracing::warn!(failure, "the store did not purge; it is tried again at the next time");
                true
            }
        }
    }
}

/// The deadline thread: it answers those who have waited too long, also while the store blocks the writer.
impl Shared {
    fn keep_deadlines(&self) {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let mut late = Vec::new();
            state.forget_answered();
            while state.waiters.front().is_some_and(|(deadline, _)| *deadline <= now) {
                late.extend(state.waiters.pop_front().map(|(_, ticket)| ticket));
            }
            if state.give_up.is_some_and(|give_up| give_up <= now) && !state.closed {
                let wakers = state.close();
                drop(state);
                wakers.into_iter().for_each(Waker::wake);
                self.work.notify_one();
                state = self.state();
                self.notifier.close();
            }
            if !late.is_empty() {
                drop(state);
                for ticket in late {
                    ticket.answer(Recorded::Late, || {
                        self.counts.late.fetch_add(1, Ordering::Relaxed);
                    });
                }
                state = self.state();
                continue;
            }
            if state.closed && state.waiters.is_empty() {
                return;
            }
            let next = state.waiters.front().map(|(deadline, _)| *deadline);
            let next = next.into_iter().chain(state.give_up.filter(|_| !state.closed)).min();
            state = match next {
                Some(next) => {
                    let wait = next.saturating_duration_since(now);
                    self.waiting.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    state.watcher_sleeps = true;
                    self.waiting.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

impl Entry {
    fn key(&self) -> (crate::PingId, crate::OpenId) {
        match self {
            Self::Open(open) => (open.ping, open.id),
            Self::LastDay(last) => (last.ping, crate::OpenId::from_bytes([0; 8])),
        }
    }
}

/// The opens in the batch's order, and the latest day of each ping.
fn split(batch: &[Queued]) -> (Vec<Open>, Vec<LastDay>) {
    let mut opens = Vec::with_capacity(batch.len());
    let mut last_days = BTreeMap::new();
    for queued in batch {
        match &queued.entry {
            Entry::Open(open) => opens.push(open.clone()),
            Entry::LastDay(last) => {
                let day = last_days.entry(last.ping).or_insert(last.day);
                *day = last.day.max(*day);
            }
        }
    }
    (opens, last_days.into_iter().map(|(ping, day)| LastDay { ping, day }).collect())
}

/// What is on disk of a batch.
fn kept<'a>(batch: &'a [Queued], written: &'a [Written]) -> impl Iterator<Item = Event> + 'a {
    let mut written = written.iter();
    batch.iter().filter_map(move |queued| match &queued.entry {
        Entry::LastDay(last) => Some(Event::LastDay(*last)),
        Entry::Open(open) => match written.next() {
            Some(Written::Filtered) => None,
            Some(Written::Kept) | None => Some(Event::Open(open.clone())),
        },
    })
}

/// Runs a call of the store; a panic in it must not end the writer.
fn guarded<T>(call: impl FnOnce() -> Result<T, crate::StoreError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }),
        Err(_) => Err("the store panicked".to_owned()),
    }
}
