//! New pings and objections, and the ends of pings, each inside a transaction that holds the write
//! lock.

use std::collections::HashSet;

use mailping_core::PingId;
use mailping_core::pings::{Ping, Status};
use mailping_core::store::{Deleted, RecipientHash, RecipientHashes};
use rusqlite::{Connection, params};

use crate::failure::Result;
use crate::index::Entry;
use crate::record::find;
use crate::rows;

pub(crate) fn insert_ping(
    connection: &Connection,
    ping: &Ping,
    recipient: Option<&RecipientHashes>,
) -> Result<Status> {
    let mut status = ping.status;
    if let Some(recipient) = recipient {
        unify(connection, recipient)?;
        if has_objected(connection, &recipient.newest)? {
            status = Status::Untracked;
        }
    }
    rows::insert_ping(connection, ping, status, recipient.map(|hashes| &hashes.newest))?;
    Ok(status)
}

/// Moves what is kept under an older key of this recipient to the newest.
fn unify(connection: &Connection, recipient: &RecipientHashes) -> Result<()> {
    const PINGS: &str = "UPDATE pings SET recipient_key = ?3, recipient_hash = ?4
        WHERE recipient_key = ?1 AND recipient_hash = ?2";
    const OBJECTION: &str =
        "UPDATE OR REPLACE objections SET key = ?3, hash = ?4 WHERE key = ?1 AND hash = ?2";
    let newest = &recipient.newest;
    for older in &recipient.older {
        for sql in [PINGS, OBJECTION] {
            let (from, to) = (older.key().to_bits(), newest.key().to_bits());
            connection.prepare_cached(sql)?.execute(params![from, older.hash(), to, newest.hash()])?;
        }
    }
    // A ping that was kept under an older key may have escaped the objection until now.
    if !recipient.older.is_empty() && has_objected(connection, newest)? {
        object_by_hash(connection, newest)?;
    }
    Ok(())
}

/// Whether an objection is kept under this very hash.
pub(crate) fn has_objected(connection: &Connection, hash: &RecipientHash) -> Result<bool> {
    let mut find = connection.prepare_cached("SELECT 1 FROM objections WHERE key = ?1 AND hash = ?2")?;
    Ok(find.exists(params![hash.key().to_bits(), hash.hash()])?)
}

/// `false` if there is no such ping; one that does not record any more stays as it is.
pub(crate) fn withdraw(connection: &Connection, id: PingId) -> Result<bool> {
    let Some(found) = find(connection, id)? else { return Ok(false) };
    connection
        .prepare_cached("UPDATE pings SET status = ?2 WHERE n = ?1 AND status = 0")?
        .execute(params![found.n, Status::Withdrawn.code()])?;
    Ok(true)
}

pub(crate) fn object(connection: &Connection, recipient: &RecipientHashes) -> Result<()> {
    unify(connection, recipient)?;
    object_by_hash(connection, &recipient.newest)
}

fn object_by_hash(connection: &Connection, hash: &RecipientHash) -> Result<()> {
    const KEEP: &str = "INSERT INTO objections (key, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    const WITHDRAW: &str =
        "UPDATE pings SET status = ?3 WHERE recipient_key = ?1 AND recipient_hash = ?2 AND status = 0";
    let (key, status) = (hash.key().to_bits(), Status::Withdrawn.code());
    connection.prepare_cached(KEEP)?.execute(params![key, hash.hash()])?;
    connection.prepare_cached(WITHDRAW)?.execute(params![key, hash.hash(), status])?;
    Ok(())
}

pub(crate) fn object_by_ping(connection: &Connection, id: PingId) -> Result<()> {
    let Some(found) = find(connection, id)? else { return Ok(()) };
    let mut ping = connection.prepare_cached(rows::PING)?;
    match ping.query_row([found.n], |row| Ok(rows::recipient(row)))?? {
        Some(hash) => object_by_hash(connection, &hash),
        None => withdraw(connection, id).map(drop),
    }
}

pub(crate) fn erase(connection: &Connection, id: PingId, waiting: &[Entry]) -> Result<Option<Deleted>> {
    let Some(found) = find(connection, id)? else { return Ok(None) };
    erase_all(connection, &HashSet::from([found.n]), waiting).map(Some)
}

pub(crate) fn erase_recipient(
    connection: &Connection,
    recipient: &RecipientHashes,
    waiting: &[Entry],
) -> Result<Deleted> {
    unify(connection, recipient)?;
    let newest = params![recipient.newest.key().to_bits(), recipient.newest.hash()];
    let mut find =
        connection.prepare_cached("SELECT n FROM pings WHERE recipient_key = ?1 AND recipient_hash = ?2")?;
    let theirs = find.query_map(newest, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    erase_all(connection, &theirs, waiting)
}

/// Deletes pings with all of their opens: those in the index, and those that wait for it.
fn erase_all(connection: &Connection, pings: &HashSet<i64>, waiting: &[Entry]) -> Result<Deleted> {
    let mut erased = Deleted::default();
    let mut open = connection.prepare_cached("DELETE FROM opens WHERE seq = ?1")?;
    for entry in waiting.iter().filter(|entry| pings.contains(&entry.ping)) {
        erased.opens += open.execute([entry.seq])? as u64;
    }
    for ping in pings {
        let one = delete(connection, *ping)?;
        erased = Deleted::new(erased.pings + one.pings, erased.opens + one.opens);
    }
    Ok(erased)
}

/// Deletes a ping with the opens that the index has of it.
pub(crate) fn delete(connection: &Connection, ping: i64) -> Result<Deleted> {
    let delete = |sql: &str| -> Result<u64> { Ok(connection.prepare_cached(sql)?.execute([ping])? as u64) };
    let opens = delete(
        "DELETE FROM opens WHERE seq IN (SELECT seq FROM opens_by_ping WHERE ping = ?1) AND ping = ?1",
    )?;
    delete("DELETE FROM opens_by_ping WHERE ping = ?1")?;
    delete("DELETE FROM last_days WHERE ping = ?1")?;
    Ok(Deleted::new(delete("DELETE FROM pings WHERE n = ?1")?, opens))
}
