//! What is read, each from one state of the database.

use mailping_core::PingId;
use mailping_core::receipts::Open;
use mailping_core::store::{KeptPing, OpenPage, OpenQuery, Order, PingPage, PingQuery};
use mailping_core::store::{KeyFingerprint, RecipientHashes};
use rusqlite::{CachedStatement, Connection, Params, params};

use crate::arrivals::Arrivals;
use crate::bundles;
use crate::changes;
use crate::failure::Result;
use crate::packed::Packed;
use crate::rows::{self, KeptFields, ping_columns};

pub(crate) fn ping(connection: &Connection, id: PingId) -> Result<Option<KeptPing>> {
    let find = connection.prepare_cached(concat!("SELECT ", ping_columns!(), " FROM pings WHERE id = ?1"))?;
    Ok(all_pings(find, [id.as_bytes()], usize::MAX)?.pings.pop())
}

pub(crate) fn pings(connection: &Connection, query: &PingQuery) -> Result<PingPage> {
    const ALL: &str =
        concat!("SELECT ", ping_columns!(), " FROM pings WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    const BY_OWNER: &str = concat!(
        "SELECT ",
        ping_columns!(),
        " FROM pings INDEXED BY pings_by_owner
         WHERE owner = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2"
    );
    const BY_REFERENCE: &str = concat!(
        "SELECT ",
        ping_columns!(),
        " FROM pings INDEXED BY pings_by_reference
         WHERE reference = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2"
    );
    const BY_BOTH: &str = concat!(
        "SELECT ",
        ping_columns!(),
        " FROM pings INDEXED BY pings_by_reference
         WHERE reference = ?3 AND owner = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2"
    );
    let (before, most) = (before(query.after), query.limit);
    let limit = limit(most.saturating_add(1));
    match (&query.reference, &query.owner) {
        (None, None) => all_pings(connection.prepare_cached(ALL)?, params![before, limit], most),
        (None, Some(owner)) => {
            all_pings(connection.prepare_cached(BY_OWNER)?, params![before, limit, owner], most)
        }
        (Some(reference), None) => {
            all_pings(connection.prepare_cached(BY_REFERENCE)?, params![before, limit, reference], most)
        }
        (Some(reference), Some(owner)) => {
            all_pings(connection.prepare_cached(BY_BOTH)?, params![before, limit, reference, owner], most)
        }
    }
}

pub(crate) fn pings_of(
    connection: &Connection,
    recipient: &RecipientHashes,
    after: Option<PingId>,
    most: usize,
) -> Result<PingPage> {
    // Several statements: a transaction makes them see one state.
    let transaction = connection.unchecked_transaction()?;
    let mut pings = Vec::new();
    for hash in recipient.all() {
        let find = transaction.prepare_cached(concat!(
            "SELECT ",
            ping_columns!(),
            " FROM pings INDEXED BY pings_by_recipient
             WHERE recipient_key = ?3 AND recipient_hash = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2"
        ))?;
        let asked = params![before(after), limit(most.saturating_add(1)), hash.key().to_bits(), hash.hash()];
        pings.extend(all_pings(find, asked, usize::MAX)?.pings);
    }
    pings.sort_unstable_by_key(|kept| std::cmp::Reverse(kept.ping.id));
    Ok(page(pings, most))
}

fn page(mut pings: Vec<KeptPing>, most: usize) -> PingPage {
    let more = pings.len() > most;
    pings.truncate(most);
    let next = pings.last().filter(|_| more).map(|kept| kept.ping.id);
    PingPage::new(pings, next)
}

pub(crate) fn opens(connection: &Connection, arrivals: &Arrivals, query: &OpenQuery) -> Result<OpenPage> {
    let ping = query.ping;
    let hints = arrivals.of(ping);
    // Several statements: a transaction makes them see one state.
    let transaction = connection.unchecked_transaction()?;
    let (bundles, arrived) = (bundles::of(&transaction, ping)?, arrivals.read(&transaction, ping, hints)?);
    let all = bundles.iter().flat_map(Packed::entries).chain(arrived.iter().map(Vec::as_slice));
    let mut opens = all.map(Unread::of).collect::<Result<Vec<_>>>()?;
    // Of one that was recorded again, the first.
    opens.sort_by_key(|open| open.id);
    opens.dedup_by_key(|open| open.id);
    opens.sort_unstable_by_key(|open| (open.at, open.id));
    let place = query.after.map(|after| (after.at.unix_millis(), *after.id.as_bytes()));
    if query.order == Order::NewestFirst {
        opens.reverse();
        opens.retain(|open| place.is_none_or(|place| (open.at, open.id) < place));
    } else {
        opens.retain(|open| place.is_none_or(|place| (open.at, open.id) > place));
    }
    opens.truncate(query.limit.saturating_add(1));
    let opens: Vec<Open> =
        opens.iter().map(|open| KeptFields::unpack(open.fields)?.open(ping)).collect::<Result<_>>()?;
    Ok(OpenPage::cut(opens, query.limit))
}

/// An open of which no more is read than its place among the others: of many opens a page is read.
struct Unread<'a> {
    at: i64,
    id: [u8; 8],
    fields: &'a [u8],
}

impl<'a> Unread<'a> {
    fn of(fields: &'a [u8]) -> Result<Self> {
        let (id, at) = KeptFields::place(fields)?;
        Ok(Self { at, id, fields })
    }
}

pub(crate) fn has_objected(connection: &Connection, recipient: &RecipientHashes) -> Result<bool> {
    let transaction = connection.unchecked_transaction()?;
    for hash in recipient.all() {
        if changes::has_objected(&transaction, hash)? {
            return Ok(true);
        }
    }
    Ok(false)
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

fn all_pings(mut find: CachedStatement<'_>, asked: impl Params, most: usize) -> Result<PingPage> {
    let mut found = find.query(asked)?;
    let mut pings = Vec::new();
    while let Some(row) = found.next()? {
        pings.push(rows::ping(row)?);
    }
    Ok(page(pings, most))
}

/// All ids are below 17 bytes of ones.
fn before(after: Option<PingId>) -> Vec<u8> {
    after.map_or_else(|| vec![0xff; 17], |id| id.as_bytes().to_vec())
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
