//! How much of an open may be kept: an ordered ladder that is only ever stepped down.

use crate::Timestamp;
use crate::named::named;

named! {
    /// How much of an open may be kept, from nothing to the most. A later wish can narrow it, never widen it.
    pub enum Detail ("a detail") {
        /// Nothing: the ping has no pixel.
        None = 0, "none";
        /// One value for the whole ping: the day of the latest fetch that a person caused.
        LastDay = 1, "last_day";
        /// Each open with its time, fetcher, verdict and evidence, but no place.
        Opens = 2, "opens";
        /// And its country, where the fetch came from the reader's own network.
        Country = 3, "country";
        /// And its city. The default.
        City = 4, "city";
        /// And its masked network.
        Network = 5, "network";
    }
}

named! {
    /// How exactly the time of an open is kept.
    #[derive(Default)]
    pub enum TimeStep ("a time step") {
        /// To the day, at 00:00 UTC.
        Day = 0, "day";
        /// To the full hour.
        Hour = 1, "hour";
        /// To the millisecond.
        #[default]
        Exact = 2, "exact";
    }
}

impl TimeStep {
    /// The step's length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        match self {
            Self::Day => 86_400_000,
            Self::Hour => 3_600_000,
            Self::Exact => 1,
        }
    }
}

/// A detail and a time step: what a token carries and a tracker's ceiling limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Precision {
    pub(crate) detail: Detail,
    pub(crate) step: TimeStep,
}

impl Precision {
    /// The lesser of both in each.
    pub(crate) fn narrowed(self, to: Self) -> Self {
        Self { detail: self.detail.min(to.detail), step: self.step.min(to.step) }
    }

    /// The step that times are really kept in: at `last_day` the day, whatever the step says.
    pub(crate) fn kept_step(self) -> TimeStep {
        if self.detail <= Detail::LastDay { TimeStep::Day } else { self.step }
    }

    pub(crate) fn kept_time(self, time: Timestamp) -> Timestamp {
        time.floor(self.kept_step().millis())
    }

    /// One byte: the step in bits 3 and 4, the detail in bits 0 to 2.
    pub(crate) const fn to_byte(self) -> u8 {
        (self.step.code() << 3) | self.detail.code()
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(Self { detail: Detail::from_code(byte & 0b111)?, step: TimeStep::from_code(byte >> 3)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DETAILS: [Detail; 6] =
        [Detail::None, Detail::LastDay, Detail::Opens, Detail::Country, Detail::City, Detail::Network];
    const STEPS: [TimeStep; 3] = [TimeStep::Day, TimeStep::Hour, TimeStep::Exact];

    #[test]
    fn narrowing_never_widens() {
        for (detail, other) in DETAILS.into_iter().flat_map(|d| DETAILS.map(|o| (d, o))) {
            for (step, other_step) in STEPS.into_iter().flat_map(|d| STEPS.map(|o| (d, o))) {
                let from = Precision { detail, step };
                let to = from.narrowed(Precision { detail: other, step: other_step });
                assert!(to.detail <= from.detail && to.detail <= other);
                assert!(to.step <= from.step && to.step <= other_step);
            }
        }
    }

    #[test]
    fn a_byte_holds_each_precision_and_no_other_byte_is_one() {
        let all: Vec<u8> = DETAILS
            .into_iter()
            .flat_map(|detail| STEPS.map(|step| Precision { detail, step }.to_byte()))
            .collect();
        for byte in 0..=u8::MAX {
            let read = Precision::from_byte(byte);
            assert_eq!(read.is_some(), all.contains(&byte), "{byte:#010b}");
            assert!(read.is_none_or(|precision| precision.to_byte() == byte));
        }
    }

    #[test]
    fn times_are_cut_to_the_step_and_last_day_always_to_the_day() {
        let time: Timestamp = "2026-11-23T10:02:03.004Z".parse().unwrap();
        let kept = |detail, step| Precision { detail, step }.kept_time(time).to_string();
        assert_eq!(kept(Detail::City, TimeStep::Exact), "2026-11-23T10:02:03.004Z");
        assert_eq!(kept(Detail::City, TimeStep::Hour), "2026-11-23T10:00:00.000Z");
        assert_eq!(kept(Detail::City, TimeStep::Day), "2026-11-23T00:00:00.000Z");
        assert_eq!(kept(Detail::LastDay, TimeStep::Exact), "2026-11-23T00:00:00.000Z");
    }

    #[test]
    fn names_read_back_and_an_unknown_one_is_answered_with_the_list() {
        for detail in DETAILS {
            assert_eq!(detail.as_str().parse(), Ok(detail));
            assert_eq!(serde_json::to_string(&detail).unwrap(), format!("\"{detail}\""));
        }
        let error = "street".parse::<Detail>().unwrap_err().to_string();
        assert!(error.contains("last_day") && !error.contains("street"), "{error}");
    }
}
