//! In which seal a statement is.

use std::time::Duration;

use crate::Timestamp;
use crate::certified::seal::{floor_second, next_due};

/// The seals that are still open, as far as they can be foreseen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// The one that is being filled.
    next: u64,
    /// It will not end before.
    ends: Timestamp,
    every: Duration,
}

impl Schedule {
    pub(super) fn new(next: u64, from: Timestamp, now: Timestamp, every: Duration) -> Self {
        Self { next, ends: from.plus(every).max(floor_second(now)), every }
    }

    /// The first seal that does not end before `ends` and in which a ping whose first one is
    /// `first` can have a leaf.
    pub(super) fn seal_for(&self, first: u64, ends: Timestamp) -> u64 {
        let later = ends.unix_millis().saturating_sub(self.ends.unix_millis()).max(0).unsigned_abs();
        let every = u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX).max(1);
        next_due(first, self.next + later.div_ceil(every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_has_not_ended_waits_for_its_seal() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let hour = Duration::from_secs(3_600);
        let schedule = |now| Schedule::new(7, time("2026-11-28T10:00:00Z"), time(now), hour);
        for (now, first, ends, seal) in [
            ("2026-11-28T10:20:00Z", 5, "2026-11-28T10:19:00Z", 7),
            ("2026-11-28T10:20:00Z", 5, "2026-11-28T11:00:00Z", 7),
            ("2026-11-28T10:20:00Z", 5, "2026-11-28T11:00:00.001Z", 8),
            ("2026-11-28T10:20:00Z", 5, "2026-11-29T00:00:00Z", 20),
            // Nobody has sealed for a while: the one that is filled will end later.
            ("2026-11-28T15:20:00.7Z", 5, "2026-11-28T15:20:00Z", 7),
            ("2026-11-28T15:20:00.7Z", 5, "2026-11-28T16:00:00Z", 8),
        ] {
            assert_eq!(schedule(now).seal_for(first, time(ends)), seal, "{now} {ends}");
        }
    }
}
