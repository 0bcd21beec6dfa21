//! What the writing connection remembers of the file, so that it need not be asked for each hit: good until another connection writes.

use std::collections::{HashMap, VecDeque};

use mailping_core::PingId;
use rusqlite::{OptionalExtension as _, Transaction};

use super::batch::Batch;
use crate::failure::Result;
use crate::rows::KeptOpen;

/// How many pings are remembered, some 3 MB of memory.
const MOST_PINGS: usize = 65_536;
/// How many bytes of memory batches take at the most, and how many a batch takes besides its opens, about.
const MOST_BYTES: usize = 48 << 20;
const EACH: usize = 160;

#[derive(Default)]
pub(super) struct Known {
    /// The state that it is of (`PRAGMA data_version`); at first of none.
    version: Option<i64>,
    /// Until when a ping records, of those that do. A transaction that may change it forgets all first.
    recording: HashMap<PingId, i64>,
    /// Batches that were appended in this state, by the numbers of their opens.
    pub(super) batches: VecDeque<Batch>,
    bytes: usize,
}

impl Known {
    pub(super) fn of(version: i64) -> Self {
        Self { version: Some(version), ..Self::default() }
    }

    pub(super) fn is_of(&self, version: i64) -> bool {
        self.version == Some(version)
    }

    /// Until when a ping records; `None` where it does not.
    pub(super) fn records_until(
        &mut self,
        transaction: &Transaction<'_>,
        ping: PingId,
    ) -> Result<Option<i64>> {
        if let Some(&until) = self.recording.get(&ping) {
            return Ok(Some(until));
        }
        let mut find = transaction.prepare_cached(
            "SELECT record_until FROM pings INDEXED BY pings_recording WHERE id = ?1 AND status = 0",
        )?;
        let until = find.query_row([ping.as_bytes()], |row| row.get(0)).optional()?;
        if let Some(until) = until {
            if self.recording.len() >= MOST_PINGS {
                self.recording.clear();
            }
            self.recording.insert(ping, until);
        }
        Ok(until)
    }

    pub(super) fn forget_who_records(&mut self) {
        self.recording.clear();
    }

    /// Hands the open of this number to `work`; not where it is gone or damaged.
    pub(super) fn with_open(
        &self,
        transaction: &Transaction<'_>,
        seq: i64,
        work: impl FnOnce(KeptOpen<'_>) -> Result<()>,
    ) -> Result<()> {
        if let Some(open) = self.remembered(seq) {
            return work(open);
        }
        let Some(batch) = super::batch_with(transaction, seq)? else { return Ok(()) };
        batch.open(seq).ok().flatten().map_or(Ok(()), work)
    }

    fn remembered(&self, seq: i64) -> Option<KeptOpen<'_>> {
        let after = self.batches.partition_point(|batch| batch.first <= seq);
        self.batches.get(after.checked_sub(1)?)?.open(seq).ok()?
    }

    pub(super) fn keep(&mut self, batch: Batch) {
        if self.bytes + batch.bytes.len() + EACH <= MOST_BYTES {
            self.bytes += batch.bytes.len() + EACH;
            self.batches.push_back(batch);
        }
    }

    pub(super) fn forget(&mut self, first: i64) {
        if let Ok(place) = self.batches.binary_search_by_key(&first, |batch| batch.first) {
            let batch = std::mem::replace(&mut self.batches[place], Batch::starting_with(first));
            self.bytes -= batch.bytes.len();
        }
    }

    /// Forgets some of the batches up to this number, all of which are in the tree: few at a time, since each takes a while.
    pub(super) fn forget_some(&mut self, end: i64, most: usize) {
        for _ in 0..most {
            if self.batches.front().is_none_or(|batch| batch.first > end) {
                return;
            }
            self.bytes -= self.batches.pop_front().map_or(0, |batch| batch.bytes.len() + EACH);
        }
    }
}
