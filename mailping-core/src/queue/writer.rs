//! The writer thread: it takes what waits as one batch, writes it until the store has answered, and
//! purges in between.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::pause::Pauses;
use super::purge::Purge;
use super::ticket::Ticket;
use super::{Loss, Queued, Shared, from_now};
use crate::bell::wake;
use crate::observe::Observation;
use crate::store::{Attempt, Recorded};
use crate::{LastDay, Open};

/// The most opens that one batch holds: large enough that a commit costs each little, small enough
/// to keep locks short.
pub(super) const MAX_BATCH: usize = 2_048;
/// How long a batch waits for as many hits as the one before had: about two commits on a fast disk.
const GATHER_TIME: Duration = Duration::from_micros(500);

impl Shared {
    pub(super) fn write_batches(&self) {
        let mut next_purge = Instant::now();
        let mut purge = Purge::default();
        let mut gathering = Gathering { enough: 1, until: next_purge };
        while let Some(batch) = self.next_batch(next_purge, gathering) {
            let size = batch.len();
            if let Some(attempt) = batch.first().map(|queued| queued.attempt)
                && !self.write_until_answered(Batch::of(batch, attempt), attempt)
            {
                break;
            }
            gathering = Gathering::after(size);
            if Instant::now() >= next_purge && self.purge_step(&mut purge, size) {
                next_purge = from_now(self.limits.purge_every);
            }
        }
        let wakers = self.state().close();
        wakers.into_iter().for_each(wake);
        self.waiting.notify_one();
        self.ended.notify_one();
        self.bell.close();
    }

    /// Waits for entries or the time of the purge; `None` when the queue is closed and empty.
    fn next_batch(&self, next_purge: Instant, gathering: Gathering) -> Option<Vec<Queued>> {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let enough = if state.closing || now >= gathering.until { 1 } else { gathering.enough };
            if state.entries.len() >= enough {
                // What an edge hands over may be there already: it is no batch with what is new.
                let attempt = state.entries.front().map(|queued| queued.attempt);
                let alike = state.entries.iter().take(MAX_BATCH);
                let size = alike.take_while(|queued| Some(queued.attempt) == attempt).count();
                let batch: Vec<Queued> = state.entries.drain(..size).collect();
                state.in_flight = size;
                state.oldest_in_flight = batch.first().map(|queued| queued.since);
                return Some(batch);
            }
            if state.closing {
                return None;
            }
            if state.entries.is_empty() && now >= next_purge {
                return Some(Vec::new());
            }
            let end = if enough > 1 { gathering.until } else { next_purge };
            state.wakes_writer_at = enough;
            state = self.work.wait_timeout(state, end - now).unwrap_or_else(PoisonError::into_inner).0;
            state.wakes_writer_at = 0;
        }
    }

    /// Tries until the store has answered; `false` where the queue was given up first. Repeating a
    /// batch is safe: the store keeps an open once.
    ///
    /// A batch that fails because the database is damaged there, or refuses a row of it, is halved
    /// until the bad part stands alone and is given up, so that it keeps no other open waiting.
    fn write_until_answered(&self, batch: Batch, mut attempt: Attempt) -> bool {
        let mut pauses = Pauses::new();
        loop {
            let record = || pollster::block_on(self.store.record(&batch.opens, &batch.last_days, attempt));
            match guarded(record) {
                Ok(written) if batch.is_answered_by(&written) => {
                    if self.counts.store_failing.swap(false, Ordering::Relaxed) {
                        tracing::info!("the store takes opens again");
                    }
                    self.answer(&batch, &written);
                    self.bell.ring();
                    return true;
                }
                Ok(_) => self.note_failure("it did not answer for each open"),
                Err(failed) => {
                    self.note_failure(&failed.text);
                    if failed.is_of_a_row && batch.len() > 1 {
                        let (one, other) = batch.halved();
                        return self.write_until_answered(one, Attempt::Repeat)
                            && self.write_until_answered(other, Attempt::Repeat);
                    }
                    // A second time, so that nothing is given up for what passes.
                    if failed.is_of_a_row && attempt == Attempt::Repeat {
                        self.give_up(&batch);
                        return true;
                    }
                }
            }
            attempt = Attempt::Repeat;
            if !self.pause(&self.work, pauses.next()) {
                return false;
            }
        }
    }

    fn answer(&self, batch: &Batch, written: &[Recorded]) {
        let answers = || batch.answers(written);
        let counts = &self.counts;
        for (answer, count) in [
            (Recorded::Durable, &counts.durable),
            (Recorded::Spooled, &counts.spooled),
            (Recorded::Filtered, &counts.filtered),
        ] {
            let hits = answers().filter(|(_, given)| *given == answer).count();
            count.fetch_add(hits as u64, Ordering::Relaxed);
        }
        for (open, answer) in batch.opens.iter().zip(written) {
            if *answer == Recorded::Filtered && batch.of_hits {
                self.limiter.give_back(open.ping);
            }
        }
        self.wake(batch, answers().map(|(ticket, answer)| (ticket, Ok(answer))));
    }

    /// Counts and answers what cannot be kept.
    fn give_up(&self, batch: &Batch) {
        let pings =
            batch.opens.iter().map(|open| open.ping).chain(batch.last_days.iter().map(|last| last.ping));
        for ping in pings {
            tracing::error!(%ping, "the database is damaged where an open of this ping belongs, or refuses it: it is lost");
        }
        self.counts.damaged.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.wake(batch, batch.tickets().map(|ticket| (ticket, Err(Loss::Damaged))));
    }

    fn wake<'a>(
        &self,
        batch: &Batch,
        answers: impl Iterator<Item = (&'a Arc<Ticket>, Result<Recorded, Loss>)>,
    ) {
        {
            let mut state = self.state();
            state.in_flight = state.in_flight.saturating_sub(batch.len());
            if state.in_flight == 0 {
                state.oldest_in_flight = None;
            }
        }
        let waiters: Vec<Waker> =
            answers.filter_map(|(ticket, answer)| ticket.answer_quietly(answer, || {})).collect();
        self.state().forget_answered();
        self.wakes.wake(waiters.into_iter());
    }

    fn note_failure(&self, failure: &str) {
        if !self.counts.store_failing.swap(true, Ordering::Relaxed) {
            tracing::error!(
                failure,
                "the store does not take opens; they wait in memory and are tried again"
            );
        }
    }

    /// `false` if the queue is waited for no longer. Each thread has a condition of its own to
    /// sleep on.
    pub(super) fn pause(&self, condition: &Condvar, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        let mut state = self.state();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if state.closed || left.is_zero() {
                return !state.closed;
            }
            state = condition.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
/// How many hits the next batch waits for, and until when.
///
/// Under load those who were answered last come back together, while others wait already: without a
/// short wait each batch would be half of them, and a commit for each half costs more than the
/// wait. A hit waits for none after a batch of one.
#[derive(Debug, Clone, Copy)]
struct Gathering {
    enough: usize,
    until: Instant,
}

impl Gathering {
    /// As many as the batch before.
    fn after(size: usize) -> Self {
        Self { enough: size.clamp(1, MAX_BATCH), until: Instant::now() + GATHER_TIME }
    }
}

/// What is written at once, and who waits for it.
struct Batch {
    /// Hits were taken here, and count against the limit; what an edge hands over was counted
    /// there.
    of_hits: bool,
    opens: Vec<Open>,
    of_opens: Vec<Arc<Ticket>>,
    /// Each once, in order.
    last_days: Vec<LastDay>,
    of_last_days: Vec<(Arc<Ticket>, LastDay)>,
}

impl Batch {
    /// Sorted by key, as a store's tree is: neighbours in the batch are neighbours on disk.
    fn of(queued: Vec<Queued>, attempt: Attempt) -> Self {
        let mut opens = Vec::with_capacity(queued.len());
        let mut of_last_days = Vec::new();
        let mut days = BTreeSet::new();
        for Queued { entry, ticket, .. } in queued {
            match entry {
                Observation::Open(open) => opens.push((open, ticket)),
                Observation::LastDay(last) => {
                    days.insert((last.ping, last.day));
                    of_last_days.push((ticket, last));
                }
                // No hit leaves one.
                Observation::Milestone(_) => ticket.answer(Recorded::Filtered, || {}),
            }
        }
        opens.sort_unstable_by_key(|(open, _)| (open.ping, open.id));
        let (opens, of_opens) = opens.into_iter().unzip();
        let last_days = days.into_iter().map(|(ping, day)| LastDay { ping, day }).collect();
        Self { of_hits: attempt == Attempt::First, opens, of_opens, last_days, of_last_days }
    }

    /// How many hits it is.
    fn len(&self) -> usize {
        self.of_opens.len() + self.of_last_days.len()
    }

    fn tickets(&self) -> impl Iterator<Item = &Arc<Ticket>> {
        self.of_opens.iter().chain(self.of_last_days.iter().map(|(ticket, _)| ticket))
    }

    /// Opens apart from last days, then half of either.
    fn halved(mut self) -> (Self, Self) {
        let mut other = Self { of_hits: self.of_hits, ..Self::of(Vec::new(), Attempt::First) };
        if !self.opens.is_empty() && !self.last_days.is_empty() {
            other.last_days = std::mem::take(&mut self.last_days);
            other.of_last_days = std::mem::take(&mut self.of_last_days);
        } else if !self.opens.is_empty() {
            let half = self.opens.len() / 2;
            (other.opens, other.of_opens) = (self.opens.split_off(half), self.of_opens.split_off(half));
        } else if self.last_days.len() > 1 {
            other.last_days = self.last_days.split_off(self.last_days.len() / 2);
            let theirs = |(_, last): &(Arc<Ticket>, LastDay)| other.last_days.contains(last);
            (other.of_last_days, self.of_last_days) = self.of_last_days.into_iter().partition(theirs);
        } else {
            // Many hits of one day of one ping are one row.
            other.of_last_days = self.of_last_days.split_off(self.of_last_days.len() / 2);
            other.last_days.clone_from(&self.last_days);
        }
        (self, other)
    }

    fn is_answered_by(&self, written: &[Recorded]) -> bool {
        written.len() == self.opens.len() + self.last_days.len() && !written.contains(&Recorded::Late)
    }

    /// Who waits for what became of each hit.
    fn answers<'a>(&'a self, written: &'a [Recorded]) -> impl Iterator<Item = (&'a Arc<Ticket>, Recorded)> {
        let (opens, last_days) = written.split_at_checked(self.opens.len()).unwrap_or_default();
        let of_opens = self.of_opens.iter().zip(opens.iter().copied());
        let of_last_days = self.of_last_days.iter();
        of_opens.chain(of_last_days.map(|(ticket, last)| (ticket, self.answer_for(last, last_days))))
    }

    fn answer_for(&self, last: &LastDay, last_days: &[Recorded]) -> Recorded {
        let key = |last: &LastDay| (last.ping, last.day);
        let place = self.last_days.binary_search_by_key(&key(last), key);
        place.ok().and_then(|place| last_days.get(place)).copied().unwrap_or(Recorded::Filtered)
    }
}

/// Runs a call of the app's code, such as its store; a panic in it must not end a thread of ours.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, crate::StoreError>) -> Result<T, Failed> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let is_of_a_row =
                matches!(error, crate::StoreError::Corrupt { .. } | crate::StoreError::Refused { .. });
            Err(Failed { text: error.with_sources(), is_of_a_row })
        }
        Err(_) => Err(Failed { text: "the store or the clock panicked".to_owned(), is_of_a_row: false }),
    }
}

/// How a call of the store failed.
pub(super) struct Failed {
    pub(super) text: String,
    /// One row of a batch may be all that it fails of.
    pub(super) is_of_a_row: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_waits_for_as_many_as_the_one_before_and_never_for_long() {
        for (size, enough) in [(0, 1), (1, 1), (60, 60), (MAX_BATCH + 1, MAX_BATCH)] {
            let gathering = Gathering::after(size);
            assert_eq!(gathering.enough, enough, "a lone hit waits for none");
            assert!(gathering.until <= Instant::now() + GATHER_TIME);
        }
    }
}
