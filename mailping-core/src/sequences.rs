//! What belongs together in time: a HEAD and the GET behind it, one agent again and again, many
//! pings from one network at once.
//!
//! Seen in this process, forward only, in memory of a fixed size: for minutes, a fingerprint under
//! a key of this process stands for a network with an agent or a ping. Nothing of it is kept, shown
//! or sent anywhere.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::burst::BurstDetector;
use crate::fetcher::Evidence;
use crate::observe::Judged;
use crate::{MaskedIp, PingId, Timestamp};

/// How long a HEAD taints the GET of the same ping, or of the same agent, from the same network.
const AFTER_HEAD: Duration = Duration::from_secs(60);
/// How long an agent is doubted that came too early for a person, or as a machine.
const AFTER_MACHINE: Duration = Duration::from_secs(600);

/// Sees hits one after another and doubts those that belong to what came before.
#[derive(Debug)]
pub(crate) struct Sequences {
    bursts: BurstDetector,
    marks: Marks,
}

impl Sequences {
    pub(crate) fn new(burst_pings: usize, burst_window: Duration) -> Self {
        Self { bursts: BurstDetector::new(burst_pings, burst_window), marks: Marks::new() }
    }

    /// Notes a GET, and lowers its judgement if it belongs to what came before.
    pub(crate) fn note(&self, judged: &mut Judged<'_>) {
        let Some(network) = judged.unshared_network() else { return };
        let (ping, at) = (judged.open().ping, judged.open().at);
        if !judged.is_from_people() && self.bursts.is_burst(network, ping, at) {
            judged.doubt(Evidence::NetBurst);
        }
        let agent = judged.browser_agent().map(|agent| self.marks.of_agent(network, agent));
        // Before the marks lower it.
        let marks_agent = judged.is_early_or_machine();
        let head = [Some(self.marks.of_ping(network, ping)), agent.map(after_head)];
        if head.into_iter().flatten().any(|mark| self.marks.holds(mark, at, AFTER_HEAD)) {
            judged.doubt(Evidence::SeqAfterHead);
        }
        let Some(agent) = agent else { return };
        if self.marks.holds(agent, at, AFTER_MACHINE) {
            judged.doubt(Evidence::SeqSameAgent);
        }
        if marks_agent {
            self.marks.set(agent, at);
        }
    }

    /// Notes a HEAD: what sends it checks links.
    pub(crate) fn note_head(&self, judged: &Judged<'_>) {
        let Some(network) = judged.unshared_network() else { return };
        let at = judged.open().at;
        self.marks.set(self.marks.of_ping(network, judged.open().ping), at);
        if let Some(agent) = judged.browser_agent() {
            let agent = self.marks.of_agent(network, agent);
            self.marks.set(after_head(agent), at);
            self.marks.set(agent, at);
        }
    }
}

/// The mark of an agent that sent a HEAD.
const fn after_head(agent: u64) -> u64 {
    agent.rotate_left(1) ^ 0x9e37_79b9_7f4a_7c15
}

/// Each set has this many marks; a new one takes the place of the oldest.
const WAYS: usize = 4;
const SETS: usize = 1_024;

/// When an empty slot was set: longer ago than any window.
const NEVER: i64 = i64::MIN;

#[derive(Debug, Clone, Copy)]
struct Slot {
    mark: u64,
    /// When it was set, in milliseconds.
    at: i64,
}

/// 4,096 fingerprints with the time at which each was last set, in 74 kB.
struct Marks {
    sets: Box<[Mutex<[Slot; WAYS]>]>,
    /// Its key is random for each process, so that a fingerprint says nothing outside of it.
    hasher: RandomState,
}

impl Marks {
    fn new() -> Self {
        let set = |_| Mutex::new([Slot { mark: 0, at: NEVER }; WAYS]);
        Self { sets: (0..SETS).map(set).collect(), hasher: RandomState::new() }
    }

    fn of_agent(&self, network: MaskedIp, agent: &[u8]) -> u64 {
        self.mark(("agent", network, agent))
    }

    fn of_ping(&self, network: MaskedIp, ping: PingId) -> u64 {
        self.mark(("ping", network, ping))
    }

    fn mark(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    fn set(&self, mark: u64, at: Timestamp) {
        self.with_set(mark, |set| {
            let known = set.iter().position(|slot| slot.mark == mark);
            let oldest = || (0..WAYS).min_by_key(|&way| set.get(way).map_or(i64::MAX, |slot| slot.at));
            if let Some(slot) = known.or_else(oldest).and_then(|way| set.get_mut(way)) {
                *slot = Slot { mark, at: at.unix_millis() };
            }
        });
    }

    /// Was it set at most `window` before `at`? Clocks step back, so neither way counts as long
    /// ago.
    fn holds(&self, mark: u64, at: Timestamp, window: Duration) -> bool {
        let millis = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        self.with_set(mark, |set| {
            set.iter()
                .filter(|slot| slot.mark == mark && slot.at != NEVER)
                .any(|slot| at.unix_millis().saturating_sub(slot.at).saturating_abs() <= millis)
        })
    }

    fn with_set<T: Default>(&self, mark: u64, work: impl FnOnce(&mut [Slot; WAYS]) -> T) -> T {
        let index = usize::try_from(mark % SETS as u64).unwrap_or(0);
        let Some(set) = self.sets.get(index) else { return T::default() };
        work(&mut set.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marks([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_unix_millis(n * 1_000)
    }

    fn office() -> MaskedIp {
        "192.0.2.0/24".parse().unwrap()
    }

    #[test]
    fn a_mark_holds_for_its_window_and_for_nothing_else() {
        let marks = Marks::new();
        let (mark, other) = (marks.of_agent(office(), b"a"), marks.of_agent(office(), b"b"));
        assert!(!marks.holds(mark, second(0), AFTER_MACHINE));
        marks.set(mark, second(100));
        assert!(marks.holds(mark, second(100), AFTER_HEAD) && marks.holds(mark, second(160), AFTER_HEAD));
        assert!(!marks.holds(mark, second(161), AFTER_HEAD) && marks.holds(mark, second(700), AFTER_MACHINE));
        assert!(!marks.holds(mark, second(701), AFTER_MACHINE));
        assert!(!marks.holds(other, second(100), AFTER_MACHINE));
        let elsewhere = marks.of_agent("198.51.100.0/24".parse().unwrap(), b"a");
        assert!(!marks.holds(elsewhere, second(100), AFTER_MACHINE));
    }

    #[test]
    fn the_fingerprints_of_two_processes_differ_and_are_never_shown() {
        let (one, two) = (Marks::new(), Marks::new());
        assert_ne!(one.of_agent(office(), b"a"), two.of_agent(office(), b"a"));
        one.set(one.of_agent(office(), b"a"), second(1));
        assert_eq!(format!("{one:?}"), "Marks([redacted])");
    }

    #[test]
    fn a_flood_of_agents_takes_no_more_memory_and_forgets_the_oldest() {
        let marks = Marks::new();
        for n in 0..100_000_i64 {
            marks.set(marks.of_agent(office(), &n.to_le_bytes()), second(n / 1_000));
        }
        let held = (0..100_000_i64)
            .filter(|n| marks.holds(marks.of_agent(office(), &n.to_le_bytes()), second(100), AFTER_MACHINE));
        assert!(held.count() <= SETS * WAYS);
        assert!(marks.holds(marks.of_agent(office(), &99_999_i64.to_le_bytes()), second(100), AFTER_MACHINE));
    }
}
