//! A store that never waits is written by the thread that took the hit: no batch, no other thread, no wake-up.
//!
//! Whatever does not go smoothly is left to the queue, which tries again: the same open twice is one open.

use std::pin::pin;
use std::slice;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::writer::guarded;
use super::{Entry, Recorded, Shared};
use crate::notify::Event;
use crate::store::Written;

impl Shared {
    /// What became of the entry; `None` where it has to go through the queue.
    pub(super) fn write_at_once(&self, entry: &Entry) -> Option<Recorded> {
        if self.store.may_wait() || !self.is_idle() {
            return None;
        }
        let (opens, last_days): (&[_], &[_]) = match entry {
            Entry::Open(open) => (slice::from_ref(open), &[]),
            Entry::LastDay(last) => (&[], slice::from_ref(last)),
        };
        let written = guarded(|| {
            let mut record = pin!(self.store.record(opens, last_days));
            match record.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(written) => written.map(Some),
                Poll::Pending => Ok(None),
            }
        });
        let written = written.ok().flatten().filter(|written| written.len() == opens.len())?;
        if written.contains(&Written::Filtered) {
            self.give_back(entry);
            self.counts.filtered.fetch_add(1, Ordering::Relaxed);
            return Some(Recorded::Filtered);
        }
        self.counts.durable.fetch_add(1, Ordering::Relaxed);
        self.notifier.publish(std::iter::once_with(|| match entry {
            Entry::Open(open) => Event::Open(open.clone()),
            Entry::LastDay(last) => Event::LastDay(*last),
        }));
        Some(Recorded::Durable)
    }

    /// Whether nothing waits for the writer: behind a store that fails, hits queue up and are bounded as ever.
    fn is_idle(&self) -> bool {
        let state = self.state();
        !state.closing && state.entries.is_empty() && state.in_flight == 0
    }
}
