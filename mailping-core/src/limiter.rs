//! Bounds the opens stored per ping and hour in memory of a fixed size, so that one URL cannot fill
//! the disk.
//!
//! An open is counted when it is queued, and given back if the store keeps nothing of it. Machines
//! come first and in numbers, so each verdict has a share that those below it cannot take: no
//! number of machine fetches hides a person, nor an uncertain one.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fetcher::Verdict;
use crate::{PingId, Timestamp};

/// Each set has this many pings; a new ping takes the place of the one with the fewest opens, so
/// that a flooded one stays.
/// The most opens that are kept of a ping in an hour.
pub(crate) const DEFAULT_HIT_LIMIT: u32 = 100;
const WAYS: usize = 8;
const SETS: usize = 16_384;
const HOUR_MILLIS: i64 = 3_600_000;

/// One ping's opens of one hour, those included that it inherited.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The hash of a ping, or 0 for none: half as long as its id, and two pings share one by chance
    /// once in 2^64.
    ping: u64,
    /// Since 1970.
    hour: u32,
    opens: u32,
}

/// Counts opens per ping and clock hour, for up to 131,072 pings at once in about 2.2 MB.
#[derive(Debug)]
pub(crate) struct HitLimiter {
    limit: u32,
    sets: Box<[Mutex<[Slot; WAYS]>]>,
    /// Random per process, so that nobody can choose pings that push each other out.
    hasher: RandomState,
}

impl HitLimiter {
    /// Allows `limit` opens per ping and hour; 0 means no limit.
    pub(crate) fn new(limit: u32) -> Self {
        let sets = if limit == 0 { 0 } else { SETS };
        Self { limit, sets: (0..sets).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// Counts an open; `false` if its verdict's share of this hour is used up.
    pub(crate) fn allows(&self, ping: PingId, verdict: Verdict, at: Timestamp) -> bool {
        let Some((ping, mut set)) = self.find(ping) else { return true };
        let hour = u32::try_from(at.unix_millis() / HOUR_MILLIS).unwrap_or(u32::MAX);
        let opens = |slot: &Slot| if slot.hour == hour { slot.opens } else { 0 };
        let known = set.iter().position(|slot| slot.ping == ping);
        let place = known.or_else(|| (0..WAYS).min_by_key(|&way| set.get(way).map_or(u32::MAX, opens)));
        let Some(slot) = place.and_then(|way| set.get_mut(way)) else { return true };
        if slot.ping != ping {
            // A newcomer that began at zero could be pushed out and begin again. What it inherits
            // takes nothing from people.
            let inherited = opens(slot).min(self.share(Verdict::Machine));
            *slot = Slot { ping, hour, opens: inherited };
        } else if slot.hour != hour {
            *slot = Slot { ping, hour, opens: 0 };
        }
        let allowed = slot.opens < self.share(verdict);
        slot.opens += u32::from(allowed);
        allowed
    }

    /// Takes back the count of an open of which nothing was kept.
    pub(crate) fn give_back(&self, ping: PingId) {
        let Some((ping, mut set)) = self.find(ping) else { return };
        if let Some(slot) = set.iter_mut().find(|slot| slot.ping == ping) {
            slot.opens = slot.opens.saturating_sub(1);
        }
    }

    /// Up to how many opens of the hour, of all verdicts, one of this verdict is kept.
    const fn share(&self, verdict: Verdict) -> u32 {
        match verdict {
            Verdict::Human => self.limit,
            Verdict::Uncertain => self.limit - self.limit.div_ceil(4),
            Verdict::Machine => self.limit / 2,
        }
    }

    fn find(&self, ping: PingId) -> Option<(u64, MutexGuard<'_, [Slot; WAYS]>)> {
        let hash = self.hasher.hash_one(ping).max(1);
        let set = self.sets.get(usize::try_from(hash % SETS as u64).ok()?)?;
        Some((hash, set.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ping(n: u32) -> PingId {
        let mut bytes = [9; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        PingId::from_bytes(bytes)
    }

    fn hour(n: i64) -> Timestamp {
        Timestamp::from_unix_millis(n * HOUR_MILLIS)
    }

    /// How many of so many opens are kept.
    fn kept(limiter: &HitLimiter, of: u32, verdict: Verdict, at: Timestamp, hits: usize) -> usize {
        (0..hits).filter(|_| limiter.allows(ping(of), verdict, at)).count()
    }

    #[test]
    fn one_ping_is_allowed_the_limit_in_each_hour() {
        let limiter = HitLimiter::new(100);
        for at in [hour(5), hour(6)] {
            assert_eq!(kept(&limiter, 1, Verdict::Human, at, 10_000), 100);
        }
        assert_eq!(kept(&limiter, 2, Verdict::Human, hour(6), 1), 1, "another ping has its own count");
    }

    #[test]
    fn machines_leave_room_for_the_uncertain_and_both_for_people() {
        for (limit, machines, uncertain, people) in
            [(100, 50, 25, 25), (4, 2, 1, 1), (3, 1, 1, 1), (2, 1, 0, 1), (1, 0, 0, 1)]
        {
            let limiter = HitLimiter::new(limit);
            let kept = |verdict| kept(&limiter, 1, verdict, hour(0), 1_000);
            assert_eq!(kept(Verdict::Machine), machines, "limit {limit}");
            assert_eq!(kept(Verdict::Uncertain), uncertain, "limit {limit}");
            assert_eq!(kept(Verdict::Human), people, "limit {limit}");
            assert_eq!(kept(Verdict::Machine), 0, "limit {limit}");
        }
    }

    #[test]
    fn what_was_given_back_may_be_used_again() {
        let limiter = HitLimiter::new(2);
        assert_eq!(kept(&limiter, 1, Verdict::Human, hour(0), 9), 2);
        limiter.give_back(ping(1));
        limiter.give_back(ping(2));
        assert_eq!(kept(&limiter, 1, Verdict::Human, hour(0), 9), 1);
    }

    #[test]
    fn a_flood_is_not_pushed_out_by_other_pings() {
        let limiter = HitLimiter::new(3);
        assert_eq!(kept(&limiter, 0, Verdict::Human, hour(0), 9), 3);
        for n in 1..400_000 {
            limiter.allows(ping(n), Verdict::Machine, hour(0));
        }
        assert_eq!(kept(&limiter, 0, Verdict::Human, hour(0), 1), 0);
    }

    /// More pings than there is room for, each fetched again and again: no more is kept than if
    /// there were room for all.
    #[test]
    fn a_flood_over_more_pings_than_are_counted_stays_within_the_allowed() {
        let limiter = HitLimiter::new(4);
        let pings = 2 * (SETS * WAYS) as u32;
        let kept: usize = (0..8)
            .map(|_| (0..pings).filter(|n| limiter.allows(ping(*n), Verdict::Machine, hour(0))).count())
            .sum();
        let allowed = pings as usize * limiter.share(Verdict::Machine) as usize;
        assert!(kept <= allowed, "{kept} of {allowed}");
        let newcomer = pings + 1;
        assert!(
            limiter.allows(ping(newcomer), Verdict::Human, hour(0)),
            "a person is not hidden by the flood"
        );
    }

    #[test]
    fn zero_means_no_limit() {
        assert_eq!(kept(&HitLimiter::new(0), 1, Verdict::Machine, hour(0), 1_000), 1_000);
    }

    proptest! {
        /// Whatever came before: as long as no person was kept, the next person of a ping is.
        #[test]
        fn no_sequence_of_others_hides_the_first_person(
            limit in 1..200_u32,
            before in proptest::collection::vec((0..9_u32, any::<bool>(), any::<bool>()), 0..600),
        ) {
            let limiter = HitLimiter::new(limit);
            let mut kept = [0_u32; 9];
            for (of, uncertain, gives_back) in before {
                let verdict = if uncertain { Verdict::Uncertain } else { Verdict::Machine };
                if limiter.allows(ping(of), verdict, hour(0)) {
                    kept[of as usize] += 1;
                    if gives_back {
                        limiter.give_back(ping(of));
                        kept[of as usize] -= 1;
                    }
                }
            }
            for (of, kept) in (0..).zip(kept) {
                prop_assert!(kept < limit, "{kept} of {limit}");
                prop_assert!(limiter.allows(ping(of), Verdict::Human, hour(0)));
            }
        }
    }
}
