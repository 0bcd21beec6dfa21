//! What became of a message beside its opens: one row for each kind, the first of its kind.

use mailping_core::PingId;
use mailping_core::fetcher::{EvidenceSet, Verdict};
use mailping_core::pings::TimeStep;
use mailping_core::store::{Milestone, MilestoneKind, Recorded};
use rusqlite::{Connection, Row, params};

use crate::failure::{Failure, Result};
use crate::record::{Change, number_of};
use crate::rows::Column;

/// The columns that [`of_row`] reads.
macro_rules! milestone_columns {
    () => {
        "kind, at, time_step, reply_code, status_code, verdict, evidence, rules_version, tie"
    };
}
pub(crate) use milestone_columns;

/// Keeps it if its ping takes it and none of its kind is there.
pub(crate) fn reach(change: &Change<'_>, milestone: &Milestone) -> Result<Recorded> {
    const TAKES: &str = "SELECT 1 FROM pings NOT INDEXED WHERE n = ?1 AND id = ?2 AND status IN (0, 1, 3)
        AND (?3 <> ?4 OR asked_by IS NOT NULL AND record_until - ?5 >= ?6)";
    const INSERT: &str = concat!(
        "INSERT INTO milestones (ping, ",
        milestone_columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    );
    let Some(n) = number_of(change, milestone.ping)? else { return Ok(Recorded::Filtered) };
    let (kind, at) = (milestone.kind.code(), milestone.at.unix_millis());
    let mut find = change.prepare_cached("SELECT 1 FROM milestones WHERE ping = ?1 AND kind = ?2")?;
    if find.exists(params![n, kind])? {
        return Ok(Recorded::Durable);
    }
    let takes = params![
        n,
        milestone.ping.as_bytes(),
        kind,
        MilestoneKind::Confirmed.code(),
        at,
        milestone.time_step.millis()
    ];
    if !change.prepare_cached(TAKES)?.exists(takes)? {
        return Ok(Recorded::Filtered);
    }
    change.prepare_cached(INSERT)?.execute(params![
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
    ])?;
    Ok(Recorded::Durable)
}

/// All of the ping with this number. One that cannot be read is left out, and the log says so.
pub(crate) fn of_ping(connection: &Connection, n: i64, ping: PingId) -> Result<Vec<Milestone>> {
    const FIND: &str = concat!("SELECT ", milestone_columns!(), " FROM milestones WHERE ping = ?1");
    let mut find = connection.prepare_cached(FIND)?;
    let mut found = find.query([n])?;
    let mut milestones = Vec::new();
    loop {
        let read = match found.next() {
            Ok(Some(row)) => of_row(row, 0, ping),
            Ok(None) => return Ok(milestones),
            Err(error) => Err(error.into()),
        };
        match read {
            Ok(milestone) => milestones.push(milestone),
            Err(failure) if failure.is_corrupt() => {
                // A statement that has failed has no more rows.
                tracing::error!(%ping, "what became of a message cannot be read in the database file");
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// One, from [`milestone_columns`], the first of which stands at `from`. Codes of a newer version
/// read as unknown.
pub(crate) fn of_row(row: &Row<'_>, from: usize, ping: PingId) -> Result<Milestone> {
    let column = |index, what| Column::new(row, from + index, what);
    let kind: u8 = column(0, "milestones.kind")?.small()?;
    let at = column(1, "milestones.at")?.time()?;
    let mut milestone = Milestone::new(ping, MilestoneKind::from_code(kind), at);
    milestone.time_step = TimeStep::at_most(column(2, "milestones.time_step")?.small()?);
    let reply_code = column(3, "milestones.reply_code")?.optional();
    milestone.reply_code = reply_code.map(|column| column.small()).transpose()?;
    milestone.status_code = column(4, "milestones.status_code")?.parsed()?;
    let verdict = column(5, "milestones.verdict")?.optional();
    milestone.verdict = verdict.map(|column| column.small()).transpose()?.map(Verdict::from_code);
    milestone.evidence = EvidenceSet::from_bits(column(6, "milestones.evidence")?.integer()?.cast_unsigned());
    milestone.rules_version = column(7, "milestones.rules_version")?.small()?;
    if column(8, "milestones.tie")?.integer()? != i64::from(tie(ping, kind, at.unix_millis())) {
        return Err(Failure::corrupt("milestones.tie"));
    }
    Ok(milestone)
}

/// What binds a milestone to its ping: a damaged row must not say of another message that it was
/// confirmed.
fn tie(ping: PingId, kind: u8, at: i64) -> u32 {
    let at = at.to_be_bytes();
    let bytes = ping.as_bytes().iter().chain(std::slice::from_ref(&kind)).chain(&at);
    bytes.fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
