//! The opens that are not in the index yet, in memory: all whose number is above the index's mark.
//!
//! The table alone says what there is. What is here are hints, and always more of them rather than
//! fewer: a hint without an open is no harm, an open without a hint would be missed by receipts
//! until its round.

use std::collections::BTreeSet;
use std::ops::Bound::Excluded;

use mailping_core::Timestamp;
use mailping_core::receipts::OpenId;
use mailping_core::store::{OpenCursor, Order};

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
    pub(crate) order: Order,
    /// All of them are between these two, which are no entries.
    pub(crate) low: Entry,
    pub(crate) high: Entry,
}

impl Span {
    pub(crate) fn new(ping: i64, order: Order, after: Option<OpenCursor>) -> Self {
        let mut low = Entry { ping, at: i64::MIN, id: 0, seq: i64::MIN };
        let mut high = Entry { ping, at: i64::MAX, id: u64::MAX, seq: i64::MAX };
        if let Some(OpenCursor { at, id, .. }) = after {
            let at = at.unix_millis();
            let id = u64::from_be_bytes(*id.as_bytes());
            match order {
                Order::OldestFirst => low = Entry { at, id, ..high },
                Order::NewestFirst => high = Entry { at, id, ..low },
            }
        }
        Self { order, low, high }
    }

    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        self.low < *entry && *entry < self.high
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// As far as the table was looked at.
    pub(crate) seen: i64,
    /// What is left of the present round: of opens up to the number `round_end`.
    round: BTreeSet<Entry>,
    round_end: i64,
    /// Those that have come since it began.
    next: BTreeSet<Entry>,
    /// The index cannot be written: nothing is remembered, and who reads looks into the table.
    pub(crate) is_broken: bool,
}

impl Tail {
    /// Every open up to this number is in the index or here.
    pub(crate) const fn known_to(&self) -> i64 {
        if self.is_broken { 0 } else { self.seen }
    }

    /// Takes over what stands in the table above the index's mark and was not known yet.
    pub(crate) fn catch_up(&mut self, mark: i64, entries: &[Entry]) {
        if mark >= self.round_end {
            self.round.clear();
        }
        if mark > self.round_end {
            // Another process has indexed these.
            self.next.retain(|entry| entry.seq > mark);
            self.round_end = mark;
        }
        let seen = self.seen.max(mark);
        if !self.is_broken {
            self.next.extend(entries.iter().filter(|entry| entry.seq > seen));
        }
        self.seen = entries.last().map_or(seen, |last| last.seq.max(seen));
    }

    /// Whether a round is under way, or so many wait for the next.
    pub(crate) fn has_round(&self, enough: usize) -> bool {
        !self.round.is_empty() || self.next.len() >= enough
    }

    /// The next of the present round, in order, and the mark that is reached with the last of it. A
    /// round begins if there is none and `enough` wait for one.
    pub(crate) fn slice(&mut self, enough: usize, most: usize) -> (Vec<Entry>, Option<i64>) {
        if self.round.is_empty() && self.next.len() >= enough {
            (self.round, self.round_end) = (std::mem::take(&mut self.next), self.seen);
        }
        let slice: Vec<Entry> = self.round.iter().take(most).copied().collect();
        let is_last = !slice.is_empty() && slice.len() == self.round.len();
        (slice, is_last.then_some(self.round_end))
    }

    /// Forgets a slice once it is in the index, durably.
    pub(crate) fn indexed(&mut self, slice: &[Entry]) {
        for entry in slice {
            self.round.remove(entry);
        }
    }

    /// Forgets everything, since the index takes nothing any more.
    pub(crate) fn break_off(&mut self) {
        *self = Self { is_broken: true, seen: self.seen, ..Self::default() };
    }

    /// Whether an open is here, under whatever number.
    pub(crate) fn holds(&self, open: &Entry) -> bool {
        let span = Entry { seq: i64::MIN, ..*open }..=Entry { seq: i64::MAX, ..*open };
        [&self.round, &self.next].iter().any(|set| set.range(span.clone()).next().is_some())
    }

    /// The first `most` entries of a span.
    pub(crate) fn some_of(&self, span: &Span, most: usize) -> Vec<Entry> {
        let mut found = Vec::new();
        for set in [&self.round, &self.next] {
            let all = set.range((Excluded(span.low), Excluded(span.high))).copied();
            match span.order {
                Order::OldestFirst => found.extend(all.take(most)),
                Order::NewestFirst => found.extend(all.rev().take(most)),
            }
        }
        found
    }
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
        tail.indexed(&[entry(1, 5, 2)]);
        tail.catch_up(0, &[entry(1, 9, 3)]);
        let (last, mark) = tail.slice(1, 9);
        assert_eq!((&last[..], mark), (&[entry(2, 5, 1)][..], Some(2)));
        tail.indexed(&last);
        tail.indexed(&last);
        assert_eq!(tail.slice(1, 9), (vec![entry(1, 9, 3)], Some(3)));
        // Another process was faster.
        tail.catch_up(4, &[entry(1, 9, 5)]);
        assert_eq!(tail.slice(1, 9), (vec![entry(1, 9, 5)], Some(5)));
    }

    #[test]
    fn what_is_known_is_not_taken_over_again() {
        let mut tail = Tail::default();
        tail.catch_up(0, &[entry(1, 5, 1), entry(1, 5, 2)]);
        tail.slice(1, 1);
        tail.catch_up(0, &[entry(1, 5, 2), entry(1, 5, 3)]);
        assert_eq!((tail.round.len(), tail.next.len(), tail.seen), (2, 1, 3));
        tail.break_off();
        tail.catch_up(0, &[entry(1, 5, 1)]);
        assert_eq!((tail.known_to(), tail.next.len()), (0, 0), "it all comes from the table then");
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
                    for order in [Order::OldestFirst, Order::NewestFirst] {
                        let mut expected: Vec<Entry> = all.iter().copied().filter(|entry| entry.ping == ping)
                            .filter(|entry| after.is_none_or(|after| match order {
                                Order::OldestFirst => entry.cursor() > after,
                                Order::NewestFirst => entry.cursor() < after,
                            })).collect();
                        let span = Span::new(ping, order, after);
                        prop_assert!(all.iter().all(|entry| span.holds(entry) == expected.contains(entry)));
                        let mut found = tail.some_of(&span, most);
                        for list in [&mut expected, &mut found] {
                            list.sort_unstable();
                            if order == Order::NewestFirst {
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
