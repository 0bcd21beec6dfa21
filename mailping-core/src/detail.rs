//! How much of an open may be kept: an ordered ladder that is only ever stepped down.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How much of an open may be kept, from nothing to the most. A later wish can narrow it, never widen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Detail {
    /// Nothing: the ping has no pixel.
    None,
    /// One value for the whole ping: the day of the latest fetch that a person caused.
    LastDay,
    /// Each open with its time, fetcher, verdict and evidence, but no place.
    Opens,
    /// And its country, where the fetch came from the reader's own network.
    Country,
    /// And its city. The default.
    City,
    /// And its masked network.
    Network,
}

/// How exactly the time of an open is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeStep {
    /// To the day, at 00:00 UTC.
    Day,
    /// To the full hour.
    Hour,
    /// To the millisecond.
    #[default]
    Exact,
}

impl TimeStep {
    /// The step's length in milliseconds.
    pub(crate) const fn millis(self) -> i64 {
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

macro_rules! coded_names {
    ($type:ident, $what:literal, $($variant:ident = $code:literal $name:literal),+ $(,)?) => {
        impl $type {
            /// The name, as in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// A small number for a store to keep; it never changes its meaning.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }

            /// From the number that a store has kept; `None` for one that no version has used.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::NameError;

            fn from_str(name: &str) -> Result<Self, $crate::NameError> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::NameError { expected: concat!($what, ": one of" $(, " ", $name)+) }),
                }
            }
        }
    };
}
pub(crate) use coded_names;

coded_names!(Detail, "a detail", None = 0 "none", LastDay = 1 "last_day", Opens = 2 "opens", Country = 3 "country",
    City = 4 "city", Network = 5 "network");
coded_names!(TimeStep, "a time step", Day = 0 "day", Hour = 1 "hour", Exact = 2 "exact");

/// The text was none of the names of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
#[non_exhaustive]
pub struct NameError {
    pub(crate) expected: &'static str,
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
        assert_eq!(kept(Detail::City, TimeStep::Hour), "2026-11-23T10:00:00Z");
        assert_eq!(kept(Detail::City, TimeStep::Day), "2026-11-23T00:00:00Z");
        assert_eq!(kept(Detail::LastDay, TimeStep::Exact), "2026-11-23T00:00:00Z");
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
