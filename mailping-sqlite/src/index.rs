//! The index of opens by ping, filled late: when so many opens wait that neighbours meet, they go
//! in in the order of pings, a slice with each batch, so that nothing ever pauses for it.
//!
//! A slice may run ahead of the mark, which moves with the last slice of a round: a crash in
//! between only repeats. Each slice reads its opens again, so that none is indexed that was erased
//! meanwhile; and an open without its ping, which only damage leaves, goes.

use std::sync::Mutex;

use mailping_core::receipts::Open;
use rusqlite::{Connection, Row, Transaction, params};

use crate::failure::{Result, is_corrupt};
use crate::record::locked;
use crate::rows::Column;
use crate::tail::{Entry, Tail};

/// How many opens make a round: enough that several of them meet in a page.
pub(crate) const ROUND: usize = 65_536;

/// What a transaction has brought into the index.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) indexed: usize,
}

pub(crate) fn entry(ping: i64, open: &Open, seq: i64) -> Entry {
    Entry { ping, at: open.at.unix_millis(), id: u64::from_be_bytes(*open.id.as_bytes()), seq }
}

/// Indexes at most `most` opens of the present round, or of the next if `enough` wait for one.
pub(crate) fn advance(
    transaction: &Transaction<'_>,
    tail: &Mutex<Tail>,
    enough: usize,
    most: usize,
) -> Result<Round> {
    // Copied, so that who reads does not wait for the slice.
    let (slice, mark) = {
        let mut tail = locked(tail);
        tail.begin_round(enough);
        let (slice, mark) = tail.slice(most);
        (slice.to_vec(), mark)
    };
    if slice.is_empty() {
        return Ok(Round::default());
    }
    let mut find = transaction.prepare_cached("SELECT 1 FROM opens WHERE seq = ?1")?;
    let mut owner = transaction.prepare_cached("SELECT 1 FROM pings WHERE n = ?1")?;
    let mut insert = transaction
        .prepare_cached("INSERT OR IGNORE INTO opens_by_ping (ping, at, id, seq) VALUES (?1, ?2, ?3, ?4)")?;
    let mut has_ping = (i64::MIN, false);
    for known in &slice {
        if has_ping.0 != known.ping {
            has_ping = (known.ping, owner.exists([known.ping])?);
        }
        // A row that cannot be read is there: receipts count it by this entry.
        let there = match find.exists([known.seq]) {
            Err(error) if is_corrupt(&error) => true,
            there => there?,
        };
        if there && has_ping.1 {
            insert.execute(params![known.ping, known.at, known.id.to_be_bytes(), known.seq])?;
        } else if there {
            let _ = transaction.execute("DELETE FROM opens WHERE seq = ?1", [known.seq]);
        }
    }
    let round = Round { indexed: slice.len() };
    if let Some(mark) = mark {
        transaction
            .prepare_cached("UPDATE about SET indexed_to = ?1 WHERE indexed_to < ?1")?
            .execute([mark])?;
    }
    Ok(round)
}

/// Takes over the opens after the number `seen` that are in no index, those of other processes for
/// the most part, and returns them.
pub(crate) fn catch_up(connection: &Connection, tail: &Mutex<Tail>, seen: i64) -> Result<Vec<Entry>> {
    let mark = mark(connection)?;
    let (mut entries, mut last) = (Vec::new(), seen.max(mark));
    after(connection, last, |entry| {
        last = last.max(entry.seq);
        entries.push(entry);
    })?;
    let mut tail = locked(tail);
    // What another process has indexed is no hint of ours any more.
    tail.forget_to(mark);
    if !tail.is_broken {
        tail.add(entries.clone(), last);
    }
    Ok(entries)
}

/// Every open that is in no index: read from the table, which never errs.
pub(crate) fn above_mark(connection: &Connection, each: impl FnMut(Entry)) -> Result<()> {
    after(connection, mark(connection)?, each)
}

pub(crate) fn mark(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached("SELECT indexed_to FROM about")?.query_row((), |row| row.get(0))?)
}

/// The places of all opens after a number. What stands on a damaged page is passed over.
pub(crate) fn after(connection: &Connection, seq: i64, mut each: impl FnMut(Entry)) -> Result<()> {
    let mut find =
        connection.prepare_cached("SELECT ping, at, id, seq FROM opens WHERE seq > ?1 ORDER BY seq")?;
    scan(seq, |from| {
        let mut last = from;
        let mut found = find.query([from])?;
        loop {
            match found.next() {
                Ok(Some(row)) => {
                    last = row.get(3)?;
                    if let Ok(entry) = place(row) {
                        each(entry);
                    }
                }
                Ok(None) => return Ok(End::Reached),
                Err(error) if is_corrupt(&error) => return Ok(End::Damaged(last)),
                Err(error) => return Err(error.into()),
            }
        }
    })
}

/// How a walk over the rows of a table ended.
pub(crate) enum End {
    Reached,
    /// What comes after this number cannot be read.
    Damaged(i64),
}

/// Walks over the rows of a table by their numbers, past pages that cannot be read: steps that
/// double lead to what is behind them.
pub(crate) fn scan(start: i64, mut walk: impl FnMut(i64) -> Result<End>) -> Result<()> {
    /// As far as numbers can have come.
    const FAR: i64 = 1 << 48;
    let (mut from, mut step) = (start, 0_i64);
    loop {
        match walk(from.saturating_add(step))? {
            End::Reached => return Ok(()),
            End::Damaged(last) if last > from.saturating_add(step) => (from, step) = (last, 1),
            End::Damaged(_) if step > FAR => return Ok(()),
            End::Damaged(_) => step = step.max(1) + step.max(1) / 8 + 1,
        }
    }
}

fn place(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        ping: Column::new(row, 0, "opens.ping")?.integer()?,
        at: Column::new(row, 1, "opens.at")?.integer()?,
        id: u64::from_be_bytes(Column::new(row, 2, "opens.id")?.bytes()?),
        seq: Column::new(row, 3, "opens.seq")?.integer()?,
    })
}
