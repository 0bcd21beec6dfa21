//! The changes but those of batches: each inside a transaction that holds the write lock.

use std::collections::HashSet;

use mailping_core::PingId;
use mailping_core::pings::{Ping, Status};
use mailping_core::store::{Deleted, ObjectionScope, RecipientHash, RecipientHashes};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::failure::Result;
use crate::record::{Change, number_of};
use crate::{index, rows};

pub(crate) fn insert_ping(
    change: &Change<'_>,
    ping: &Ping,
    recipient: Option<&RecipientHashes>,
) -> Result<Status> {
    let mut status = ping.status;
    if let Some(recipient) = recipient {
        unify(change, recipient)?;
        if let Some(scope) = objection(change, &recipient.newest)? {
            status = scope.status_of_new();
        }
    }
    let mut insert = change.prepare_cached(rows::INSERT_PING)?;
    rows::insert_ping(&mut insert, ping, status, recipient.map(|hashes| &hashes.newest))?;
    Ok(status)
}

/// Moves what is kept under an older key of this recipient to the newest.
fn unify(change: &Change<'_>, recipient: &RecipientHashes) -> Result<()> {
    let newest = &recipient.newest;
    for older in &recipient.older {
        change
            .prepare_cached(
                "UPDATE pings SET recipient_key = ?3, recipient_hash = ?4
                 WHERE recipient_key = ?1 AND recipient_hash = ?2",
            )?
            .execute(params![older.key().to_bits(), older.hash(), newest.key().to_bits(), newest.hash()])?;
        if let Some(scope) = objection(change, older)? {
            change
                .prepare_cached("DELETE FROM objections WHERE key = ?1 AND hash = ?2")?
                .execute(params![older.key().to_bits(), older.hash()])?;
            keep_objection(change, newest, scope)?;
        }
    }
    // A ping that was kept under an older key may have escaped the objection until now.
    if !recipient.older.is_empty()
        && let Some(scope) = objection(change, newest)?
    {
        object_by_hash(change, newest, scope)?;
    }
    Ok(())
}

fn keep_objection(change: &Change<'_>, hash: &RecipientHash, scope: ObjectionScope) -> Result<()> {
    change
        .prepare_cached(
            "INSERT INTO objections (key, hash, scope) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET scope = excluded.scope WHERE scope < excluded.scope",
        )?
        .execute(params![hash.key().to_bits(), hash.hash(), scope.code()])?;
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
pub(crate) fn withdraw(change: &Change<'_>, id: PingId) -> Result<bool> {
    let withdrawn = change
        .prepare_cached("UPDATE pings SET status = ?2 WHERE id = ?1 AND status = 0")?
        .execute(params![id.as_bytes(), Status::Withdrawn.code()])?;
    Ok(withdrawn > 0 || number_of(change, id)?.is_some())
}

pub(crate) fn object(change: &Change<'_>, recipient: &RecipientHashes, scope: ObjectionScope) -> Result<()> {
    unify(change, recipient)?;
    object_by_hash(change, &recipient.newest, scope)
}

fn object_by_hash(change: &Change<'_>, hash: &RecipientHash, scope: ObjectionScope) -> Result<()> {
    const WITHDRAW: &str =
        "UPDATE pings SET status = ?3 WHERE recipient_key = ?1 AND recipient_hash = ?2 AND status = 0";
    const CLOSE: &str = "UPDATE pings SET status = ?3 WHERE recipient_key = ?1 AND recipient_hash = ?2 AND status IN (0, 1, 3)";
    keep_objection(change, hash, scope)?;
    let (end, status) = match scope {
        ObjectionScope::Opens => (WITHDRAW, Status::Withdrawn),
        _ => (CLOSE, Status::Closed),
    };
    change.prepare_cached(end)?.execute(params![hash.key().to_bits(), hash.hash(), status.code()])?;
    Ok(())
}

pub(crate) fn object_by_ping(change: &Change<'_>, id: PingId) -> Result<()> {
    let Some(n) = number_of(change, id)? else { return Ok(()) };
    let mut find = change.prepare_cached(rows::PING)?;
    let mut found = find.query([n])?;
    let Some(row) = found.next()? else { return Ok(()) };
    match rows::recipient(row)? {
        Some(hash) => object_by_hash(change, &hash, ObjectionScope::Opens),
        None => withdraw(change, id).map(drop),
    }
}

pub(crate) fn erase(change: &Change<'_>, id: PingId) -> Result<Option<Deleted>> {
    let Some(n) = number_of(change, id)? else { return Ok(None) };
    erase_all(change, &HashSet::from([n])).map(Some)
}

pub(crate) fn erase_recipient(change: &Change<'_>, recipient: &RecipientHashes) -> Result<Deleted> {
    unify(change, recipient)?;
    let newest = params![recipient.newest.key().to_bits(), recipient.newest.hash()];
    let mut find =
        change.prepare_cached("SELECT n FROM pings WHERE recipient_key = ?1 AND recipient_hash = ?2")?;
    let theirs = find.query_map(newest, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    erase_all(change, &theirs)
}

/// Deletes pings with all of their opens: those in the index, and those that the table has above
/// its mark, whatever is remembered of them.
fn erase_all(change: &Change<'_>, pings: &HashSet<i64>) -> Result<Deleted> {
    if pings.is_empty() {
        return Ok(Deleted::default());
    }
    let mut erased = Deleted::default();
    let mut waiting = Vec::new();
    index::above_mark(change, |entry| {
        if pings.contains(&entry.ping) {
            waiting.push(entry.seq);
        }
    })?;
    let mut open = change.prepare_cached("DELETE FROM opens WHERE seq = ?1")?;
    for seq in waiting {
        erased.opens += open.execute([seq])? as u64;
    }
    for &ping in pings {
        erased.opens += change
            .prepare_cached(
                "DELETE FROM opens WHERE seq IN (SELECT seq FROM opens_by_ping WHERE ping = ?1) AND ping = ?1",
            )?
            .execute([ping])? as u64;
        change.prepare_cached("DELETE FROM opens_by_ping WHERE ping = ?1")?.execute([ping])?;
        change.prepare_cached("DELETE FROM last_days WHERE ping = ?1")?.execute([ping])?;
        change.prepare_cached("DELETE FROM milestones WHERE ping = ?1")?.execute([ping])?;
        erased.pings += change.prepare_cached("DELETE FROM pings WHERE n = ?1")?.execute([ping])? as u64;
    }
    Ok(erased)
}
