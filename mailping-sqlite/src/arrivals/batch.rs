//! One row of `arrivals`: opens that arrived together, numbered one after the other.
//!
//! In its bytes each open is a length of two bytes, the lower first, and so many bytes with the fields of a [`KeptOpen`] in the format of
//! postcard, first those of its ping. One that was taken out has the length 0, so that the others keep their numbers.

use mailping_core::PingId;
use rusqlite::Row;

use crate::failure::{Failure, Result};
use crate::rows::KeptOpen;

/// With so many bytes it stands in one page, whatever its last open is.
const MOST_BYTES: usize = 3_600;
/// The most opens that it holds.
const MOST_OPENS: usize = 64;

pub(super) struct Batch {
    /// The number of its first open.
    pub(super) first: i64,
    pub(super) bytes: Vec<u8>,
    /// Where each open ends in the bytes, those that were taken out too.
    ends: Vec<u16>,
    /// What comes after them is not as [`Batch::push`] makes it.
    is_damaged: bool,
}

impl Batch {
    pub(super) const fn starting_with(first: i64) -> Self {
        Self { first, bytes: Vec::new(), ends: Vec::new(), is_damaged: false }
    }

    pub(super) fn push(&mut self, open: &KeptOpen<'_>) -> Result<()> {
        let start = self.bytes.len();
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.extend([0, 0]);
        let mut bytes = postcard::to_extend(open, bytes).map_err(|_| damaged())?;
        let length = u16::try_from(bytes.len() - start - 2).map_err(|_| damaged())?;
        bytes[start..start + 2].copy_from_slice(&length.to_le_bytes());
        self.ends.push(u16::try_from(bytes.len()).map_err(|_| damaged())?);
        self.bytes = bytes;
        Ok(())
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes.len() >= MOST_BYTES || self.ends.len() >= MOST_OPENS
    }

    /// Reads a row of `seq` and `opens`.
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self::from_bytes(row.get(0)?, row.get(1)?))
    }

    fn from_bytes(first: i64, bytes: Vec<u8>) -> Self {
        let ends: Vec<u16> =
            std::iter::successors(next_end(&bytes, 0), |end| next_end(&bytes, *end)).collect();
        let is_damaged = ends.last().map_or(0, |end| usize::from(*end)) != bytes.len();
        Self { first, bytes, ends, is_damaged }
    }

    pub(super) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    pub(super) fn last(&self) -> i64 {
        self.first + (self.ends.len() as i64 - 1).max(0)
    }

    /// The ping and the number of each open.
    pub(super) fn pings(&self) -> impl Iterator<Item = (PingId, i64)> {
        let ping = |entry: &[u8]| entry.first_chunk().map(|ping| PingId::from_bytes(*ping));
        self.entries().zip(self.first..).filter_map(move |(entry, seq)| Some((ping(entry)?, seq)))
    }

    /// Whether the open of this number is there and belongs to this ping.
    pub(super) fn holds(&self, seq: i64, ping: PingId) -> bool {
        self.entry(seq).is_some_and(|entry| entry.starts_with(ping.as_bytes()))
    }

    /// The open of this number; `None` where it is not there.
    pub(super) fn open(&self, seq: i64) -> Result<Option<KeptOpen<'_>>> {
        match self.entry(seq) {
            None if self.is_damaged => Err(damaged()),
            None | Some([]) => Ok(None),
            Some(entry) => postcard::from_bytes(entry).map(Some).map_err(|_| damaged()),
        }
    }

    /// Those of a ping that can be read.
    pub(super) fn opens_of(&self, ping: PingId) -> impl Iterator<Item = KeptOpen<'_>> {
        let of_ping = self.entries().filter(move |entry| entry.starts_with(ping.as_bytes()));
        of_ping.filter_map(|entry| postcard::from_bytes(entry).ok())
    }

    /// Its bytes without the opens of a ping; `None` where no other is left.
    pub(super) fn without(&self, ping: PingId) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut left = false;
        for entry in self.entries() {
            let entry = if entry.starts_with(ping.as_bytes()) { &[] } else { entry };
            left |= !entry.is_empty();
            bytes.extend((entry.len() as u16).to_le_bytes());
            bytes.extend(entry);
        }
        left.then_some(bytes)
    }

    fn entry(&self, seq: i64) -> Option<&[u8]> {
        self.entry_at(usize::try_from(seq - self.first).ok()?)
    }

    fn entry_at(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(usize::from(start) + 2..usize::from(end))
    }

    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).filter_map(|place| self.entry_at(place))
    }
}

/// Where the open ends that starts here; `None` where there is none.
fn next_end(bytes: &[u8], start: u16) -> Option<u16> {
    let (length, after) = bytes.get(start.into()..)?.split_first_chunk()?;
    let length = u16::from_le_bytes(*length);
    (usize::from(length) <= after.len()).then(|| start.checked_add(2)?.checked_add(length))?
}

const fn damaged() -> Failure {
    Failure::corrupt("arrivals.opens")
}

#[cfg(test)]
mod tests {
    use mailping_core::fetcher::{Fetcher, Verdict};
    use mailping_core::{MaskedIp, Open, OpenId, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn open(ping: u8, city: &str) -> Open {
        let at = Timestamp::from_unix_millis(1_795_428_000_000);
        let (ping, id) = (PingId::from_bytes([ping; 16]), OpenId::from_bytes([9; 8]));
        let mut open = Open::new(ping, id, at, Fetcher::Browser, Verdict::Human);
        open.network = Some("192.0.2.0/24".parse().unwrap());
        open.city = Some(city.parse().unwrap());
        open
    }

    fn batch(opens: &[Open]) -> Batch {
        let mut batch = Batch::starting_with(7);
        opens.iter().for_each(|open| batch.push(&KeptOpen::of(open)).unwrap());
        Batch::from_bytes(batch.first, batch.bytes)
    }

    fn all(batch: &Batch) -> Vec<Option<Open>> {
        let kept = (batch.first..=batch.last()).map(|seq| batch.open(seq).unwrap());
        kept.map(|kept| kept.map(|kept| kept.open().unwrap())).collect()
    }

    #[test]
    fn opens_come_back_and_those_taken_out_leave_the_others_their_numbers() {
        let opens = [open(1, "Bonn"), open(2, "Köln"), open(1, "Trier")];
        let whole = batch(&opens);
        assert_eq!(all(&whole), opens.clone().map(Some));
        assert_eq!(whole.last(), 9);
        assert!(whole.open(6).unwrap().is_none() && whole.open(10).unwrap().is_none());
        let rest = Batch::from_bytes(7, whole.without(opens[0].ping).unwrap());
        assert_eq!(all(&rest), [None, Some(opens[1].clone()), None]);
        assert_eq!(rest.pings().collect::<Vec<_>>(), [(opens[1].ping, 8)]);
        assert!(!rest.bytes.windows(4).any(|window| window == b"Bonn"));
        assert_eq!(rest.without(opens[1].ping), None, "none is left");
    }

    #[test]
    fn it_is_full_while_the_longest_open_still_has_room_in_the_page() {
        let longest = open(1, &"x".repeat(128));
        let mut full = Batch::starting_with(1);
        while !full.is_full() {
            full.push(&KeptOpen::of(&longest)).unwrap();
        }
        // What a table's page of 4,096 bytes holds of one row: sqlite.org/fileformat2.html, 1.6.
        assert!(full.bytes.len() < 4_096 - 35 - 18, "{}", full.bytes.len());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_give_what_may_not_be_kept(
            noise in any::<Vec<u8>>(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = batch(&[open(1, "Bonn"), open(2, "Köln")]).bytes;
            let place = at.index(bytes.len());
            bytes[place] = byte;
            for bytes in [noise, bytes] {
                let batch = Batch::from_bytes(1, bytes);
                for seq in 0..=batch.last() + 1 {
                    if let Ok(Some(kept)) = batch.open(seq) && let Ok(open) = kept.open() {
                        prop_assert!(open.network.is_none_or(|network| MaskedIp::from_network(network.network()).is_ok()));
                    }
                }
                let (ping, _) = batch.pings().next().unwrap_or((PingId::from_bytes([1; 16]), 1));
                let _ = batch.opens_of(ping).count();
                if let Some(rest) = batch.without(ping) {
                    prop_assert!(Batch::from_bytes(1, rest).pings().all(|(other, _)| other != ping));
                }
            }
        }
    }
}
