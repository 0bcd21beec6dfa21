//! The schema's version, and how a file comes to it: each step is an SQL file, with code for what SQL cannot do, and all steps run in one
//! transaction.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::failure::{Failure, Result};

mod bundle;

/// A kind of file, and how it came to be what it is.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Marks a file as ours (`PRAGMA application_id`).
    application_id: i32,
    /// The step at index `n` brings a file from version `n` to `n + 1` (`PRAGMA user_version`). A released step never changes.
    steps: &'static [Migration],
}

#[derive(Debug)]
struct Migration {
    sql: &'static str,
    then: fn(&Transaction<'_>) -> Result<()>,
}

impl Migration {
    const fn sql(sql: &'static str) -> Self {
        Self { sql, then: |_| Ok(()) }
    }
}

/// The store: "mpng" in ASCII.
pub(crate) const STORE: Schema = Schema {
    application_id: 0x6d70_6e67,
    steps: &[
        Migration::sql(include_str!("schema/1.sql")),
        Migration::sql(include_str!("schema/2.sql")),
        Migration::sql(include_str!("schema/3.sql")),
        Migration { sql: include_str!("schema/4.sql"), then: bundle::bundle_opens },
    ],
};

/// What a file turns out to be before anything is written to it.
enum Found {
    Current,
    Older(usize),
}

impl Schema {
    /// Brings the file to the current version, or refuses it untouched. Safe where several processes do it at once.
    pub(crate) fn prepare(&self, connection: &mut Connection) -> Result<()> {
        // Looked at without a write lock first, so that opening a file in use does not wait for its writers.
        if matches!(self.inspect(connection)?, Found::Current) {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Found::Older(version) = self.inspect(&transaction)? {
            self.migrate(&transaction, version)?;
        }
        Ok(transaction.commit()?)
    }

    /// Refuses a file that is not of this kind.
    pub(crate) fn check(&self, connection: &Connection) -> Result<()> {
        self.inspect(connection).map(drop)
    }

    fn inspect(&self, connection: &Connection) -> Result<Found> {
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
        if application != self.application_id {
            return Err(Failure::incompatible(
                "the file is an SQLite database of another kind: give the store a file of its own",
            ));
        }
        let current = self.steps.len();
        match usize::try_from(version) {
            Ok(version) if version == current => Ok(Found::Current),
            Ok(older) if (1..current).contains(&older) => Ok(Found::Older(older)),
            Ok(0) | Err(_) => Err(Failure::corrupt("the schema's version")),
            Ok(newer) => Err(Failure::incompatible(format!(
                "the file has schema {newer} of a newer mailping-sqlite, this one knows up to {current}: update it"
            ))),
        }
    }

    fn migrate(&self, transaction: &Transaction<'_>, from: usize) -> Result<()> {
        for step in self.steps.iter().skip(from) {
            transaction.execute_batch(step.sql)?;
            (step.then)(transaction)?;
        }
        transaction.pragma_update(None, "application_id", self.application_id)?;
        transaction.pragma_update(None, "user_version", self.steps.len() as i64)?;
        Ok(())
    }
}
