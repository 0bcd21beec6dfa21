//! Points in time as mailping keeps them: whole milliseconds of UTC from 1970 to the end of 9999
//! (the last hours of which jiff leaves out).

mod step;
mod time_step;

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

pub use self::step::StepTime;
pub use self::time_step::TimeStep;
use crate::text::{ParseError, text};

/// A point in time in whole milliseconds of UTC, from 1970 to the end of 9999.
///
/// Times outside of that range become its nearest end: a clock that is far wrong stores an odd
/// time, never a broken row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

const LAST_MILLISECOND: i64 = 253_402_207_200_000;

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_unix_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LAST_MILLISECOND))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z: never negative, at most 253,402,207,200,000.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` until this one; `None` if this one is before it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        u64::try_from(self.0 - earlier.0).ok().map(Duration::from_millis)
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(LAST_MILLISECOND);
        Self::from_unix_millis(self.0.saturating_add(millis))
    }

    /// The last whole multiple of `step` milliseconds since 1970.
    pub(crate) fn floor(self, step: i64) -> Self {
        Self(self.0 - self.0.rem_euclid(step.max(1)))
    }

    /// The next whole multiple of `step` milliseconds since 1970, or this time if it is one.
    pub(crate) fn ceil(self, step: i64) -> Self {
        Self::from_unix_millis(self.floor(step).0.saturating_add(if self == self.floor(step) {
            0
        } else {
            step
        }))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(_) => Self(0),
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        Self::UNIX_EPOCH + Duration::from_millis(time.0.unsigned_abs())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, always with three decimals, such as `2026-11-23T10:02:00.250Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const TIMESTAMP: &str = "a time of RFC 3339 with its offset, such as 2026-11-23T10:02:00.250Z";

/// Reads any time of RFC 3339, with any offset and any number of decimals.
impl FromStr for Timestamp {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let time: jiff::Timestamp = text.parse().map_err(|_| ParseError::new(TIMESTAMP))?;
        Ok(Self::from_unix_millis(time.as_millisecond()))
    }
}

text!(Timestamp, expected: TIMESTAMP, format: "date-time");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_times_become_the_nearest_end() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(Timestamp::from(before).unix_millis(), 0);
        let far = Timestamp::from_unix_millis(i64::MAX);
        assert_eq!(far.to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(far.plus(Duration::MAX), far);
        assert_eq!(Timestamp::from(SystemTime::from(far)), far);
    }

    #[test]
    fn text_is_rfc_3339_and_reads_back() {
        let time = Timestamp::from_unix_millis(1_795_428_120_250);
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!(
            "2026-11-23T11:02:00+01:00".parse::<Timestamp>().unwrap().to_string(),
            "2026-11-23T10:02:00.000Z"
        );
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!("2026-11-23T11:02:00".parse::<Timestamp>().is_err(), "no offset");
    }

    #[test]
    fn floor_and_ceil_move_to_whole_steps() {
        let hour = 3_600_000;
        let time = Timestamp::from_unix_millis(2 * hour + 1);
        assert_eq!(time.floor(hour).unix_millis(), 2 * hour);
        assert_eq!(time.ceil(hour).unix_millis(), 3 * hour);
        assert_eq!(time.floor(hour).ceil(hour), time.floor(hour));
    }
}
