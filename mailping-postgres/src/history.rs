//! Which history a server is in: its cluster, and the timeline, which each promotion raises. Only
//! one server ever writes a timeline.

use sqlx::{PgConnection, Row as _};

use crate::failure::Result;
use crate::schema::Schema;

/// The history of a server that takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) system: i64,
    pub(crate) timeline: i64,
}

/// The timeline that a primary writes.
macro_rules! timeline {
    () => {
        "('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint"
    };
}
pub(crate) use timeline;

impl History {
    /// Of the server that runs this, a primary.
    pub(crate) async fn of(server: &mut PgConnection, schema: &Schema) -> Result<Self> {
        const LOOK: &str = concat!("SELECT system_identifier, ", timeline!(), " FROM pg_control_system()");
        let row = schema.query(LOOK).fetch_one(server).await?;
        Ok(Self { system: row.try_get(0)?, timeline: row.try_get(1)? })
    }

    /// Whether the same cluster has gone on without a server of this history.
    pub(crate) const fn is_before(self, other: Self) -> bool {
        self.system == other.system && self.timeline < other.timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cluster_is_neither_before_nor_after() {
        let history = |system, timeline| History { system, timeline };
        assert!(history(1, 2).is_before(history(1, 3)));
        assert!(!history(1, 3).is_before(history(1, 3)) && !history(2, 1).is_before(history(1, 3)));
    }
}
