//! How much of an open may be kept: an ordered ladder that is only ever stepped down.
//!
//! Codes stand in stored rows and in tokens that are in somebody's mail, and their order is the
//! order of the rungs. There is room between them, so that another rung (a region between country
//! and city) fits in without touching any.

use crate::named::named;
use crate::{TimeStep, Timestamp};

named! {
    /// How much of an open may be kept, from nothing to the most. A later wish can narrow it, never
    /// widen it.
    pub enum Detail ("a detail") {
        /// Nothing: the ping has no pixel.
        None = 0, "none";
        /// One value for the whole ping: the day of the latest fetch that a person caused.
        LastDay = 5, "last_day";
        /// Each open with its time, fetcher, verdict and evidence, but no place.
        Opens = 10, "opens";
        /// And its country, if the fetch came from the reader's own network.
        Country = 15, "country";
        /// And its city. The default.
        City = 20, "city";
        /// And its masked network.
        Network = 25, "network";
    }
}

impl Detail {
    /// The highest rung that is not above `code`: what this version makes of a rung that only a
    /// later one knows. It never widens.
    #[must_use]
    pub fn at_most(code: u8) -> Self {
        Self::ALL.iter().copied().take_while(|rung| rung.code() <= code).last().unwrap_or(Self::None)
    }
}

/// The most that is kept of any open.
pub(crate) const DEFAULT_CEILING: Precision = Precision { detail: Detail::City, step: TimeStep::Exact };
/// The most that is kept of one whose reader sends `Sec-GPC` or `DNT`.
pub(crate) const DEFAULT_GPC_CEILING: Detail = Detail::None;
pub(crate) const DEFAULT_DNT_CEILING: Detail = Detail::Opens;

const DETAIL_BITS: u32 = 5;

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

    /// One byte: the step in its upper three bits, the detail in its lower five.
    pub(crate) const fn to_byte(self) -> u8 {
        (self.step.code() << DETAIL_BITS) | self.detail.code()
    }

    /// A rung or step of a later version reads as the next lower one, so that its tokens still
    /// record.
    pub(crate) fn from_byte(byte: u8) -> Self {
        let step = TimeStep::at_most(byte >> DETAIL_BITS);
        Self { detail: Detail::at_most(byte & !(u8::MAX << DETAIL_BITS)), step }
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
    fn a_byte_holds_each_precision_and_another_byte_is_never_read_as_more() {
        for (detail, step) in DETAILS.into_iter().flat_map(|detail| STEPS.map(|step| (detail, step))) {
            let precision = Precision { detail, step };
            assert_eq!(Precision::from_byte(precision.to_byte()), precision);
        }
        for byte in 0..=u8::MAX {
            let Precision { detail, step } = Precision::from_byte(byte);
            assert!(detail.code() <= byte & 0b1_1111 && step.code() <= byte >> 5, "{byte:#010b}");
        }
    }

    /// They stand in stored rows and in mail that is sent: never change one.
    #[test]
    fn codes_are_fixed_in_order_and_with_room_between_them() {
        assert_eq!(DETAILS.map(Detail::code), [0, 5, 10, 15, 20, 25]);
        assert_eq!(STEPS.map(TimeStep::code), [0, 2, 4]);
        assert!(Detail::ALL.is_sorted() && TimeStep::ALL.is_sorted());
        let region = 17;
        assert!(Detail::Country.code() < region && region < Detail::City.code());
        assert_eq!((Detail::at_most(region), TimeStep::at_most(3)), (Detail::Country, TimeStep::Hour));
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
