//! Tells subscribers of opens that are on disk: each has a bounded buffer, and what does not fit is counted, never waited for.
//!
//! The writer fills the buffers after it has answered the waiters of a batch, so a slow subscriber slows no pixel.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::fetcher::{Evidence, Verdict};
use crate::{LastDay, Open, PingId, State};

/// How many events wait for the hook of [`TrackerBuilder::on_open`](crate::TrackerBuilder::on_open).
pub(crate) const HOOK_BUFFER: usize = 4_096;

/// A hook as the builder keeps it.
pub(crate) type Hook = Box<dyn FnMut(Event) + Send>;

/// Something was kept of a hit, and is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An open was kept, cut down to its ping's detail.
    Open(Open),
    /// At the detail `last_day`: a person's fetch on this day. It may not be the first of its day, and where the ping was
    /// withdrawn or erased meanwhile nothing was kept of it.
    LastDay(LastDay),
}

impl Event {
    /// The ping that it belongs to.
    #[must_use]
    pub const fn ping(&self) -> PingId {
        match self {
            Self::Open(open) => open.ping,
            Self::LastDay(last) => last.ping,
        }
    }

    /// What this event proves by itself: from now on the receipt's state is this one or a stronger one, in the order
    /// `no_fetch`, `machine_only`, `uncertain`, `opened`. The state before is not known here, since that would cost a
    /// read for each hit: ask for the [receipt](crate::Tracker::receipt).
    #[must_use]
    pub fn proves(&self) -> State {
        match self {
            Self::LastDay(_) => State::Opened,
            Self::Open(open) if open.evidence.contains(Evidence::NetOwn) => State::NoFetch,
            Self::Open(open) => match open.verdict {
                Verdict::Human => State::Opened,
                Verdict::Uncertain => State::Uncertain,
                Verdict::Machine => State::MachineOnly,
            },
        }
    }
}

/// The events of a tracker since [`Tracker::subscribe`](crate::Tracker::subscribe), in the order of their batches.
///
/// From async code await [`recv`](Self::recv), on any runtime; a thread iterates, or waits with a timeout. It ends when the
/// tracker was closed or dropped and what it had written was handed out. Dropping it ends the subscription.
///
/// ```
/// # use mailping_core::{Basis, Keyring, MemoryStore, NewPing, Tracker};
/// # async fn watch(tracker: &Tracker) {
/// let mut events = tracker.subscribe(1_024);
/// while let Some(event) = events.recv().await {
///     println!("{} is at least {}", event.ping(), event.proves().as_str());
/// }
/// # }
/// ```
///
/// It has the shape of a `Stream`, without that crate: `futures::stream::poll_fn(move |cx| events.poll_next(cx))`.
#[must_use = "dropping it ends the subscription"]
pub struct Events(Arc<Channel>);

impl Events {
    /// The next event; `None` once the tracker is closed. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The next event, as a poll.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut buffer = self.0.lock();
        match buffer.take() {
            Some(event) => Poll::Ready(Some(event)),
            None if buffer.closed => Poll::Ready(None),
            None => {
                buffer.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Blocks this thread until there is an event, for at most `patience`; `None` then, or once the tracker is closed.
    pub fn wait(&mut self, patience: Duration) -> Option<Event> {
        let start = Instant::now();
        let mut buffer = self.0.lock();
        loop {
            let left = patience.saturating_sub(start.elapsed());
            match buffer.take() {
                None if !buffer.closed && !left.is_zero() => {
                    buffer =
                        self.0.filled.wait_timeout(buffer, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                event => return event,
            }
        }
    }

    /// How many events did not fit into this subscription's buffer so far, because they were not taken in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.0.lock().missed
    }
}

/// Blocks the thread for the next event; ends once the tracker is closed.
impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut buffer = self.0.lock();
        loop {
            match buffer.take() {
                None if !buffer.closed => {
                    buffer = self.0.filled.wait(buffer).unwrap_or_else(PoisonError::into_inner);
                }
                event => return event,
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("missed", &self.missed()).finish_non_exhaustive()
    }
}

/// The buffer of one subscriber.
struct Channel {
    capacity: usize,
    buffer: Mutex<Buffer>,
    filled: Condvar,
}

#[derive(Default)]
struct Buffer {
    /// Shared between the subscribers: filling many buffers copies no event.
    events: VecDeque<Arc<Event>>,
    missed: u64,
    closed: bool,
    waker: Option<Waker>,
}

impl Buffer {
    fn take(&mut self) -> Option<Event> {
        self.events.pop_front().map(Arc::unwrap_or_clone)
    }
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the buffer, then wakes whoever waits for it.
    fn change<T>(&self, change: impl FnOnce(&mut Buffer) -> T) -> T {
        let mut buffer = self.lock();
        let changed = change(&mut buffer);
        let waker = buffer.waker.take();
        drop(buffer);
        self.filled.notify_all();
        if let Some(waker) = waker {
            // A waker is the subscriber's code: it must not end the writer.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        changed
    }
}

/// The subscribers of one tracker.
#[derive(Default)]
pub(crate) struct Notifier {
    state: Mutex<Subscribers>,
    /// Whether anybody ever subscribed: until then no open takes a lock here.
    has_subscribers: AtomicBool,
    missed: AtomicU64,
}

#[derive(Default)]
struct Subscribers {
    channels: Vec<Weak<Channel>>,
    closed: bool,
}

impl Notifier {
    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self, capacity: usize) -> Events {
        let mut state = self.lock();
        state.channels.retain(|channel| channel.strong_count() > 0);
        let buffer = Buffer { closed: state.closed, ..Buffer::default() };
        let channel =
            Channel { capacity: capacity.max(1), buffer: Mutex::new(buffer), filled: Condvar::new() };
        let channel = Arc::new(channel);
        state.channels.push(Arc::downgrade(&channel));
        self.has_subscribers.store(true, Ordering::Release);
        Events(channel)
    }

    /// Hands events to every subscriber that has room for them, and counts the rest.
    pub(crate) fn publish(&self, events: impl Iterator<Item = Event>) {
        if !self.has_subscribers.load(Ordering::Acquire) {
            return;
        }
        let channels: Vec<_> = self.lock().channels.iter().filter_map(Weak::upgrade).collect();
        if channels.is_empty() {
            return;
        }
        let events: Vec<Arc<Event>> = events.map(Arc::new).collect();
        for channel in channels {
            let missed = channel.change(|buffer| {
                let room = channel.capacity.saturating_sub(buffer.events.len());
                buffer.events.extend(events.iter().take(room).cloned());
                let missed = events.len().saturating_sub(room) as u64;
                buffer.missed += missed;
                missed
            });
            self.missed.fetch_add(missed, Ordering::Relaxed);
        }
    }

    /// No more events come.
    pub(crate) fn close(&self) {
        let channels = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.channels)
        };
        for channel in channels.iter().filter_map(Weak::upgrade) {
            channel.change(|buffer| buffer.closed = true);
        }
    }

    /// How many events did not fit, over all subscribers.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Runs a hook on a thread of its own until the tracker is closed. A panic in it is logged and ends nothing.
    pub(crate) fn run(&self, mut hook: Hook) -> std::io::Result<()> {
        let events = self.subscribe(HOOK_BUFFER);
        let run = move || {
            for event in events {
                if catch_unwind(AssertUnwindSafe(|| hook(event))).is_err() {
                    tracing::error!("the hook of on_open panicked; it is called again with the next open");
                }
            }
        };
        std::thread::Builder::new().name("mailping-notify".into()).spawn(run).map(drop)
    }
}
