//! Many pings fetched at once from one masked network: more likely one scanner than many readers.
//!
//! Seen in this process, forward only, in memory of a fixed size. Nothing of it is kept.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{MaskedIp, PingId, Timestamp};

/// From how many pings on, within which time.
pub(crate) const DEFAULT_BURST: (usize, Duration) = (5, Duration::from_secs(10));
const SLOTS: usize = 1_024;
/// The most pings that are told apart in one window: a threshold above it is cut to it.
const MAX_PINGS: usize = 64;

#[derive(Debug)]
struct Slot {
    network: Option<MaskedIp>,
    /// The latest pings of this network with the time of their last hit, from the oldest: as many
    /// as make a burst, since more would change nothing.
    recent: Vec<(PingId, Timestamp)>,
}

/// Tells when at least `pings` different pings were fetched from one network within `window`.
#[derive(Debug)]
pub(crate) struct BurstDetector {
    pings: usize,
    window_millis: i64,
    slots: Box<[Mutex<Slot>]>,
    hasher: RandomState,
}

impl BurstDetector {
    pub(crate) fn new(pings: usize, window: Duration) -> Self {
        let slot = |_| Mutex::new(Slot { network: None, recent: Vec::new() });
        let slots = if pings == 0 { 0 } else { SLOTS };
        Self {
            pings: pings.min(MAX_PINGS),
            window_millis: i64::try_from(window.as_millis()).unwrap_or(i64::MAX),
            slots: (0..slots).map(slot).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Notes a hit; `true` if it belongs to a burst.
    pub(crate) fn is_burst(&self, network: MaskedIp, ping: PingId, at: Timestamp) -> bool {
        let index = usize::try_from(self.hasher.hash_one(network) % SLOTS as u64).unwrap_or(0);
        let Some(slot) = self.slots.get(index) else { return false };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.network != Some(network) {
            // Another network of the same place is forgotten: a burst in progress is dense enough
            // to be found again.
            slot.network = Some(network);
            slot.recent.clear();
        }
        slot.recent.retain(|&(seen, when)| {
            seen != ping && at.unix_millis() - when.unix_millis() <= self.window_millis
        });
        if slot.recent.len() == self.pings {
            slot.recent.remove(0);
        }
        slot.recent.push((ping, at));
        slot.recent.len() >= self.pings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn ping(n: u8) -> PingId {
        PingId::from_bytes([n; 16])
    }

    fn second(n: i64) -> Timestamp {
        Timestamp::from_unix_millis(n * 1_000)
    }

    fn office() -> MaskedIp {
        "192.0.2.0/24".parse().unwrap()
    }

    #[test]
    fn twenty_pings_in_ten_seconds_are_a_burst_from_the_twentieth_on() {
        let bursts = BurstDetector::new(20, WINDOW);
        let seen: Vec<bool> = (0..25).map(|n| bursts.is_burst(office(), ping(n), second(0))).collect();
        assert_eq!(seen.iter().filter(|burst| **burst).count(), 6);
        assert!(!seen[18] && seen[19]);
    }

    #[test]
    fn one_ping_many_times_or_many_pings_slowly_are_none() {
        let bursts = BurstDetector::new(20, WINDOW);
        assert!((0..100).all(|_| !bursts.is_burst(office(), ping(1), second(0))));
        assert!((0..100).all(|n| !bursts.is_burst(office(), ping(n), second(100 + i64::from(n)))));
    }

    #[test]
    fn networks_are_counted_apart() {
        let bursts = BurstDetector::new(2, WINDOW);
        assert!(!bursts.is_burst(office(), ping(1), second(0)));
        assert!(!bursts.is_burst("198.51.100.0/24".parse().unwrap(), ping(2), second(0)));
    }

    #[test]
    fn zero_turns_it_off() {
        let bursts = BurstDetector::new(0, WINDOW);
        assert!((0..100).all(|n| !bursts.is_burst(office(), ping(n), second(0))));
    }
}
