//! The index of opens by ping, filled late: when so many opens wait that neighbours meet, they go
//! in in the order of pings, slice by slice between batches, so that nothing ever pauses for it.
//!
//! A slice may run ahead of the mark, which moves with the last slice of a round: a crash in
//! between only repeats. What may have been erased meanwhile is looked for again, so that nothing
//! erased is indexed.
//!
//! The opens above the mark are remembered, as hints: a hint without an open is no harm, an open
//! without a hint would be missed by receipts until its round.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec;

use mailping_core::Timestamp;
use mailping_core::receipts::OpenId;
use mailping_core::store::OpenCursor;
use rusqlite::{Connection, Row, params};

use crate::failure::{Failure, Result, readable};
use crate::rows;
use crate::runs::Runs;
use crate::walk::walk;

/// How many opens make a round: so many that several of them meet in a page, also in a large file.
/// Twice as many wait at the most, in some 25 MB of memory.
pub(crate) const ROUND: usize = 262_144;

/// An open's place in the order of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Entry {
    pub(crate) ping: i64,
    pub(crate) at: i64,
    /// The id's bytes as a number, which sorts as they do.
    pub(crate) id: u64,
    pub(crate) seq: i64,
}

impl Entry {
    pub(crate) fn cursor(&self) -> OpenCursor {
        OpenCursor::new(Timestamp::from_unix_millis(self.at), OpenId::from_bytes(self.id.to_be_bytes()))
    }
}

/// A ping's entries after a cursor, in one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) newest_first: bool,
    /// All of them are between these two, which are no entries.
    pub(crate) low: Entry,
    pub(crate) high: Entry,
}

impl Span {
    pub(crate) fn new(ping: i64, newest_first: bool, after: Option<OpenCursor>) -> Self {
        let mut low = Entry { ping, at: i64::MIN, id: 0, seq: i64::MIN };
        let mut high = Entry { ping, at: i64::MAX, id: u64::MAX, seq: i64::MAX };
        if let Some(OpenCursor { at, id, .. }) = after {
            let (at, id) = (at.unix_millis(), u64::from_be_bytes(*id.as_bytes()));
            if newest_first { high = Entry { at, id, ..low } } else { low = Entry { at, id, ..high } }
        }
        Self { newest_first, low, high }
    }

    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        self.low < *entry && *entry < self.high
    }

    /// The first `most` of those of a sorted run that it holds.
    fn some_of<'a>(&self, run: &'a [Entry], most: usize) -> &'a [Entry] {
        let end = run.partition_point(|entry| *entry < self.high);
        let start = run[..end].partition_point(|entry| *entry <= self.low);
        match self.newest_first {
            false => &run[start..end.min(start.saturating_add(most))],
            true => &run[start.max(end.saturating_sub(most))..end],
        }
    }
}

/// Opens that go into the index together, and the mark that is reached with them, if one is.
pub(crate) type Slice = (Vec<Entry>, Option<i64>);

/// The opens that are in no index yet.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// What is left of the present round, in order.
    round: vec::IntoIter<Entry>,
    /// The mark that the present round reaches.
    round_end: i64,
    /// What came after the present round had begun.
    later: Runs,
    /// As far as the table was looked at.
    pub(crate) seen: i64,
    /// Opens up to this number may have been erased since they were taken over.
    erased_to: i64,
    /// The index's mark: every open up to this number is in it.
    mark: i64,
    /// The index cannot be written: nothing is remembered, and who reads looks into the table.
    pub(crate) is_broken: bool,
}

impl Tail {
    /// Every open up to this number is in the index or here.
    pub(crate) const fn known_to(&self) -> i64 {
        if self.is_broken { 0 } else { self.seen }
    }

    /// Takes over what stands in the table above a mark and was not known yet.
    fn catch_up(&mut self, mark: i64, above: &[Entry]) {
        if mark > self.mark {
            self.mark = mark;
            self.seen = self.seen.max(mark);
            let round = std::mem::take(&mut self.round);
            self.round = round.filter(|entry| entry.seq > mark).collect::<Vec<_>>().into_iter();
            self.later.retain(|entry| entry.seq > mark);
        }
        if !self.is_broken {
            self.later.add(above.iter().filter(|entry| entry.seq > self.seen).copied().collect());
        }
        self.seen = above.last().map_or(self.seen, |last| self.seen.max(last.seq));
    }

    /// Takes over what this process has just kept.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        self.catch_up(self.mark, entries);
    }

    /// What is known so far may be erased by now.
    pub(crate) fn doubt(&mut self) {
        self.erased_to = self.seen;
    }

    /// Whether a round is under way, or so many wait for the next.
    pub(crate) fn has_round(&self, enough: usize) -> bool {
        self.round.len() > 0 || self.later.len() >= enough
    }

    /// The next of the present round, in order, and the mark that is reached with the last of it. A
    /// round begins if there is none and `enough` wait for one.
    fn slice(&mut self, enough: usize, most: usize) -> Slice {
        if !self.has_round(enough) {
            return (Vec::new(), None);
        }
        if self.round.len() == 0 {
            self.round = std::mem::take(&mut self.later).into_sorted().into_iter();
            self.round_end = self.seen;
        }
        let slice = self.round.as_slice().iter().take(most).copied().collect();
        (slice, (self.round.len() <= most).then_some(self.round_end))
    }

    /// Forgets a slice once it is in the index, durably, and moves the mark.
    pub(crate) fn indexed(&mut self, (entries, mark): &Slice) {
        if let Some(last) = entries.last() {
            let done = self.round.as_slice().partition_point(|entry| entry <= last);
            self.round.by_ref().take(done).for_each(drop);
        }
        self.catch_up(mark.unwrap_or(self.mark), &[]);
    }

    /// Forgets everything, since the index takes nothing any more.
    pub(crate) fn break_off(&mut self) {
        *self = Self { is_broken: true, seen: self.seen, ..Self::default() };
    }

    /// Whether an open is here, under whatever number.
    pub(crate) fn holds(&self, open: &Entry) -> bool {
        let after = Entry { seq: i64::MIN, ..*open };
        self.runs().any(|run| {
            let next = run.get(run.partition_point(|entry| *entry < after));
            next.is_some_and(|next| Entry { seq: open.seq, ..*next } == *open)
        })
    }

    /// The first `most` entries of a span, and perhaps others, in no order.
    pub(crate) fn some_of(&self, span: &Span, most: usize) -> Vec<Entry> {
        self.runs().flat_map(|run| span.some_of(run, most)).copied().collect()
    }

    fn runs(&self) -> impl Iterator<Item = &[Entry]> {
        std::iter::once(self.round.as_slice()).chain(self.later.iter())
    }
}

/// Indexes at most `most` opens of the present round, or of the next if `enough` wait for one, but
/// those that were erased meanwhile. What it returns is to be forgotten once this is durable.
///
/// With a connection to look `beside` the transaction, which ends if it comes across damage, an
/// open that cannot be read is indexed too: it is there, and receipts count it by its entry.
pub(crate) fn advance(
    connection: &Connection,
    beside: Option<&Connection>,
    tail: &Mutex<Tail>,
    enough: usize,
    most: usize,
) -> Result<Slice> {
    let (slice, mark, erased_to) = {
        let mut tail = locked(tail);
        let (slice, mark) = tail.slice(enough, most);
        (slice, mark, tail.erased_to)
    };
    if slice.is_empty() {
        return Ok((slice, mark));
    }
    let mut find = beside.unwrap_or(connection).prepare_cached("SELECT 1 FROM opens WHERE seq = ?1")?;
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO opens_by_ping (ping, at, id, seq) VALUES (?1, ?2, ?3, ?4)")?;
    for entry in &slice {
        let is_there = entry.seq > erased_to
            || match find.exists([entry.seq]).map_err(Failure::from) {
                Err(failure) if beside.is_some() && failure.is_corrupt() => true,
                found => found?,
            };
        if is_there {
            insert.execute(params![entry.ping, entry.at, entry.id.to_be_bytes(), entry.seq])?;
        }
    }
    if let Some(mark) = mark {
        connection
            .prepare_cached("UPDATE about SET indexed_to = ?1 WHERE indexed_to < ?1")?
            .execute([mark])?;
    }
    Ok((slice, mark))
}

/// Takes over the opens after the number `seen` that are in no index, and returns them. All that
/// are in none, if nothing can be remembered.
pub(crate) fn catch_up(connection: &Connection, tail: &Mutex<Tail>, seen: i64) -> Result<Vec<Entry>> {
    let mark = mark(connection)?;
    let mut entries = Vec::new();
    let gaps = after(connection, seen.max(mark), |entry| entries.push(entry))?;
    let mut tail = locked(tail);
    if gaps > 0 && !tail.is_broken {
        tracing::error!(
            "opens that are in no index cannot be read: no others come into it until the next start, which saves them"
        );
        // The mark must not pass what nobody has read: no erasure would find it.
        tail.break_off();
    }
    tail.catch_up(mark, &entries);
    if !entries.is_empty() {
        // Of a state of the file that may be an older one by now.
        tail.doubt();
    }
    Ok(entries)
}

/// All opens after a number, or that are in no index: from the table, which never errs. An error if
/// some of them cannot be read, since nobody can tell whose they are.
pub(crate) fn waiting(connection: &Connection, after_seq: Option<i64>) -> Result<Vec<Entry>> {
    let mut waiting = Vec::new();
    let from = after_seq.map_or_else(|| mark(connection), Ok)?;
    match after(connection, from, |entry| waiting.push(entry))? {
        0 => Ok(waiting),
        _ => Err(Failure::corrupt("opens that are in no index")),
    }
}

/// The first `most` entries of a span in the index. If something is damaged an open may have two.
pub(crate) fn of(connection: &Connection, span: &Span, most: usize) -> Result<Vec<Entry>> {
    const OLDEST: &str = "SELECT max(seq), ping, at, id FROM opens_by_ping
        WHERE ping = ?1 AND (at, id, seq) > (?2, ?3, ?4) GROUP BY at, id ORDER BY at, id";
    const NEWEST: &str = "SELECT max(seq), ping, at, id FROM opens_by_ping
        WHERE ping = ?1 AND (at, id, seq) < (?2, ?3, ?4) GROUP BY at, id ORDER BY at DESC, id DESC";
    let (sql, start) = if span.newest_first { (NEWEST, span.high) } else { (OLDEST, span.low) };
    let mut find = connection.prepare_cached(sql)?;
    let span = params![start.ping, start.at, start.id.to_be_bytes(), start.seq];
    // No LIMIT: with a parameter in it SQLite would plan the statement anew for each call.
    find.query_and_then(span, entry)?.take(most).collect()
}

/// Every open up to this number is in the index.
pub(crate) fn mark(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached("SELECT indexed_to FROM about")?.query_row((), |row| row.get(0))?)
}

/// The places of all opens after a number. What cannot be read is passed over, and counted.
pub(crate) fn after(connection: &Connection, seq: i64, mut each: impl FnMut(Entry)) -> Result<u64> {
    let mut find =
        connection.prepare_cached("SELECT seq, ping, at, id FROM opens WHERE seq >= ?1 ORDER BY seq")?;
    let mut unreadable = 0;
    let gaps = walk(&mut find, seq, |row| {
        if let Some(entry) = readable(entry(row), &mut unreadable)? {
            each(entry);
        }
        Ok(true)
    })?;
    Ok(gaps + unreadable)
}

/// Reads a row of number, ping, time and id.
fn entry(row: &Row<'_>) -> Result<Entry> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(ping: i64, at: i64, seq: i64) -> Entry {
        Entry { ping, at, id: 7 << 60 | u64::try_from(seq).unwrap(), seq }
    }

    #[test]
    fn a_round_is_what_waited_when_it_began_and_ends_with_its_mark() {
        let mut tail = Tail::default();
        tail.catch_up(0, &[entry(2, 5, 1), entry(1, 5, 2)]);
        assert_eq!(tail.slice(3, 1), (Vec::new(), None));
        assert_eq!(tail.slice(2, 1), (vec![entry(1, 5, 2)], None));
        tail.indexed(&(vec![entry(1, 5, 2)], None));
        tail.catch_up(0, &[entry(1, 9, 3)]);
        let last = tail.slice(1, 9);
        assert_eq!(last, (vec![entry(2, 5, 1)], Some(2)));
        tail.indexed(&last);
        tail.indexed(&last);
        assert!(!tail.has_round(2), "{tail:?}");
        assert_eq!(tail.slice(1, 9), (vec![entry(1, 9, 3)], Some(3)));
        // Another process was faster.
        tail.catch_up(4, &[entry(1, 9, 5)]);
        assert_eq!(tail.slice(1, 9), (vec![entry(1, 9, 5)], Some(5)));
    }

    #[test]
    fn what_is_known_is_not_taken_over_again() {
        let mut tail = Tail::default();
        tail.catch_up(0, &[entry(1, 5, 1), entry(1, 5, 2)]);
        let first = tail.slice(1, 1);
        tail.indexed(&first);
        tail.catch_up(0, &[entry(1, 5, 2), entry(1, 5, 3)]);
        assert_eq!((tail.round.len() + tail.later.len(), tail.seen), (2, 3));
        tail.break_off();
        tail.catch_up(0, &[entry(1, 5, 4)]);
        assert_eq!((tail.known_to(), tail.later.len()), (0, 0), "it all comes from the table then");
    }

    proptest! {
        #[test]
        fn entries_are_found_in_both_directions_however_they_came(
            given in proptest::collection::vec((0..5_i64, 0..9_i64), 0..60),
            round_at in 0..60_usize, most in 1..30_usize, start in 0..9_i64,
        ) {
            let all: Vec<Entry> = given.iter().zip(1..).map(|(&(ping, at), seq)| entry(ping, at, seq)).collect();
            let mut tail = Tail::default();
            tail.catch_up(0, &all[..round_at.min(all.len())]);
            tail.slice(1, 1);
            tail.catch_up(0, &all);
            let renumbered = |known: &Entry| Entry { seq: 999, ..*known };
            prop_assert!(all.iter().all(|known| tail.holds(&renumbered(known))));
            prop_assert!(!tail.holds(&entry(9, 9, 9)));
            let cursor = OpenCursor::new(Timestamp::from_unix_millis(start), OpenId::from_bytes([0x70; 8]));
            for ping in 0..5 {
                for after in [None, Some(cursor)] {
                    for newest_first in [false, true] {
                        let mut expected: Vec<Entry> = all.iter().copied().filter(|entry| entry.ping == ping)
                            .filter(|entry| after.is_none_or(|after| match newest_first {
                                false => entry.cursor() > after,
                                true => entry.cursor() < after,
                            })).collect();
                        let span = Span::new(ping, newest_first, after);
                        prop_assert!(all.iter().all(|entry| span.holds(entry) == expected.contains(entry)));
                        let mut found = tail.some_of(&span, most);
                        for list in [&mut expected, &mut found] {
                            list.sort_unstable();
                            if newest_first {
                                list.reverse();
                            }
                            list.truncate(most);
                        }
                        prop_assert_eq!(found, expected);
                    }
                }
            }
        }
    }
}
