//! What is read of pings, each from one state of the database. A row that cannot be read is left
//! out and counted.

use mailping_core::PingId;
use mailping_core::pings::Ping;
use mailping_core::store::{KeyFingerprint, ObjectionScope, Page, PingQuery, RecipientHashes};
use rusqlite::{Connection, Params, params};

use crate::failure::{Failure, Result};
use crate::record::number_of;
use crate::{changes, milestones, rows};

pub(crate) fn ping(connection: &Connection, id: PingId) -> Result<Option<Ping>> {
    let transaction = connection.unchecked_transaction()?;
    let Some(n) = number_of(&transaction, id)? else { return Ok(None) };
    let read = by_number(&transaction, n, id, |_| true);
    if read.is_err() {
        tracing::error!(ping = %id, "the row of a ping in the database file cannot be read");
    }
    read
}

/// A ping by its number; an error if that is another one, or not as it was asked for: an index is
/// damaged then.
fn by_number(
    connection: &Connection,
    n: i64,
    id: PingId,
    is_asked: impl Fn(&Ping) -> bool,
) -> Result<Option<Ping>> {
    let mut find = connection.prepare_cached(rows::PING)?;
    let mut found = find.query([n])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let mut kept = rows::ping(row)?;
    kept.milestones = milestones::of_ping(connection, n, id)?;
    if kept.id == id && is_asked(&kept) { Ok(Some(kept)) } else { Err(Failure::corrupt("an index of pings")) }
}

pub(crate) fn pings(connection: &Connection, query: &PingQuery) -> Result<Page<Ping>> {
    const ALL: &str = "SELECT n, id FROM pings WHERE id < ?1 ORDER BY id DESC";
    const BY_OWNER: &str =
        "SELECT n, id FROM pings INDEXED BY pings_by_owner WHERE owner = ?2 AND id < ?1 ORDER BY id DESC";
    const BY_REFERENCE: &str = "SELECT n, id FROM pings INDEXED BY pings_by_reference WHERE reference = ?2 AND id < ?1 ORDER BY id DESC";
    let transaction = connection.unchecked_transaction()?;
    let before = before(query.after);
    let is_asked = |kept: &Ping| {
        query.owner.as_ref().is_none_or(|owner| kept.owner.as_ref() == Some(owner))
            && query.reference.as_ref().is_none_or(|reference| &kept.reference == reference)
    };
    match (&query.reference, &query.owner) {
        (None, None) => page(&transaction, ALL, params![before], query.limit, is_asked),
        (None, Some(owner)) => page(&transaction, BY_OWNER, params![before, owner], query.limit, is_asked),
        (Some(reference), None) => {
            page(&transaction, BY_REFERENCE, params![before, reference], query.limit, is_asked)
        }
        (Some(reference), Some(owner)) => {
            const BY_BOTH: &str = "SELECT n, id FROM pings INDEXED BY pings_by_reference
                 WHERE reference = ?2 AND owner = ?3 AND id < ?1 ORDER BY id DESC";
            page(&transaction, BY_BOTH, params![before, reference, owner], query.limit, is_asked)
        }
    }
}

pub(crate) fn pings_of(
    connection: &Connection,
    recipient: &RecipientHashes,
    after: Option<PingId>,
    limit: usize,
) -> Result<Page<Ping>> {
    const FIND: &str = "SELECT n, id FROM pings INDEXED BY pings_by_recipient
         WHERE recipient_key = ?2 AND recipient_hash = ?3 AND id < ?1 ORDER BY id DESC";
    // Several statements: a transaction makes them see one state.
    let transaction = connection.unchecked_transaction()?;
    let (mut pings, mut unreadable, mut more) = (Vec::new(), 0, false);
    for hash in recipient.all() {
        let asked = params![before(after), hash.key().to_bits(), hash.hash()];
        let page = page(&transaction, FIND, asked, limit, |_| true)?;
        more |= page.next.is_some();
        unreadable += page.unreadable;
        pings.extend(page.items);
    }
    pings.sort_unstable_by_key(|kept: &Ping| std::cmp::Reverse(kept.id));
    more |= pings.len() > limit;
    pings.truncate(limit);
    let next = pings.last().filter(|_| more).map(|ping| ping.id);
    Ok(Page::new(pings, next).unreadable(unreadable))
}

/// The pings that a statement finds, until there are enough that can be read.
fn page(
    connection: &Connection,
    sql: &str,
    asked: impl Params,
    limit: usize,
    is_asked: impl Fn(&Ping) -> bool,
) -> Result<Page<Ping>> {
    if limit == 0 {
        return Ok(Page::default());
    }
    let mut find = connection.prepare_cached(sql)?;
    let mut found = find.query(asked)?;
    let (mut pings, mut unreadable) = (Vec::new(), 0);
    let mut next = None;
    loop {
        let row = match found.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) => {
                let failure = Failure::from(error);
                if failure.is_corrupt() {
                    tracing::error!(
                        "an index of pings in the database file is damaged: a list of them ends early"
                    );
                    unreadable += 1;
                    break;
                }
                return Err(failure);
            }
        };
        if pings.len() >= limit {
            next = pings.last().map(|ping: &Ping| ping.id);
            break;
        }
        let place = rows::Column::new(row, 0, "pings.n").and_then(|n| {
            Ok((n.integer()?, PingId::from_bytes(rows::Column::new(row, 1, "pings.id")?.bytes()?)))
        });
        match place.and_then(|(n, id)| {
            let kept = by_number(connection, n, id, &is_asked);
            if kept.is_err() {
                tracing::error!(ping = %id, "the row of a ping in the database file cannot be read");
            }
            kept
        }) {
            Ok(Some(kept)) => pings.push(kept),
            Ok(None) => unreadable += 1,
            Err(failure) if failure.is_corrupt() => unreadable += 1,
            Err(failure) => return Err(failure),
        }
    }
    Ok(Page::new(pings, next).unreadable(unreadable))
}

pub(crate) fn objection(
    connection: &Connection,
    recipient: &RecipientHashes,
) -> Result<Option<ObjectionScope>> {
    // Several statements: a transaction makes them see one state.
    let transaction = connection.unchecked_transaction()?;
    let mut widest = None;
    for hash in recipient.all() {
        widest = widest.max(changes::objection(&transaction, hash)?);
    }
    Ok(widest)
}

pub(crate) fn recipient_keys(connection: &Connection) -> Result<Vec<KeyFingerprint>> {
    // Steps from one key to the next greater one; a DISTINCT would walk all pings.
    let mut find = connection.prepare_cached(
        "WITH RECURSIVE
            of_pings (key) AS (
                SELECT min(recipient_key) FROM pings WHERE recipient_key IS NOT NULL UNION ALL
                SELECT (SELECT min(recipient_key) FROM pings WHERE recipient_key > of_pings.key)
                FROM of_pings WHERE of_pings.key IS NOT NULL),
            of_objections (key) AS (
                SELECT min(objections.key) FROM objections UNION ALL
                SELECT (SELECT min(objections.key) FROM objections WHERE objections.key > of_objections.key)
                FROM of_objections WHERE of_objections.key IS NOT NULL)
         SELECT key FROM of_pings WHERE key IS NOT NULL UNION
         SELECT key FROM of_objections WHERE key IS NOT NULL ORDER BY key",
    )?;
    let mut found = find.query(())?;
    let mut keys = Vec::new();
    while let Some(row) = found.next()? {
        keys.push(rows::key(row)?);
    }
    Ok(keys)
}

/// All ids are below 17 bytes of ones.
fn before(after: Option<PingId>) -> Vec<u8> {
    after.map_or_else(|| vec![0xff; 17], |id| id.as_bytes().to_vec())
}
