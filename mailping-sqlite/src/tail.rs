//! The opens that are not in the index yet, in memory: all whose number is above the index's mark.
//!
//! The table alone says what there is. What is here are hints, and always more of them rather than
//! fewer: a hint without an open is no harm, an open without a hint would be missed by receipts
//! until its round.

use mailping_core::Timestamp;
use mailping_core::receipts::OpenId;
use mailping_core::store::OpenCursor;

use crate::index::Round;

/// In which direction opens are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// An open's place in the order of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// Every open up to this number is in the index or here.
    pub(crate) seen: i64,
    /// Those that have come since the round began.
    next: Sorted,
    /// Those of the present round, all up to the number `round_end`; the first `done` are in the
    /// index.
    round: Vec<Entry>,
    done: usize,
    round_end: i64,
    /// The index cannot be written: nothing is remembered, and who reads looks into the table.
    pub(crate) is_broken: bool,
}

/// Some of a ping's entries, in an order.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) entries: Vec<Entry>,
    /// There are more behind the last of them.
    pub(crate) is_cut: bool,
}

impl Tail {
    /// Adds those that are not known yet; all up to `last` are known then.
    pub(crate) fn add(&mut self, mut entries: Vec<Entry>, last: i64) {
        if self.is_broken {
            return;
        }
        entries.retain(|entry| entry.seq > self.seen);
        self.next.add(entries);
        self.seen = self.seen.max(last);
    }

    pub(crate) fn len(&self) -> usize {
        self.next.len() + self.round.len() - self.done
    }

    /// Forgets what is in the index.
    pub(crate) fn forget_to(&mut self, mark: i64) {
        if mark >= self.round_end {
            (self.round, self.done) = (Vec::new(), 0);
        }
        self.next.forget_to(mark);
        self.seen = self.seen.max(mark);
    }

    /// Begins a round if there is none and so many wait.
    pub(crate) fn begin_round(&mut self, enough: usize) {
        if self.round.is_empty() && self.next.len() >= enough.max(1) {
            (self.round, self.done, self.round_end) = (self.next.take(), 0, self.seen);
        }
    }

    /// The next of the round, in order, and the mark that is reached with the last of it.
    pub(crate) fn slice(&self, most: usize) -> (&[Entry], Option<i64>) {
        let rest = &self.round[self.done..];
        let slice = &rest[..most.min(rest.len())];
        (slice, (!rest.is_empty() && slice.len() == rest.len()).then_some(self.round_end))
    }

    /// Notes what has come into the index, durably.
    pub(crate) fn advanced(&mut self, round: &Round) {
        self.done += round.indexed;
        if self.done >= self.round.len() {
            (self.round, self.done) = (Vec::new(), 0);
        }
    }

    /// Forgets everything, since the index takes nothing any more.
    pub(crate) fn break_off(&mut self) {
        *self = Self { is_broken: true, ..Self::default() };
    }

    pub(crate) fn holds(&self, ping: i64, at: i64, id: u64) -> bool {
        let is_there = |run: &[Entry]| {
            let place = run.partition_point(|entry| (entry.ping, entry.at, entry.id) < (ping, at, id));
            run.get(place).is_some_and(|entry| (entry.ping, entry.at, entry.id) == (ping, at, id))
        };
        self.runs().any(is_there)
    }

    /// The numbers of a ping's opens.
    pub(crate) fn all_of(&self, ping: i64) -> impl Iterator<Item = i64> {
        self.runs().flat_map(move |run| of(run, ping)).map(|entry| entry.seq)
    }

    /// The first `most` of a ping's entries after a place, in an order.
    pub(crate) fn some_of(&self, ping: i64, order: Order, after: Option<OpenCursor>, most: usize) -> Part {
        let mut found = Part::default();
        for run in self.runs() {
            let run = of(run, ping);
            let place = |entry: &Entry| after.map(|after| entry.cursor().cmp(&after));
            let (taken, left) = match order {
                Order::OldestFirst => {
                    let start = run.partition_point(|entry| place(entry).is_some_and(|place| place.is_le()));
                    let end = run.len().min(start.saturating_add(most));
                    (&run[start..end], run.len() - end)
                }
                Order::NewestFirst => {
                    let end = run.partition_point(|entry| place(entry).is_none_or(|place| place.is_lt()));
                    let start = end.saturating_sub(most);
                    (&run[start..end], start)
                }
            };
            found.entries.extend(taken);
            found.is_cut |= left > 0;
        }
        sort(&mut found.entries, order);
        found.is_cut |= found.entries.len() > most;
        found.entries.truncate(most);
        found
    }

    fn runs(&self) -> impl Iterator<Item = &[Entry]> {
        std::iter::once(self.round.as_slice()).chain(self.next.runs.iter().map(Vec::as_slice))
    }
}

pub(crate) fn sort(entries: &mut [Entry], order: Order) {
    entries.sort_unstable();
    if order == Order::NewestFirst {
        entries.reverse();
    }
}

/// Those of a ping among sorted entries.
fn of(run: &[Entry], ping: i64) -> &[Entry] {
    let start = run.partition_point(|entry| entry.ping < ping);
    let length = run[start..].partition_point(|entry| entry.ping == ping);
    &run[start..start + length]
}

/// Sorted runs, each less than half as long as the one before: an entry is merged once for each
/// time that they double. A search tree would cost a hit a microsecond, since each place of it is
/// far from the last one.
#[derive(Debug, Default)]
struct Sorted {
    runs: Vec<Vec<Entry>>,
}

impl Sorted {
    fn add(&mut self, mut entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        entries.sort();
        while let Some(mut longer) = self.runs.pop_if(|before| before.len() < 2 * entries.len()) {
            // The sort finds the two runs, and merges them.
            longer.append(&mut entries);
            longer.sort();
            entries = longer;
        }
        self.runs.push(entries);
    }

    fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// All entries as one run.
    fn take(&mut self) -> Vec<Entry> {
        let mut all = std::mem::take(&mut self.runs).concat();
        all.sort();
        all
    }

    fn forget_to(&mut self, mark: i64) {
        self.runs.iter_mut().for_each(|run| run.retain(|entry| entry.seq > mark));
        self.runs.retain(|run| !run.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(ping: i64, at: i64, seq: i64) -> Entry {
        Entry { ping, at, id: seq.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15), seq }
    }

    proptest! {
        /// Whatever comes when, and wherever a round stands: each ping's entries are found, from
        /// any place in both directions.
        #[test]
        fn entries_are_found_in_both_directions_however_they_came(
            runs in proptest::collection::vec(proptest::collection::vec((0..5_i64, 0..9_i64), 0..20), 1..20),
            round_at in 0..20_usize, done in 0..50_usize, most in 1..30_usize, start in 0..9_i64,
        ) {
            let (mut tail, mut all, mut seq) = (Tail::default(), Vec::<Entry>::new(), 0);
            for (step, run) in runs.into_iter().enumerate() {
                let run: Vec<Entry> = run.into_iter().map(|(ping, at)| { seq += 1; entry(ping, at, seq) }).collect();
                all.extend(&run);
                tail.add(run, seq);
                if step == round_at {
                    tail.begin_round(1);
                    let count = tail.slice(done).0.len();
                    if count < tail.round.len() {
                        tail.advanced(&Round { indexed: count });
                    }
                }
            }
            all.sort();
            for ping in 0..5 {
                for after in [None, Some(OpenCursor::new(Timestamp::from_unix_millis(start), OpenId::from_bytes([0x7f; 8])))] {
                    let later: Vec<Entry> = all.iter().copied()
                        .filter(|entry| entry.ping == ping && after.is_none_or(|after| entry.cursor() > after)).collect();
                    let found = tail.some_of(ping, Order::OldestFirst, after, most);
                    prop_assert_eq!(&found.entries[..], &later[..most.min(later.len())]);
                    prop_assert_eq!(found.is_cut, later.len() > most);
                    let mut earlier: Vec<Entry> = all.iter().copied()
                        .filter(|entry| entry.ping == ping && after.is_none_or(|after| entry.cursor() < after)).collect();
                    earlier.reverse();
                    let found = tail.some_of(ping, Order::NewestFirst, after, most);
                    prop_assert_eq!(&found.entries[..], &earlier[..most.min(earlier.len())]);
                    prop_assert_eq!(found.is_cut, earlier.len() > most);
                }
            }
            prop_assert!(all.iter().all(|entry| tail.holds(entry.ping, entry.at, entry.id)));
            tail.forget_to(seq);
            prop_assert_eq!(tail.len(), 0);
        }
    }
}
