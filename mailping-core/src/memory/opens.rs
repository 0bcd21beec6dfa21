//! The opens of one ping: each id once.
//!
//! An open is appended and nothing else is looked at, since whatever else there is of its ping is most likely in no cache. Repeats are
//! taken out before more room is needed and before anybody reads.

use crate::Open;

#[derive(Debug, Default)]
pub(super) struct Opens {
    log: Vec<Open>,
    /// How many at the start are sorted by their ids and differ.
    settled: usize,
}

impl Opens {
    pub(super) fn keep(&mut self, open: &Open) {
        if self.log.len() == self.log.capacity() {
            // Room for as many again, so that the sorting stays rare.
            let kept = self.settled().len();
            self.log.reserve(kept.max(4));
        }
        self.log.push(open.clone());
    }

    /// Each open once, as it came first, in the order of the ids.
    pub(super) fn settled(&mut self) -> &[Open] {
        if self.settled < self.log.len() {
            // The sort is stable, so that of two with one id the first stays.
            self.log.sort_by_key(|open| open.id);
            self.log.dedup_by_key(|open| open.id);
            self.settled = self.log.len();
        }
        &self.log
    }

    /// Takes any one away; `false` where there is none.
    pub(super) fn forget_one(&mut self) -> bool {
        self.settled();
        let forgotten = self.log.pop().is_some();
        self.settled = self.log.len();
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetcher::{Fetcher, Verdict};
    use crate::{OpenId, PingId, Timestamp};

    fn open(id: u8, at: i64) -> Open {
        let at = Timestamp::from_unix_millis(at);
        let (ping, id) = (PingId::from_bytes([1; 16]), OpenId::from_bytes([id; 8]));
        Open::new(ping, id, at, Fetcher::Browser, Verdict::Human)
    }

    #[test]
    fn repeats_take_no_room_and_the_first_stays() {
        let mut opens = Opens::default();
        for round in 0..1_000 {
            for id in 0..5 {
                opens.keep(&open(id, round));
            }
        }
        assert!(opens.log.capacity() <= 32, "{}", opens.log.capacity());
        let kept: Vec<_> = opens.settled().iter().map(|open| open.at.unix_millis()).collect();
        assert_eq!(kept, [0; 5]);
    }
}
