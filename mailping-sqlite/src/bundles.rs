//! The table of opens. A row is a bundle: opens of one ping that were folded together, with the number of the last. Many opens cost one row, and
//! the rows of pings in order are appended one after the other.
//!
//! An open may be in two bundles, where it was recorded again: who reads or counts looks at its id.

use std::collections::HashSet;
use std::ops::Range;

use mailping_core::PingId;
use rusqlite::{Connection, Transaction, params};

use crate::failure::{Failure, Result};
use crate::packed::Packed;
use crate::rows::KeptFields;

/// With so many bytes two bundles fill a page: one of 4,096 bytes has 4,088 for them (sqlite.org/fileformat2.html, 1.6), and what stands beside
/// these bytes takes at most 44.
const MOST_BYTES: usize = 2_000;

/// No open has so many bytes of fields: a damaged one may.
pub(crate) const LONGEST: usize = 1_024;
/// So many bundles beyond the opens that are deleted are looked at for the same open, so that it is counted once.
const LOOK_AHEAD: usize = 64;

/// In the order of the index. To ask for the order would have SQLite compile the statement anew for each ping.
const BUNDLES: &str = "SELECT last, opens FROM opens INDEXED BY opens_by_ping WHERE ping = ?1";

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
            if fields.len() <= LONGEST && postcard::from_bytes::<KeptFields<'_>>(fields).is_ok() {
                self.add(number, fields);
            } else {
                tracing::error!("an open in the database file is damaged and cannot be kept");
            }
        }
    }

    /// Adds the bytes of an open's fields; in the order of numbers.
    pub(crate) fn add(&mut self, number: i64, fields: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend(fields);
        self.opens.push((number, start..self.bytes.len()));
    }

    fn ids(&self) -> impl Iterator<Item = [u8; 8]> {
        self.opens.iter().filter_map(|(_, range)| id_of(&self.bytes[range.clone()]))
    }

    /// Bundles those that are in no bundle.
    pub(crate) fn insert(mut self, transaction: &Transaction<'_>) -> Result<()> {
        self.drop_folded(transaction)?;
        let mut insert = transaction.prepare_cached(
            "INSERT OR FAIL INTO opens (ping, last, opens) VALUES (?1, ?2, ?3) ON CONFLICT (ping, last) DO NOTHING",
        )?;
        let mut bundle = Packed::default();
        for (place, (number, range)) in self.opens.iter().enumerate() {
            bundle.add(&self.bytes[range.clone()])?;
            let next = self.opens.get(place + 1).map(|(_, range)| 2 + range.len());
            if next.is_none_or(|next| bundle.bytes().len() + next > MOST_BYTES) {
                let mut last = *number;
                // Where a damaged bundle has this number.
                while insert.execute(params![self.ping.as_bytes(), last, bundle.bytes()])? == 0 {
                    last = last.checked_add(1).ok_or(damaged())?;
                }
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
            let missing = missing.get_or_insert_with(|| self.ids().collect());
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

/// Reads the bundles of a ping.
pub(crate) fn of(connection: &Connection, ping: PingId) -> Result<Vec<Packed>> {
    let mut find = connection.prepare_cached(BUNDLES)?;
    let mut found = find.query([ping.as_bytes()])?;
    let mut bundles = Vec::new();
    while let Some(row) = found.next()? {
        let bundle = Packed::from_bytes(row.get(1)?);
        if bundle.is_damaged() {
            return Err(damaged());
        }
        bundles.push(bundle);
    }
    Ok(bundles)
}

/// Deletes all bundles of a ping whose other opens are deleted too, and tells how many opens all of them were.
pub(crate) fn delete_all(transaction: &Transaction<'_>, ping: PingId, others: &Folding) -> Result<u64> {
    let mut gone: HashSet<[u8; 8]> = others.ids().collect();
    let mut find = transaction.prepare_cached(BUNDLES)?;
    let mut found = find.query([ping.as_bytes()])?;
    while let Some(row) = found.next()? {
        gone.extend(Packed::from_bytes(row.get(1)?).entries().filter_map(id_of));
    }
    transaction.prepare_cached("DELETE FROM opens WHERE ping = ?1")?.execute([ping.as_bytes()])?;
    Ok(gone.len() as u64)
}

/// Deletes at most so many opens of a ping, and tells how many there were.
pub(crate) fn delete(transaction: &Transaction<'_>, ping: PingId, most: usize) -> Result<u64> {
    let (mut gone, mut stays) = (HashSet::new(), false);
    let (mut bundles, mut beyond) = (Vec::<(i64, Packed)>::new(), 0);
    {
        let mut find = transaction.prepare_cached(BUNDLES)?;
        let mut found = find.query([ping.as_bytes()])?;
        while let Some(row) = found.next()?
            && beyond <= LOOK_AHEAD
        {
            let bundle = Packed::from_bytes(row.get(1)?);
            for id in bundle.entries().filter_map(id_of) {
                if gone.len() < most {
                    gone.insert(id);
                } else if !gone.contains(&id) {
                    stays = true;
                }
            }
            beyond += usize::from(stays);
            bundles.push((row.get(0)?, bundle));
        }
    }
    if !stays {
        transaction.prepare_cached("DELETE FROM opens WHERE ping = ?1")?.execute([ping.as_bytes()])?;
        return Ok(gone.len() as u64);
    }
    let mut delete = transaction.prepare_cached("DELETE FROM opens WHERE ping = ?1 AND last = ?2")?;
    let mut update =
        transaction.prepare_cached("UPDATE opens SET opens = ?3 WHERE ping = ?1 AND last = ?2")?;
    for (last, bundle) in bundles {
        if !bundle.entries().filter_map(id_of).any(|id| gone.contains(&id)) {
            continue;
        }
        let mut left = Packed::default();
        for entry in bundle.entries().filter(|entry| id_of(entry).is_some_and(|id| !gone.contains(&id))) {
            left.add(entry)?;
        }
        if left.len() == 0 {
            delete.execute(params![ping.as_bytes(), last])?;
        } else {
            update.execute(params![ping.as_bytes(), last, left.bytes()])?;
        }
    }
    Ok(gone.len() as u64)
}

/// An open's id, the first of its fields.
fn id_of(fields: &[u8]) -> Option<[u8; 8]> {
    fields.first_chunk().copied()
}

const fn damaged() -> Failure {
    Failure::corrupt("opens.opens")
}

#[cfg(test)]
mod tests {
    use rusqlite::TransactionBehavior;

    use super::*;
    use crate::{connect, schema};

    const PING: PingId = PingId::from_bytes([1; 16]);

    fn file(folder: &tempfile::TempDir) -> Connection {
        connect::writer(&folder.path().join("mailping.db"), &schema::STORE).unwrap()
    }

    fn in_transaction<R>(connection: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> R) -> R {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let result = work(&transaction);
        transaction.commit().unwrap();
        result
    }

    /// Fields as far as bundles look at them: the id, and some more bytes.
    fn fields(id: u64) -> Vec<u8> {
        [&id.to_be_bytes()[..], &[7; 40]].concat()
    }

    fn fold(connection: &mut Connection, opens: impl IntoIterator<Item = (i64, u64)>) {
        let mut folding = Folding::of(PING);
        opens.into_iter().for_each(|(number, id)| folding.add(number, &fields(id)));
        in_transaction(connection, |transaction| folding.insert(transaction).unwrap());
    }

    /// The ids in the order in which they stand.
    fn ids(connection: &Connection) -> Vec<u64> {
        let bundles = of(connection, PING).unwrap();
        let ids = bundles.iter().flat_map(|bundle| bundle.entries().filter_map(id_of));
        ids.map(u64::from_be_bytes).collect()
    }

    #[test]
    fn opens_that_are_folded_again_are_there_once_with_those_that_were_missing() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = file(&folder);
        fold(&mut connection, (1..=100).map(|n| (n, n as u64)));
        // Another process, which folds what this one did and more: earlier, between and later.
        fold(
            &mut connection,
            (-50..=150_i64).map(|n| (n, if n < 1 { 1_000 + n.unsigned_abs() } else { n as u64 })),
        );
        fold(&mut connection, (90..=150).map(|n| (n, n as u64)));
        fold(&mut connection, [(150, 150)]);
        let mut ids = ids(&connection);
        ids.sort_unstable();
        let earlier = 1_000..=1_050;
        assert_eq!(ids, (1..=150).chain(earlier).collect::<Vec<u64>>());
    }

    #[test]
    fn two_full_bundles_share_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = file(&folder);
        let before: i64 = connection.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
        fold(&mut connection, (1..=40_000).map(|n| (i64::MAX - 50_000 + n, n as u64)));
        let pages = "SELECT count(*), (SELECT count(*) FROM opens) FROM pragma_page_count, dbstat
                     WHERE name = 'opens' AND pagetype = 'leaf'";
        let (leaves, bundles): (i64, i64) =
            connection.query_row(pages, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert!(bundles >= 2 * leaves - 1, "{bundles} in {leaves} pages, {before} before");
    }

    #[test]
    fn a_damaged_bundle_keeps_no_open_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = file(&folder);
        fold(&mut connection, [(5, 5)]);
        connection.execute("UPDATE opens SET opens = x'ffff'", ()).unwrap();
        fold(&mut connection, [(4, 4), (5, 5)]);
        assert!(of(&connection, PING).is_err(), "told, not passed over");
        connection.execute("DELETE FROM opens WHERE opens = x'ffff'", ()).unwrap();
        assert_eq!(ids(&connection), [4, 5]);
    }

    #[test]
    fn deleting_in_steps_takes_each_open_once_whatever_bundle_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = file(&folder);
        for start in (0..6_000).step_by(30) {
            // Some came again soon after, and stand in the next bundle too.
            fold(&mut connection, (start..start + 33).map(|n| (start * 100 + n, n as u64)));
        }
        let mut deleted = 0;
        loop {
            let before = ids(&connection).into_iter().collect::<HashSet<_>>().len();
            let gone = in_transaction(&mut connection, |transaction| delete(transaction, PING, 48).unwrap());
            let after = ids(&connection).into_iter().collect::<HashSet<_>>().len();
            assert_eq!(before - after, gone as usize);
            deleted += gone;
            if gone < 48 {
                break;
            }
        }
        assert_eq!(deleted, 6_003);
        assert!(ids(&connection).is_empty());
    }

    #[test]
    fn deleting_all_counts_those_in_bundles_and_those_that_wait() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = file(&folder);
        fold(&mut connection, [(1, 1), (2, 2)]);
        fold(&mut connection, [(3, 2), (4, 3)]);
        let mut waiting = Folding::of(PING);
        [(4, 3), (5, 4)].iter().for_each(|&(number, id)| waiting.add(number, &fields(id)));
        let gone =
            in_transaction(&mut connection, |transaction| delete_all(transaction, PING, &waiting).unwrap());
        assert_eq!((gone, ids(&connection).len()), (4, 0));
    }
}
