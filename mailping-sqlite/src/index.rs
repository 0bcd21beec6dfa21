//! The index of opens by ping, filled late: when so many opens wait that neighbours meet, they go
//! in in the order of pings, slice by slice between batches, so that nothing ever pauses for it.
//!
//! A slice may run ahead of the mark, which moves with the last slice of a round: a crash in
//! between only repeats. Each slice looks for its opens again, so that none is indexed that was
//! erased meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Row, params};

use crate::failure::{Result, readable};
use crate::rows;
use crate::tail::{Entry, Tail};
use crate::walk::walk;

/// How many opens make a round: enough that several of them meet in a page.
pub(crate) const ROUND: usize = 65_536;

/// Indexes at most `most` opens of the present round, or of the next if `enough` wait for one. What
/// it returns is to be forgotten once this is durable.
pub(crate) fn advance(
    connection: &Connection,
    tail: &Mutex<Tail>,
    enough: usize,
    most: usize,
) -> Result<Vec<Entry>> {
    let (slice, mark) = locked(tail).slice(enough, most);
    let mut find = connection.prepare_cached("SELECT 1 FROM opens WHERE seq = ?1")?;
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO opens_by_ping (ping, at, id, seq) VALUES (?1, ?2, ?3, ?4)")?;
    for entry in &slice {
        // A row that cannot be read is there: receipts count it by this entry.
        if readable(find.exists([entry.seq]), &mut 0)?.unwrap_or(true) {
            insert.execute(params![entry.ping, entry.at, entry.id.to_be_bytes(), entry.seq])?;
        }
    }
    if let Some(mark) = mark {
        connection
            .prepare_cached("UPDATE about SET indexed_to = ?1 WHERE indexed_to < ?1")?
            .execute([mark])?;
    }
    Ok(slice)
}

/// Takes over the opens after the number `seen` that are in no index, and returns them. All that
/// are in none, if nothing can be remembered.
pub(crate) fn catch_up(connection: &Connection, tail: &Mutex<Tail>, seen: i64) -> Result<Vec<Entry>> {
    let mark = mark(connection)?;
    let mut entries = Vec::new();
    after(connection, seen.max(mark), |entry| entries.push(entry))?;
    locked(tail).catch_up(mark, &entries);
    Ok(entries)
}

/// The numbers of some pings' opens that are in no index: from the table, which never errs.
pub(crate) fn waiting_of(connection: &Connection, is_theirs: impl Fn(i64) -> bool) -> Result<Vec<i64>> {
    let mut waiting = Vec::new();
    after(connection, mark(connection)?, |entry| {
        waiting.extend(is_theirs(entry.ping).then_some(entry.seq));
    })?;
    Ok(waiting)
}

fn mark(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached("SELECT indexed_to FROM about")?.query_row((), |row| row.get(0))?)
}

/// The places of all opens after a number. What cannot be read is passed over.
pub(crate) fn after(connection: &Connection, seq: i64, mut each: impl FnMut(Entry)) -> Result<()> {
    let mut find =
        connection.prepare_cached("SELECT seq, ping, at, id FROM opens WHERE seq > ?1 ORDER BY seq")?;
    let visit = |row: &Row<'_>| {
        if let Some(entry) = readable(entry(row), &mut 0)? {
            each(entry);
        }
        Ok(true)
    };
    walk(&mut find, seq, visit).map(drop)
}

/// Reads a row of number, ping, time and id.
pub(crate) fn entry(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        seq: rows::value(row, 0, "opens.seq")?,
        ping: rows::value(row, 1, "opens.ping")?,
        at: rows::value(row, 2, "opens.at")?,
        id: u64::from_be_bytes(rows::value(row, 3, "opens.id")?),
    })
}

/// A panic while it is held leaves hints too many at the worst.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
