//! New pings and objections, and the ends of pings, each inside a transaction that holds the write
//! lock.

use std::collections::HashSet;

use mailping_core::PingId;
use mailping_core::pings::{Ping, Status};
use mailping_core::store::{Deleted, ObjectionScope, RecipientHash, RecipientHashes};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::failure::Result;
use crate::index::Entry;
use crate::record::find;
use crate::{ledger, rows};

pub(crate) fn insert_ping(
    connection: &Connection,
    ping: &Ping,
    recipient: Option<&RecipientHashes>,
) -> Result<Status> {
    let mut status = ping.status;
    if let Some(recipient) = recipient {
        unify(connection, recipient)?;
        if let Some(scope) = objection(connection, &recipient.newest)? {
            status = scope.status_of_new();
        }
    }
    rows::insert_ping(connection, ping, status, recipient.map(|hashes| &hashes.newest))?;
    Ok(status)
}

/// Moves what is kept under an older key of this recipient to the newest.
fn unify(connection: &Connection, recipient: &RecipientHashes) -> Result<()> {
    const PINGS: &str = "UPDATE pings SET recipient_key = ?3, recipient_hash = ?4
        WHERE recipient_key = ?1 AND recipient_hash = ?2";
    const OBJECTION: &str = "INSERT INTO objections (key, hash, scope)
        SELECT ?3, ?4, scope FROM objections WHERE key = ?1 AND hash = ?2
        ON CONFLICT DO UPDATE SET scope = excluded.scope WHERE scope < excluded.scope";
    const MOVED: &str = "DELETE FROM objections WHERE key = ?1 AND hash = ?2";
    let newest = &recipient.newest;
    for older in &recipient.older {
        let (from, to) = (older.key().to_bits(), newest.key().to_bits());
        for sql in [PINGS, OBJECTION] {
            connection.prepare_cached(sql)?.execute(params![from, older.hash(), to, newest.hash()])?;
        }
        connection.prepare_cached(MOVED)?.execute(params![from, older.hash()])?;
    }
    // A ping that was kept under an older key may have escaped the objection until now.
    if !recipient.older.is_empty()
        && let Some(scope) = objection(connection, newest)?
    {
        object_by_hash(connection, newest, scope)?;
    }
    Ok(())
}

/// How far the objection under this very hash goes.
pub(crate) fn objection(connection: &Connection, hash: &RecipientHash) -> Result<Option<ObjectionScope>> {
    let mut find = connection.prepare_cached("SELECT scope FROM objections WHERE key = ?1 AND hash = ?2")?;
    let scope = find.query_row(params![hash.key().to_bits(), hash.hash()], |row| row.get::<_, i64>(0));
    // One that only a newer version knows goes as far as any.
    let scope_of = |code| ObjectionScope::from_code(u8::try_from(code).unwrap_or(u8::MAX));
    Ok(scope.optional()?.map(scope_of))
}

/// `false` if there is no such ping; one that does not record any more stays as it is.
pub(crate) fn withdraw(connection: &Connection, id: PingId) -> Result<bool> {
    let Some(found) = find(connection, id)? else { return Ok(false) };
    connection
        .prepare_cached("UPDATE pings SET status = ?2 WHERE n = ?1 AND status = 0")?
        .execute(params![found.n, Status::Withdrawn.code()])?;
    Ok(true)
}

pub(crate) fn object(
    connection: &Connection,
    recipient: &RecipientHashes,
    scope: ObjectionScope,
) -> Result<()> {
    unify(connection, recipient)?;
    object_by_hash(connection, &recipient.newest, scope)
}

fn object_by_hash(connection: &Connection, hash: &RecipientHash, scope: ObjectionScope) -> Result<()> {
    const KEEP: &str = "INSERT INTO objections (key, hash, scope) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET scope = excluded.scope WHERE scope < excluded.scope";
    const END: &str = "UPDATE pings SET status = ?3 WHERE recipient_key = ?1 AND recipient_hash = ?2
        AND (status = 0 OR ?4 AND status IN (1, 3))";
    let (key, is_to_all) = (hash.key().to_bits(), scope != ObjectionScope::Opens);
    let status = if is_to_all { Status::Closed } else { Status::Withdrawn };
    connection.prepare_cached(KEEP)?.execute(params![key, hash.hash(), scope.code()])?;
    connection.prepare_cached(END)?.execute(params![key, hash.hash(), status.code(), is_to_all])?;
    Ok(())
}

pub(crate) fn object_by_ping(connection: &Connection, id: PingId) -> Result<()> {
    let Some(found) = find(connection, id)? else { return Ok(()) };
    let mut ping = connection.prepare_cached(rows::PING)?;
    match ping.query_row([found.n], |row| Ok(rows::recipient(row)))?? {
        Some(hash) => object_by_hash(connection, &hash, ObjectionScope::Opens),
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
        erased += delete(connection, *ping)?;
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
    delete("DELETE FROM milestones WHERE ping = ?1")?;
    ledger::FORGET.iter().try_for_each(|forget| delete(forget).map(drop))?;
    Ok(Deleted::new(delete("DELETE FROM pings WHERE n = ?1")?, opens))
}
