//! What is read of sealing, each by one statement.

use mailping_core::pings::Status;
use mailping_core::store::{
    EndReason, Ending, Page, PingSecret, PingStatements, SealRow, SealedPing, StampRow,
};
use mailping_core::{PingId, Timestamp};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgPool, Postgres, Row as _};

use crate::failure::{Failure, Result};
use crate::ledger::number;
use crate::news::MAX_OPEN;
use crate::rows::{self, Uuid, limit};
use crate::schema::Schema;

pub(crate) async fn sealed(
    pool: &PgPool,
    schema: &Schema,
    pings: Vec<PingId>,
) -> Result<Vec<Option<SealedPing>>> {
    const FIND: &str = "
        SELECT nonce, key, first, last FROM UNNEST($1::uuid[]) WITH ORDINALITY AS asked (given, turn)
        LEFT JOIN LATERAL (SELECT * FROM {s}.sealed_pings WHERE ping = given LIMIT 1) AS its ON true ORDER BY turn";
    let pings: Vec<Uuid> = pings.into_iter().map(Uuid::from).collect();
    let read = |row: &PgRow| -> Result<SealedPing> {
        let last = rows::value::<Option<i64>>(row, 3, "sealed_pings.last")?.map(i64::cast_unsigned);
        Ok(SealedPing { secret: secret(row, 0)?, first: number(row, 2, "sealed_pings.first")?, last })
    };
    let found = schema.query(FIND).bind(pings).fetch_all(&mut *schema.reader(pool).await?).await?;
    found.iter().map(|row| rows::optional(row, 0, read)).collect()
}

/// From the columns `nonce, key`.
fn secret(row: &PgRow, index: usize) -> Result<PingSecret> {
    let nonce: &[u8] = rows::value(row, index, "sealed_pings.nonce")?;
    let nonce = nonce.try_into().map_err(|_| Failure::corrupt("sealed_pings.nonce"))?;
    Ok(PingSecret { nonce, key: rows::fingerprint(row, index + 1, "sealed_pings.key")? })
}

pub(crate) async fn ending(
    pool: &PgPool,
    schema: &Schema,
    until: Timestamp,
    most: usize,
) -> Result<Vec<Ending>> {
    const FIND: &str = "
        SELECT id, status, EXISTS (SELECT FROM {s}.objections WHERE key = recipient_key AND hash = recipient_hash)
        FROM (SELECT ping FROM {s}.sealed_pings WHERE last IS NULL AND ends_at <= $1 ORDER BY ends_at LIMIT $2) AS due
        JOIN {s}.pings ON id = ping";
    let find = schema.query(FIND).bind(until.unix_millis()).bind(limit(most));
    let found = find.fetch_all(&mut *schema.reader(pool).await?).await?;
    let read = |row: &PgRow| {
        let status = rows::value::<i16>(row, 1, "pings.status")?;
        let status = u8::try_from(status).map_err(|_| Failure::corrupt("pings.status"))?;
        let reason = EndReason::of(Status::from_code(status), rows::value(row, 2, "objections")?);
        Ok(Ending { ping: rows::ping_id(row, 0)?, reason })
    };
    found.iter().map(read).collect()
}

/// When the last of the statements of a seal ends: not in this age if news of a ping whose last
/// seal it is may be held back, since too many transactions from before its end are open still.
pub(crate) async fn latest(pool: &PgPool, schema: &Schema, seal: u64) -> Result<Option<Timestamp>> {
    const FIND: &str = "
        SELECT (SELECT max(ends) FROM {s}.statements WHERE seal = $1),
            (SELECT count(*) FROM pg_snapshot_xip(pg_current_snapshot()) AS open
                WHERE open::text::bigint < (SELECT max(xact) FROM {s}.sealed_pings WHERE last = $1)) > $2";
    let find = schema.query(FIND).bind(seal.cast_signed()).bind(MAX_OPEN);
    let row = find.fetch_one(&mut *schema.reader(pool).await?).await?;
    if row.try_get(1)? {
        return Ok(Some(Timestamp::from_unix_millis(i64::MAX)));
    }
    rows::optional(&row, 0, |row| rows::time(row, 0, "statements.ends"))
}

pub(crate) async fn statements_in(
    pool: &PgPool,
    schema: &Schema,
    seal: u64,
    after: Option<PingId>,
    most: usize,
) -> Result<Page<PingStatements>> {
    // Whole pings. The secret is looked up for each line, whatever the planner thinks of the sizes.
    const FIND: &str = "
        SELECT its.ping, nonce, key, line FROM (
            SELECT ping, line FROM {s}.statements WHERE seal = $1 AND ping >= $2
            ORDER BY ping FETCH FIRST $3 ROWS WITH TIES) AS its
        CROSS JOIN LATERAL (SELECT nonce, key FROM {s}.sealed_pings WHERE ping = its.ping LIMIT 1) AS secret
        ORDER BY its.ping";
    let Some(first) = behind(after) else { return Ok(Page::default()) };
    let find = schema.query(FIND).bind(seal.cast_signed()).bind(first).bind(limit(most.max(1)));
    let found = find.fetch_all(&mut *schema.page_reader(pool).await?).await?;
    let mut page = Page::<PingStatements>::default();
    for row in &found {
        let (ping, line) = (rows::uuid(row, 0, "statements.ping")?, rows::value(row, 3, "statements.line")?);
        match page.items.last_mut().filter(|last| last.ping == ping) {
            Some(last) => last.lines.push(line),
            None => page.items.push(PingStatements { ping, secret: secret(row, 1)?, lines: vec![line] }),
        }
    }
    page.next = page.items.last().map(|last| last.ping).filter(|_| found.len() >= most);
    Ok(page)
}

/// The lowest id after this one, if there can be one.
fn behind(after: Option<PingId>) -> Option<Uuid> {
    let first = match after {
        Some(id) => u128::from_be_bytes(*id.as_bytes()).checked_add(1)?,
        None => 0,
    };
    Some(Uuid(first.to_be_bytes()))
}

pub(crate) async fn oldest(pool: &PgPool, schema: &Schema) -> Result<Option<u64>> {
    let find = schema.query("SELECT min(first) FROM {s}.sealed_pings");
    let row = find.fetch_one(&mut *schema.reader(pool).await?).await?;
    rows::optional(&row, 0, |row| number(row, 0, "sealed_pings.first"))
}

pub(crate) async fn statement(
    pool: &PgPool,
    schema: &Schema,
    ping: PingId,
    name: String,
) -> Result<Option<String>> {
    let find = schema.query_scalar("SELECT line FROM {s}.statements WHERE ping = $1 AND name = $2");
    let find = find.bind(Uuid::from(ping)).bind(name);
    Ok(find.fetch_optional(&mut *schema.reader(pool).await?).await?)
}

pub(crate) async fn statements_of(
    pool: &PgPool,
    schema: &Schema,
    ping: PingId,
) -> Result<Vec<(u64, String)>> {
    let find = schema.query("SELECT seal, line FROM {s}.statements WHERE ping = $1").bind(Uuid::from(ping));
    let found = find.fetch_all(&mut *schema.reader(pool).await?).await?;
    let read = |row| Ok((number(row, 0, "statements.seal")?, rows::value(row, 1, "statements.line")?));
    found.iter().map(read).collect()
}

pub(crate) async fn ended_in(
    pool: &PgPool,
    schema: &Schema,
    seal: u64,
    after: Option<PingId>,
    most: usize,
) -> Result<Page<PingId>> {
    const FIND: &str =
        "SELECT ping FROM {s}.sealed_pings WHERE last = $1 AND ping >= $2 ORDER BY ping LIMIT $3";
    page_of_pings(pool, schema.query(FIND), schema, seal, after, most).await
}

pub(crate) async fn pings_in(
    pool: &PgPool,
    schema: &Schema,
    seal: u64,
    after: Option<PingId>,
    most: usize,
) -> Result<Page<PingId>> {
    const FIND: &str =
        "SELECT DISTINCT ping FROM {s}.statements WHERE seal = $1 AND ping >= $2 ORDER BY ping LIMIT $3";
    page_of_pings(pool, schema.query(FIND), schema, seal, after, most).await
}

async fn page_of_pings(
    pool: &PgPool,
    find: Query<'_, Postgres, PgArguments>,
    schema: &Schema,
    seal: u64,
    after: Option<PingId>,
    most: usize,
) -> Result<Page<PingId>> {
    let Some(first) = behind(after) else { return Ok(Page::default()) };
    let find = find.bind(seal.cast_signed()).bind(first).bind(limit(most).saturating_add(1));
    let found = find.fetch_all(&mut *schema.reader(pool).await?).await?;
    let pings = found.iter().take(most).map(|row| rows::uuid(row, 0, "sealed_pings.ping"));
    let pings = pings.collect::<Result<Vec<PingId>>>()?;
    let next = pings.last().copied().filter(|_| found.len() > most);
    Ok(Page::new(pings, next))
}

pub(crate) async fn seals(pool: &PgPool, schema: &Schema, from: u64, most: usize) -> Result<Vec<SealRow>> {
    const FIND: &str =
        "SELECT number, entry, parts FROM {s}.seals WHERE number >= $1 ORDER BY number LIMIT $2";
    let find = schema.query(FIND).bind(from.cast_signed()).bind(limit(most));
    let found = find.fetch_all(&mut *schema.reader(pool).await?).await?;
    let read = |row| {
        let (entry, parts) = (rows::value(row, 1, "seals.entry")?, rows::value(row, 2, "seals.parts")?);
        Ok(SealRow { number: number(row, 0, "seals.number")?, entry, parts })
    };
    found.iter().map(read).collect()
}

pub(crate) async fn leaves(pool: &PgPool, schema: &Schema, seal: u64, part: u64) -> Result<Option<Vec<u8>>> {
    let find = schema.query_scalar("SELECT leaves FROM {s}.seal_leaves WHERE seal = $1 AND part = $2");
    let find = find.bind(seal.cast_signed()).bind(part.cast_signed());
    Ok(find.fetch_optional(&mut *schema.reader(pool).await?).await?)
}

pub(crate) async fn stamps(pool: &PgPool, schema: &Schema) -> Result<Vec<StampRow>> {
    let find = schema.query("SELECT size, note, token FROM {s}.stamps ORDER BY size, n");
    let found = find.fetch_all(&mut *schema.reader(pool).await?).await?;
    let read = |row| {
        let (note, token) = (rows::value(row, 1, "stamps.note")?, rows::value(row, 2, "stamps.token")?);
        Ok(StampRow { size: number(row, 0, "stamps.size")?, note, token })
    };
    found.iter().map(read).collect()
}
