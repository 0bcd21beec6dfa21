//! New pings and objections, and the ends of pings, each inside a transaction that holds the gate
//! as it needs.

use mailping_core::PingId;
use mailping_core::pings::{EprivacyGround, MessageKind, Ping, Status};
use mailping_core::store::{Deleted, ObjectionScope, RecipientHash, RecipientHashes, StoreError};
use sqlx::{Postgres, Row as _, Transaction};

use crate::failure::{Failure, Result};
use crate::rows::{self, Uuid};
use crate::schema::Schema;

type Tx<'a> = &'a mut Transaction<'static, Postgres>;

/// Keeps a ping and tells its status. What is kept under older keys must have been moved before.
pub(crate) async fn insert_ping(
    transaction: Tx<'_>,
    schema: &Schema,
    ping: &Ping,
    recipient: Option<&RecipientHash>,
) -> Result<Status> {
    const INSERT: &str = "
        INSERT INTO {s}.pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy,
            recipient_key, recipient_hash, reference, owner, basis, asked_by, shows_reference)
        VALUES ($1, coalesce((SELECT CASE scope WHEN $16 THEN $17::smallint ELSE $18::smallint END
                FROM {s}.objections WHERE key = $11 AND hash = $12), $2::smallint),
            $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $19, $20)
        RETURNING status";
    let basis = serde_json::to_string(&ping.basis).map_err(|e| Failure(StoreError::unavailable(e)))?;
    let status: i16 = schema
        .query_scalar(INSERT)
        .bind(Uuid::from(ping.id))
        .bind(i16::from(ping.status.code()))
        .bind(ping.record_until.unix_millis())
        .bind(ping.keep_until.unix_millis())
        .bind(ping.sent_at.unix_millis())
        .bind(i16::from(ping.detail.code()))
        .bind(i16::from(ping.time_step.code()))
        .bind(i16::from(ping.purpose.code()))
        .bind(ping.kind.map(MessageKind::code).map(i16::from))
        .bind(ping.eprivacy.map(EprivacyGround::code).map(i16::from))
        .bind(recipient.map(|hash| hash.key().to_bits()))
        .bind(recipient.map(|hash| hash.hash().to_vec()))
        .bind(&ping.reference)
        .bind(&ping.owner)
        .bind(basis)
        .bind(i16::from(ObjectionScope::Opens.code()))
        .bind(i16::from(ObjectionScope::Opens.status_of_new().code()))
        .bind(i16::from(ObjectionScope::Everything.status_of_new().code()))
        .bind(&ping.asked_by)
        .bind(ping.shows_reference)
        .fetch_one(&mut **transaction)
        .await?;
    Ok(u8::try_from(status).map_or(ping.status, Status::from_code))
}

/// Whether anything is kept under an older key of this recipient.
pub(crate) async fn is_kept_under_older(
    transaction: Tx<'_>,
    schema: &Schema,
    recipient: &RecipientHashes,
) -> Result<bool> {
    const FIND: &str = "
        SELECT EXISTS (SELECT FROM {s}.objections WHERE key = $1 AND hash = $2)
            OR EXISTS (SELECT FROM {s}.pings WHERE recipient_key = $1 AND recipient_hash = $2)";
    for older in &recipient.older {
        let find = schema.query_scalar(FIND).bind(older.key().to_bits()).bind(older.hash());
        if find.fetch_one(&mut **transaction).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Moves what is kept under an older key of this recipient to the newest. The gate must be held
/// alone.
pub(crate) async fn unify(transaction: Tx<'_>, schema: &Schema, recipient: &RecipientHashes) -> Result<()> {
    const PINGS: &str = "
        UPDATE {s}.pings SET recipient_key = $3, recipient_hash = $4 WHERE recipient_key = $1 AND recipient_hash = $2";
    const OBJECTION: &str = "
        WITH moved AS (DELETE FROM {s}.objections WHERE key = $1 AND hash = $2 RETURNING scope)
        INSERT INTO {s}.objections AS kept (key, hash, scope) SELECT $3, $4, scope FROM moved
        ON CONFLICT (key, hash) DO UPDATE SET scope = greatest(kept.scope, excluded.scope)";
    const OBJECTED: &str = "
        WITH ended AS (
            UPDATE {s}.pings SET status = CASE scope WHEN 0 THEN $3::smallint ELSE $4::smallint END
            FROM {s}.objections WHERE key = $1 AND hash = $2 AND recipient_key = $1 AND recipient_hash = $2
                AND (status = 0 OR scope <> 0 AND status IN (1, 3))
            RETURNING id, status, asked_by
        )
        UPDATE {s}.sealed_pings SET ends_at = 0 FROM ended WHERE ping = id AND (status = 4 OR asked_by IS NULL)";
    let newest = &recipient.newest;
    for older in &recipient.older {
        for change in [PINGS, OBJECTION] {
            schema
                .query(change)
                .bind(older.key().to_bits())
                .bind(older.hash())
                .bind(newest.key().to_bits())
                .bind(newest.hash())
                .execute(&mut **transaction)
                .await?;
        }
    }
    // A ping that was kept under an older key may have escaped the objection until now.
    schema
        .query(OBJECTED)
        .bind(newest.key().to_bits())
        .bind(newest.hash())
        .bind(i16::from(Status::Withdrawn.code()))
        .bind(i16::from(Status::Closed.code()))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// `false` if there is no such ping; one that does not record any more stays as it is.
pub(crate) async fn withdraw(transaction: Tx<'_>, schema: &Schema, id: PingId) -> Result<bool> {
    const WITHDRAW: &str = "
        WITH withdrawn AS (UPDATE {s}.pings SET status = $2 WHERE id = $1 AND status = 0 RETURNING id, asked_by),
            ended AS (UPDATE {s}.sealed_pings SET ends_at = 0 FROM withdrawn WHERE ping = id AND asked_by IS NULL)
        SELECT EXISTS (SELECT FROM {s}.pings WHERE id = $1)";
    let withdraw = schema.query_scalar(WITHDRAW);
    let status = i16::from(Status::Withdrawn.code());
    Ok(withdraw.bind(Uuid::from(id)).bind(status).fetch_one(&mut **transaction).await?)
}

pub(crate) async fn object(
    transaction: Tx<'_>,
    schema: &Schema,
    hash: &RecipientHash,
    scope: ObjectionScope,
) -> Result<()> {
    const OBJECT: &str = "
        WITH objected AS (
            INSERT INTO {s}.objections AS kept (key, hash, scope) VALUES ($1, $2, $3)
            ON CONFLICT (key, hash) DO UPDATE SET scope = excluded.scope WHERE kept.scope < excluded.scope
        ), ended AS (
            UPDATE {s}.pings SET status = $4 WHERE recipient_key = $1 AND recipient_hash = $2 AND status = ANY ($5)
            RETURNING id, status, asked_by
        )
        UPDATE {s}.sealed_pings SET ends_at = 0 FROM ended WHERE ping = id AND (status = 4 OR asked_by IS NULL)";
    let (status, ended) = match scope {
        ObjectionScope::Opens => (Status::Withdrawn, &[Status::Live][..]),
        _ => (Status::Closed, &[Status::Live, Status::Withdrawn, Status::Untracked][..]),
    };
    let ended: Vec<i16> = ended.iter().map(|status| status.code().into()).collect();
    schema
        .query(OBJECT)
        .bind(hash.key().to_bits())
        .bind(hash.hash())
        .bind(i16::from(scope.code()))
        .bind(i16::from(status.code()))
        .bind(ended)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

pub(crate) async fn object_by_ping(transaction: Tx<'_>, schema: &Schema, id: PingId) -> Result<()> {
    let find = schema.query("SELECT recipient_key, recipient_hash FROM {s}.pings WHERE id = $1");
    let found = find.bind(Uuid::from(id)).fetch_optional(&mut **transaction).await?;
    let Some(row) = found else { return Ok(()) };
    match rows::recipient(&row)? {
        Some(hash) => object(transaction, schema, &hash, ObjectionScope::Opens).await,
        None => withdraw(transaction, schema, id).await.map(drop),
    }
}

pub(crate) async fn erase(transaction: Tx<'_>, schema: &Schema, id: PingId) -> Result<Option<Deleted>> {
    const ERASE: &str = "
        WITH erased_opens AS (DELETE FROM {s}.opens WHERE ping = $1 RETURNING ping),
            erased_days AS (DELETE FROM {s}.last_days WHERE ping = $1),
            erased_milestones AS (DELETE FROM {s}.milestones WHERE ping = $1),
            erased_statements AS (DELETE FROM {s}.statements WHERE ping = $1),
            erased_secrets AS (DELETE FROM {s}.sealed_pings WHERE ping = $1),
            erased_pings AS (DELETE FROM {s}.pings WHERE id = $1 RETURNING id)
        SELECT (SELECT count(*) FROM erased_pings), (SELECT count(*) FROM erased_opens)";
    let row = schema.query(ERASE).bind(Uuid::from(id)).fetch_one(&mut **transaction).await?;
    let erased = erased(&row)?;
    Ok((erased.pings > 0).then_some(erased))
}

pub(crate) async fn erase_recipient(
    transaction: Tx<'_>,
    schema: &Schema,
    hash: &RecipientHash,
) -> Result<Deleted> {
    const ERASE: &str = "
        WITH erased_pings AS (DELETE FROM {s}.pings WHERE recipient_key = $1 AND recipient_hash = $2 RETURNING id),
            erased_opens AS (DELETE FROM {s}.opens USING erased_pings WHERE ping = erased_pings.id RETURNING ping),
            erased_days AS (DELETE FROM {s}.last_days USING erased_pings WHERE ping = erased_pings.id),
            erased_milestones AS (DELETE FROM {s}.milestones USING erased_pings WHERE ping = erased_pings.id),
            erased_statements AS (DELETE FROM {s}.statements USING erased_pings WHERE ping = erased_pings.id),
            erased_secrets AS (DELETE FROM {s}.sealed_pings USING erased_pings WHERE ping = erased_pings.id)
        SELECT (SELECT count(*) FROM erased_pings), (SELECT count(*) FROM erased_opens)";
    let erase = schema.query(ERASE).bind(hash.key().to_bits()).bind(hash.hash());
    erased(&erase.fetch_one(&mut **transaction).await?)
}

/// Reads a count of pings and one of opens.
pub(crate) fn erased(row: &sqlx::postgres::PgRow) -> Result<Deleted> {
    let (pings, opens): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Deleted::new(pings.unsigned_abs(), opens.unsigned_abs()))
}
