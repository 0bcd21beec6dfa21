//! One page of a list that is too long for one answer.

use serde::Serialize;

use super::OpenCursor;
use crate::{Open, PingId};

/// One page of a list, in the order of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Page<T, C = PingId> {
    /// What is on it.
    pub items: Vec<T>,
    /// What the next page comes after; `None` on the last.
    pub next: Option<C>,
    /// Rows between them that cannot be read and are left out. The log names those whose id can be
    /// read.
    pub unreadable: u64,
}

impl<T, C> Page<T, C> {
    /// A page with nothing unreadable on it.
    #[must_use]
    pub const fn new(items: Vec<T>, next: Option<C>) -> Self {
        Self { items, next, unreadable: 0 }
    }

    /// With so many rows that cannot be read.
    #[must_use]
    pub const fn unreadable(mut self, rows: u64) -> Self {
        self.unreadable = rows;
        self
    }
}

impl<T, C> Default for Page<T, C> {
    fn default() -> Self {
        Self::new(Vec::new(), None)
    }
}

impl Page<Open, OpenCursor> {
    /// A page of opens of which `limit` and perhaps one more were read: that one more shows that
    /// there is a next page.
    #[must_use]
    pub fn cut(mut opens: Vec<Open>, limit: usize) -> Self {
        let more = opens.len() > limit;
        opens.truncate(limit);
        let next = opens.last().filter(|_| more).map(OpenCursor::of);
        Self::new(opens, next)
    }
}
