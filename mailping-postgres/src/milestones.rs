//! What became of a message beside its opens: one row for each kind, the first of its kind.

use mailping_core::fetcher::{EvidenceSet, Verdict};
use mailping_core::pings::TimeStep;
use mailping_core::store::{Milestone, MilestoneKind, Recorded};
use mailping_core::{PingId, Timestamp};
use sqlx::{Postgres, Transaction};

use crate::failure::{Failure, Result};
use crate::record::XACT;
use crate::rows::Uuid;
use crate::schema::Schema;

/// A row as [`of_row`] reads it: JSON, so that a statement has all of a ping's in one column.
macro_rules! milestone_columns {
    () => {
        "json_build_array(kind, at, time_step, reply_code, status_code, verdict, evidence, rules_version)"
    };
}
pub(crate) use milestone_columns;

/// What [`milestone_columns`] writes.
type Row = (u8, i64, u8, Option<u16>, Option<String>, Option<u8>, i64, u16);

/// Keeps it if its ping takes it and none of its kind is there. The gate must be held.
///
/// The second statement sees what another transaction has committed while the first waited for it.
pub(crate) async fn reach(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    milestone: &Milestone,
) -> Result<Recorded> {
    const REACH: &str = "
        INSERT INTO {s}.milestones (ping, kind, at, time_step, reply_code, status_code, verdict, evidence, rules_version,
            xact, place)
        SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, {xact}, 0 FROM {s}.pings
        WHERE id = $1 AND status IN (0, 1, 3) AND ($2 <> $10 OR asked_by IS NOT NULL AND record_until - $3 >= $11)
            AND NOT EXISTS (SELECT FROM {s}.sealed_pings WHERE ping = $1 AND last IS NOT NULL)
        ON CONFLICT (ping, kind) DO NOTHING";
    const FIND: &str = "SELECT EXISTS (SELECT FROM {s}.milestones WHERE ping = $1 AND kind = $2)";
    let (ping, kind) = (Uuid::from(milestone.ping), i16::from(milestone.kind.code()));
    schema
        .query(&REACH.replace("{xact}", XACT))
        .bind(ping)
        .bind(kind)
        .bind(milestone.at.unix_millis())
        .bind(i16::from(milestone.time_step.code()))
        .bind(milestone.reply_code.map(i32::from))
        .bind(milestone.status_code.map(|status| status.to_string()))
        .bind(milestone.verdict.map(Verdict::code).map(i16::from))
        .bind(milestone.evidence.bits().cast_signed())
        .bind(i32::from(milestone.rules_version))
        .bind(i16::from(MilestoneKind::Confirmed.code()))
        .bind(milestone.time_step.millis())
        .execute(&mut **transaction)
        .await?;
    let find = schema.query_scalar(FIND).bind(ping).bind(kind);
    let is_kept: bool = find.fetch_one(&mut **transaction).await?;
    Ok(if is_kept { Recorded::Durable } else { Recorded::Filtered })
}

/// All of a ping's, from a list of [`milestone_columns`].
pub(crate) fn of_ping(ping: PingId, json: &str) -> Result<Vec<Milestone>> {
    let rows: Vec<Row> = serde_json::from_str(json).map_err(|_| corrupt())?;
    rows.into_iter().map(|row| of(ping, row)).collect()
}

/// One, from [`milestone_columns`].
pub(crate) fn of_row(ping: PingId, json: &str) -> Result<Milestone> {
    of(ping, serde_json::from_str(json).map_err(|_| corrupt())?)
}

/// Codes of a newer version read as unknown.
fn of(ping: PingId, row: Row) -> Result<Milestone> {
    let (kind, at, time_step, reply_code, status_code, verdict, evidence, rules_version) = row;
    let time = Timestamp::from_unix_millis(at);
    let mut milestone = Milestone::new(ping, MilestoneKind::from_code(kind), time);
    milestone.time_step = TimeStep::at_most(time_step);
    milestone.reply_code = reply_code;
    milestone.status_code = status_code.map(|code| code.parse().map_err(|_| corrupt())).transpose()?;
    milestone.verdict = verdict.map(Verdict::from_code);
    milestone.evidence = EvidenceSet::from_bits(evidence.cast_unsigned());
    milestone.rules_version = rules_version;
    if time.unix_millis() == at { Ok(milestone) } else { Err(corrupt()) }
}

const fn corrupt() -> Failure {
    Failure::corrupt("milestones")
}
