//! One small step of a purge: opens first, then their pings, so that no open is left without its
//! ping.

use std::sync::Mutex;

use mailping_core::Timestamp;
use mailping_core::store::Deleted;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::changes;
use crate::failure::{Failure, Result, readable};
use crate::index::{self, Span, Tail, locked};
use crate::writer::Writer;

/// In the index's own order: any other would sort all that is due for each ping.
const NEXT_DUE: &str = "SELECT keep_until, n FROM pings INDEXED BY pings_by_keep_until
    WHERE keep_until <= ?1 AND (keep_until, n) > (?2, ?3) ORDER BY keep_until, n LIMIT 1";

/// Since when a ping is due, and its number: a place in that order.
type Due = (i64, i64);

const START: Due = (i64::MIN, i64::MIN);

/// Deletes at most `limit` pings and opens of those that are due. What is damaged stays and is
/// counted.
pub(crate) fn purge(writer: &Writer, now: Timestamp, limit: usize) -> Result<Deleted> {
    let all = writer.write(|transaction| {
        let (mut purged, mut place) = (Deleted::default(), START);
        while let Some(one) = purge_next(transaction, writer, now, left_of(limit, &purged), &mut place)? {
            purged += one;
        }
        Ok(purged)
    });
    if !all.as_ref().is_err_and(Failure::is_corrupt) {
        return all;
    }
    // SQLite keeps nothing of a transaction that has come across damage: each ping has its own.
    let (mut purged, mut place) = (Deleted::default(), START);
    loop {
        let (before, left) = (place, left_of(limit, &purged));
        let one = writer.write(|transaction| purge_next(transaction, writer, now, left, &mut place));
        let one = readable(one, &mut purged.passed_over)?.flatten();
        purged += one.unwrap_or_default();
        if place == before {
            return Ok(purged);
        }
    }
}

fn left_of(limit: usize, purged: &Deleted) -> usize {
    limit.saturating_sub((purged.pings + purged.opens) as usize)
}

/// Deletes at most `left` of the first ping that is due after a place, and moves the place; `None`
/// if there is no such ping, or nothing is left to delete.
fn purge_next(
    connection: &Connection,
    writer: &Writer,
    now: Timestamp,
    left: usize,
    place: &mut Due,
) -> Result<Option<Deleted>> {
    let mut due = connection.prepare_cached(NEXT_DUE)?;
    let next = due.query_row((now.unix_millis(), place.0, place.1), |row| row.try_into()).optional()?;
    let Some(next) = next.filter(|_| left > 0) else { return Ok(None) };
    *place = next;
    purge_ping(connection, &writer.tail, place.1, left).map(Some)
}

/// Deletes at most so many opens of a ping, and the ping if they were fewer.
fn purge_ping(connection: &Connection, tail: &Mutex<Tail>, ping: i64, most: usize) -> Result<Deleted> {
    const SEALED: &str = "DELETE FROM statements
        WHERE ping = (SELECT id FROM pings WHERE n = ?1) AND name = lower(hex(?2))";
    const ENTRY: &str = "DELETE FROM opens_by_ping WHERE ping = ?1 AND at = ?2 AND id = ?3 AND seq = ?4";
    let span = Span::new(ping, false, None);
    let mut entries = index::of(connection, &span, most)?;
    if locked(tail).is_broken {
        entries.extend(index::waiting(connection, None)?.iter().filter(|entry| entry.ping == ping));
    } else {
        entries.extend(locked(tail).some_of(&span, usize::MAX));
    }
    let mut open = connection.prepare_cached("DELETE FROM opens WHERE seq = ?1 AND ping = ?2")?;
    let mut of_index = connection.prepare_cached(ENTRY)?;
    let mut sealed = connection.prepare_cached(SEALED)?;
    let (mut opens, mut done) = (0, 0);
    for entry in entries {
        if done >= most {
            break;
        }
        let gone = open.execute([entry.seq, ping])?;
        done += gone.max(of_index.execute(params![ping, entry.at, entry.id.to_be_bytes(), entry.seq])?);
        opens += gone as u64;
        sealed.execute(params![ping, entry.id.to_be_bytes()])?;
    }
    let rest = if done < most { changes::delete(connection, ping)? } else { Deleted::default() };
    Ok(Deleted::new(rest.pings, rest.opens + opens))
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
