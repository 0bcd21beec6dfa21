//! One row of `arrivals`: opens that arrived together, numbered one after the other.

use mailping_core::PingId;
use rusqlite::Row;

use crate::failure::{Failure, Result};
use crate::packed::Packed;
use crate::rows::KeptOpen;

/// With so many bytes it stands in one page, whatever its last open is.
const MOST_BYTES: usize = 3_600;
/// The most opens that it holds.
const MOST_OPENS: usize = 64;

pub(super) struct Batch {
    /// The number of its first open.
    pub(super) first: i64,
    opens: Packed,
}

impl Batch {
    pub(super) fn starting_with(first: i64) -> Self {
        Self { first, opens: Packed::default() }
    }

    pub(super) fn push(&mut self, open: &KeptOpen<'_>) -> Result<()> {
        self.opens.push(open)
    }

    pub(super) fn is_full(&self) -> bool {
        self.opens.bytes().len() >= MOST_BYTES || self.opens.len() >= MOST_OPENS
    }

    /// Reads a row of `seq` and `opens`.
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self::from_bytes(row.get(0)?, row.get(1)?))
    }

    fn from_bytes(first: i64, bytes: Vec<u8>) -> Self {
        Self { first, opens: Packed::from_bytes(bytes) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.opens.bytes()
    }

    pub(super) const fn is_damaged(&self) -> bool {
        self.opens.is_damaged()
    }

    pub(super) fn last(&self) -> i64 {
        self.first + (self.opens.len() as i64 - 1).max(0)
    }

    /// The ping and the number of each open.
    pub(super) fn pings(&self) -> impl Iterator<Item = (PingId, i64)> {
        let ping = |entry: &[u8]| entry.first_chunk().map(|ping| PingId::from_bytes(*ping));
        self.opens.entries().zip(self.first..).filter_map(move |(entry, seq)| Some((ping(entry)?, seq)))
    }

    /// The open of this number; `None` where it is not there.
    pub(super) fn open(&self, seq: i64) -> Result<Option<KeptOpen<'_>>> {
        match self.entry(seq) {
            None if self.is_damaged() => Err(damaged()),
            None | Some([]) => Ok(None),
            Some(entry) => postcard::from_bytes(entry).map(Some).map_err(|_| damaged()),
        }
    }

    /// The fields of the open of this number, as bytes, where it is there and belongs to this ping.
    pub(super) fn fields(&self, seq: i64, ping: PingId) -> Option<&[u8]> {
        self.entry(seq)?.strip_prefix(ping.as_bytes())
    }

    /// The number and the fields of each open of a ping.
    pub(super) fn fields_of(&self, ping: PingId) -> impl Iterator<Item = (i64, &[u8])> {
        let numbered = (self.first..).zip(self.opens.entries());
        numbered.filter_map(move |(seq, entry)| Some((seq, entry.strip_prefix(ping.as_bytes())?)))
    }

    /// Its bytes without the opens of a ping; `None` where no other is left.
    pub(super) fn without(&self, ping: PingId) -> Result<Option<Vec<u8>>> {
        let mut rest = Packed::default();
        let mut left = false;
        for entry in self.opens.entries() {
            let entry = if entry.starts_with(ping.as_bytes()) { &[] } else { entry };
            left |= !entry.is_empty();
            rest.add(entry)?;
        }
        Ok(left.then(|| rest.bytes().to_vec()))
    }

    /// The bytes of each open.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.opens.entries()
    }

    fn entry(&self, seq: i64) -> Option<&[u8]> {
        self.opens.entry(usize::try_from(seq - self.first).ok()?)
    }
}

const fn damaged() -> Failure {
    Failure::corrupt("arrivals.opens")
}

#[cfg(test)]
mod tests {
    use mailping_core::Timestamp;
    use mailping_core::fetcher::{Fetcher, Verdict};
    use mailping_core::intake::MaskedIp;
    use mailping_core::receipts::{Open, OpenId};
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
        Batch::from_bytes(batch.first, batch.bytes().to_vec())
    }

    fn all(batch: &Batch) -> Vec<Option<Open>> {
        let kept = (batch.first..=batch.last()).map(|seq| batch.open(seq).unwrap());
        kept.map(|kept| kept.map(|kept| kept.fields.open(PingId::from_bytes(kept.ping)).unwrap())).collect()
    }

    #[test]
    fn opens_come_back_and_those_taken_out_leave_the_others_their_numbers() {
        let opens = [open(1, "Bonn"), open(2, "Köln"), open(1, "Trier")];
        let whole = batch(&opens);
        assert_eq!(all(&whole), opens.clone().map(Some));
        assert_eq!(whole.last(), 9);
        assert!(whole.open(6).unwrap().is_none() && whole.open(10).unwrap().is_none());
        let rest = Batch::from_bytes(7, whole.without(opens[0].ping).unwrap().unwrap());
        assert_eq!(all(&rest), [None, Some(opens[1].clone()), None]);
        assert_eq!(rest.pings().collect::<Vec<_>>(), [(opens[1].ping, 8)]);
        assert!(!rest.bytes().windows(4).any(|window| window == b"Bonn"));
        assert_eq!(rest.without(opens[1].ping).unwrap(), None, "none is left");
    }

    #[test]
    fn it_is_full_while_the_longest_open_still_has_room_in_the_page() {
        let longest = open(1, &"x".repeat(128));
        let mut full = Batch::starting_with(1);
        while !full.is_full() {
            full.push(&KeptOpen::of(&longest)).unwrap();
        }
        // What a table's page of 4,096 bytes holds of one row: sqlite.org/fileformat2.html, 1.6.
        assert!(full.bytes().len() < 4_096 - 35 - 18, "{}", full.bytes().len());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_give_what_may_not_be_kept(
            noise in any::<Vec<u8>>(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = batch(&[open(1, "Bonn"), open(2, "Köln")]).bytes().to_vec();
            let place = at.index(bytes.len());
            bytes[place] = byte;
            for bytes in [noise, bytes] {
                let batch = Batch::from_bytes(1, bytes);
                for seq in 0..=batch.last() + 1 {
                    if let Ok(Some(kept)) = batch.open(seq)
                        && let Ok(open) = kept.fields.open(PingId::from_bytes(kept.ping))
                    {
                        prop_assert!(open.network.is_none_or(|network| MaskedIp::from_network(network.network()).is_ok()));
                    }
                }
                let (ping, _) = batch.pings().next().unwrap_or((PingId::from_bytes([1; 16]), 1));
                let _ = batch.fields_of(ping).count();
                if let Some(rest) = batch.without(ping).unwrap() {
                    prop_assert!(Batch::from_bytes(1, rest).pings().all(|(other, _)| other != ping));
                }
            }
        }
    }
}
