//! Pings as kept, and pages of them.

use std::fmt;

use crate::delivery::Milestone;
use crate::{Ping, PingId, Timestamp};

/// A ping as kept, with its last day and its milestones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptPing {
    /// The ping.
    pub ping: Ping,
    /// At the detail `last_day`: the day of the latest fetch that a person caused.
    pub last_day: Option<Timestamp>,
    /// Its milestones, each kind once, in any order.
    pub milestones: Vec<Milestone>,
}

impl KeptPing {
    /// A ping and its last day, without milestones.
    #[must_use]
    pub const fn new(ping: Ping, last_day: Option<Timestamp>) -> Self {
        Self { ping, last_day, milestones: Vec::new() }
    }

    /// With these milestones.
    #[must_use]
    pub fn milestones(mut self, milestones: Vec<Milestone>) -> Self {
        self.milestones = milestones;
        self
    }
}

/// Which pings to list.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PingQuery {
    /// Only those of this owner.
    pub owner: Option<String>,
    /// Only those of this reference.
    pub reference: Option<String>,
    /// Only those older than this one, the last of the page before.
    pub after: Option<PingId>,
    /// At most so many.
    pub limit: usize,
}

impl PingQuery {
    /// The newest `limit` pings.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Only those of this owner.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Only those of this reference.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Only those older than this one, the last of the page before.
    #[must_use]
    pub fn after(mut self, id: PingId) -> Self {
        self.after = Some(id);
        self
    }
}

/// Shows neither owner nor reference.
impl fmt::Debug for PingQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PingQuery")
            .field("after", &self.after)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Pings from the newest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PingPage {
    /// The pings.
    pub pings: Vec<KeptPing>,
    /// What the next page comes [after](PingQuery::after); `None` on the last.
    pub next: Option<PingId>,
    /// Rows between them that cannot be read and are left out.
    pub unreadable: u64,
}

impl PingPage {
    /// A page with nothing unreadable on it.
    #[must_use]
    pub const fn new(pings: Vec<KeptPing>, next: Option<PingId>) -> Self {
        Self { pings, next, unreadable: 0 }
    }

    /// With so many rows that cannot be read.
    #[must_use]
    pub const fn unreadable(mut self, rows: u64) -> Self {
        self.unreadable = rows;
        self
    }
}
