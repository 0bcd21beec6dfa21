//! Bounds the opens stored per ping and hour in memory of a fixed size, so that one URL cannot fill the disk.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::{PingId, Timestamp};

/// Each set has this many pings; a new ping takes the place of the one with the fewest hits, so that a flooded one stays.
const WAYS: usize = 4;
const SETS: usize = 8_192;
const HOUR_MILLIS: i64 = 3_600_000;

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    ping: Option<PingId>,
    hour: i64,
    hits: u32,
}

/// Counts hits per ping and clock hour, for up to 32,768 pings at once in about 1.3 MB.
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

    /// Counts a hit; `false` where the limit of this hour is used up.
    pub(crate) fn allows(&self, ping: PingId, at: Timestamp) -> bool {
        let index = usize::try_from(self.hasher.hash_one(ping) % SETS as u64).unwrap_or(0);
        let Some(set) = self.sets.get(index) else { return true };
        let hour = at.unix_millis() / HOUR_MILLIS;
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = |slot: &Slot| if slot.hour == hour { slot.hits } else { 0 };
        let known = set.iter().position(|slot| slot.ping == Some(ping));
        let place = known.or_else(|| (0..WAYS).min_by_key(|&way| set.get(way).map_or(u32::MAX, weight)));
        let Some(slot) = place.and_then(|way| set.get_mut(way)) else { return true };
        if slot.ping != Some(ping) || slot.hour != hour {
            *slot = Slot { ping: Some(ping), hour, hits: 0 };
        }
        let allowed = slot.hits < self.limit;
        slot.hits += u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(n: u8) -> PingId {
        PingId::from_bytes([n; 16])
    }

    fn hour(n: i64) -> Timestamp {
        Timestamp::from_unix_millis(n * HOUR_MILLIS)
    }

    #[test]
    fn one_ping_is_allowed_the_limit_in_each_hour() {
        let limiter = HitLimiter::new(100);
        let allowed = |at| (0..10_000).filter(|_| limiter.allows(ping(1), at)).count();
        assert_eq!(allowed(hour(5)), 100);
        assert_eq!(allowed(hour(6)), 100);
        assert!(limiter.allows(ping(2), hour(6)), "another ping has its own count");
    }

    #[test]
    fn a_flood_is_not_pushed_out_by_other_pings() {
        let limiter = HitLimiter::new(3);
        assert_eq!((0..9).filter(|_| limiter.allows(ping(1), hour(0))).count(), 3);
        for n in 0..200_000_u32 {
            let mut bytes = [9; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            limiter.allows(PingId::from_bytes(bytes), hour(0));
        }
        assert!(!limiter.allows(ping(1), hour(0)));
    }

    #[test]
    fn zero_means_no_limit() {
        let limiter = HitLimiter::new(0);
        assert!((0..1_000).all(|_| limiter.allows(ping(1), hour(0))));
    }
}
