//! Pages of opens: the index, and what is not in it yet.
//!
//! Whoever reads copies what is remembered of the tail before the transaction begins: an open that
//! left it earlier is in the index by then, and one that came later is found in the table. What is
//! found twice is shown once.

use std::sync::Mutex;

use mailping_core::PingId;
use mailping_core::receipts::Open;
use mailping_core::store::{OpenCursor, OpenQuery, Page};
use rusqlite::{Connection, Statement};

use crate::failure::{Failure, Result, readable};
use crate::index::{self, Entry, Span, Tail, locked};
use crate::{record, rows};

/// A page for each of these queries, all from one state of the file.
pub(crate) fn pages(
    connection: &Connection,
    tail: &Mutex<Tail>,
    queries: &[OpenQuery],
) -> Result<Vec<Page<Open, OpenCursor>>> {
    let mut pages = vec![Page::default(); queries.len()];
    // The numbers of pings never change, so that they may be looked up before.
    let mut asked = Vec::with_capacity(queries.len());
    for (query, page) in queries.iter().zip(&mut pages) {
        if let Some(found) = readable(record::find(connection, query.ping), &mut page.unreadable)?.flatten() {
            let span = Span::new(found.n, query.newest_first, query.after);
            asked.push((query, page, span, Vec::new()));
        }
    }
    let known_to = {
        let tail = locked(tail);
        for (query, _, span, waiting) in &mut asked {
            *waiting = tail.some_of(span, query.limit.saturating_add(1));
        }
        tail.known_to()
    };
    let transaction = connection.unchecked_transaction()?;
    let others = index::catch_up(&transaction, tail, known_to)?;
    for (query, page, span, mut waiting) in asked {
        waiting.extend(others.iter().filter(|entry| span.holds(entry)));
        *page = read(&transaction, query, &span, waiting)?;
    }
    Ok(pages)
}

/// Puts together what waits and what the index has. A row that cannot be read has its place.
fn read(
    connection: &Connection,
    &OpenQuery { ping, limit, .. }: &OpenQuery,
    span: &Span,
    mut waiting: Vec<Entry>,
) -> Result<Page<Open, OpenCursor>> {
    let indexed = readable(index::of(connection, span, limit.saturating_add(1)), &mut 0)?;
    if indexed.is_none() {
        tracing::error!(%ping, "the index of opens is damaged: the whole table is searched for those of a ping");
        index::after(connection, 0, |entry| waiting.extend(span.holds(&entry).then_some(entry)))?;
    }
    let mut entries: Vec<(Entry, bool)> = waiting.into_iter().map(|entry| (entry, false)).collect();
    entries.extend(indexed.into_iter().flatten().map(|entry| (entry, true)));
    entries.sort_unstable();
    if span.newest_first {
        entries.reverse();
    }
    // One open may stand in both, and, if something is damaged, in two rows.
    entries.dedup_by(|again, kept| {
        let is_same = again.0.cursor() == kept.0.cursor();
        kept.1 |= is_same && again.1;
        is_same
    });
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let mut page = Page::default();
    let mut find = connection.prepare_cached(rows::OPENS)?;
    for (entry, is_indexed) in &entries {
        match readable(open(&mut find, ping, entry), &mut page.unreadable)? {
            Some(Some(open)) => page.items.push(open),
            // What left the tail is gone; what is in the index has its row, unless that is damaged.
            Some(None) => page.unreadable += u64::from(*is_indexed),
            None => {}
        }
    }
    if page.unreadable > 0 {
        tracing::error!(%ping, page.unreadable, "opens in the database file cannot be read");
    }
    page.next = entries.last().filter(|_| has_more).map(|(last, _)| last.cursor());
    Ok(page)
}

/// The open that an entry points to; an error if that is another one.
fn open(find: &mut Statement<'_>, ping: PingId, entry: &Entry) -> Result<Option<Open>> {
    let mut found = find.query([entry.seq])?;
    let row = found.next()?.filter(|row| row.get(0) == Ok(entry.seq));
    let Some(row) = row else { return Ok(None) };
    let open = rows::open(row, ping)?;
    let is_the_one = row.get(1) == Ok(entry.ping) && OpenCursor::of(&open) == entry.cursor();
    if is_the_one { Ok(Some(open)) } else { Err(Failure::corrupt("the index of opens")) }
}
