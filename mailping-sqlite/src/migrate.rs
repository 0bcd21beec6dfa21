//! The schema's version, and how a file comes to it: each step is an SQL file, and all run in one
//! transaction.
//!
//! A step only adds, so that a process of the version before that still runs goes on writing: what
//! waits in its memory is not lost.

use rusqlite::{Connection, Transaction};

use crate::failure::{Failure, Result};

/// Marks a file as ours (`PRAGMA application_id`): "mpng" in ASCII.
const APPLICATION: i32 = 0x6d70_6e67;

/// The step at index `n` brings a file from version `n` to `n + 1` (`PRAGMA user_version`). A
/// released step never changes.
pub(crate) const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// The version of a file, 0 for a new one. Refuses what is not ours, or of more steps than these.
pub(crate) fn version(connection: &Connection, steps: &[&str]) -> Result<usize> {
    // One statement, so that all three come from one state of the file.
    let (application, version, objects): (i32, i64, i64) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
            (SELECT count(*) FROM sqlite_schema)",
        (),
        |row| row.try_into(),
    )?;
    if application == 0 && version == 0 && objects == 0 {
        return Ok(0);
    }
    if application != APPLICATION {
        return Err(Failure::incompatible(
            "the file is an SQLite database of another kind: give the store a file of its own",
        ));
    }
    let current = steps.len();
    match usize::try_from(version) {
        Ok(version) if (1..=current).contains(&version) => Ok(version),
        Ok(0) | Err(_) => Err(Failure::corrupt("the schema's version")),
        Ok(newer) => Err(Failure::incompatible(format!(
            "the file has schema {newer} of a newer mailping-sqlite, this one knows up to {current}: update it"
        ))),
    }
}

/// Brings the file to the version after all steps, or refuses it untouched.
pub(crate) fn migrate(transaction: &Transaction<'_>, steps: &[&str]) -> Result<()> {
    let version = version(transaction, steps)?;
    for step in &steps[version..] {
        transaction.execute_batch(step)?;
    }
    if version < steps.len() {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", steps.len() as i64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[&str] = &["CREATE TABLE a (x)"];
    const SECOND: &[&str] = &["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 5"];

    fn migrate(steps: &[&str], connection: &mut Connection) -> Result<()> {
        let transaction = connection.transaction()?;
        super::migrate(&transaction, steps)?;
        Ok(transaction.commit()?)
    }

    #[test]
    fn an_older_file_is_brought_forward_and_a_newer_one_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("file")).unwrap();
        migrate(FIRST, &mut open()).unwrap();
        open().execute("INSERT INTO a VALUES (1)", ()).unwrap();
        migrate(SECOND, &mut open()).unwrap();
        let row = open().query_row("SELECT x, y FROM a", (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.unwrap(), (1, 5));
        migrate(SECOND, &mut open()).unwrap();
        let before = std::fs::read(folder.path().join("file")).unwrap();
        let refused = migrate(FIRST, &mut open()).unwrap_err();
        assert!(refused.0.to_string().contains("newer mailping-sqlite"), "{refused:?}");
        assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), before);
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        const BROKEN: &[&str] = &["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"];
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(FIRST, &mut connection).unwrap();
        assert!(migrate(BROKEN, &mut connection).is_err());
        assert_eq!(version(&connection, FIRST).unwrap(), 1);
        let tables = "SELECT count(*) FROM sqlite_schema";
        assert_eq!(connection.query_row(tables, (), |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
}
