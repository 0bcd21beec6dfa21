//! The changes, each inside a transaction that holds the write lock.

use mailping_core::pings::{Ping, Status, TimeStep};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{Answer, Erased, Purged, Written};
use mailping_core::store::{RecipientHash, RecipientHashes};
use mailping_core::{PingId, Timestamp};
use rusqlite::{Transaction, params};

use crate::arrivals::{Arrivals, Step};
use crate::failure::Result;
use crate::{bundles, rows};

/// Keeps the opens of pings that record, and raises last days.
pub(crate) fn record(
    transaction: &Transaction<'_>,
    arrivals: &Arrivals,
    opens: &[Open],
    last_days: &[LastDay],
) -> Result<(Written, Step)> {
    let (kept, step) = arrivals.append(transaction, opens)?;
    let mut written = Written::new(kept, Vec::new());
    let mut records = transaction
        .prepare_cached("SELECT 1 FROM pings WHERE id = ?1 AND status = 0 AND record_until - ?2 >= ?3")?;
    let mut raise = transaction.prepare_cached(
        "UPDATE pings SET last_day = ?2
         WHERE id = ?1 AND status = 0 AND record_until - ?2 >= ?3 AND (last_day IS NULL OR last_day < ?2)",
    )?;
    for last in last_days {
        let given = params![last.ping.as_bytes(), last.day.unix_millis(), TimeStep::Day.millis()];
        raise.execute(given)?;
        let records = records.exists(given)?;
        written.last_days.push(if records { Answer::Kept } else { Answer::Filtered });
    }
    Ok((written, step))
}

pub(crate) fn insert_ping(
    transaction: &Transaction<'_>,
    ping: &Ping,
    recipient: Option<&RecipientHashes>,
) -> Result<Status> {
    let mut status = ping.status;
    if let Some(recipient) = recipient {
        unify(transaction, recipient)?;
        if has_objected(transaction, &recipient.newest)? {
            status = Status::Untracked;
        }
    }
    let mut insert = transaction.prepare_cached(rows::INSERT_PING)?;
    rows::insert_ping(&mut insert, ping, status, recipient.map(|hashes| &hashes.newest))?;
    Ok(status)
}

/// Moves what is kept under an older key of this recipient to the newest.
fn unify(transaction: &Transaction<'_>, recipient: &RecipientHashes) -> Result<()> {
    let newest = &recipient.newest;
    for older in &recipient.older {
        transaction
            .prepare_cached(
                "UPDATE pings SET recipient_key = ?3, recipient_hash = ?4
                 WHERE recipient_key = ?1 AND recipient_hash = ?2",
            )?
            .execute(params![older.key().to_bits(), older.hash(), newest.key().to_bits(), newest.hash()])?;
        let moved = transaction
            .prepare_cached("DELETE FROM objections WHERE key = ?1 AND hash = ?2")?
            .execute(params![older.key().to_bits(), older.hash()])?;
        if moved > 0 {
            keep_objection(transaction, newest)?;
        }
    }
    // A ping that was kept under an older key may have escaped the objection until now.
    if !recipient.older.is_empty() && has_objected(transaction, newest)? {
        object_by_hash(transaction, newest)?;
    }
    Ok(())
}

fn keep_objection(transaction: &Transaction<'_>, hash: &RecipientHash) -> Result<()> {
    transaction
        .prepare_cached("INSERT INTO objections (key, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![hash.key().to_bits(), hash.hash()])?;
    Ok(())
}

/// Whether an objection is kept under this very hash.
pub(crate) fn has_objected(connection: &rusqlite::Connection, hash: &RecipientHash) -> Result<bool> {
    let mut find = connection.prepare_cached("SELECT 1 FROM objections WHERE key = ?1 AND hash = ?2")?;
    Ok(find.exists(params![hash.key().to_bits(), hash.hash()])?)
}

/// `false` where there is no such ping; one that does not record any more stays as it is.
pub(crate) fn withdraw(transaction: &Transaction<'_>, id: PingId) -> Result<bool> {
    let withdrawn = transaction
        .prepare_cached("UPDATE pings SET status = ?2 WHERE id = ?1 AND status = 0")?
        .execute(params![id.as_bytes(), Status::Withdrawn.code()])?;
    if withdrawn > 0 {
        return Ok(true);
    }
    Ok(transaction.prepare_cached("SELECT 1 FROM pings WHERE id = ?1")?.exists([id.as_bytes()])?)
}

pub(crate) fn object(transaction: &Transaction<'_>, recipient: &RecipientHashes) -> Result<()> {
    unify(transaction, recipient)?;
    object_by_hash(transaction, &recipient.newest)
}

fn object_by_hash(transaction: &Transaction<'_>, hash: &RecipientHash) -> Result<()> {
    keep_objection(transaction, hash)?;
    transaction
        .prepare_cached(
            "UPDATE pings SET status = ?3 WHERE recipient_key = ?1 AND recipient_hash = ?2 AND status = 0",
        )?
        .execute(params![hash.key().to_bits(), hash.hash(), Status::Withdrawn.code()])?;
    Ok(())
}

pub(crate) fn object_by_ping(transaction: &Transaction<'_>, id: PingId) -> Result<()> {
    let mut find =
        transaction.prepare_cached("SELECT recipient_key, recipient_hash FROM pings WHERE id = ?1")?;
    let mut found = find.query([id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(()) };
    match rows::recipient(row)? {
        Some(hash) => object_by_hash(transaction, &hash),
        None => withdraw(transaction, id).map(drop),
    }
}

pub(crate) fn erase(
    transaction: &Transaction<'_>,
    arrivals: &Arrivals,
    id: PingId,
) -> Result<Option<Erased>> {
    let opens = erase_opens(transaction, arrivals, id)?;
    let pings = transaction.prepare_cached("DELETE FROM pings WHERE id = ?1")?.execute([id.as_bytes()])?;
    Ok((pings > 0).then(|| Erased::new(pings as u64, opens)))
}

/// Deletes all opens of a ping, wherever they are.
fn erase_opens(transaction: &Transaction<'_>, arrivals: &Arrivals, id: PingId) -> Result<u64> {
    bundles::delete_all(transaction, id, &arrivals.take_out(transaction, id)?)
}

pub(crate) fn erase_recipient(
    transaction: &Transaction<'_>,
    arrivals: &Arrivals,
    recipient: &RecipientHashes,
) -> Result<Erased> {
    unify(transaction, recipient)?;
    let newest = params![recipient.newest.key().to_bits(), recipient.newest.hash()];
    let mut find = transaction
        .prepare_cached("SELECT id FROM pings WHERE recipient_key = ?1 AND recipient_hash = ?2")?;
    let mut found = find.query(newest)?;
    let mut opens = 0;
    while let Some(row) = found.next()? {
        opens += erase_opens(transaction, arrivals, rows::ping_id(row, 0)?)?;
    }
    let pings = transaction
        .prepare_cached("DELETE FROM pings WHERE recipient_key = ?1 AND recipient_hash = ?2")?
        .execute(newest)?;
    Ok(Erased::new(pings as u64, opens))
}

/// In the index's own order: any other would sort all that is due for each ping.
const NEXT_DUE: &str = "SELECT id FROM pings WHERE keep_until <= ?1 ORDER BY keep_until LIMIT 1";

/// Deletes at most `limit` pings and opens; a ping goes after the last of its opens, so that no open is left without its ping.
pub(crate) fn purge(
    transaction: &Transaction<'_>,
    arrivals: &Arrivals,
    now: Timestamp,
    limit: usize,
) -> Result<Purged> {
    let mut erased = Purged::default();
    let left = |erased: &Purged| limit.saturating_sub((erased.pings + erased.opens) as usize);
    let mut due = transaction.prepare_cached(NEXT_DUE)?;
    let mut ping = transaction.prepare_cached("DELETE FROM pings WHERE id = ?1")?;
    while left(&erased) > 0 {
        let id = {
            let mut found = due.query([now.unix_millis()])?;
            let Some(row) = found.next()? else { break };
            rows::ping_id(row, 0)?
        };
        arrivals.take_out(transaction, id)?.insert(transaction)?;
        erased.opens += bundles::delete(transaction, id, left(&erased))?;
        if left(&erased) > 0 {
            erased.pings += ping.execute([id.as_bytes()])? as u64;
        }
    }
    Ok(erased)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_ping_to_purge_is_found_without_a_sort() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        drop(crate::SqliteStore::open(&file).unwrap());
        let connection = rusqlite::Connection::open(&file).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {NEXT_DUE}")).unwrap();
        let steps = plan.query_map([0], |row| row.get("detail")).unwrap();
        let steps: Vec<String> = steps.map(|step| step.unwrap()).collect();
        assert_eq!(steps.len(), 1, "{steps:?}");
        assert!(steps[0].contains("pings_by_keep_until"), "{steps:?}");
    }
}
