//! Which opens wait, in the order of their way.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};
use std::ops::RangeInclusive;

use mailping_core::PingId;

/// An open that waits, in the order of pings, so of the tree: the ping's id as numbers, which are compared quicker than bytes, and the
/// open's own number.
pub(super) type Row = ((u64, u64), i64);

/// The rows in the order of their way. Each set is taken off as a whole, and only when the file holds none of it.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Every row up to this number has been in one of the sets.
    pub(super) seen: i64,
    /// Those that have come since the round began.
    pub(super) next: BTreeSet<Row>,
    /// Those of the present round, and the last of them whose fold is committed.
    pub(super) round: BTreeSet<Row>,
    pub(super) hand: Option<Row>,
    /// All rows of the round are up to this number.
    pub(super) round_end: i64,
    /// Those of the round before: all are in the tree, and leave the table.
    pub(super) leaving: BTreeSet<Row>,
    pub(super) leaving_end: i64,
    /// What was seen when it was last asked whether it rests.
    pub(super) tidied: i64,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.leaving.is_empty() && self.round.is_empty() && self.next.is_empty()
    }

    /// Lets the round leave that is folded, where the one before has left; whether there is none now.
    pub(super) fn end_round(&mut self) -> bool {
        if self.leaving.is_empty() && self.unfolded().next().is_none() {
            self.leaving = std::mem::take(&mut self.round);
            self.leaving_end = self.round_end;
        }
        self.round.is_empty()
    }

    pub(super) fn begin_round(&mut self, enough: usize) {
        if self.next.len() >= enough {
            self.round = std::mem::take(&mut self.next);
            self.round_end = self.seen;
            self.hand = None;
        }
    }

    pub(super) fn unfolded(&self) -> impl Iterator<Item = &Row> {
        let after = self.hand.map_or(Unbounded, Excluded);
        self.round.range((after, Unbounded))
    }

    pub(super) fn all_of(&self, ping: PingId) -> Vec<Row> {
        let sets = [&self.leaving, &self.round, &self.next];
        sets.into_iter().flat_map(|set| set.range(rows_of(ping))).copied().collect()
    }

    /// Adds rows of a file that holds the rows `there`.
    pub(super) fn take_over(&mut self, rows: &[Row], there: RangeInclusive<i64>) {
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

pub(super) fn rows_of(ping: PingId) -> RangeInclusive<Row> {
    (number(ping), i64::MIN)..=(number(ping), i64::MAX)
}

pub(super) const fn number(ping: PingId) -> (u64, u64) {
    let id = u128::from_be_bytes(*ping.as_bytes());
    ((id >> 64) as u64, id as u64)
}
