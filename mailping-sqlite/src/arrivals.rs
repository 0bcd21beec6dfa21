//! Opens that have arrived and wait to be folded into bundles.
//!
//! Whoever reads needs the opens of one ping side by side, and a page written for nearly each open is what it costs to put them there at once. So a
//! batch is appended to a table as one row, and when so many wait that several belong to one ping, or at least to pings side by side in the index, they
//! are folded into bundles in the order of pings: each batch folds a few more than it brings, in its own transaction. There is no second commit and
//! no pause. When no hits come, what waits is folded anyway.
//!
//! The table alone says what waits. What is in memory are hints, the number and the ping of each open, and always more of them rather than
//! fewer: a hint without an open is no harm, an open without a hint would be missed by receipts and never folded. What else the writing connection
//! remembers of the file holds until another connection writes.

use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mailping_core::PingId;
use mailping_core::receipts::Open;
use mailping_core::store::Answer;
use rusqlite::{Connection, Transaction, params};

use self::batch::Batch;
use self::known::Known;
use self::sorted::{Row, number, ping_of};
use self::waiting::Waiting;
use crate::bundles::Folding;
use crate::failure::Result;
use crate::rows::KeptOpen;

mod batch;
mod known;
mod remembered;
mod sorted;
mod waiting;

/// How many opens make a round, for each page of the file: with fewer, hardly two of them would meet in a bundle or a page of the index.
const OPENS_PER_PAGE: usize = 8;
/// The least and the most of it. A hint takes 24 bytes of memory.
pub(crate) const ROUND: RangeInclusive<usize> = 262_144..=524_288;

/// About so many opens leave the table at once, or a round of them: each time costs a few pages at the table's edge.
const LEAVE: i64 = 512;

/// How many opens one step of tidying folds: a hit that comes meanwhile waits for a step.
const TIDY: usize = 512;

/// With more hints of a ping that the file has no opens for, they are forgotten, which goes through all hints.
const MANY_GONE: usize = 256;

/// What is known of one file, shared by the connection that writes and the one that reads.
pub(crate) struct Arrivals {
    /// Of the connection that writes, and taken inside its transactions alone.
    known: Mutex<Known>,
    waiting: Mutex<Waiting>,
    /// How many opens make a round, whatever the size of the file.
    bounds: RangeInclusive<usize>,
}

/// What a transaction has done, to be told with [`Arrivals::committed`].
#[derive(Default)]
pub(crate) struct Step {
    appended: Vec<Row>,
    batches: Vec<Batch>,
    folded: Option<Row>,
    all_left: bool,
    /// The state that is known, where opens were appended.
    version: Option<i64>,
}

/// What is known of a ping's opens without a look at the file.
#[derive(Debug)]
pub(crate) struct Hints {
    rows: Vec<Row>,
    seen: i64,
}

impl Arrivals {
    /// Reads what waits in a file.
    pub(crate) fn load(connection: &Connection, bounds: RangeInclusive<usize>) -> Result<Self> {
        let arrivals = Self { known: Mutex::default(), waiting: Mutex::default(), bounds };
        arrivals.catch_up(connection, 0)?;
        Ok(arrivals)
    }

    /// Appends the opens whose pings record, and folds a few more than these where enough wait.
    pub(crate) fn append(
        &self,
        transaction: &Transaction<'_>,
        opens: &[Open],
    ) -> Result<(Vec<Answer>, Step)> {
        let mut known = self.known(transaction)?;
        let mut next = 1 + self.seen().max(taken(transaction)?);
        let mut written = Vec::with_capacity(opens.len());
        let mut step = Step::default();
        for open in opens {
            let until = known.records_until(transaction, open.ping)?;
            if until.is_none_or(|until| until - open.at.unix_millis() < open.time_step.millis()) {
                written.push(Answer::Filtered);
                continue;
            }
            if step.batches.last().is_none_or(Batch::is_full) {
                step.batches.push(Batch::starting_with(next));
            }
            if let Some(batch) = step.batches.last_mut() {
                batch.push(&KeptOpen::of(open))?;
            }
            step.appended.push((number(open.ping), next));
            next += 1;
            written.push(Answer::Kept);
        }
        // Known again once this is committed: what fails in between leaves nothing known.
        step.version = known.version.take();
        let count = step.appended.len();
        let Some(&(_, last)) = step.appended.last() else { return Ok((written, step)) };
        let mut insert = transaction.prepare_cached("INSERT INTO arrivals (seq, opens) VALUES (?1, ?2)")?;
        for batch in &step.batches {
            insert.execute(params![batch.first, batch.bytes()])?;
        }
        self.turn(transaction)?;
        step.folded = self.fold_next(transaction, &known, count + count / 8 + 1)?;
        let before = last - i64::try_from(count).unwrap_or(0);
        let most = LEAVE.min(i64::try_from(*self.bounds.start()).unwrap_or(LEAVE).max(1));
        step.all_left =
            last / most != before / most && self.leave(transaction, last - before + most + most / 4)?;
        Ok((written, step))
    }

    /// Whether something waits and no hits have come since this was last asked.
    pub(crate) fn rests(&self) -> bool {
        let mut waiting = self.waiting();
        let seen = waiting.seen;
        std::mem::replace(&mut waiting.tidied, seen) == seen && !waiting.is_empty()
    }

    /// Folds and takes out some of what waits, however little it is.
    pub(crate) fn tidy(&self, transaction: &Transaction<'_>) -> Result<Step> {
        let known = self.known(transaction)?;
        {
            let mut waiting = self.waiting();
            if waiting.end_round() {
                waiting.begin_round(1);
            }
        }
        let folded = self.fold_next(transaction, &known, TIDY)?;
        let all_left = self.leave(transaction, i64::try_from(TIDY).unwrap_or(i64::MAX))?;
        Ok(Step { folded, all_left, ..Step::default() })
    }

    /// Takes over what a transaction has done: once it is committed, and before another one begins.
    pub(crate) fn committed(&self, step: Step) {
        let mut known = locked(&self.known);
        let mut waiting = self.waiting();
        known.opens.forget_some(waiting.leaving_end, TIDY.max(2 * step.appended.len()));
        known.version = step.version.or(known.version);
        step.batches.iter().for_each(|batch| known.opens.add(batch));
        if let Some(&(_, last)) = step.appended.last() {
            waiting.add(step.appended, last);
        }
        waiting.hand = step.folded.or(waiting.hand);
        if step.all_left {
            waiting.leaving = Vec::new();
        }
    }

    /// Forgets which pings record. Each transaction that may change it begins with this.
    pub(crate) fn forget_who_records(&self) {
        locked(&self.known).forget_who_records();
    }

    /// Takes out all that waits of one ping.
    pub(crate) fn take_out(&self, transaction: &Transaction<'_>, ping: PingId) -> Result<Folding> {
        self.catch_up(transaction, self.seen())?;
        let mut rows = self.waiting().all_of(ping);
        rows.sort_unstable();
        let mut update = transaction.prepare_cached("UPDATE arrivals SET opens = ?2 WHERE seq = ?1")?;
        let mut delete = transaction.prepare_cached("DELETE FROM arrivals WHERE seq = ?1")?;
        let (mut taken, mut gone) = (Folding::of(ping), Vec::new());
        let mut done = i64::MIN;
        for (_, seq) in rows {
            locked(&self.known).opens.forget(seq);
            if seq <= done {
                continue;
            }
            let Some(batch) = batch_with(transaction, seq)?.filter(|batch| batch.fields(seq, ping).is_some())
            else {
                gone.push(seq);
                continue;
            };
            done = batch.last();
            taken.add_readable(batch.fields_of(ping));
            match batch.without(ping)? {
                Some(rest) => update.execute(params![batch.first, rest])?,
                None => {
                    take_numbers(transaction, batch.last())?;
                    delete.execute([batch.first])?
                }
            };
        }
        // An earlier transaction has taken them out: a purge of many steps would look for them in each.
        if gone.len() > MANY_GONE {
            self.waiting().forget(ping, &gone);
        }
        Ok(taken)
    }

    /// The fields of a ping's opens that have arrived and are in no bundle, and perhaps of some that are in one by now.
    ///
    /// `hints` were taken before the transaction began: an open that left them earlier was folded before, so this transaction sees it in
    /// a bundle; one that came later is found here.
    pub(crate) fn read(
        &self,
        transaction: &Transaction<'_>,
        ping: PingId,
        hints: Hints,
    ) -> Result<Vec<Vec<u8>>> {
        let Hints { mut rows, seen } = hints;
        rows.extend(self.catch_up(transaction, seen)?.into_iter().filter(|&(of, _)| of == number(ping)));
        let mut opens = Vec::new();
        for (_, seq) in rows {
            let Some(batch) = batch_with(transaction, seq)? else { continue };
            if batch.open(seq)?.is_some()
                && let Some(fields) = batch.fields(seq, ping)
            {
                opens.push(fields.to_vec());
            }
        }
        Ok(opens)
    }

    /// The hints of a ping's opens that are in no bundle.
    pub(crate) fn of(&self, ping: PingId) -> Hints {
        let waiting = self.waiting();
        Hints { rows: waiting.unfolded_of(ping), seen: waiting.seen }
    }

    /// Takes over the opens after `seen`, those of other processes for the most part, and returns them.
    fn catch_up(&self, connection: &Connection, seen: i64) -> Result<Vec<Row>> {
        let mut find =
            connection.prepare_cached("SELECT seq, opens FROM arrivals WHERE seq > ?1 ORDER BY seq")?;
        let mut found = find.query([seen])?;
        let (mut new, mut last) = (Vec::new(), None);
        while let Some(row) = found.next()? {
            let batch = Batch::read(row)?;
            if batch.is_damaged() {
                tracing::error!("opens in the database file are damaged and cannot be read");
            }
            last = Some(batch.last());
            new.extend(batch.pings().map(|(ping, seq)| (number(ping), seq)));
        }
        let Some(last) = last else { return Ok(new) };
        let there = first(connection)?..=last;
        self.waiting().take_over(new.clone(), there);
        Ok(new)
    }

    /// Folds the next opens of the round, and returns the last of them.
    fn fold_next(&self, transaction: &Transaction<'_>, known: &Known, most: usize) -> Result<Option<Row>> {
        let rows = self.waiting().next_to_fold(most);
        for of_ping in rows.chunk_by(|one, next| one.0 == next.0) {
            let mut folding = Folding::of(ping_of(of_ping[0]));
            for &(_, seq) in of_ping {
                known.fold(transaction, seq, &mut folding)?;
            }
            folding.insert(transaction)?;
        }
        Ok(rows.last().copied())
    }

    /// Takes out opens that the round before has folded, and tells whether none of them is left.
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
        let (least, most) = (*self.bounds.start(), *self.bounds.end());
        let enough = {
            let mut waiting = self.waiting();
            if !waiting.end_round() || waiting.next.len() < least {
                return Ok(());
            }
            waiting.enough
        };
        let enough = match enough {
            Some(enough) => enough,
            // Once for a round: SQLite compiles it anew each time.
            None => {
                let pages: i64 =
                    connection.prepare_cached("PRAGMA page_count")?.query_row((), |row| row.get(0))?;
                let wanted = usize::try_from(pages).unwrap_or(usize::MAX).saturating_mul(OPENS_PER_PAGE);
                wanted.clamp(least, most)
            }
        };
        let mut waiting = self.waiting();
        waiting.enough = Some(enough);
        waiting.begin_round(enough);
        Ok(())
    }

    fn seen(&self) -> i64 {
        self.waiting().seen
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        locked(&self.waiting)
    }

    /// What is known, brought up to the state that a transaction of the writing connection sees.
    fn known(&self, transaction: &Transaction<'_>) -> Result<MutexGuard<'_, Known>> {
        let mut known = locked(&self.known);
        let version = transaction.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))?;
        if !known.is_of(version) {
            self.catch_up(transaction, self.seen())?;
            *known = Known::of(version);
        }
        Ok(known)
    }
}

/// A panic while it is held leaves hints too many, or nothing known, at the worst.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The row that holds the open of this number.
fn batch_with(connection: &Connection, seq: i64) -> Result<Option<Batch>> {
    let mut find = connection
        .prepare_cached("SELECT seq, opens FROM arrivals WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1")?;
    let mut found = find.query([seq])?;
    found.next()?.map(Batch::read).transpose()
}

/// The highest number of a row that was taken out before the ones after it.
fn taken(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached("SELECT seq FROM arrivals_taken")?.query_row((), |row| row.get(0))?)
}

/// Keeps the numbers up to this one from being given again, where the newest row may have been taken out.
fn take_numbers(transaction: &Transaction<'_>, last: i64) -> Result<()> {
    transaction.prepare_cached("UPDATE arrivals_taken SET seq = ?1 WHERE seq < ?1")?.execute([last])?;
    Ok(())
}

/// The number of the first open in the table; 0 where it is empty.
fn first(connection: &Connection) -> Result<i64> {
    let mut find = connection.prepare_cached("SELECT ifnull(min(seq), 0) FROM arrivals")?;
    Ok(find.query_row((), |row| row.get(0))?)
}

#[cfg(test)]
mod tests;
