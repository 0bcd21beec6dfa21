//! One small step of a purge: opens first, then their pings, so that no open is left without its
//! ping.

use std::sync::Mutex;

use mailping_core::Timestamp;
use mailping_core::store::{Order, Purged};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::failure::{Result, readable};
use crate::index::{self, locked};
use crate::tail::{Span, Tail};

/// In the index's own order: any other would sort all that is due for each ping.
const NEXT_DUE: &str = "SELECT keep_until, n FROM pings INDEXED BY pings_by_keep_until
    WHERE keep_until <= ?1 AND (keep_until, n) > (?2, ?3) ORDER BY keep_until, n LIMIT 1";

/// Deletes at most `limit` pings and opens of those that are due. What is damaged stays and is
/// counted.
pub(crate) fn purge(
    connection: &Connection,
    tail: &Mutex<Tail>,
    now: Timestamp,
    limit: usize,
) -> Result<Purged> {
    let mut purged = Purged::default();
    let mut due = connection.prepare_cached(NEXT_DUE)?;
    let mut place = (i64::MIN, i64::MIN);
    loop {
        let left = limit.saturating_sub((purged.pings + purged.opens) as usize);
        if left == 0 {
            return Ok(purged);
        }
        let next = due
            .query_row(params![now.unix_millis(), place.0, place.1], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional();
        match readable(next, &mut purged.passed_over)?.flatten() {
            Some(next) => place = next,
            None => return Ok(purged),
        }
        // On its own, so that a damaged page keeps no other ping.
        connection.prepare_cached("SAVEPOINT due")?.raw_execute()?;
        match readable(purge_ping(connection, tail, place.1, left), &mut purged.passed_over)? {
            Some((opens, pings)) => {
                purged.opens += opens;
                purged.pings += pings;
            }
            None => connection.execute_batch("ROLLBACK TO due")?,
        }
        connection.prepare_cached("RELEASE due")?.raw_execute()?;
    }
}

/// How many opens are gone, and whether the ping is.
fn purge_ping(connection: &Connection, tail: &Mutex<Tail>, ping: i64, most: usize) -> Result<(u64, u64)> {
    const INDEXED: &str = "DELETE FROM opens WHERE ping = ?1 AND seq IN
        (SELECT seq FROM opens_by_ping WHERE ping = ?1 ORDER BY at, id, seq LIMIT ?2)";
    const ENTRIES: &str = "DELETE FROM opens_by_ping WHERE (ping, at, id, seq) IN
        (SELECT ping, at, id, seq FROM opens_by_ping WHERE ping = ?1 ORDER BY at, id, seq LIMIT ?2)";
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let mut gone = connection.prepare_cached(INDEXED)?.execute([ping, limit])?;
    let mut done = connection.prepare_cached(ENTRIES)?.execute([ping, limit])?;
    let is_broken = locked(tail).is_broken;
    let waiting = if is_broken {
        index::waiting_of(connection, |other| other == ping)?
    } else {
        let span = Span::new(ping, Order::OldestFirst, None);
        locked(tail).some_of(&span, usize::MAX).iter().map(|entry| entry.seq).collect()
    };
    for seq in waiting {
        if done >= most {
            break;
        }
        let mut open = connection.prepare_cached("DELETE FROM opens WHERE seq = ?1 AND ping = ?2")?;
        let deleted = open.execute([seq, ping])?;
        (gone, done) = (gone + deleted, done + deleted);
    }
    if done >= most {
        return Ok((gone as u64, 0));
    }
    connection.prepare_cached("DELETE FROM last_days WHERE ping = ?1")?.execute([ping])?;
    let pings = connection.prepare_cached("DELETE FROM pings WHERE n = ?1")?.execute([ping])?;
    Ok((gone as u64, pings as u64))
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
