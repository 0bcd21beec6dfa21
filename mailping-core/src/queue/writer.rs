//! The writer thread: it takes what waits as one batch, writes it until the store has answered, and purges in between.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::{Entry, Queued, Recorded, Shared, from_now};
use crate::notify::Event;
use crate::store::{Erased, Written};
use crate::{LastDay, Open};

/// The most opens that one batch holds: large enough that a commit costs each little, small enough to keep locks short.
const MOST_IN_BATCH: usize = 2_048;
/// The most rows that one step of a purge deletes, so that hits wait for it no longer than for a batch.
const PURGE_STEP: usize = 128;
/// How long a failing store is left alone before the next try: the first pause and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

impl Shared {
    pub(super) fn write_batches(&self) {
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
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, crate::StoreError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }),
        Err(_) => Err("the store panicked".to_owned()),
    }
}
