//! The lock that keeps opens from coming after the end of their ping (I7), and the transactions
//! that hold it.

use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use crate::failure::Result;
use crate::schema::Schema;

/// The first key of all advisory locks of this crate: "mpng" in ASCII.
const CLASS: i32 = 0x6d70_6e67;

/// How a transaction passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Together with others: it keeps opens and new pings, and ends no ping.
    Shared,
    /// Alone: it ends pings, or changes whose they are.
    Alone,
    /// Not at all: it keeps and ends nothing of a ping.
    Past,
}

/// Begins a transaction that holds the gate until it ends.
///
/// The gate is taken by a statement of its own. Under READ COMMITTED each later statement sees what
/// was committed before it began, so that whoever has passed alone is seen; a lock taken inside the
/// inserting statement would come after that statement's view of the data.
pub(crate) async fn begin(
    pool: &PgPool,
    schema: &Schema,
    gate: Gate,
    timeout_millis: u128,
) -> Result<Transaction<'static, Postgres>> {
    let key = schema.lock_key("pings");
    let pass = match gate {
        Gate::Shared => format!("SELECT pg_advisory_xact_lock_shared({CLASS}, {key})"),
        Gate::Alone => format!("SELECT pg_advisory_xact_lock({CLASS}, {key})"),
        Gate::Past => String::new(),
    };
    // One round trip. The time limits end a transaction whose instance is gone, for the sake of
    // those who wait for its lock. No limit is set on statements: a commit is one, and if it is
    // cancelled while it waits for a standby, it succeeds with a warning. The plan is made anew
    // each time: one kept from when the tables were small would read all pings for every open. No
    // bitmap scans: only a plain one marks the index entries of deleted rows, which a purge would
    // otherwise visit again with each of its steps.
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
         SET LOCAL synchronous_commit = on;
         SET LOCAL statement_timeout = 0;
         SET LOCAL lock_timeout = {timeout_millis};
         SET LOCAL idle_in_transaction_session_timeout = {timeout_millis};
         SET LOCAL plan_cache_mode = force_custom_plan;
         SET LOCAL jit = off;
         SET LOCAL enable_bitmapscan = off;
         {pass}"
    );
    Ok(pool.begin_with(AssertSqlSafe(begin)).await?)
}

/// Writes something whatever the transaction has found, so that its commit waits for the disk, and
/// for a standby if the server is set to wait for one. A repeat that finds all of it done would
/// otherwise be answered before the first attempt is on a second machine.
pub(crate) async fn write_something(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
) -> Result<()> {
    // As text: sqlx would ask the server for the type of a place in the log, between preparing this
    // and running it.
    let write = schema.query("SELECT pg_logical_emit_message(true, 'mailping', '')::text");
    write.execute(&mut **transaction).await?;
    Ok(())
}

/// Waits until no other transaction holds this lock, and holds it until the end of this one.
pub(crate) async fn lock(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    lock: &str,
) -> Result<()> {
    take("pg_advisory_xact_lock", transaction, schema, lock).await
}

/// As [`lock`], together with others who do so.
pub(crate) async fn lock_shared(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    lock: &str,
) -> Result<()> {
    take("pg_advisory_xact_lock_shared", transaction, schema, lock).await
}

async fn take(
    function: &str,
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    lock: &str,
) -> Result<()> {
    let take = format!("SELECT {function}({CLASS}, {})", schema.lock_key(lock));
    schema.query(&take).execute(&mut **transaction).await?;
    Ok(())
}
