//! The bytes of opens that have arrived, so that the file need not be asked for them when they are folded: by number, since a search for each
//! would cost more than all else.

use std::collections::VecDeque;

use super::batch::Batch;

/// How many bytes a segment has: the memory comes and goes in such pieces, so that a hit never waits for much of it.
const SEGMENT: usize = 65_536;
/// How many bytes of opens are remembered at the most.
const MOST_BYTES: usize = 48 << 20;
/// The place of an open that is not here.
const NOWHERE: u64 = u64::MAX;

#[derive(Default)]
pub(super) struct Remembered {
    /// The number of the first place.
    first: i64,
    /// Where the open of each number begins, as if all segments that ever were stood one after the other.
    places: VecDeque<u64>,
    /// Each open is its length in two bytes, the lower first, and its bytes.
    segments: VecDeque<Vec<u8>>,
    /// How many segments have gone.
    gone: u64,
}

impl Remembered {
    pub(super) fn open(&self, number: i64) -> Option<&[u8]> {
        let place = *self.places.get(usize::try_from(number - self.first).ok()?)?;
        let segment = usize::try_from((place / SEGMENT as u64).checked_sub(self.gone)?).ok()?;
        let (length, bytes) =
            self.segments.get(segment)?.get(place as usize % SEGMENT..)?.split_first_chunk()?;
        bytes.get(..u16::from_le_bytes(*length).into())
    }

    /// Takes over a batch; what stands before a gap in the numbers is forgotten.
    pub(super) fn add(&mut self, batch: &Batch) {
        if self.places.is_empty() || batch.first != self.first + self.places.len() as i64 {
            *self = Self { first: batch.first, ..Self::default() };
        }
        for entry in batch.entries() {
            let place = self.place_for(entry);
            self.places.push_back(place);
        }
    }

    fn place_for(&mut self, entry: &[u8]) -> u64 {
        let Ok(length) = u16::try_from(entry.len()) else { return NOWHERE };
        let room = |segment: &Vec<u8>| segment.len() + 2 + entry.len() <= SEGMENT;
        if !self.segments.back().is_some_and(room) {
            if 2 + entry.len() > SEGMENT || (self.segments.len() + 1) * SEGMENT > MOST_BYTES {
                return NOWHERE;
            }
            self.segments.push_back(Vec::with_capacity(SEGMENT));
        }
        let before = self.gone + self.segments.len() as u64 - 1;
        let Some(segment) = self.segments.back_mut() else { return NOWHERE };
        let place = before * SEGMENT as u64 + segment.len() as u64;
        segment.extend(length.to_le_bytes());
        segment.extend(entry);
        place
    }

    pub(super) fn forget(&mut self, number: i64) {
        let place = usize::try_from(number - self.first).ok().and_then(|place| self.places.get_mut(place));
        if let Some(place) = place {
            *place = NOWHERE;
        }
    }

    /// Forgets some of the opens up to this number, all of which are in bundles: few at a time, since each takes a while.
    pub(super) fn forget_some(&mut self, end: i64, most: usize) {
        let count = usize::try_from(end - self.first + 1).unwrap_or(0).min(most).min(self.places.len());
        self.places.drain(..count);
        self.first += count as i64;
        let needed = match self.places.iter().take(most).find(|place| **place != NOWHERE) {
            Some(place) => place / SEGMENT as u64,
            None if self.places.len() <= most => u64::MAX,
            None => self.gone,
        };
        while needed > self.gone && self.segments.pop_front().is_some() {
            self.gone += 1;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use mailping_core::fetcher::{Fetcher, Verdict};
    use mailping_core::receipts::{Open, OpenId};
    use mailping_core::{PingId, Timestamp};

    use super::*;
    use crate::rows::KeptOpen;

    fn batch(first: i64, opens: u8) -> Batch {
        let mut batch = Batch::starting_with(first);
        for n in 0..opens {
            let id = OpenId::from_bytes((first + i64::from(n)).to_be_bytes());
            let at = Timestamp::from_unix_millis(1_795_428_000_000);
            let open = Open::new(PingId::from_bytes([7; 16]), id, at, Fetcher::Browser, Verdict::Human);
            batch.push(&KeptOpen::of(&open)).unwrap();
        }
        batch
    }

    fn id(remembered: &Remembered, number: i64) -> Option<i64> {
        let open: KeptOpen<'_> = postcard::from_bytes(remembered.open(number)?).unwrap();
        Some(i64::from_be_bytes(*open.fields.open(PingId::from_bytes([7; 16])).unwrap().id.as_bytes()))
    }

    #[test]
    fn each_open_is_found_by_its_number_until_it_is_forgotten() {
        let mut remembered = Remembered::default();
        (0..500).for_each(|n| remembered.add(&batch(1_000 + n * 10, 10)));
        assert!(remembered.segments.len() > 2);
        assert_eq!((id(&remembered, 999), id(&remembered, 6_000)), (None, None));
        (1_000..6_000).for_each(|number| assert_eq!(id(&remembered, number), Some(number)));
        (2_000..2_010).for_each(|number| remembered.forget(number));
        remembered.forget_some(1_499, 200);
        assert_eq!((id(&remembered, 1_199), id(&remembered, 1_200)), (None, Some(1_200)));
        for number in 1_200..6_000 {
            let is_forgotten = (2_000..2_010).contains(&number);
            assert_eq!(id(&remembered, number), (!is_forgotten).then_some(number));
        }
        let before = remembered.segments.len();
        remembered.forget_some(4_999, 9_999);
        assert!(remembered.segments.len() < before);
        (5_000..6_000).for_each(|number| assert_eq!(id(&remembered, number), Some(number)));
        remembered.forget_some(6_500, 9_999);
        assert!(remembered.segments.is_empty() && remembered.places.is_empty());
        remembered.add(&batch(9_000, 1));
        assert_eq!((id(&remembered, 9_000), id(&remembered, 6_000)), (Some(9_000), None));
    }

    #[test]
    fn what_comes_when_it_is_full_is_not_remembered() {
        let mut remembered = Remembered::default();
        let mut first = 1;
        while remembered.segments.len() * SEGMENT < MOST_BYTES || id(&remembered, first - 1).is_some() {
            remembered.add(&batch(first, 64));
            first += 64;
        }
        assert_eq!(remembered.segments.len() * SEGMENT, MOST_BYTES);
        remembered.forget_some(50_000, usize::MAX);
        remembered.add(&batch(first, 1));
        assert_eq!((id(&remembered, first - 1), id(&remembered, first)), (None, Some(first)));
    }
}
