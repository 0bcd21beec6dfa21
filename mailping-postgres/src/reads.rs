//! What is read, each by one statement, so from one state of the database.

use mailping_core::PingId;
use mailping_core::pings::Ping;
use mailping_core::receipts::Open;
use mailping_core::store::{
    KeyFingerprint, ObjectionScope, OpenCursor, OpenQuery, Page, PingQuery, RecipientHashes,
};
use sqlx::PgPool;
use sqlx::postgres::PgRow;

use crate::failure::Result;
use crate::rows::{self, Uuid, limit, open_columns, open_id, ping_columns};
use crate::schema::Schema;

pub(crate) async fn ping(pool: &PgPool, schema: &Schema, id: PingId) -> Result<Option<Ping>> {
    let find = schema.query(concat!("SELECT ", ping_columns!(), " FROM {s}.pings WHERE id = $1"));
    let row = find.bind(Uuid::from(id)).fetch_optional(&mut *schema.reader(pool).await?).await?;
    row.as_ref().map(rows::ping).transpose()
}

pub(crate) async fn pings(pool: &PgPool, schema: &Schema, query: PingQuery) -> Result<Page<Ping>> {
    const ALL: &str =
        concat!("SELECT ", ping_columns!(), " FROM {s}.pings WHERE id <= $1 ORDER BY id DESC LIMIT $2");
    const BY_OWNER: &str = concat!(
        "SELECT ",
        ping_columns!(),
        " FROM {s}.pings WHERE owner = $3 AND id <= $1 ORDER BY owner DESC, id DESC LIMIT $2"
    );
    const BY_REFERENCE: &str = concat!(
        "SELECT ",
        ping_columns!(),
        " FROM {s}.pings WHERE reference = $3 AND id <= $1 ORDER BY reference DESC, id DESC LIMIT $2"
    );
    const BY_BOTH: &str = concat!(
        "SELECT ",
        ping_columns!(),
        " FROM {s}.pings WHERE reference = $3 AND owner = $4 AND id <= $1 ORDER BY id DESC LIMIT $2"
    );
    let Some(newest) = newest(query.after) else { return Ok(Page::default()) };
    let text = match (&query.reference, &query.owner) {
        (None, None) => ALL,
        (None, Some(_)) => BY_OWNER,
        (Some(_), None) => BY_REFERENCE,
        (Some(_), Some(_)) => BY_BOTH,
    };
    let mut find = schema.query(text).bind(newest).bind(one_more(query.limit));
    for value in [query.reference, query.owner].into_iter().flatten() {
        find = find.bind(value);
    }
    page(find.fetch_all(&mut *schema.reader(pool).await?).await?, query.limit)
}

pub(crate) async fn pings_of(
    pool: &PgPool,
    schema: &Schema,
    recipient: RecipientHashes,
    after: Option<PingId>,
    most: usize,
) -> Result<Page<Ping>> {
    // A page under each key from the index, then the newest of them all.
    const FIND: &str = concat!(
        "SELECT ",
        ping_columns!(),
        " FROM UNNEST($3::bigint[], $4::bytea[]) AS given (key, hash) CROSS JOIN LATERAL (
            SELECT * FROM {s}.pings WHERE recipient_key = key AND recipient_hash = hash AND id <= $1
            ORDER BY id DESC LIMIT $2) AS page
          ORDER BY id DESC LIMIT $2"
    );
    let Some(newest) = newest(after) else { return Ok(Page::default()) };
    let (keys, hashes) = columns(&recipient);
    let find = schema.query(FIND).bind(newest).bind(one_more(most)).bind(keys).bind(hashes);
    page(find.fetch_all(&mut *schema.reader(pool).await?).await?, most)
}

pub(crate) async fn opens(
    pool: &PgPool,
    schema: &Schema,
    query: OpenQuery,
) -> Result<Page<Open, OpenCursor>> {
    const OLDEST: &str = concat!(
        "SELECT ",
        open_columns!(),
        ", ping FROM {s}.opens WHERE ping = $1 AND (at, id) > ($2, $3) ORDER BY ping, at, id LIMIT $4"
    );
    const NEWEST: &str = concat!(
        "SELECT ",
        open_columns!(),
        ", ping FROM {s}.opens WHERE ping = $1 AND (at, id) < ($2, $3) ORDER BY ping DESC, at DESC, id DESC LIMIT $4"
    );
    // Without a cursor: before the first time and after the last.
    let (text, start) = match query.newest_first {
        false => (OLDEST, (-1, 0)),
        true => (NEWEST, (i64::MAX, 0)),
    };
    let (at, id) = query.after.map_or(start, |after| (after.at.unix_millis(), open_id(after.id)));
    let find = schema.query(text).bind(Uuid::from(query.ping)).bind(at).bind(id);
    let rows = find.bind(one_more(query.limit)).fetch_all(&mut *schema.reader(pool).await?).await?;
    open_page(query.ping, &rows.iter().collect::<Vec<_>>(), query.limit)
}

pub(crate) async fn opens_of(
    pool: &PgPool,
    schema: &Schema,
    pings: Vec<PingId>,
    most: usize,
) -> Result<Vec<Page<Open, OpenCursor>>> {
    const FIND: &str = concat!(
        "SELECT ",
        open_columns!(),
        ", given FROM UNNEST($1::uuid[]) WITH ORDINALITY AS asked (given, turn) CROSS JOIN LATERAL (
            SELECT * FROM {s}.opens WHERE ping = given ORDER BY ping, at, id LIMIT $2) AS page
          ORDER BY turn, at, id"
    );
    let ids: Vec<Uuid> = pings.iter().copied().map(Uuid::from).collect();
    let rows =
        schema.query(FIND).bind(ids).bind(one_more(most)).fetch_all(&mut *schema.reader(pool).await?).await?;
    let mut rows = rows.iter().peekable();
    let mut pages = Vec::with_capacity(pings.len());
    for ping in pings {
        let mut its = Vec::new();
        while its.len() <= most
            && rows.peek().is_some_and(|row| rows::ping_id(row, 11).is_ok_and(|id| id == ping))
        {
            its.extend(rows.next());
        }
        pages.push(open_page(ping, &its, most)?);
    }
    Ok(pages)
}

/// A page of rows of which there may be one more than asked for. A row that cannot be read is left
/// out, and has its place.
fn open_page(ping: PingId, rows: &[&PgRow], most: usize) -> Result<Page<Open, OpenCursor>> {
    let (mut opens, mut unreadable) = (Vec::with_capacity(rows.len().min(most)), 0);
    for row in rows.iter().take(most) {
        match rows::open(ping, row, 0) {
            Ok(open) => opens.push(open),
            Err(failure) => {
                rows::note_damaged(row, 11, &failure);
                unreadable += 1;
            }
        }
    }
    let last = most.checked_sub(1).and_then(|last| rows.get(last)).filter(|_| rows.len() > most);
    let next = last.map(|row| rows::cursor(row, 0)).transpose()?;
    Ok(Page::new(opens, next).unreadable(unreadable))
}

pub(crate) async fn objection(
    pool: &PgPool,
    schema: &Schema,
    recipient: RecipientHashes,
) -> Result<Option<ObjectionScope>> {
    const FIND: &str = "
        SELECT max(scope) FROM {s}.objections WHERE (key, hash) IN (SELECT * FROM UNNEST($1::bigint[], $2::bytea[]))";
    let (keys, hashes) = columns(&recipient);
    let find = schema.query_scalar(FIND).bind(keys).bind(hashes);
    let scope: Option<i16> = find.fetch_one(&mut *schema.reader(pool).await?).await?;
    // One that only a newer version knows goes as far as any.
    Ok(scope.map(|scope| ObjectionScope::from_code(u8::try_from(scope).unwrap_or(u8::MAX))))
}

pub(crate) async fn recipient_keys(pool: &PgPool, schema: &Schema) -> Result<Vec<KeyFingerprint>> {
    // Steps from one key to the next greater one; a DISTINCT would walk all pings.
    const FIND: &str = "
        WITH RECURSIVE
            of_pings (key) AS (
                (SELECT min(recipient_key) FROM {s}.pings WHERE recipient_key IS NOT NULL) UNION ALL
                SELECT (SELECT min(recipient_key) FROM {s}.pings WHERE recipient_key > of_pings.key)
                FROM of_pings WHERE of_pings.key IS NOT NULL),
            of_objections (key) AS (
                (SELECT min(key) FROM {s}.objections) UNION ALL
                SELECT (SELECT min(key) FROM {s}.objections WHERE objections.key > of_objections.key)
                FROM of_objections WHERE of_objections.key IS NOT NULL),
            of_secrets (key) AS (
                (SELECT min(key) FROM {s}.sealed_pings) UNION ALL
                SELECT (SELECT min(key) FROM {s}.sealed_pings WHERE sealed_pings.key > of_secrets.key)
                FROM of_secrets WHERE of_secrets.key IS NOT NULL)
        SELECT key FROM of_pings WHERE key IS NOT NULL UNION
        SELECT key FROM of_objections WHERE key IS NOT NULL UNION
        SELECT key FROM of_secrets WHERE key IS NOT NULL ORDER BY key";
    schema.query(FIND).fetch_all(&mut *schema.reader(pool).await?).await?.iter().map(rows::key).collect()
}

/// Whether an objection by this ping would change anything: it may be kept, with all live pings of
/// its recipient withdrawn, already.
pub(crate) async fn may_object(pool: &PgPool, schema: &Schema, id: PingId) -> Result<bool> {
    const FIND: &str = "
        SELECT EXISTS (SELECT FROM {s}.pings AS given WHERE id = $1 AND CASE
            WHEN recipient_key IS NULL THEN status = 0
            ELSE NOT EXISTS (SELECT FROM {s}.objections WHERE key = given.recipient_key AND hash = given.recipient_hash)
                OR EXISTS (SELECT FROM {s}.pings AS other WHERE other.recipient_key = given.recipient_key
                    AND other.recipient_hash = given.recipient_hash AND other.status = 0)
            END)";
    Ok(schema.query_scalar(FIND).bind(Uuid::from(id)).fetch_one(&mut *schema.reader(pool).await?).await?)
}

/// All hashes of a recipient as two columns.
fn columns(recipient: &RecipientHashes) -> (Vec<i64>, Vec<Vec<u8>>) {
    recipient.all().map(|hash| (hash.key().to_bits(), hash.hash().to_vec())).unzip()
}

/// A page of rows of which there may be one more than asked for. A row that cannot be read is left
/// out, and has its place.
fn page(rows: Vec<PgRow>, most: usize) -> Result<Page<Ping>> {
    let (mut pings, mut unreadable) = (Vec::with_capacity(rows.len().min(most)), 0);
    for row in rows.iter().take(most) {
        match rows::ping(row) {
            Ok(ping) => pings.push(ping),
            Err(failure) => {
                rows::note_damaged(row, 0, &failure);
                unreadable += 1;
            }
        }
    }
    let last = most.checked_sub(1).and_then(|last| rows.get(last)).filter(|_| rows.len() > most);
    let next = last.map(|row| rows::ping_id(row, 0)).transpose()?;
    Ok(Page::new(pings, next).unreadable(unreadable))
}

/// The newest id of a page: the one before `after`, if there can be one.
fn newest(after: Option<PingId>) -> Option<Uuid> {
    let before = match after {
        Some(id) => u128::from_be_bytes(*id.as_bytes()).checked_sub(1)?,
        None => u128::MAX,
    };
    Some(Uuid(before.to_be_bytes()))
}

/// One row more than asked for shows that there is a next page.
fn one_more(most: usize) -> i64 {
    limit(most).saturating_add(1)
}
