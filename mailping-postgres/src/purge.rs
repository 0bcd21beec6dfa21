//! One small step of a purge: opens first and together with hits, then, alone and briefly, the
//! pings that have none left.

use mailping_core::Timestamp;
use mailping_core::store::Deleted;
use sqlx::{Postgres, Transaction};

use crate::changes::erased;
use crate::failure::Result;
use crate::schema::Schema;

/// Deletes at most `limit` opens of the first pings that are due, and what was sealed of them.
/// Opens may come meanwhile: their pings stay.
///
/// They are looked up ping by ping and deleted by their place in the table, which no update moves:
/// for a join, the planner without statistics reads the whole table.
pub(crate) async fn opens(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    now: Timestamp,
    limit: i64,
) -> Result<Deleted> {
    const PURGE: &str = "
        WITH due AS MATERIALIZED (
            SELECT id FROM {s}.pings WHERE keep_until <= $1 ORDER BY keep_until, id LIMIT $2
        ), erased_opens AS (
            DELETE FROM {s}.opens WHERE ctid = ANY (ARRAY(
                SELECT unnest(ARRAY(SELECT ctid FROM {s}.opens WHERE ping = due.id LIMIT $2)) FROM due LIMIT $2
            )) RETURNING ping, id
        ), erased_statements AS (
            DELETE FROM {s}.statements WHERE ctid = ANY (ARRAY(
                SELECT (SELECT ctid FROM {s}.statements WHERE ping = gone.ping AND name = lpad(to_hex(gone.id # (-9223372036854775808)), 16, '0'))
                FROM erased_opens AS gone
            ))
        )
        SELECT 0::bigint, (SELECT count(*) FROM erased_opens)";
    step(transaction, schema, PURGE, now, limit).await
}

/// Deletes at most `limit` pings that are due and have no opens. The gate must be held alone.
pub(crate) async fn pings(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    now: Timestamp,
    limit: i64,
) -> Result<Deleted> {
    const PURGE: &str = "
        WITH due AS MATERIALIZED (
            SELECT id FROM {s}.pings WHERE keep_until <= $1 ORDER BY keep_until, id LIMIT $2
        ), erased_pings AS (
            DELETE FROM {s}.pings USING due
            WHERE pings.id = due.id AND NOT EXISTS (SELECT FROM {s}.opens WHERE ping = due.id)
            RETURNING pings.id
        ), erased_days AS (
            DELETE FROM {s}.last_days USING erased_pings WHERE ping = erased_pings.id
        ), erased_milestones AS (
            DELETE FROM {s}.milestones USING erased_pings WHERE ping = erased_pings.id
        ), erased_statements AS (
            DELETE FROM {s}.statements USING erased_pings WHERE ping = erased_pings.id
        ), erased_secrets AS (
            DELETE FROM {s}.sealed_pings USING erased_pings WHERE ping = erased_pings.id
        )
        SELECT (SELECT count(*) FROM erased_pings), 0::bigint";
    step(transaction, schema, PURGE, now, limit).await
}

async fn step(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    text: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Deleted> {
    let purge = schema.query(text).bind(now.unix_millis()).bind(limit);
    erased(&purge.fetch_one(&mut **transaction).await?)
}
