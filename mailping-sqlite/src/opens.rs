//! Pages of opens: the index, and what is not in it yet.
//!
//! Whoever reads copies what is remembered of the tail before the transaction begins: an open that
//! left it earlier is in the index by then, and one that came later is found in the table. What is
//! found twice is shown once.

use std::sync::Mutex;

use mailping_core::PingId;
use mailping_core::receipts::Open;
use mailping_core::store::{OpenCursor, OpenQuery, Page};
use rusqlite::{CachedStatement, Connection, Row, params};

use crate::failure::{Failure, Result, is_corrupt};
use crate::index;
use crate::record::{locked, number_of};
use crate::rows::{self, Column};
use crate::tail::{Entry, Order, Part, Tail, sort};

/// How many more opens than asked for are copied from the tail: some may be gone.
const SPARE: usize = 64;

pub(crate) fn page(
    connection: &Connection,
    tail: &Mutex<Tail>,
    query: &OpenQuery,
) -> Result<Page<Open, OpenCursor>> {
    let order = if query.newest_first { Order::NewestFirst } else { Order::OldestFirst };
    let pages = pages(connection, tail, &[query.ping], order, query.after, query.limit)?;
    Ok(pages.into_iter().next().unwrap_or_default())
}

/// A page of each of these pings, all from one state of the file.
pub(crate) fn pages(
    connection: &Connection,
    tail: &Mutex<Tail>,
    pings: &[PingId],
    order: Order,
    after: Option<OpenCursor>,
    limit: usize,
) -> Result<Vec<Page<Open, OpenCursor>>> {
    // The numbers of pings never change, so that they may be looked up before.
    let numbers = pings.iter().map(|ping| readable_number(connection, *ping)).collect::<Result<Vec<_>>>()?;
    let (parts, seen, is_broken) = {
        let tail = locked(tail);
        let part = |n: &Option<i64>| {
            n.map(|n| tail.some_of(n, order, after, limit.saturating_add(SPARE))).unwrap_or_default()
        };
        (numbers.iter().map(part).collect::<Vec<Part>>(), tail.seen, tail.is_broken)
    };
    let transaction = connection.unchecked_transaction()?;
    let mut others = index::catch_up(&transaction, tail, seen)?;
    if is_broken {
        others.clear();
        index::above_mark(&transaction, |entry| others.push(entry))?;
    }
    let mut pages = Vec::with_capacity(pings.len());
    for ((ping, n), part) in pings.iter().zip(numbers).zip(parts) {
        let Some(n) = n else {
            pages.push(Page::default());
            continue;
        };
        let reading = Reading { connection: &transaction, ping: *ping, n, order, after, limit };
        pages.push(reading.page(part, &others)?);
    }
    Ok(pages)
}

/// The number of a ping; none if its row is another's, so that nothing is shown at a wrong ping.
fn readable_number(connection: &Connection, ping: PingId) -> Result<Option<i64>> {
    let Some(n) = number_of(connection, ping)? else { return Ok(None) };
    let mut find = connection.prepare_cached("SELECT id FROM pings NOT INDEXED WHERE n = ?1")?;
    let mut found = find.query([n])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let id = Column::new(row, 0, "pings.id")?.bytes()?;
    if PingId::from_bytes(id) == ping { Ok(Some(n)) } else { Err(Failure::corrupt("the index of pings")) }
}

struct Reading<'a> {
    connection: &'a Connection,
    ping: PingId,
    n: i64,
    order: Order,
    after: Option<OpenCursor>,
    limit: usize,
}

impl Reading<'_> {
    fn page(&self, part: Part, others: &[Entry]) -> Result<Page<Open, OpenCursor>> {
        let mut waiting = part.entries;
        // Behind the last that was copied there may be more that was not.
        let end = waiting.last().copied().filter(|_| part.is_cut);
        let theirs = others.iter().filter(|entry| entry.ping == self.n && self.comes(entry));
        waiting.extend(theirs);
        sort(&mut waiting, self.order);
        match self.merge(waiting.clone(), end, self.indexed()?) {
            Err(failure) if failure.is_corrupt() => {
                tracing::error!(
                    ping = %self.ping,
                    "the index of opens is damaged: those of a ping are searched for in the whole table"
                );
                let all = self.search()?;
                self.merge(all, None, Indexed::none())
            }
            page => page,
        }
    }

    /// Takes from both, in order, until the page is full.
    fn merge(
        &self,
        waiting: Vec<Entry>,
        end: Option<Entry>,
        mut indexed: Indexed<'_>,
    ) -> Result<Page<Open, OpenCursor>> {
        let mut waiting = waiting.into_iter().peekable();
        let mut find = self.connection.prepare_cached(rows::OPEN)?;
        let mut rows = indexed.rows(self)?;
        let mut next_indexed = rows.next()?;
        let (mut opens, mut unreadable) = (Vec::new(), 0);
        let mut last: Option<Entry> = None;
        let mut page_end = None;
        loop {
            let from_index = match (&next_indexed, waiting.peek()) {
                (None, None) => break,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(entry), Some(other)) => self.precedes(entry, other),
            };
            let entry =
                if from_index { std::mem::replace(&mut next_indexed, rows.next()?) } else { waiting.next() };
            let Some(entry) = entry else { break };
            if let Some(end) = end
                && self.precedes(&end, &entry)
            {
                page_end = Some(end.cursor());
                break;
            }
            // One open may stand in both, and, where something is damaged, in two rows.
            if last.is_some_and(|last| last.cursor() == entry.cursor()) {
                continue;
            }
            match self.open(&mut find, &entry) {
                // An open that left the tail is gone; an entry of the index without its row is not
                // as it was written.
                Ok(None) if from_index => unreadable += 1,
                Ok(None) => continue,
                Ok(Some(_)) if opens.len() >= self.limit => {
                    page_end = last.map(|last| last.cursor());
                    break;
                }
                Ok(Some(open)) => opens.push(open),
                Err(failure) if failure.is_corrupt() => unreadable += 1,
                Err(failure) => return Err(failure),
            }
            last = Some(entry);
        }
        if unreadable > 0 {
            tracing::error!(ping = %self.ping, unreadable, "opens in the database file cannot be read");
        }
        Ok(Page::new(opens, page_end).unreadable(unreadable))
    }

    /// The open that an entry points to; an error if that is another one.
    fn open(&self, find: &mut CachedStatement<'_>, entry: &Entry) -> Result<Option<Open>> {
        let mut found = find.query([entry.seq])?;
        let Some(row) = found.next()? else { return Ok(None) };
        let (n, open) = rows::open(row, self.ping)?;
        let is_the_one = n == self.n && OpenCursor::of(&open) == entry.cursor();
        if is_the_one { Ok(Some(open)) } else { Err(Failure::corrupt("the index of opens")) }
    }

    fn precedes(&self, one: &Entry, other: &Entry) -> bool {
        match self.order {
            Order::OldestFirst => one < other,
            Order::NewestFirst => one > other,
        }
    }

    fn comes(&self, entry: &Entry) -> bool {
        self.after.is_none_or(|after| match self.order {
            Order::OldestFirst => entry.cursor() > after,
            Order::NewestFirst => entry.cursor() < after,
        })
    }

    fn indexed(&self) -> Result<Indexed<'_>> {
        const OLDEST: &str = "SELECT at, id, seq FROM opens_by_ping WHERE ping = ?1 AND (at, id) > (?2, ?3)
            ORDER BY at, id, seq";
        const NEWEST: &str = "SELECT at, id, seq FROM opens_by_ping WHERE ping = ?1 AND (at, id) < (?2, ?3)
            ORDER BY at DESC, id DESC, seq DESC";
        let sql = match self.order {
            Order::OldestFirst => OLDEST,
            Order::NewestFirst => NEWEST,
        };
        Ok(Indexed(Some(self.connection.prepare_cached(sql)?)))
    }

    /// All opens of the ping from the table itself, in order.
    fn search(&self) -> Result<Vec<Entry>> {
        let mut all = Vec::new();
        index::after(self.connection, 0, |entry| {
            if entry.ping == self.n && self.comes(&entry) {
                all.push(entry);
            }
        })?;
        sort(&mut all, self.order);
        Ok(all)
    }
}

/// A ping's entries in the index, read one by one.
struct Indexed<'a>(Option<CachedStatement<'a>>);

struct Rows<'a>(Option<rusqlite::Rows<'a>>, i64);

impl<'a> Indexed<'a> {
    const fn none() -> Self {
        Self(None)
    }

    fn rows(&mut self, reading: &Reading<'_>) -> Result<Rows<'_>> {
        let Some(statement) = &mut self.0 else { return Ok(Rows(None, reading.n)) };
        // No time is below zero or above this, so that without a cursor all come after this place.
        let start = if reading.order == Order::OldestFirst { -1 } else { i64::MAX };
        let (at, id) =
            reading.after.map_or((start, [0; 8]), |after| (after.at.unix_millis(), *after.id.as_bytes()));
        Ok(Rows(Some(statement.query(params![reading.n, at, id])?), reading.n))
    }
}

impl Rows<'_> {
    fn next(&mut self) -> Result<Option<Entry>> {
        let Some(rows) = &mut self.0 else { return Ok(None) };
        let read = |row: &Row<'_>, ping| -> Result<Entry> {
            let id = u64::from_be_bytes(Column::new(row, 1, "opens_by_ping.id")?.bytes()?);
            Ok(Entry { ping, at: row.get(0)?, id, seq: row.get(2)? })
        };
        match rows.next() {
            Ok(Some(row)) => read(row, self.1).map(Some),
            Ok(None) => Ok(None),
            Err(error) if is_corrupt(&error) => Err(Failure::corrupt("the index of opens")),
            Err(error) => Err(error.into()),
        }
    }
}
