//! Opens that have arrived and wait to be folded into the tree of opens.
//!
//! A tree over random pings costs a page written for nearly each open of a small batch. So a batch is appended to a table in the order
//! of its arrival, and when so many wait that neighbours share a page they are folded into the tree in the tree's own order: each batch folds a few
//! more than it brings, in its own transaction. There is no second commit and no pause. When no hits come, what waits is folded anyway.
//!
//! The table alone says what waits. What is in memory are hints, the number and the ping of each row, and always more of them rather than
//! fewer: a hint without a row is no harm, a row without a hint would be missed by receipts and never folded.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mailping_core::store::Written;
use mailping_core::{Open, PingId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::failure::Result;
use crate::rows;

/// How many rows make a round, for each page of the file: with fewer, hardly two of them would meet in a page.
const ROWS_PER_PAGE: usize = 8;
/// The least and the most of it. A hint takes some 35 bytes of memory.
pub(crate) const ROUND: RangeInclusive<usize> = 65_536..=524_288;

/// About so many rows leave the table at once, or a round of them: each time costs a few pages at the table's edge.
const LEAVE: i64 = 512;

/// How many rows one step of tidying folds: a hit that comes meanwhile waits for a step.
const TIDY: usize = 512;

/// A row that waits, in the order of pings, so of the tree: the id as numbers, which are compared quicker than bytes, and the row's own number.
type Row = ((u64, u64), i64);

/// The hints of one file, shared by the connection that writes and the one that reads.
#[derive(Debug)]
pub(crate) struct Arrivals {
    waiting: Mutex<Waiting>,
    /// How many rows make a round, whatever the size of the file.
    bounds: RangeInclusive<usize>,
}

/// The rows in the order of their way. Each set is taken off as a whole, and only when the file holds none of it.
#[derive(Debug, Default)]
struct Waiting {
    /// Every row up to this number has been in one of the sets.
    seen: i64,
    /// Those that have come since the round began.
    next: BTreeSet<Row>,
    /// Those of the present round, and the last of them whose fold is committed.
    round: BTreeSet<Row>,
    hand: Option<Row>,
    /// All rows of the round are up to this number.
    round_end: i64,
    /// Those of the round before: all are in the tree, and leave the table.
    leaving: BTreeSet<Row>,
    leaving_end: i64,
    /// What was seen when it was last asked whether it rests.
    tidied: i64,
}

/// What a transaction has done, to be told with [`Arrivals::committed`].
#[derive(Debug, Default)]
pub(crate) struct Step {
    appended: Vec<Row>,
    folded: Option<Row>,
    all_left: bool,
}

/// What is known of a ping's rows without a look at the file.
#[derive(Debug)]
pub(crate) struct Hints {
    rows: Vec<Row>,
    seen: i64,
}

impl Arrivals {
    /// Reads what waits in a file.
    pub(crate) fn load(connection: &Connection, bounds: RangeInclusive<usize>) -> Result<Self> {
        let arrivals = Self { waiting: Mutex::default(), bounds };
        arrivals.catch_up(connection, 0)?;
        Ok(arrivals)
    }

    /// Appends the opens whose pings record, and folds a few more than these where enough wait.
    pub(crate) fn append(
        &self,
        transaction: &Transaction<'_>,
        opens: &[Open],
    ) -> Result<(Vec<Written>, Step)> {
        self.catch_up(transaction, self.seen())?;
        let mut last: i64 = transaction
            .prepare_cached(
                "SELECT max(seq, (SELECT ifnull(max(seq), 0) FROM arrivals)) FROM arrivals_taken",
            )?
            .query_row((), |row| row.get(0))?;
        let mut recording = transaction.prepare_cached(
            "SELECT record_until FROM pings INDEXED BY pings_recording WHERE id = ?1 AND status = 0",
        )?;
        let mut insert = transaction.prepare_cached(rows::INSERT_ARRIVAL)?;
        let mut asked: Option<(PingId, Option<i64>)> = None;
        let mut written = Vec::with_capacity(opens.len());
        let mut appended = Vec::with_capacity(opens.len());
        for open in opens {
            let until = match asked {
                Some((ping, until)) if ping == open.ping => until,
                _ => recording.query_row([open.ping.as_bytes()], |row| row.get(0)).optional()?,
            };
            asked = Some((open.ping, until));
            if until.is_some_and(|until| until - open.at.unix_millis() >= open.time_step.millis()) {
                last += 1;
                rows::insert_arrival(&mut insert, last, open)?;
                appended.push((number(open.ping), last));
                written.push(Written::Kept);
            } else {
                written.push(Written::Filtered);
            }
        }
        if appended.is_empty() {
            return Ok((written, Step::default()));
        }
        self.turn(transaction)?;
        let folded = self.fold_next(transaction, appended.len() + appended.len() / 8 + 1)?;
        let before = last - i64::try_from(appended.len()).unwrap_or(0);
        let step = LEAVE.min(i64::try_from(*self.bounds.start()).unwrap_or(LEAVE).max(1));
        let all_left =
            last / step != before / step && self.leave(transaction, last - before + step + step / 4)?;
        Ok((written, Step { appended, folded, all_left }))
    }

    /// Whether something waits and no hits have come since this was last asked.
    pub(crate) fn rests(&self) -> bool {
        let mut waiting = self.waiting();
        let seen = waiting.seen;
        std::mem::replace(&mut waiting.tidied, seen) == seen && !waiting.is_empty()
    }

    /// Folds and takes out some of what waits, however little it is.
    pub(crate) fn tidy(&self, transaction: &Transaction<'_>) -> Result<Step> {
        {
            let mut waiting = self.waiting();
            if waiting.end_round() {
                waiting.begin_round(1);
            }
        }
        let folded = self.fold_next(transaction, TIDY)?;
        let all_left = self.leave(transaction, i64::try_from(TIDY).unwrap_or(i64::MAX))?;
        Ok(Step { appended: Vec::new(), folded, all_left })
    }

    /// Takes over what a transaction has done: once it is committed, and before another one begins.
    pub(crate) fn committed(&self, step: Step) {
        let mut waiting = self.waiting();
        waiting.seen = step.appended.last().map_or(waiting.seen, |&(_, seq)| waiting.seen.max(seq));
        waiting.next.extend(step.appended);
        waiting.hand = step.folded.or(waiting.hand);
        if step.all_left {
            waiting.leaving.clear();
        }
    }

    /// Folds all that waits of one ping and takes it out, so that its opens are in the tree alone.
    pub(crate) fn bring_home(&self, transaction: &Transaction<'_>, ping: PingId) -> Result<()> {
        self.catch_up(transaction, self.seen())?;
        let mut fold = transaction.prepare_cached(rows::FOLD_ARRIVAL)?;
        let mut take = transaction.prepare_cached("DELETE FROM arrivals WHERE seq = ?1 AND ping = ?2")?;
        let mut last = None;
        let rows = self.waiting().all_of(ping);
        for (_, seq) in rows {
            fold.execute([seq])?;
            if take.execute(params![seq, ping.as_bytes()])? > 0 {
                last = Some(seq);
            }
        }
        last.map_or(Ok(()), |last| take_numbers(transaction, last))
    }

    /// The opens of a ping that have arrived and are not in the tree, the first of each id.
    ///
    /// `hints` were taken before the transaction began: a row that left them earlier was folded before, so this transaction sees it in
    /// the tree; one that came later is found here.
    pub(crate) fn read(
        &self,
        transaction: &Transaction<'_>,
        ping: PingId,
        hints: Hints,
    ) -> Result<Vec<Open>> {
        let Hints { mut rows, seen } = hints;
        rows.extend(self.catch_up(transaction, seen)?.into_iter().filter(|&(of, _)| of == number(ping)));
        let mut find = transaction.prepare_cached(concat!(
            "SELECT ",
            rows::open_columns!(),
            " FROM arrivals WHERE seq = ?1 AND ping = ?2
               AND NOT EXISTS (SELECT 1 FROM opens WHERE opens.ping = arrivals.ping AND opens.id = arrivals.id)"
        ))?;
        let mut ids = BTreeSet::new();
        let mut opens = Vec::new();
        for (_, seq) in rows {
            let mut found = find.query(params![seq, ping.as_bytes()])?;
            if let Some(row) = found.next()? {
                let open = rows::open(ping, row)?;
                if ids.insert(open.id) {
                    opens.push(open);
                }
            }
        }
        Ok(opens)
    }

    /// The hints of a ping's rows that are not in the tree.
    pub(crate) fn of(&self, ping: PingId) -> Hints {
        let waiting = self.waiting();
        let next = waiting.next.range(rows_of(ping));
        let unfolded = waiting.round.range(rows_of(ping)).filter(|&row| Some(*row) > waiting.hand);
        Hints { rows: unfolded.chain(next).copied().collect(), seen: waiting.seen }
    }

    /// Takes over the rows after `seen`, those of other processes for the most part, and returns them.
    fn catch_up(&self, connection: &Connection, seen: i64) -> Result<Vec<Row>> {
        let mut find =
            connection.prepare_cached("SELECT seq, ping FROM arrivals WHERE seq > ?1 ORDER BY seq")?;
        let mut found = find.query([seen])?;
        let (mut new, mut last) = (Vec::new(), None);
        while let Some(row) = found.next()? {
            let seq = row.get(0)?;
            last = Some(seq);
            // A damaged row that belongs to no ping must not keep out the others.
            new.extend(rows::ping_id(row, 1).ok().map(|ping| (number(ping), seq)));
        }
        let Some(last) = last else { return Ok(new) };
        self.waiting().take_over(&new, first(connection)?..=last);
        Ok(new)
    }

    /// Folds the next rows of the round, and returns the last of them.
    fn fold_next(&self, transaction: &Transaction<'_>, most: usize) -> Result<Option<Row>> {
        let rows: Vec<Row> = self.waiting().unfolded().take(most).copied().collect();
        let mut fold = transaction.prepare_cached(rows::FOLD_ARRIVAL)?;
        for (_, seq) in &rows {
            fold.execute([seq])?;
        }
        Ok(rows.last().copied())
    }

    /// Takes out rows that the round before has folded, and tells whether none of them is left.
    fn leave(&self, transaction: &Transaction<'_>, most: i64) -> Result<bool> {
        let end = {
            let waiting = self.waiting();
            if waiting.leaving.is_empty() {
                return Ok(false);
            }
            waiting.leaving_end
        };
        transaction
            .prepare_cached(
                "DELETE FROM arrivals WHERE seq <= min(?1, ?2 + (SELECT min(seq) FROM arrivals))",
            )?
            .execute([end, most])?;
        let first = first(transaction)?;
        if first == 0 {
            take_numbers(transaction, end)?;
        }
        Ok(first == 0 || first > end)
    }

    /// Ends a round that is folded, and begins the next where enough wait: so many for each page of the file that several meet in a page.
    fn turn(&self, connection: &Connection) -> Result<()> {
        if !self.waiting().end_round() {
            return Ok(());
        }
        let pages: i64 = connection.prepare_cached("PRAGMA page_count")?.query_row((), |row| row.get(0))?;
        let wanted = usize::try_from(pages).unwrap_or(usize::MAX).saturating_mul(ROWS_PER_PAGE);
        self.waiting().begin_round(wanted.clamp(*self.bounds.start(), *self.bounds.end()));
        Ok(())
    }

    fn seen(&self) -> i64 {
        self.waiting().seen
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic while it is held leaves hints too many at the worst.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.leaving.is_empty() && self.round.is_empty() && self.next.is_empty()
    }

    /// Lets the round leave that is folded, where the one before has left; whether there is none now.
    fn end_round(&mut self) -> bool {
        if self.leaving.is_empty() && self.unfolded().next().is_none() {
            self.leaving = std::mem::take(&mut self.round);
            self.leaving_end = self.round_end;
        }
        self.round.is_empty()
    }

    fn begin_round(&mut self, enough: usize) {
        if self.next.len() >= enough {
            self.round = std::mem::take(&mut self.next);
            self.round_end = self.seen;
            self.hand = None;
        }
    }

    fn unfolded(&self) -> impl Iterator<Item = &Row> {
        let after = self.hand.map_or(Unbounded, Excluded);
        self.round.range((after, Unbounded))
    }

    fn all_of(&self, ping: PingId) -> Vec<Row> {
        let sets = [&self.leaving, &self.round, &self.next];
        sets.into_iter().flat_map(|set| set.range(rows_of(ping))).copied().collect()
    }

    /// Adds rows of a file that holds the rows `there`.
    fn take_over(&mut self, rows: &[Row], there: RangeInclusive<i64>) {
        let seen = self.seen;
        self.next.extend(rows.iter().filter(|(_, seq)| *seq > seen));
        self.seen = seen.max(*there.end());
        // What another process has folded and taken out leaves hints behind: swept when they are the most of all. Only those before the
        // first row: a reader of an older state does not know the last.
        let length = usize::try_from(there.end() - there.start()).unwrap_or(usize::MAX);
        let mut sets = [&mut self.leaving, &mut self.round, &mut self.next];
        if sets.iter().map(|set| set.len()).sum::<usize>() > 2 * length.max(1_000) {
            sets.iter_mut().for_each(|set| set.retain(|(_, seq)| seq >= there.start()));
        }
    }
}

fn rows_of(ping: PingId) -> RangeInclusive<Row> {
    (number(ping), i64::MIN)..=(number(ping), i64::MAX)
}

const fn number(ping: PingId) -> (u64, u64) {
    let id = u128::from_be_bytes(*ping.as_bytes());
    ((id >> 64) as u64, id as u64)
}

/// Keeps the numbers up to this one from being given again, where the newest row may have been taken out.
fn take_numbers(transaction: &Transaction<'_>, last: i64) -> Result<()> {
    transaction.prepare_cached("UPDATE arrivals_taken SET seq = ?1 WHERE seq < ?1")?.execute([last])?;
    Ok(())
}

/// The number of the first row in the table; 0 where it is empty.
fn first(connection: &Connection) -> Result<i64> {
    let mut find = connection.prepare_cached("SELECT ifnull(min(seq), 0) FROM arrivals")?;
    Ok(find.query_row((), |row| row.get(0))?)
}

#[cfg(test)]
mod tests;
