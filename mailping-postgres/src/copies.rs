//! On how many machines' disks a commit must be before it is answered.

use std::time::Duration;

use sqlx::{PgPool, Postgres, Row as _, Transaction};
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, Fault, Result};
use crate::history::{History, timeline};
use crate::schema::Schema;

/// How long standbys may take to report what they have flushed, after the commit has returned.
const PATIENCE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_micros(500);
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// How many machines, the primary among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Copies(usize);

impl Copies {
    /// The primary alone, as far as this crate looks: the rest is PostgreSQL's own promise.
    pub(crate) const ONE: Self = Self(1);

    pub(crate) fn new(machines: usize) -> Self {
        Self(machines.max(1))
    }

    pub(crate) const fn count(self) -> usize {
        self.0
    }

    /// Whether the role sees what standbys have flushed.
    pub(crate) async fn check_rights(self, pool: &PgPool, schema: &Schema) -> Result<()> {
        const LOOK: &str = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')";
        if self.0 == 1 || schema.query_scalar(LOOK).fetch_one(&mut *schema.reader(pool).await?).await? {
            return Ok(());
        }
        Err(Failure::incompatible(
            "require_copies needs to see how far the standbys are: GRANT pg_monitor TO the role of the store",
        ))
    }

    /// Commits, and waits until the commit is on so many disks.
    pub(crate) async fn commit(
        self,
        pool: &PgPool,
        schema: &Schema,
        mut transaction: Transaction<'static, Postgres>,
    ) -> Result<()> {
        if self.0 == 1 {
            return Ok(transaction.commit().await?);
        }
        let history = History::of(&mut transaction, schema).await?;
        transaction.commit().await?;
        self.confirm_in(pool, schema, history).await
    }

    /// Waits until all that can be seen now is on so many disks.
    pub(crate) async fn confirm(self, pool: &PgPool, schema: &Schema) -> Result<()> {
        if self.0 == 1 {
            return Ok(());
        }
        let history = History::of(&mut *schema.reader(pool).await?, schema).await?;
        self.confirm_in(pool, schema, history).await
    }

    /// Asks how far the primary and the standbys are, until the standbys are where the primary was
    /// when it was asked first. What had committed before is on its disk, and so below that place.
    ///
    /// Another history means that the commit may be gone: a pooler can have moved to another
    /// server.
    async fn confirm_in(self, pool: &PgPool, schema: &Schema, history: History) -> Result<()> {
        // One row for each standby. A connection that broke silently may stand beside the new one
        // of the same standby. Streams that carry no whole copy are left out: those of subscribers,
        // and of a backup under way. If the server names standbys that count, no other does: after
        // a failover one of those takes over.
        const LOOK: &str = concat!(
            "WITH flushed AS MATERIALIZED (SELECT coalesce($1::text::pg_lsn, pg_current_wal_flush_lsn()) AS place)
            SELECT place::text, system_identifier, ",
            timeline!(),
            ", (SELECT count(DISTINCT (application_name, client_addr)) FROM pg_stat_replication AS standby
                WHERE flush_lsn >= place AND application_name <> 'pg_basebackup'
                    AND (sync_state <> 'async' OR current_setting('synchronous_standby_names') = '')
                    AND NOT EXISTS (SELECT FROM pg_replication_slots WHERE active_pid = standby.pid AND slot_type = 'logical'))
            FROM flushed, pg_control_system()"
        );
        let end = Instant::now() + PATIENCE;
        let (mut place, mut pause): (Option<String>, Duration) = (None, FIRST_PAUSE);
        loop {
            let row = schema.query(LOOK).bind(&place).fetch_one(&mut *schema.reader(pool).await?).await?;
            let now = History { system: row.try_get(1)?, timeline: row.try_get(2)? };
            let standbys = usize::try_from(row.try_get::<i64, _>(3)?).unwrap_or(0);
            if now != history {
                return Err(Failure::fault(Fault::TooFewCopies));
            }
            if 1 + standbys >= self.0 {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(Failure::fault(Fault::TooFewCopies));
            }
            place = Some(row.try_get(0)?);
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}
