//! How much was deleted.

/// How much was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Deleted {
    /// Pings.
    pub pings: u64,
    /// Opens.
    pub opens: u64,
    /// Rows that a [purge](super::Store::purge) came across that are due, cannot be read or
    /// deleted, and stay.
    #[serde(skip)]
    pub passed_over: u64,
}

impl Deleted {
    /// So many pings and opens, and none passed over.
    #[must_use]
    pub const fn new(pings: u64, opens: u64) -> Self {
        Self { pings, opens, passed_over: 0 }
    }

    /// With so many rows that were passed over.
    #[must_use]
    pub const fn passing_over(mut self, rows: u64) -> Self {
        self.passed_over = rows;
        self
    }
}

impl std::ops::AddAssign for Deleted {
    fn add_assign(&mut self, more: Self) {
        self.pings += more.pings;
        self.opens += more.opens;
        self.passed_over += more.passed_over;
    }
}
