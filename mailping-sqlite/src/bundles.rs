//! The table of opens. A row is a bundle: opens of one ping that were folded together, with the number of the last. Many opens cost one row, and
//! the rows of pings in order are appended one after the other.
//!
//! An open may be in two bundles, where it was recorded again: who reads or counts looks at its id.

use std::collections::HashSet;
use std::ops::Range;

use mailping_core::{Open, PingId};
use rusqlite::{Connection, Transaction, params};

use crate::failure::{Failure, Result};
use crate::packed::Packed;
use crate::rows::KeptFields;

/// With so many bytes two bundles fill a page: one of 4,096 bytes has 4,088 for them (sqlite.org/fileformat2.html, 1.6), and what stands beside
/// these bytes takes at most 44.
const MOST_BYTES: usize = 2_000;

/// Opens of one ping on their way into bundles.
pub(crate) struct Folding {
    pub(crate) ping: PingId,
    bytes: Vec<u8>,
    /// The number of each open and where its fields are.
    opens: Vec<(i64, Range<usize>)>,
}

impl Folding {
    pub(crate) const fn of(ping: PingId) -> Self {
        Self { ping, bytes: Vec::new(), opens: Vec::new() }
    }

    /// Adds opens whose bytes may be damaged; what cannot be read stays away.
    pub(crate) fn add_readable<'a>(&mut self, opens: impl IntoIterator<Item = (i64, &'a [u8])>) {
        for (number, fields) in opens {
            if postcard::from_bytes::<KeptFields<'_>>(fields).is_ok() {
                self.add(number, fields);
            }
        }
    }

    /// Adds the bytes of an open's fields; in the order of numbers.
    pub(crate) fn add(&mut self, number: i64, fields: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend(fields);
        self.opens.push((number, start..self.bytes.len()));
    }

    /// Bundles those that are in no bundle.
    pub(crate) fn insert(mut self, transaction: &Transaction<'_>) -> Result<()> {
        self.drop_folded(transaction)?;
        // Nothing stands under this number but an open that cannot be read.
        let mut insert = transaction.prepare_cached(
            "INSERT OR FAIL INTO opens (ping, last, opens) VALUES (?1, ?2, ?3) ON CONFLICT (ping, last) DO NOTHING",
        )?;
        let mut bundle = Packed::default();
        for (place, (number, range)) in self.opens.iter().enumerate() {
            bundle.add(&self.bytes[range.clone()])?;
            let next = self.opens.get(place + 1).map(|(_, range)| 2 + range.len());
            if next.is_none_or(|next| bundle.bytes().len() + next > MOST_BYTES) {
                insert.execute(params![self.ping.as_bytes(), number, bundle.bytes()])?;
                bundle = Packed::default();
            }
        }
        Ok(())
    }

    /// Leaves out what another process has folded, or this one before it was started anew: it is in a bundle whose last number is not
    /// below this.
    fn drop_folded(&mut self, transaction: &Transaction<'_>) -> Result<()> {
        let Some(&(first, _)) = self.opens.first() else { return Ok(()) };
        let mut find =
            transaction.prepare_cached("SELECT opens FROM opens WHERE ping = ?1 AND last >= ?2")?;
        let mut found = find.query(params![self.ping.as_bytes(), first])?;
        let mut missing: Option<HashSet<[u8; 8]>> = None;
        while let Some(row) = found.next()? {
            let missing = missing.get_or_insert_with(|| {
                self.opens.iter().filter_map(|(_, range)| id_of(&self.bytes[range.clone()])).collect()
            });
            for id in Packed::from_bytes(row.get(0)?).entries().filter_map(id_of) {
                missing.remove(&id);
            }
            if missing.is_empty() {
                break;
            }
        }
        if let Some(missing) = missing {
            let bytes = &self.bytes;
            self.opens
                .retain(|(_, range)| id_of(&bytes[range.clone()]).is_some_and(|id| missing.contains(&id)));
        }
        Ok(())
    }
}

/// Reads the opens of a ping.
pub(crate) fn opens_of(connection: &Connection, ping: PingId) -> Result<Vec<Open>> {
    let mut opens = Vec::new();
    for (_, bundle) in bundles_of(connection, ping)? {
        if bundle.is_damaged() {
            return Err(damaged());
        }
        for entry in bundle.entries() {
            opens.push(postcard::from_bytes::<KeptFields<'_>>(entry).map_err(|_| damaged())?.open(ping)?);
        }
    }
    Ok(opens)
}

/// Deletes at most so many opens of a ping, and tells how many there were.
pub(crate) fn delete(transaction: &Transaction<'_>, ping: PingId, most: usize) -> Result<u64> {
    let bundles = bundles_of(transaction, ping)?;
    let ids = bundles.iter().flat_map(|(_, bundle)| bundle.entries().filter_map(id_of));
    let mut gone = HashSet::new();
    let is_all = ids.into_iter().all(|id| gone.contains(&id) || gone.len() < most && gone.insert(id));
    if is_all {
        transaction.prepare_cached("DELETE FROM opens WHERE ping = ?1")?.execute([ping.as_bytes()])?;
        return Ok(gone.len() as u64);
    }
    let mut delete = transaction.prepare_cached("DELETE FROM opens WHERE ping = ?1 AND last = ?2")?;
    let mut update =
        transaction.prepare_cached("UPDATE opens SET opens = ?3 WHERE ping = ?1 AND last = ?2")?;
    for (last, bundle) in bundles {
        let mut left = Packed::default();
        for entry in bundle.entries().filter(|entry| id_of(entry).is_some_and(|id| !gone.contains(&id))) {
            left.add(entry)?;
        }
        if left.len() == 0 {
            delete.execute(params![ping.as_bytes(), last])?;
        } else if left.len() < bundle.len() {
            update.execute(params![ping.as_bytes(), last, left.bytes()])?;
        }
    }
    Ok(gone.len() as u64)
}

fn bundles_of(connection: &Connection, ping: PingId) -> Result<Vec<(i64, Packed)>> {
    // Sorted below: with an ORDER BY, SQLite compiles the statement anew for each ping.
    let mut find = connection.prepare_cached("SELECT last, opens FROM opens WHERE ping = ?1")?;
    let mut found = find.query([ping.as_bytes()])?;
    let mut bundles = Vec::new();
    while let Some(row) = found.next()? {
        bundles.push((row.get(0)?, Packed::from_bytes(row.get(1)?)));
    }
    bundles.sort_unstable_by_key(|&(last, _)| last);
    Ok(bundles)
}

/// An open's id, the first of its fields.
fn id_of(fields: &[u8]) -> Option<[u8; 8]> {
    fields.first_chunk().copied()
}

const fn damaged() -> Failure {
    Failure::corrupt("opens.opens")
}
