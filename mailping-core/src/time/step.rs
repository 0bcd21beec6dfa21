//! A time that says how exactly it is kept: it prints no digit that nobody knows.

use std::fmt;
use std::str::FromStr;

use super::{TimeStep, Timestamp};
use crate::text::{ParseError, text};

/// A time as it is kept: the start of a [`TimeStep`], and which one.
///
/// It prints as `2026-11-27` at a step of a day, `2026-11-27T10:00Z` at one of an hour, and
/// `2026-11-27T10:02:03.000Z`, always with three decimals, if it is exact. It reads back from each,
/// and serialises as that text.
///
/// ```
/// use mailping_core::pings::TimeStep;
/// use mailping_core::receipts::StepTime;
/// let time = StepTime::new("2026-11-27T10:02:03.5Z".parse()?, TimeStep::Hour);
/// assert_eq!(time.to_string(), "2026-11-27T10:00Z");
/// assert_eq!("2026-11-27T10:00Z".parse(), Ok(time));
/// # Ok::<(), mailping_core::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepTime {
    start: Timestamp,
    step: TimeStep,
}

impl StepTime {
    /// The step that `time` lies in.
    #[must_use]
    pub fn new(time: Timestamp, step: TimeStep) -> Self {
        Self { start: time.floor(step.millis()), step }
    }

    /// When the step starts: the time itself if it is exact.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// How exactly the time is kept.
    #[must_use]
    pub const fn step(self) -> TimeStep {
        self.step
    }
}

/// An exact time.
impl From<Timestamp> for StepTime {
    fn from(time: Timestamp) -> Self {
        Self::new(time, TimeStep::Exact)
    }
}

impl fmt::Display for StepTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.start.to_string();
        let (to_the_minute, _) = exact.split_at_checked(DATE_AND_MINUTE).ok_or(fmt::Error)?;
        match self.step {
            TimeStep::Day => f.write_str(to_the_minute.get(..DATE).ok_or(fmt::Error)?),
            TimeStep::Hour => write!(f, "{to_the_minute}Z"),
            TimeStep::Exact => f.write_str(&exact),
        }
    }
}

impl fmt::Debug for StepTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The length of `2026-11-27`.
const DATE: usize = 10;
/// The length of `2026-11-27T10:00`.
const DATE_AND_MINUTE: usize = 16;

const STEP_TIME: &str = "a day such as 2026-11-27, an hour such as 2026-11-27T10:00Z, or a time of RFC 3339 with its seconds and offset";

impl FromStr for StepTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = || ParseError::new(STEP_TIME);
        let (whole, step) = if text.len() == DATE {
            (format!("{text}T00:00:00Z"), TimeStep::Day)
        } else if text.len() == DATE_AND_MINUTE + 1 {
            (text.replace('Z', ":00Z"), TimeStep::Hour)
        } else if text.get(DATE_AND_MINUTE..).is_some_and(|rest| rest.starts_with(':')) {
            (text.to_owned(), TimeStep::Exact)
        } else {
            return Err(refused());
        };
        let read = Self::new(whole.parse().map_err(|_| refused())?, step);
        // A day or an hour has one form; `2026-11-27T10:30Z` is none.
        if step == TimeStep::Exact || read.to_string() == text { Ok(read) } else { Err(refused()) }
    }
}

text!(StepTime, expected: STEP_TIME, pattern: r"^\d{4}-\d{2}-\d{2}(T\d{2}:(00Z|\d{2}:\d{2}\.\d{3}Z))?$");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step_time(text: &str, step: TimeStep) -> StepTime {
        StepTime::new(text.parse().unwrap(), step)
    }

    #[test]
    fn a_time_prints_by_its_step_with_fixed_decimals() {
        for (time, step, text) in [
            ("2026-11-27T10:02:03.5Z", TimeStep::Day, "2026-11-27"),
            ("2026-11-27T10:02:03.5Z", TimeStep::Hour, "2026-11-27T10:00Z"),
            ("2026-11-27T10:02:03.5Z", TimeStep::Exact, "2026-11-27T10:02:03.500Z"),
            ("2026-11-27T00:00:00Z", TimeStep::Day, "2026-11-27"),
            ("2026-11-27T00:00:00Z", TimeStep::Hour, "2026-11-27T00:00Z"),
            ("2026-11-27T00:00:00Z", TimeStep::Exact, "2026-11-27T00:00:00.000Z"),
        ] {
            let time = step_time(time, step);
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time));
            assert_eq!(serde_json::to_string(&time).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn what_is_no_step_is_refused() {
        for text in [
            "",
            "2026-11",
            "2026-11-31",
            "2026-W48-5",
            "1969-12-31",
            "2026-11-27T10Z",
            "2026-11-27T10:30Z",
            "2026-11-27 10:00Z",
            "2026-11-27t10:00Z",
            "2026-11-27T10:00z",
            "2026-11-27T24:00Z",
            "2026-11-27T10:00",
            "2026-11-27T10:00:00",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert!(text.parse::<StepTime>().is_err(), "{text}");
        }
        let exact: StepTime = "2026-11-27T11:00:00+01:00".parse().unwrap();
        assert_eq!(exact, step_time("2026-11-27T10:00:00Z", TimeStep::Exact));
    }

    proptest! {
        #[test]
        fn every_step_reads_back(millis: i64, step in prop::sample::select(TimeStep::ALL)) {
            let time = StepTime::new(Timestamp::from_unix_millis(millis), step);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            prop_assert_eq!(time.start().floor(step.millis()), time.start());
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:. +-]{0,32}|\\PC{0,20}") {
            if let Ok(time) = text.parse::<StepTime>() {
                prop_assert_eq!(time.to_string().parse(), Ok(time));
            }
        }
    }
}
