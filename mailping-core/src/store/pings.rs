//! Which pings to list.

use std::fmt;

use crate::{Ping, PingId};

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

    /// Whether this ping is one of those, on this page or a later one.
    #[must_use]
    pub fn asks_for(&self, ping: &Ping) -> bool {
        self.after.is_none_or(|after| ping.id < after)
            && self.owner.as_ref().is_none_or(|owner| ping.owner.as_ref() == Some(owner))
            && self.reference.as_ref().is_none_or(|reference| ping.reference == *reference)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Basis, Status};

    #[test]
    fn a_query_asks_for_pings_of_its_owner_and_reference_after_its_place() {
        let id = |n| PingId::from_bytes([n; 16]);
        let mut ping = Ping::stored(id(2), "invoice".into(), Basis::Contract, Status::Live);
        let all = || PingQuery::newest(9);
        let asked = |ping: &Ping| {
            [
                all(),
                all().after(id(3)),
                all().after(id(2)),
                all().reference("invoice"),
                all().reference("in"),
                all().owner("billing"),
            ]
            .map(|query| query.asks_for(ping))
        };
        assert_eq!(asked(&ping), [true, true, false, true, false, false]);
        ping.owner = Some("billing".into());
        assert_eq!(asked(&ping), [true, true, false, true, false, true]);
    }
}
