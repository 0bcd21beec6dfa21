//! The purge: small steps of the writer thread between two batches.

use std::mem;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::writer::{Failed, MAX_BATCH, guarded};
use crate::Timestamp;
use crate::store::{Deleted, PingQuery, Spooling};

/// How often what is due is deleted.
pub(crate) const DEFAULT_PURGE_INTERVAL: Duration = Duration::from_secs(3_600);
pub(crate) const MIN_PURGE_INTERVAL: Duration = Duration::from_millis(10);
/// How many rows one step deletes while no hits come.
const FULL_STEP: usize = 48;
/// The fewest that it deletes beside hits.
const MIN_STEP: usize = 4;
/// With the clock so far ahead of the newest ping, the first purge is put off to the next time.
const CLOCK_JUMP: Duration = Duration::from_secs(7 * 86_400);

impl Shared {
    /// Deletes a little of what is due, behind a batch of so many hits; `true` if nothing is left,
    /// or the store failed and shall be left alone.
    pub(super) fn purge_step(&self, purge: &mut Purge, hits: usize) -> bool {
        let step = step_behind(hits);
        let purged = guarded(|| {
            if self.store.spool().is_some_and(Spooling::is_away) || purge.is_held_back(self) {
                return Ok(None);
            }
            pollster::block_on(self.store.purge((self.clock)(), step)).map(Some)
        });
        match purged {
            Ok(None) => true,
            Ok(Some(Deleted { pings, opens, passed_over })) => {
                self.counts.purged_pings.fetch_add(pings, Ordering::Relaxed);
                self.counts.purged_opens.fetch_add(opens, Ordering::Relaxed);
                if self.counts.purge_passed_over.swap(passed_over, Ordering::Relaxed) < passed_over {
                    tracing::error!(passed_over, "damaged rows are due and cannot be purged");
                }
                purge.pings += pings;
                purge.opens += opens;
                let is_done = pings + opens < step as u64;
                if is_done && purge.pings + purge.opens > 0 {
                    // Once for all steps: beside hits there are as many of these as batches.
                    let (pings, opens) = (mem::take(&mut purge.pings), mem::take(&mut purge.opens));
                    tracing::info!(pings, opens, "purged what was kept long enough");
                }
                is_done
            }
            Err(Failed { text: failure, .. }) => {
                tracing::warn!(failure, "the store did not purge; it is tried again at the next time");
                true
            }
        }
    }
}

/// The most rows that a step deletes behind a batch of so many hits: at least as many as they
/// brought, so that it keeps up with them, and few, so that the next ones wait for it about as long
/// as for a batch.
fn step_behind(hits: usize) -> usize {
    if hits == 0 { FULL_STEP } else { (2 * hits).clamp(MIN_STEP, MAX_BATCH) }
}

/// A purge takes what is due by the clock. A clock that has jumped ahead would take everything.
#[derive(Debug, Default)]
pub(super) struct Purge {
    /// It was put off because of the clock, and is not put off again until the rows have come near
    /// to it.
    was_held_back: bool,
    /// The time up to which rows are known.
    newest: Option<Timestamp>,
    /// What has been deleted since the log last told of it.
    pings: u64,
    opens: u64,
}

impl Purge {
    /// Whether the clock is far ahead of the newest row, for the first time: then somebody should
    /// look at it before anything goes.
    fn is_held_back(&mut self, queue: &Shared) -> bool {
        let now = (queue.clock)();
        let is_near = |newest: Timestamp| now.since(newest).is_none_or(|age| age <= CLOCK_JUMP);
        if self.newest.is_some_and(is_near) {
            return false;
        }
        let newest = guarded(|| pollster::block_on(queue.store.pings(&PingQuery::newest(1))));
        // No ping, or none that can be read: the purge itself will say so.
        let Some(newest) = newest.ok().and_then(|page| page.items.first().map(|ping| ping.sent_at)) else {
            return false;
        };
        self.newest = Some(newest);
        if is_near(newest) {
            self.was_held_back = false;
            return false;
        }
        if mem::replace(&mut self.was_held_back, true) {
            return false;
        }
        tracing::warn!(
            clock = %now,
            newest_ping = %newest,
            "the clock is far ahead of the newest ping: nothing is purged until the next time; set the clock if it is wrong"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Limits, Queue};
    use super::*;
    use crate::limiter::HitLimiter;
    use crate::store::Store as _;
    use crate::{Basis, MemoryStore, Ping, PingId, Status};

    #[test]
    fn a_purge_keeps_up_with_hits_and_a_lone_one_waits_for_few_rows() {
        assert!((1..=MAX_BATCH).all(|hits| step_behind(hits) >= hits));
        assert!(step_behind(1) * 10 < step_behind(0));
    }

    #[test]
    fn a_step_deletes_few_rows_behind_a_lone_hit_and_the_last_one_tells_of_all() {
        let store = Arc::new(MemoryStore::new());
        for n in 0..60 {
            let id = PingId::from_bytes([n; 16]);
            let mut due = Ping::stored(id, "x".to_owned(), Basis::Contract, Status::Live);
            (due.record_until, due.keep_until) = (Timestamp::default(), Timestamp::default());
            pollster::block_on(store.insert_ping(&due, None)).unwrap();
        }
        let hour = Duration::from_secs(3_600);
        let limits = Limits { capacity: 10, deadline: hour, purge_every: hour };
        let clock = Arc::new(|| Timestamp::from_unix_millis(1));
        let queue = Queue::new(store, clock, limits, Arc::new(HitLimiter::new(0)), Box::new(|| true));
        let mut purge = Purge::default();
        assert!(!queue.shared.purge_step(&mut purge, 1));
        assert_eq!(purge.pings, MIN_STEP as u64);
        assert!(!queue.shared.purge_step(&mut purge, 0));
        assert_eq!(purge.pings, (MIN_STEP + FULL_STEP) as u64);
        assert!(queue.shared.purge_step(&mut purge, 0));
        assert_eq!((purge.pings, purge.opens), (0, 0));
        assert_eq!(queue.shared.counts.purged_pings.load(Ordering::Relaxed), 60);
    }
}
