//! The schema's version, and how a file comes to it: each step is an SQL file, and all steps run in one transaction.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::failure::{Failure, Result};

/// Marks a file as ours (`PRAGMA application_id`): "mpng" in ASCII.
const APPLICATION_ID: i32 = 0x6d70_6e67;

/// The step at index `n` brings a file from version `n` to `n + 1` (`PRAGMA user_version`). A released step never changes.
const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// The schema's version that this crate writes.
pub(crate) const VERSION: usize = STEPS.len();

/// What a file turns out to be before anything is written to it.
enum Found {
    Current,
    Older(usize),
}

/// Brings the file to the current schema, or refuses it untouched. Safe where several processes do it at once.
pub(crate) fn prepare(connection: &mut Connection) -> Result<()> {
    // Looked at without a write lock first, so that opening a file in use does not wait for its writers.
    if matches!(inspect(connection)?, Found::Current) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Found::Older(version) = inspect(&transaction)? {
        migrate(&transaction, version)?;
    }
    Ok(transaction.commit()?)
}

/// Refuses a file that is not ours.
pub(crate) fn check(connection: &Connection) -> Result<()> {
    inspect(connection).map(drop)
}

fn inspect(connection: &Connection) -> Result<Found> {
    // One statement, so that all three come from one state of the file.
    let (application, version, objects) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
            (SELECT count(*) FROM sqlite_schema)",
        (),
        |row| Ok((row.get::<_, i32>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
    )?;
    if application == 0 && version == 0 && objects == 0 {
        return Ok(Found::Older(0));
    }
    if application != APPLICATION_ID {
        return Err(Failure::incompatible(
            "the file is an SQLite database of another application: give the store a file of its own",
        ));
    }
    match usize::try_from(version) {
        Ok(VERSION) => Ok(Found::Current),
        Ok(older) if (1..VERSION).contains(&older) => Ok(Found::Older(older)),
        Ok(0) | Err(_) => Err(Failure::corrupt("the schema's version")),
        Ok(newer) => Err(Failure::incompatible(format!(
            "the file has schema {newer} of a newer mailping-sqlite, this one knows up to {VERSION}: update it"
        ))),
    }
}

fn migrate(transaction: &Transaction<'_>, from: usize) -> Result<()> {
    for step in STEPS.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION as i64)?;
    Ok(())
}
