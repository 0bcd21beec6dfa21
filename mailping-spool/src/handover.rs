//! Moving what waits into the database, a batch a step. What the database refuses alone does not
//! hold up the rest.

use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::line::Entry;
use mailping_core::store::{Attempt, Recorded, Store, StoreError};
use pollster::block_on;

use crate::segment::Place;

/// How many calls in a row may fail before it is looked whether the database is still there.
const MAX_FAILURES: usize = 16;
/// How many records of a batch that failed are tried alone, to find one that the database takes.
const PROBES: usize = 8;

/// What the database made of a batch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Records that it refuses while it takes others.
    pub(crate) refused: Vec<Place>,
    /// How many belong to pings that do not record, or not any more.
    pub(crate) filtered: u64,
}

/// Hands records over.
#[derive(Debug, Default)]
pub(crate) struct Mover {
    /// A record that the database has taken. If it takes it again, which changes nothing, it is
    /// there.
    witness: Option<Entry>,
    /// So that each try looks at other records.
    probes: usize,
}

impl Mover {
    /// Hands a batch over: all of it, or all but what is refused. An error means that nothing is
    /// known: the batch stays. `later` gives some records that come after the batch.
    pub(crate) fn hand_over(
        &mut self,
        database: &dyn Store,
        entries: &[(Place, Entry)],
        later: impl Fn() -> Vec<Entry>,
    ) -> Result<Outcome, StoreError> {
        let (mut outcome, mut failed, mut failures) = (Outcome::default(), Vec::new(), 0);
        // Halves of what failed, until what fails stands alone.
        let mut parts = vec![entries];
        while let Some(part) = parts.pop() {
            match record(database, part.iter().map(|(_, entry)| entry)) {
                Ok(filtered) => {
                    outcome.filtered += filtered;
                    self.witness = part.last().map(|(_, entry)| entry.clone());
                    failures = 0;
                }
                Err(error) => {
                    failures += 1;
                    let is_first = part.len() == entries.len();
                    if (is_first || failures >= MAX_FAILURES)
                        && !self.is_there(database)
                        && !self.finds_witness(database, entries, &later)
                    {
                        return Err(error);
                    }
                    if let [(place, entry)] = part {
                        failed.push((*place, entry, error));
                    } else {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                }
            }
        }
        for (place, entry, error) in failed {
            // Refused, and not caught by an outage: the database takes another record before it and
            // after it.
            if !self.is_there(database) {
                return Err(error);
            }
            match record(database, std::iter::once(entry)) {
                Ok(filtered) => outcome.filtered += filtered,
                Err(error) if self.is_there(database) => {
                    let failure = error.with_sources();
                    tracing::error!(failure, "the database refuses a record of the spool: it is set aside");
                    outcome.refused.push(place);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(outcome)
    }

    /// Notes a record that the database has taken.
    pub(crate) fn note(&mut self, entry: Entry) {
        self.witness = Some(entry);
    }

    /// Whether the database takes the record again that it has taken.
    fn is_there(&self, database: &dyn Store) -> bool {
        self.witness.as_ref().is_some_and(|witness| record(database, std::iter::once(witness)).is_ok())
    }

    /// Looks for a record that the database takes, if none is known yet.
    fn finds_witness(
        &mut self,
        database: &dyn Store,
        entries: &[(Place, Entry)],
        later: impl Fn() -> Vec<Entry>,
    ) -> bool {
        if self.witness.is_some() {
            return false;
        }
        // Steps that meet every record in the end.
        let steps = (0..PROBES.min(entries.len())).filter_map(|_| {
            self.probes = self.probes.wrapping_add(619);
            entries.get(self.probes % entries.len()).map(|(_, entry)| entry.clone())
        });
        let probes: Vec<Entry> = steps.chain(later()).collect();
        self.witness = probes.into_iter().find(|entry| record(database, std::iter::once(entry)).is_ok());
        self.witness.is_some()
    }
}

/// Records that may be in the database already; tells how many it filtered.
fn record<'a>(database: &dyn Store, entries: impl Iterator<Item = &'a Entry>) -> Result<u64, StoreError> {
    let (mut opens, mut last_days): (Vec<Open>, Vec<LastDay>) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Open(open) => opens.push(open.clone()),
            Entry::LastDay(last) => last_days.push(*last),
        }
    }
    let written = block_on(database.record(&opens, &last_days, Attempt::Repeat))?;
    if written.len() != opens.len() + last_days.len() {
        return Err(StoreError::unavailable("the store did not answer for each open"));
    }
    Ok(written.iter().filter(|answer| **answer == Recorded::Filtered).count() as u64)
}
