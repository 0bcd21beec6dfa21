//! The schema's version, and how a database comes to it: each step is an SQL file, and all steps
//! run in one transaction.

use mailping_core::store::DatabaseId;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Row as _, Transaction};

use crate::failure::{Failure, Fault, Result};
use crate::schema::Schema;
use crate::{gate, names};

/// The step at index `n` brings a schema from version `n` to `n + 1`. A released step never
/// changes.
const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// The schema's version that this crate writes.
const VERSION: usize = STEPS.len();

/// The first server with all that is used (`pg_current_snapshot`).
const OLDEST_SERVER: i32 = 130_000;

/// What a schema turns out to be before anything is written to it.
#[derive(Debug)]
enum Found {
    Current,
    /// Of this version, and copied into another server, where transactions have other numbers.
    Moved,
    Older(usize),
}

/// Brings the schema to the current version, or refuses it untouched. Safe if several instances do
/// it at once.
pub(crate) async fn migrate(pool: &PgPool, schema: &Schema) -> Result<()> {
    // Looked at without the lock first: an instance that starts needs no right to change anything,
    // and waits for nobody.
    let mut look = pool.begin().await?;
    let is_current = matches!(inspect(&mut look, schema).await?, Found::Current)
        && !names::are_missing(&mut look, schema).await?;
    look.rollback().await?;
    if is_current {
        return Ok(());
    }
    let mut transaction = pool
        .begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on")
        .await?;
    gate::lock(&mut transaction, schema, "schema").await?;
    match inspect(&mut transaction, schema).await? {
        Found::Older(version) => step(&mut transaction, schema, version).await?,
        Found::Moved => number_anew(&mut transaction, schema).await?,
        Found::Current => {}
    }
    names::write(&mut transaction, schema).await?;
    Ok(transaction.commit().await?)
}

/// Refuses a schema that this version cannot use, and changes nothing.
pub(crate) async fn check(pool: &PgPool, schema: &Schema) -> Result<()> {
    let mut look = pool.begin().await?;
    let found = inspect(&mut look, schema).await?;
    look.rollback().await?;
    match found {
        Found::Current => Ok(()),
        Found::Older(_) | Found::Moved => Err(Failure::fault(Fault::NotMigrated)),
    }
}

/// The first 8 of the random bytes that were drawn with the tables.
pub(crate) async fn identity(pool: &PgPool, schema: &Schema) -> Result<DatabaseId> {
    let find = schema.query_scalar("SELECT substring(uuid_send(database) FOR 8) FROM {s}.mailping_version");
    let bytes: Vec<u8> = find.fetch_one(&mut *schema.reader(pool).await?).await?;
    let bytes = bytes.try_into().map_err(|_| Failure::corrupt("mailping_version.database"))?;
    Ok(DatabaseId::from_bytes(bytes))
}

/// The numbers of another server's transactions are none here: what they wrote is no news any more.
async fn number_anew(transaction: &mut Transaction<'static, Postgres>, schema: &Schema) -> Result<()> {
    const NUMBER: &str = "
        UPDATE {s}.opens SET xact = 0 WHERE xact <> 0;
        UPDATE {s}.last_days SET xact = 0 WHERE xact <> 0;
        UPDATE {s}.milestones SET xact = 0 WHERE xact <> 0;
        UPDATE {s}.sealed_pings SET xact = 0 WHERE xact <> 0;
        UPDATE {s}.mailping_version SET cluster = (SELECT system_identifier FROM pg_control_system())";
    sqlx::raw_sql(schema.sql(NUMBER)).execute(&mut **transaction).await?;
    Ok(())
}

async fn inspect(transaction: &mut Transaction<'static, Postgres>, schema: &Schema) -> Result<Found> {
    let row = schema
        .query(
            "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'),
            EXISTS (SELECT FROM pg_class WHERE relnamespace = schema.oid AND relname = 'mailping_version'),
            EXISTS (SELECT FROM pg_class WHERE relnamespace = schema.oid)
                OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = schema.oid)
                OR EXISTS (SELECT FROM pg_type WHERE typnamespace = schema.oid)
         FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = $1) AS oid) AS schema",
        )
        .bind(schema.name())
        .fetch_one(&mut **transaction)
        .await?;
    if row.try_get::<i32, _>(0)? < OLDEST_SERVER {
        return Err(Failure::incompatible("PostgreSQL 13 or newer is needed: update the server"));
    }
    if row.try_get::<&str, _>(1)? != "UTF8" {
        return Err(Failure::incompatible(
            "the database's encoding must be UTF8: give the store one that has it",
        ));
    }
    match (row.try_get(2)?, row.try_get(3)?) {
        (true, _) => {}
        (false, false) => return Ok(Found::Older(0)),
        (false, true) => {
            return Err(Failure::incompatible(format!(
                "the schema {} belongs to another application: give the store a schema of its own",
                schema.name()
            )));
        }
    }
    let version = schema.query_scalar("SELECT version FROM {s}.mailping_version");
    let version: i32 = version.fetch_one(&mut **transaction).await?;
    match usize::try_from(version) {
        Ok(VERSION) => {
            let moved = "SELECT cluster <> system_identifier FROM {s}.mailping_version, pg_control_system()";
            let moved = schema.query_scalar(moved).fetch_one(&mut **transaction).await?;
            Ok(if moved { Found::Moved } else { Found::Current })
        }
        Ok(older) if (1..VERSION).contains(&older) => Ok(Found::Older(older)),
        Ok(0) | Err(_) => Err(Failure::corrupt("the schema's version")),
        Ok(newer) => Err(Failure::incompatible(format!(
            "the schema {} has version {newer} of a newer mailping-postgres, this one knows up to {VERSION}: update it",
            schema.name()
        ))),
    }
}

async fn step(transaction: &mut Transaction<'static, Postgres>, schema: &Schema, from: usize) -> Result<()> {
    // Only where it is missing: an administrator may have made it for a role that can make none.
    let missing = "SELECT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    if schema.query_scalar(missing).bind(schema.name()).fetch_one(&mut **transaction).await? {
        sqlx::raw_sql(schema.sql("CREATE SCHEMA {s}")).execute(&mut **transaction).await?;
    }
    sqlx::raw_sql(schema.sql("SET LOCAL search_path = {s}")).execute(&mut **transaction).await?;
    if from == 0 {
        // Beside the version: an id of the database, for marks and spools, and the server that
        // numbers its transactions.
        let table = "
            CREATE TABLE mailping_version (version integer NOT NULL, database uuid NOT NULL, cluster bigint NOT NULL);
            INSERT INTO mailping_version SELECT 0, gen_random_uuid(), system_identifier FROM pg_control_system()";
        sqlx::raw_sql(table).execute(&mut **transaction).await?;
    }
    for step in STEPS.iter().skip(from) {
        sqlx::raw_sql(*step).execute(&mut **transaction).await?;
    }
    let version = format!("UPDATE mailping_version SET version = {VERSION}");
    sqlx::raw_sql(AssertSqlSafe(version)).execute(&mut **transaction).await?;
    Ok(())
}
