//! How exactly times are kept.

use crate::named::named;

named! {
    /// How exactly the time of an open is kept.
    #[derive(Default)]
    pub enum TimeStep ("a time step") {
        /// To the day, at 00:00 UTC.
        Day = 0, "day";
        /// To the full hour.
        Hour = 2, "hour";
        /// To the millisecond.
        #[default]
        Exact = 4, "exact";
    }
}

impl TimeStep {
    /// The finest step that is not finer than `code`: what this version makes of a step that only a
    /// later one knows.
    #[must_use]
    pub fn at_most(code: u8) -> Self {
        Self::ALL.iter().copied().take_while(|step| step.code() <= code).last().unwrap_or(Self::Day)
    }

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
