//! The schema's version, and how a file comes to it: each step is an SQL file, and all run in one
//! transaction.
//!
//! A step only adds, so that a process of the version before that still runs goes on writing: what
//! waits in its memory is not lost.

use mailping_core::Detail;
use mailping_core::fetcher::{Evidence, Fetcher, Provider, Verdict};
use mailping_core::pings::{EprivacyGround, MessageKind, Purpose, Status, TimeStep};
use mailping_core::receipts::MilestoneKind;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::failure::{Failure, Result};

/// A kind of file, and how it came to be what it is.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Marks a file as ours (`PRAGMA application_id`).
    application_id: i32,
    /// The step at index `n` brings a file from version `n` to `n + 1` (`PRAGMA user_version`). A
    /// released step never changes.
    steps: &'static [&'static str],
}

/// The store: "mpng" in ASCII.
pub(crate) const STORE: Schema =
    Schema { application_id: 0x6d70_6e67, steps: &[include_str!("schema/1.sql")] };

/// What a file turns out to be before anything is written to it.
enum Found {
    Current,
    Older(usize),
}

impl Schema {
    /// Brings the file to the current version, or refuses it untouched. Safe if several processes
    /// do it at once.
    pub(crate) fn prepare(&self, connection: &mut Connection) -> Result<()> {
        // Looked at without a write lock first, so that opening a file in use does not wait for its
        // writers.
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
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", self.application_id)?;
        transaction.pragma_update(None, "user_version", self.steps.len() as i64)?;
        Ok(())
    }
}

/// What the codes in the file mean.
fn names() -> Vec<(&'static str, u8, &'static str)> {
    macro_rules! list {
        ($name:literal, $kind:ty) => {
            <$kind>::ALL.iter().map(|one| ($name, one.code(), one.as_str()))
        };
    }
    list!("status", Status)
        .chain(list!("detail", Detail))
        .chain(list!("time_step", TimeStep))
        .chain(list!("purpose", Purpose))
        .chain(list!("kind", MessageKind))
        .chain(list!("eprivacy", EprivacyGround))
        .chain(list!("milestone", MilestoneKind))
        .chain(list!("fetcher", Fetcher))
        .chain(list!("provider", Provider))
        .chain(list!("verdict", Verdict))
        .chain(Evidence::ALL.iter().map(|one| ("evidence", *one as u8, one.as_str())))
        .collect()
}

/// Brings the names up to date. It writes only if one is missing or was called otherwise.
pub(crate) fn refresh_names(connection: &mut Connection) -> Result<()> {
    let known = |connection: &Connection| -> Result<bool> {
        let mut find =
            connection.prepare("SELECT 1 FROM names WHERE list = ?1 AND code = ?2 AND name = ?3")?;
        for name in names() {
            if !find.exists(name)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    if known(connection)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for name in names() {
        transaction
            .prepare_cached(
                "INSERT INTO names (list, code, name) VALUES (?1, ?2, ?3)
                 ON CONFLICT (list, code) DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
            )?
            .execute(name)?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Schema = Schema { application_id: 7, steps: &["CREATE TABLE a (x)"] };
    const SECOND: Schema =
        Schema { application_id: 7, steps: &["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 5"] };

    #[test]
    fn an_older_file_is_brought_forward_and_a_newer_one_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("file")).unwrap();
        FIRST.prepare(&mut open()).unwrap();
        open().execute("INSERT INTO a VALUES (1)", ()).unwrap();
        SECOND.prepare(&mut open()).unwrap();
        let row = open().query_row("SELECT x, y FROM a", (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.unwrap(), (1, 5));
        SECOND.prepare(&mut open()).unwrap();
        let before = std::fs::read(folder.path().join("file")).unwrap();
        let refused = FIRST.prepare(&mut open()).unwrap_err();
        assert!(refused.0.to_string().contains("newer mailping-sqlite"), "{refused:?}");
        assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), before);
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        const BROKEN: Schema = Schema {
            application_id: 7,
            steps: &["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"],
        };
        let mut connection = Connection::open_in_memory().unwrap();
        FIRST.prepare(&mut connection).unwrap();
        assert!(BROKEN.prepare(&mut connection).is_err());
        FIRST.check(&connection).unwrap();
        let tables = "SELECT count(*) FROM sqlite_schema";
        assert_eq!(connection.query_row(tables, (), |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
}
