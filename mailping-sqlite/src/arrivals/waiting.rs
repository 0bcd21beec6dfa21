//! Which opens wait, in the order of their way.

use std::ops::RangeInclusive;

use mailping_core::PingId;

use super::sorted::{Row, Sorted, number, rows_of};

/// How many opens more are folded at the most, so that those of a ping are bundled.
const MORE: usize = 64;

/// The rows in the order of their way. Each part is taken off as a whole, and only when the file holds none of it.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Every row up to this number has been in one of the parts.
    pub(super) seen: i64,
    /// Those that have come since the round began.
    pub(super) next: Sorted,
    /// How many of them begin a round, where that has been asked.
    pub(super) enough: Option<usize>,
    /// Those of the present round, in order, and the last of them whose fold is committed.
    round: Vec<Row>,
    pub(super) hand: Option<Row>,
    /// All rows of the round are up to this number.
    round_end: i64,
    /// Those of the round before: all are in bundles, and leave the table.
    pub(super) leaving: Vec<Row>,
    pub(super) leaving_end: i64,
    /// What was seen when it was last asked whether it rests.
    pub(super) tidied: i64,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.leaving.len() + self.round.len() + self.next.len()
    }

    /// Adds those that are not known yet; all up to the last of them are known then.
    pub(super) fn add(&mut self, mut rows: Vec<Row>, last: i64) {
        rows.retain(|&(_, seq)| seq > self.seen);
        self.next.add(rows);
        self.seen = self.seen.max(last);
    }

    /// Lets the round leave that is folded, where the one before has left; whether there is none now.
    pub(super) fn end_round(&mut self) -> bool {
        if self.leaving.is_empty() && self.unfolded().is_empty() {
            self.leaving = std::mem::take(&mut self.round);
            self.leaving_end = self.round_end;
        }
        self.round.is_empty()
    }

    pub(super) fn begin_round(&mut self, enough: usize) {
        if self.next.len() >= enough {
            self.enough = None;
            self.round = self.next.take();
            self.round_end = self.seen;
            self.hand = None;
        }
    }

    pub(super) fn unfolded(&self) -> &[Row] {
        &self.round[self.round.partition_point(|row| Some(*row) <= self.hand)..]
    }

    /// The next `most` to be folded, and the others of the last ping if they are not many more: each bundle
    /// costs a row.
    pub(super) fn next_to_fold(&self, most: usize) -> Vec<Row> {
        let rows = self.unfolded();
        let (next, rest) = rows.split_at(most.min(rows.len()));
        let last = next.last();
        let more = rest.iter().take(MORE).take_while(|row| last.is_some_and(|last| last.0 == row.0));
        next.iter().chain(more).copied().collect()
    }

    pub(super) fn unfolded_of(&self, ping: PingId) -> Vec<Row> {
        rows_of(self.unfolded(), ping).iter().chain(self.next.of(ping)).copied().collect()
    }

    pub(super) fn all_of(&self, ping: PingId) -> Vec<Row> {
        let old = [&self.leaving, &self.round].into_iter().flat_map(|rows| rows_of(rows, ping));
        old.chain(self.next.of(ping)).copied().collect()
    }

    /// Forgets rows of a ping, the numbers in order.
    pub(super) fn forget(&mut self, ping: PingId, numbers: &[i64]) {
        let ping = number(ping);
        let stays = |(of, seq): &Row| *of != ping || numbers.binary_search(seq).is_err();
        self.leaving.retain(stays);
        self.round.retain(stays);
        self.next.retain(stays);
    }

    /// Adds rows of a file that holds the rows `there`.
    pub(super) fn take_over(&mut self, rows: Vec<Row>, there: RangeInclusive<i64>) {
        self.add(rows, *there.end());
        // What another process has folded and taken out leaves hints behind: swept when they are the most of all. Only those before the
        // first row: a reader of an older state does not know the last.
        let length = usize::try_from(there.end() - there.start()).unwrap_or(usize::MAX);
        if self.len() / 2 > length.max(1_000) {
            let is_there = |(_, seq): &Row| seq >= there.start();
            self.leaving.retain(is_there);
            self.round.retain(is_there);
            self.next.retain(is_there);
        }
    }
}
