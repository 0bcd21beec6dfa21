//! New pings and objections, and the ends of pings, each inside a transaction that holds the write
//! lock.

use std::collections::HashSet;

use mailping_core::PingId;
use mailping_core::pings::{Ping, Status};
use mailping_core::store::{Erased, RecipientHash, RecipientHashes};
use rusqlite::{Connection, params};

use crate::failure::Result;
use crate::record::find;
use crate::{index, rows};

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
    let newest = &recipient.newest;
    for older in &recipient.older {
        let (key, hash) = (older.key().to_bits(), older.hash());
        connection.prepare_cached(PINGS)?.execute(params![
            key,
            hash,
            newest.key().to_bits(),
            newest.hash()
        ])?;
        let mut objection =
            connection.prepare_cached("DELETE FROM objections WHERE key = ?1 AND hash = ?2")?;
        if objection.execute(params![key, hash])? > 0 {
            keep_objection(connection, newest)?;
        }
    }
    // A ping that was kept under an older key may have escaped the objection until now.
    if !recipient.older.is_empty() && has_objected(connection, newest)? {
        object_by_hash(connection, newest)?;
    }
    Ok(())
}

fn keep_objection(connection: &Connection, hash: &RecipientHash) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO objections (key, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![hash.key().to_bits(), hash.hash()])?;
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
    keep_objection(connection, hash)?;
    connection
        .prepare_cached(
            "UPDATE pings SET status = ?3 WHERE recipient_key = ?1 AND recipient_hash = ?2 AND status = 0",
        )?
        .execute(params![hash.key().to_bits(), hash.hash(), Status::Withdrawn.code()])?;
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

pub(crate) fn erase(connection: &Connection, id: PingId) -> Result<Option<Erased>> {
    let Some(found) = find(connection, id)? else { return Ok(None) };
    erase_all(connection, &HashSet::from([found.n])).map(Some)
}

pub(crate) fn erase_recipient(connection: &Connection, recipient: &RecipientHashes) -> Result<Erased> {
    unify(connection, recipient)?;
    let newest = params![recipient.newest.key().to_bits(), recipient.newest.hash()];
    let mut find =
        connection.prepare_cached("SELECT n FROM pings WHERE recipient_key = ?1 AND recipient_hash = ?2")?;
    let theirs = find.query_map(newest, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    erase_all(connection, &theirs)
}

/// Deletes pings with all of their opens: those in the index, and those that the table has above
/// its mark, whatever is remembered of them.
fn erase_all(connection: &Connection, pings: &HashSet<i64>) -> Result<Erased> {
    if pings.is_empty() {
        return Ok(Erased::default());
    }
    let delete = |sql: &str, number: i64| -> Result<u64> {
        Ok(connection.prepare_cached(sql)?.execute([number])? as u64)
    };
    let mut erased = Erased::default();
    for seq in index::waiting_of(connection, |ping| pings.contains(&ping))? {
        erased.opens += delete("DELETE FROM opens WHERE seq = ?1", seq)?;
    }
    for &ping in pings {
        erased.opens += delete(
            "DELETE FROM opens WHERE seq IN (SELECT seq FROM opens_by_ping WHERE ping = ?1) AND ping = ?1",
            ping,
        )?;
        delete("DELETE FROM opens_by_ping WHERE ping = ?1", ping)?;
        delete("DELETE FROM last_days WHERE ping = ?1", ping)?;
        erased.pings += delete("DELETE FROM pings WHERE n = ?1", ping)?;
    }
    Ok(erased)
}
