//! One small step of a purge: opens first, then their pings, so that no open is left without its
//! ping.

use mailping_core::Timestamp;
use mailping_core::store::Deleted;
use rusqlite::params;

use crate::failure::{Failure, Result};
use crate::record::Change;

/// In the index's own order: any other would sort all that is due for each ping.
const NEXT_DUE: &str = "SELECT n, keep_until FROM pings INDEXED BY pings_by_keep_until
    WHERE keep_until <= ?1 AND (keep_until, n) > (?2, ?3) ORDER BY keep_until, n LIMIT 1";

/// Deletes at most `limit` pings and opens of those that are due. What is damaged stays and is
/// counted.
pub(crate) fn purge(change: &Change<'_>, now: Timestamp, limit: usize) -> Result<Deleted> {
    let mut purged = Deleted::default();
    let left = |purged: &Deleted| limit.saturating_sub((purged.pings + purged.opens) as usize);
    let mut due = change.prepare_cached(NEXT_DUE)?;
    let mut place = (i64::MIN, i64::MIN);
    while left(&purged) > 0 {
        let next = due.query_row(params![now.unix_millis(), place.0, place.1], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        let (ping, until) = match next {
            Ok(next) => next,
            Err(rusqlite::Error::QueryReturnedNoRows) => break,
            Err(error) => {
                let failure = Failure::from(error);
                if failure.is_corrupt() {
                    purged.passed_over += 1;
                    break;
                }
                return Err(failure);
            }
        };
        place = (until, ping);
        // On its own, so that a damaged page keeps no other ping.
        change.prepare_cached("SAVEPOINT due")?.raw_execute()?;
        match purge_ping(change, ping, left(&purged)) {
            Ok((opens, pings)) => {
                change.prepare_cached("RELEASE due")?.raw_execute()?;
                purged.opens += opens;
                purged.pings += pings;
            }
            Err(failure) if failure.is_corrupt() => {
                change.execute_batch("ROLLBACK TO due; RELEASE due")?;
                purged.passed_over += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(purged)
}

/// How many opens are gone, and whether the ping is.
fn purge_ping(change: &Change<'_>, ping: i64, most: usize) -> Result<(u64, u64)> {
    let mut gone = 0;
    let mut indexed =
        change.prepare_cached("SELECT at, id, seq FROM opens_by_ping WHERE ping = ?1 LIMIT ?2")?;
    let mut open = change.prepare_cached("DELETE FROM opens WHERE seq = ?1 AND ping = ?2")?;
    let mut entry = change
        .prepare_cached("DELETE FROM opens_by_ping WHERE ping = ?1 AND at = ?2 AND id = ?3 AND seq = ?4")?;
    let found = indexed.query_map(params![ping, most.saturating_add(1) as i64], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?))
    })?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    for (at, id, seq) in found {
        if gone >= most as u64 {
            return Ok((gone, 0));
        }
        gone += open.execute([seq, ping])? as u64;
        entry.execute(params![ping, at, id, seq])?;
    }
    for seq in change.waiting_of(ping) {
        if gone >= most as u64 {
            return Ok((gone, 0));
        }
        gone += open.execute([seq, ping])? as u64;
    }
    if gone >= most as u64 {
        return Ok((gone, 0));
    }
    change.prepare_cached("DELETE FROM last_days WHERE ping = ?1")?.execute([ping])?;
    change.prepare_cached("DELETE FROM milestones WHERE ping = ?1")?.execute([ping])?;
    let pings = change.prepare_cached("DELETE FROM pings WHERE n = ?1")?.execute([ping])? as u64;
    Ok((gone, pings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_ping_to_purge_is_found_without_a_sort() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        drop(crate::SqliteStore::open(&file).unwrap());
        let connection = rusqlite::Connection::open(&file).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {NEXT_DUE}")).unwrap();
        let steps = plan.query_map([0, 0, 0], |row| row.get("detail")).unwrap();
        let steps: Vec<String> = steps.map(|step| step.unwrap()).collect();
        assert_eq!(steps.len(), 1, "{steps:?}");
        assert!(steps[0].contains("pings_by_keep_until"), "{steps:?}");
    }
}
