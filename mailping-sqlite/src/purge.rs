//! One small step of a purge: opens first, then their pings, so that no open is left without its
//! ping.

use std::sync::Mutex;

use mailping_core::Timestamp;
use mailping_core::store::{Erased, Order, Purged};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::changes;
use crate::failure::{Result, readable};
use crate::index::{self, Span, Tail, locked};

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
            Some(gone) => {
                purged.opens += gone.opens;
                purged.pings += gone.pings;
            }
            None => connection.execute_batch("ROLLBACK TO due")?,
        }
        connection.prepare_cached("RELEASE due")?.raw_execute()?;
    }
}

/// Deletes at most so many opens of a ping, and the ping if they were fewer.
fn purge_ping(connection: &Connection, tail: &Mutex<Tail>, ping: i64, most: usize) -> Result<Erased> {
    const ENTRY: &str = "DELETE FROM opens_by_ping WHERE ping = ?1 AND at = ?2 AND id = ?3 AND seq = ?4";
    let span = Span::new(ping, Order::OldestFirst, None);
    let mut entries = index::of(connection, &span, most)?;
    if locked(tail).is_broken {
        entries.extend(index::waiting_of(connection, |other| other == ping)?);
    } else {
        entries.extend(locked(tail).some_of(&span, usize::MAX));
    }
    let mut open = connection.prepare_cached("DELETE FROM opens WHERE seq = ?1 AND ping = ?2")?;
    let mut of_index = connection.prepare_cached(ENTRY)?;
    let (mut opens, mut done) = (0, 0);
    for entry in entries {
        if done >= most {
            break;
        }
        let gone = open.execute([entry.seq, ping])?;
        done += gone.max(of_index.execute(params![ping, entry.at, entry.id.to_be_bytes(), entry.seq])?);
        opens += gone as u64;
    }
    let rest = if done < most { changes::delete(connection, ping)? } else { Erased::default() };
    Ok(Erased::new(rest.pings, rest.opens + opens))
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
