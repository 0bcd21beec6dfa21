//! What became of a message beside its opens: one row for each kind, the first of its kind.

use mailping_core::PingId;
use mailping_core::fetcher::{EvidenceSet, Verdict};
use mailping_core::pings::TimeStep;
use mailping_core::store::{Milestone, MilestoneKind, Recorded};
use rusqlite::{Connection, Row, params};

use crate::failure::{Failure, Result, readable};
use crate::record::{answer, find};
use crate::rows::{parsed, sum, time, value};

/// Keeps it if its ping takes it and none of its kind is there.
pub(crate) fn reach(connection: &Connection, milestone: &Milestone) -> Result<Recorded> {
    const REACH: &str =
        "INSERT INTO milestones (ping, kind, at, time_step, reply_code, status_code, verdict, evidence,
            rules_version, tie)
        SELECT n, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM pings NOT INDEXED
        WHERE n = ?1 AND status IN (0, 1, 3) AND (?2 <> ?11 OR asked_by IS NOT NULL AND record_until - ?3 >= ?12)
            AND NOT EXISTS (SELECT 1 FROM sealed_pings WHERE ping = pings.id AND last IS NOT NULL)
        ON CONFLICT (ping, kind) DO NOTHING";
    let Some(n) = find(connection, milestone.ping)?.map(|found| found.n) else {
        return Ok(Recorded::Filtered);
    };
    let (kind, at) = (milestone.kind.code(), milestone.at.unix_millis());
    connection.prepare_cached(REACH)?.execute(params![
        n,
        kind,
        at,
        milestone.time_step.code(),
        milestone.reply_code,
        milestone.status_code.map(|status| status.to_string()),
        milestone.verdict.map(Verdict::code),
        milestone.evidence.bits().cast_signed(),
        milestone.rules_version,
        tie(milestone.ping, kind, at),
        MilestoneKind::Confirmed.code(),
        milestone.time_step.millis(),
    ])?;
    let mut kept = connection.prepare_cached("SELECT 1 FROM milestones WHERE ping = ?1 AND kind = ?2")?;
    Ok(answer(kept.exists(params![n, kind])?))
}

/// All of the ping with this number. What cannot be read is left out, and the log says so.
pub(crate) fn of_ping(connection: &Connection, n: i64, ping: PingId) -> Result<Vec<Milestone>> {
    let mut find = connection.prepare_cached("SELECT * FROM milestones WHERE ping = ?1")?;
    let mut found = find.query([n])?;
    let (mut milestones, mut unreadable) = (Vec::new(), 0);
    while let Some(row) = readable(found.next(), &mut unreadable)?.flatten() {
        milestones.extend(readable(of_row(row, ping), &mut unreadable)?);
    }
    if unreadable > 0 {
        tracing::error!(%ping, "what became of a message cannot be read in the database file");
    }
    Ok(milestones)
}

/// One, from all columns of the table. Codes of a newer version read as unknown.
pub(crate) fn of_row(row: &Row<'_>, ping: PingId) -> Result<Milestone> {
    let kind: u8 = value(row, 2, "milestones.kind")?;
    let at = time(row, 3, "milestones.at")?;
    let mut milestone = Milestone::new(ping, MilestoneKind::from_code(kind), at);
    milestone.time_step = TimeStep::at_most(value(row, 4, "milestones.time_step")?);
    milestone.reply_code = value(row, 5, "milestones.reply_code")?;
    milestone.status_code = parsed(row, 6, "milestones.status_code")?;
    milestone.verdict = value::<Option<u8>>(row, 7, "milestones.verdict")?.map(Verdict::from_code);
    let evidence: i64 = value(row, 8, "milestones.evidence")?;
    milestone.evidence = EvidenceSet::from_bits(evidence.cast_unsigned());
    milestone.rules_version = value(row, 9, "milestones.rules_version")?;
    if value::<i64>(row, 10, "milestones.tie")? != i64::from(tie(ping, kind, at.unix_millis())) {
        return Err(Failure::corrupt("milestones.tie"));
    }
    Ok(milestone)
}

/// What binds a milestone to its ping: a damaged row must not say of another message that it was
/// confirmed.
fn tie(ping: PingId, kind: u8, at: i64) -> u32 {
    sum(&[ping.as_bytes(), &[kind], &at.to_be_bytes()])
}
