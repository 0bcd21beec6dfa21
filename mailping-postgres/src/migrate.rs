//! The schema's version, and how a database comes to it: each step is an SQL file, and all steps run in one transaction.

use sqlx::{AssertSqlSafe, PgPool, Postgres, Row as _, Transaction};

use crate::failure::{Failure, Result};
use crate::gate;
use crate::schema::Schema;

/// The step at index `n` brings a schema from version `n` to `n + 1`. A released step never changes.
const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// The schema's version that this crate writes.
const VERSION: usize = STEPS.len();

/// The first server with all that is used (`plan_cache_mode`).
const OLDEST_SERVER: i32 = 120_000;

/// What a schema turns out to be before anything is written to it.
#[derive(Debug)]
enum Found {
    Current,
    Older(usize),
}

/// Brings the schema to the current version, or refuses it untouched. Safe where several instances do it at once.
pub(crate) async fn migrate(pool: &PgPool, schema: &Schema) -> Result<()> {
    // Looked at without the lock first: an instance that starts needs no right to change anything, and waits for nobody.
    if matches!(inspect(&mut pool.begin().await?, schema).await?, Found::Current) {
        return Ok(());
    }
    let mut transaction = pool
        .begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on")
        .await?;
    gate::lock(&mut transaction, schema, "schema").await?;
    if let Found::Older(version) = inspect(&mut transaction, schema).await? {
        step(&mut transaction, schema, version).await?;
    }
    Ok(transaction.commit().await?)
}

async fn inspect(transaction: &mut Transaction<'static, Postgres>, schema: &Schema) -> Result<Found> {
    let row = sqlx::query(
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
        return Err(Failure::incompatible("PostgreSQL 12 or newer is needed: update the server"));
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
    let version = schema.sql("SELECT version FROM {s}.mailping_version");
    let version: i32 = sqlx::query_scalar(version).fetch_one(&mut **transaction).await?;
    match usize::try_from(version) {
        Ok(VERSION) => Ok(Found::Current),
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
    if sqlx::query_scalar(missing).bind(schema.name()).fetch_one(&mut **transaction).await? {
        sqlx::raw_sql(schema.sql("CREATE SCHEMA {s}")).execute(&mut **transaction).await?;
    }
    sqlx::raw_sql(schema.sql("SET LOCAL search_path = {s}")).execute(&mut **transaction).await?;
    if from == 0 {
        let table = "CREATE TABLE mailping_version (version integer NOT NULL); INSERT INTO mailping_version VALUES (0)";
        sqlx::raw_sql(table).execute(&mut **transaction).await?;
    }
    for step in STEPS.iter().skip(from) {
        sqlx::raw_sql(*step).execute(&mut **transaction).await?;
    }
    let version = format!("UPDATE mailping_version SET version = {VERSION}");
    sqlx::raw_sql(AssertSqlSafe(version)).execute(&mut **transaction).await?;
    Ok(())
}
