//! What the writing connection remembers of the file, so that it need not be asked for each hit: good until another connection writes.

use std::collections::HashMap;

use mailping_core::PingId;
use rusqlite::{OptionalExtension as _, Transaction};

use super::remembered::Remembered;
use crate::bundles::Folding;
use crate::failure::Result;

/// How many pings are remembered, some 3 MB of memory.
const MOST_PINGS: usize = 65_536;

#[derive(Default)]
pub(super) struct Known {
    /// The state that it is of (`PRAGMA data_version`); at first of none.
    pub(super) version: Option<i64>,
    /// Until when a ping records, of those that do. A transaction that may change it forgets all first.
    recording: HashMap<PingId, i64>,
    /// Opens that were appended in this state.
    pub(super) opens: Remembered,
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

    /// Adds the open of this number to those of its ping that are folded; not where it is gone or cannot be read.
    pub(super) fn fold(&self, transaction: &Transaction<'_>, seq: i64, folding: &mut Folding) -> Result<()> {
        if let Some(open) = self.opens.open(seq) {
            // It is as this connection has written it.
            if let Some(fields) = open.strip_prefix(folding.ping.as_bytes()) {
                folding.add(seq, fields);
            }
            return Ok(());
        }
        let Some(batch) = super::batch_with(transaction, seq)? else { return Ok(()) };
        folding.add_readable(batch.fields(seq, folding.ping).map(|fields| (seq, fields)));
        Ok(())
    }
}
