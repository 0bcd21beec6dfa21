//! What is read of pings, each from one state of the database. A row that cannot be read is left
//! out and counted.

use std::collections::BTreeSet;

use mailping_core::PingId;
use mailping_core::pings::Ping;
use mailping_core::store::{KeyFingerprint, ObjectionScope, Page, PingQuery, RecipientHashes};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use crate::failure::{Failure, Result, readable};
use crate::{changes, milestones, record, rows};

pub(crate) fn ping(connection: &Connection, id: PingId) -> Result<Option<Ping>> {
    let transaction = connection.unchecked_transaction()?;
    let found = record::find(&transaction, id)?;
    found.map(|found| by_number(&transaction, found.n, id, &PingQuery::default())).transpose()
}

/// A ping by its number; an error if that is another one, or not as it was asked for: an index is
/// damaged then.
fn by_number(connection: &Connection, n: i64, id: PingId, query: &PingQuery) -> Result<Ping> {
    let read = || {
        let mut find = connection.prepare_cached(rows::PING)?;
        let kept = find.query_row([n], |row| Ok(rows::ping(row))).optional()?.transpose()?;
        let kept = kept.filter(|kept| kept.id == id && query.asks_for(kept));
        let mut kept = kept.ok_or(Failure::corrupt("an index of pings"))?;
        kept.milestones = milestones::of_ping(connection, n, id)?;
        Ok(kept)
    };
    read().inspect_err(|_| {
        tracing::error!(ping = %id, "the row of a ping in the database file cannot be read");
    })
}

pub(crate) fn pings(connection: &Connection, query: &PingQuery) -> Result<Page<Ping>> {
    let filter = match (&query.reference, &query.owner) {
        (None, None) => "INDEXED BY sqlite_autoindex_pings_1 WHERE",
        (None, Some(_)) => "INDEXED BY pings_by_owner WHERE owner = ? AND",
        (Some(_), None) => "INDEXED BY pings_by_reference WHERE reference = ? AND",
        (Some(_), Some(_)) => "INDEXED BY pings_by_reference WHERE reference = ? AND owner = ? AND",
    };
    let asked = [&query.reference, &query.owner].into_iter().flatten().cloned().map(Value::from).collect();
    let transaction = connection.unchecked_transaction()?;
    page(&transaction, filter, asked, query)
}

pub(crate) fn pings_of(
    connection: &Connection,
    recipient: &RecipientHashes,
    after: Option<PingId>,
    limit: usize,
) -> Result<Page<Ping>> {
    const FILTER: &str = "INDEXED BY pings_by_recipient WHERE recipient_key = ? AND recipient_hash = ? AND";
    // Several statements: a transaction makes them see one state.
    let transaction = connection.unchecked_transaction()?;
    let (mut query, mut all, mut has_more) = (PingQuery::newest(limit), Page::<Ping>::default(), false);
    query.after = after;
    for hash in recipient.all() {
        let asked = vec![hash.key().to_bits().into(), hash.hash().to_vec().into()];
        let page = page(&transaction, FILTER, asked, &query)?;
        has_more |= page.next.is_some();
        all.unreadable += page.unreadable;
        all.items.extend(page.items);
    }
    all.items.sort_unstable_by_key(|kept| std::cmp::Reverse(kept.id));
    has_more |= all.items.len() > limit;
    all.items.truncate(limit);
    all.next = all.items.last().filter(|_| has_more).map(|kept| kept.id);
    Ok(all)
}

/// The newest pings of a filter, until there are enough that can be read.
fn page(
    connection: &Connection,
    filter: &str,
    mut asked: Vec<Value>,
    query: &PingQuery,
) -> Result<Page<Ping>> {
    // All ids are below 17 bytes of ones.
    asked.push(query.after.map_or_else(|| vec![0xff; 17], |id| id.as_bytes().to_vec()).into());
    let sql = format!("SELECT n, id FROM pings {filter} id < ? ORDER BY id DESC");
    let mut find = connection.prepare_cached(&sql)?;
    let mut found = find.query(params_from_iter(asked))?;
    let mut page = Page::<Ping>::default();
    // A damaged page of the index ends the list.
    while let Some(row) = readable(found.next(), &mut page.unreadable)?.flatten() {
        if page.items.len() >= query.limit {
            page.next = page.items.last().map(|last| last.id);
            break;
        }
        let kept = rows::value(row, 0, "pings.n").and_then(|n| {
            by_number(connection, n, PingId::from_bytes(rows::value(row, 1, "pings.id")?), query)
        });
        page.items.extend(readable(kept, &mut page.unreadable)?);
    }
    Ok(page)
}

pub(crate) fn objection(
    connection: &Connection,
    recipient: &RecipientHashes,
) -> Result<Option<ObjectionScope>> {
    // Several statements: a transaction makes them see one state.
    let transaction = connection.unchecked_transaction()?;
    let scopes: Result<Vec<_>> = recipient.all().map(|hash| changes::objection(&transaction, hash)).collect();
    Ok(scopes?.into_iter().max().flatten())
}

pub(crate) fn recipient_keys(connection: &Connection) -> Result<Vec<KeyFingerprint>> {
    let transaction = connection.unchecked_transaction()?;
    let mut keys = BTreeSet::new();
    // Steps from one key to the next greater one; a DISTINCT would walk all pings.
    for step in [
        "SELECT min(recipient_key) FROM pings WHERE recipient_key > ?1",
        "SELECT min(key) FROM objections WHERE key > ?1",
        "SELECT min(key) FROM sealed_pings WHERE key > ?1",
    ] {
        let mut find = transaction.prepare_cached(step)?;
        // None is negative.
        let mut key = -1;
        while let Some(next) = find.query_row([key], |row| row.get(0))? {
            keys.insert(KeyFingerprint::from_bits(next).ok_or(Failure::corrupt("recipient_key"))?);
            key = next;
        }
    }
    Ok(keys.into_iter().collect())
}
