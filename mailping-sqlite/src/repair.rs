//! What is done with a damaged file: it is opened with what can be read, and if nothing can be
//! added to it, what can be read is written to a new file first.

use std::path::{Path, PathBuf};

use mailping_core::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Row, Statement, Transaction, TransactionBehavior,
    params_from_iter,
};

use crate::failure::{Failure, Result, readable};
use crate::files::{self, Files, beside};
use crate::index::{self, ROUND};
use crate::migrate::{self, STEPS};
use crate::walk::{FAR, walk};
use crate::{connect, ledger, lost_log, rows};

/// More rows than a file can have lost.
const MORE_THAN_ANY: i64 = 1 << 32;

/// What was saved of a damaged file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Pings.
    pub pings: u64,
    /// Opens.
    pub opens: u64,
    /// Objections.
    pub objections: u64,
    /// What was left behind: rows that no version has written, rows whose ping is lost, and places
    /// that cannot be read. Nobody can tell how many rows stood at such a place: it counts as one.
    pub left_out: u64,
}

/// Opens the file of a store, repaired as far as it has to be.
pub(crate) fn open(path: &Path) -> Result<(Connection, Files)> {
    lost_log::report(path);
    match whole(path) {
        Err(failure) if failure.is_corrupt() => {}
        opened => return opened,
    }
    // One process after another: who comes second finds a new file.
    let _held = files::hold(&beside(path, ".rescue")).map_err(StoreError::unavailable)?;
    let failure = match whole(path) {
        Err(failure) if failure.is_corrupt() => failure,
        opened => return opened,
    };
    tracing::error!(
        "the database file is damaged, and nothing can be added to it: what can be read is written to a new file"
    );
    let (aside, recovered) = rescue(path).map_err(|rescue| {
        tracing::error!(failure = %rescue.0, "the database file could not be saved: bring a backup back if it cannot be read");
        if rescue.is_corrupt() { failure } else { rescue }
    })?;
    tracing::error!(
        damaged = %aside.display(),
        ?recovered,
        "the damaged file stands beside the new one. It holds personal data that no erasure reaches: delete it when \
         you have what you need"
    );
    whole(path)
}

/// Opens a file that takes new rows, whatever else is damaged in it.
fn whole(path: &Path) -> Result<(Connection, Files)> {
    let before = files::identity(path);
    let mut connection = connect::writer(path)?;
    look_through(&connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if transaction.query_row("SELECT index_broken FROM about", (), |row| row.get(0))? {
        return Err(Failure::corrupt("the index of opens"));
    }
    // Whether each table takes a row at the place where new ones come.
    transaction.execute_batch(include_str!("schema/try.sql"))?;
    // Before the index passes what nobody can read.
    index::waiting(&transaction, None)?;
    const TWO_STATES: Failure =
        Failure::corrupt("the database file is not in one state: was it copied while in use?");
    // A file that was put together from two states may have rows with numbers that it would give
    // again, and opens without their ping.
    if index::mark(&transaction)? > rows::last_open(&transaction)? {
        return Err(TWO_STATES);
    }
    for doubt in [
        "SELECT max(ping) > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pings'), 0) FROM opens_by_ping",
        "SELECT max(ping) > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pings'), 0) FROM milestones",
        "SELECT 1 FROM opens WHERE seq > (SELECT indexed_to FROM about) AND ping NOT IN (SELECT n FROM pings)",
    ] {
        let doubt = transaction.query_row(doubt, (), |row| row.get::<_, Option<bool>>(0)).optional();
        if readable(doubt, &mut 0)?.flatten().flatten() == Some(true) {
            return Err(TWO_STATES);
        }
    }
    transaction.rollback()?;
    let files = Files::of(path);
    if before.is_some() && files::identity(path) != before {
        return Err(
            StoreError::unavailable("another process has just put a rescued file in its place").into()
        );
    }
    Ok((connection, files))
}

/// Finds what an index lacks: an objection or an erasure would find nothing, and be confirmed. Of
/// opens the rows themselves may be damaged: these are counted where they are read.
fn look_through(connection: &Connection) -> Result<()> {
    // An entry that is missing or points elsewhere. One too many is an open that somebody deleted.
    const ENTRIES: &str =
        "SELECT i.count < o.count OR i.count = o.count AND (i.pings, i.numbers) <> (o.pings, o.numbers)
        FROM (SELECT count(*) AS count, sum(ping & 0xffffffff) AS pings, sum(seq & 0xffffffff) AS numbers
                FROM opens_by_ping WHERE seq <= (SELECT indexed_to FROM about)) AS i,
            (SELECT count(*) AS count, sum(ping & 0xffffffff) AS pings, sum(seq & 0xffffffff) AS numbers
                FROM opens WHERE seq <= (SELECT indexed_to FROM about)) AS o";
    for table in ["pings", "objections", "last_days", "milestones", "opens_by_ping"] {
        let check = format!("PRAGMA integrity_check({table})");
        let told: String = connection.query_row(&check, (), |row| row.get(0))?;
        if told != "ok" {
            return Err(Failure::corrupt("a table or an index of it"));
        }
    }
    let lacks = connection.query_row(ENTRIES, (), |row| row.get::<_, Option<bool>>(0));
    match readable(lacks, &mut 0)?.flatten() {
        Some(true) => Err(Failure::corrupt("the index of opens")),
        _ => Ok(()),
    }
}

/// Puts a new file with what can be read in the place of the damaged one, and tells where that is
/// now.
fn rescue(path: &Path) -> Result<(PathBuf, Recovered)> {
    let new = beside(path, ".rescued");
    for leftover in [&new, &beside(&new, "-wal")] {
        let _ = std::fs::remove_file(leftover);
    }
    let lock = lock(path)?;
    let recovered = save(path, &new)?;
    // Until the new file is in its place nobody adds to the old one. On Windows a file that is open
    // cannot be replaced at all.
    let _lock = (!cfg!(windows)).then_some(lock);
    let aside = (1..).map(|n| beside(path, &format!(".damaged-{n}"))).find(|aside| !aside.exists());
    let aside = aside.ok_or(Failure::corrupt("the database file is damaged"))?;
    let renamed = || -> std::io::Result<()> {
        // The path is never without a file, which the next start would take for a new one.
        std::fs::hard_link(path, &aside).or_else(|_| std::fs::rename(path, &aside))?;
        for end in ["-wal", "-shm"] {
            let _ = std::fs::rename(beside(path, end), beside(&aside, end));
        }
        std::fs::rename(&new, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    renamed().map_err(StoreError::unavailable)?;
    Ok((aside, recovered))
}

/// Writes what can be read of a damaged file to a new one, which is the same database: it keeps its
/// id, and gives no number again.
pub(crate) fn recover(from: &Path, to: &Path) -> Result<Recovered> {
    let _lock = lock(from)?;
    save(from, to)
}

/// Keeps everybody else from writing to a damaged file, unless nobody can.
fn lock(path: &Path) -> Result<Connection> {
    let lock = connect::connect(path)?;
    // What stands in the log alone would be lost if this process ended between two renames below.
    let _ = lock.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
    // Its end must not take away a log that is another file's by then.
    lock.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    match lock.execute_batch("BEGIN IMMEDIATE") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            Err(Failure::incompatible(
                "the database file is damaged and another process writes to it: stop that process first",
            ))
        }
        _ => Ok(lock),
    }
}

fn save(from: &Path, to: &Path) -> Result<Recovered> {
    let damaged = connect::connect(from)?;
    // A file that is shorter than it says is read as far as it goes.
    damaged.pragma_update(None, "writable_schema", true)?;
    migrate::version(&damaged, STEPS)?;
    files::create_copy(to)?;
    let mut target = connect::writer(to)?;
    let transaction = target.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut recovered = Recovered::default();
    let left_out = &mut recovered.left_out;
    // First the numbers that were given, so that none is given again.
    copy(&damaged, &transaction, "sqlite_sequence", left_out)?;
    let are_numbers_lost = *left_out > 0;
    recovered.pings = copy(&damaged, &transaction, "pings", left_out)?;
    recovered.objections = copy(&damaged, &transaction, "objections", left_out)?;
    recovered.objections += copy_lost_objections(&damaged, &transaction)?;
    let before_opens = *left_out;
    for table in ["opens", "last_days", "milestones"] {
        copy(&damaged, &transaction, table, left_out)?;
    }
    let are_opens_lost = *left_out > before_opens;
    let about =
        damaged.query_row("SELECT id, deleted_to FROM about", (), |row| <(String, i64)>::try_from(row));
    let about = readable(about, left_out)?;
    let is_known = about.as_ref().is_some_and(|(_, deleted_to)| *deleted_to < FAR);
    if let Some((id, deleted_to)) = about {
        let deleted_to = if is_known { deleted_to } else { 0 };
        written(transaction.execute("UPDATE about SET id = ?1, deleted_to = ?2", (id, deleted_to)))?;
    }
    // Rows that are lost may have had the greatest numbers.
    if are_opens_lost || !is_known {
        let further = rows::last_open(&transaction)? + MORE_THAN_ANY;
        transaction.execute("UPDATE about SET deleted_to = ?1", [further])?;
    }
    if are_numbers_lost {
        for table in ["last_days", "milestones"] {
            let further =
                format!("INSERT INTO sqlite_sequence SELECT ?1, coalesce(max(seq), 0) + ?2 FROM {table}");
            transaction.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [table])?;
            transaction.execute(&further, (table, MORE_THAN_ANY))?;
        }
    }
    let ledger = damaged.query_row("SELECT version, next, closed_to, text FROM ledger", (), |row| {
        <(i64, i64, i64, String)>::try_from(row)
    });
    // Without it nobody can say where sealing stands: then a new log has to begin.
    if let Some(ledger) = readable(ledger, left_out)?.filter(|(version, ..)| *version > 0) {
        transaction
            .execute("UPDATE ledger SET version = ?1, next = ?2, closed_to = ?3, text = ?4", ledger)?;
        for table in ["nonces", "seals", "seal_leaves", "stamps"] {
            copy(&damaged, &transaction, table, left_out)?;
        }
        for table in ["sealed_pings", "statements"] {
            copy_by_ping(&damaged, &transaction, table, left_out)?;
        }
    }
    for table in ["opens", "last_days", "milestones"] {
        let orphans = format!("DELETE FROM {table} WHERE ping NOT IN (SELECT n FROM pings)");
        *left_out += transaction.execute(&orphans, ())? as u64;
    }
    for orphans in [
        "DELETE FROM sealed_pings WHERE ping NOT IN (SELECT id FROM pings) OR nonce NOT IN (SELECT n FROM nonces)",
        "DELETE FROM statements WHERE ping NOT IN (SELECT ping FROM sealed_pings)",
    ] {
        *left_out += transaction.execute(orphans, ())? as u64;
    }
    transaction.execute(ledger::FORGET_ORPHANS, ())?;
    recovered.opens = fill_index(&transaction)?;
    transaction.commit()?;
    target.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    Ok(recovered)
}

/// Copies the rows of a table that has numbers, and counts those that it leaves out.
fn copy(damaged: &Connection, target: &Transaction<'_>, table: &str, left_out: &mut u64) -> Result<u64> {
    let mut find = damaged
        .prepare(&format!("SELECT rowid, * FROM {table} NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid"))?;
    let mut insert = insert_into(target, table, find.column_count() - 1)?;
    let (mut copied, mut visited) = (0, 0);
    let gaps = walk(&mut find, -1, |row| {
        visited += 1;
        let values = readable(values(row, 1), &mut 0)?;
        if let Some(values) = values.filter(|_| row.get(0).is_ok_and(|number: i64| number < FAR)) {
            copied += written(insert.execute(params_from_iter(values)))?;
        }
        Ok(true)
    })?;
    *left_out += gaps + visited - copied;
    Ok(copied)
}

/// Copies the objections whose rows are lost and that their index still has: how far they went is
/// lost too, so to everything.
fn copy_lost_objections(damaged: &Connection, target: &Transaction<'_>) -> Result<u64> {
    let mut find = damaged.prepare(
        "SELECT key, hash FROM objections INDEXED BY sqlite_autoindex_objections_1 ORDER BY key, hash",
    )?;
    let mut insert =
        target.prepare("INSERT OR IGNORE INTO objections (key, hash, scope) VALUES (?1, ?2, 1)")?;
    let (mut found, mut copied) = (find.query(())?, 0);
    while let Some(row) = readable(found.next(), &mut 0)?.flatten() {
        if let Some(values) = readable(values(row, 0), &mut 0)? {
            copied += written(insert.execute(params_from_iter(values)))?;
        }
    }
    Ok(copied)
}

/// Copies what a table whose key begins with a ping's id has of each ping that is saved: whatever
/// is damaged costs the pings that stand there.
fn copy_by_ping(
    damaged: &Connection,
    target: &Transaction<'_>,
    table: &str,
    left_out: &mut u64,
) -> Result<()> {
    let mut find = damaged.prepare(&format!("SELECT * FROM {table} WHERE ping = ?1"))?;
    let mut insert = insert_into(target, table, find.column_count())?;
    let mut pings = target.prepare("SELECT id FROM pings ORDER BY id")?;
    let mut pings = pings.query(())?;
    while let Some(ping) = pings.next()? {
        let mut found = find.query([ping.get::<_, Value>(0)?])?;
        while let Some(row) = readable(found.next(), left_out)?.flatten() {
            if let Some(values) = readable(values(row, 0), left_out)? {
                written(insert.execute(params_from_iter(values)))?;
            }
        }
    }
    Ok(())
}

/// Inserts rows of so many columns, by their places: a name may be damaged too, and an older
/// version has fewer.
fn insert_into<'a>(target: &'a Transaction<'_>, table: &str, columns: usize) -> Result<Statement<'a>> {
    const FIND: &str = "SELECT group_concat(name), group_concat('?') FROM
        (SELECT name FROM pragma_table_info(?1) ORDER BY cid LIMIT ?2)";
    let (names, places): (String, String) =
        target.query_row(FIND, (table, columns as i64), |row| row.try_into())?;
    Ok(target.prepare(&format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"))?)
}

/// All of a row from a column on.
fn values(row: &Row<'_>, from: usize) -> rusqlite::Result<Vec<Value>> {
    (from..row.as_ref().column_count()).map(|column| row.get(column)).collect()
}

/// How many rows were written: none if the schema refuses it.
fn written(written: rusqlite::Result<usize>) -> Result<u64> {
    match written.map_err(Failure::from) {
        Err(Failure(StoreError::Refused { .. })) => Ok(0),
        written => Ok(written? as u64),
    }
}

/// Fills the index in sorted rounds, as a running store does, and tells how many opens there are.
fn fill_index(transaction: &Transaction<'_>) -> Result<u64> {
    const END: &str = "SELECT max(seq) FROM (SELECT seq FROM opens WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
    const FILL: &str = "INSERT INTO opens_by_ping (ping, at, id, seq)
        SELECT ping, at, id, seq FROM opens WHERE seq > ?1 AND seq <= ?2 ORDER BY ping, at, id, seq";
    let (mut mark, mut opens) = (0, 0);
    while let Some(end) = transaction.query_row(END, [mark, ROUND as i64], |row| row.get(0))? {
        opens += transaction.execute(FILL, [mark, end])? as u64;
        mark = end;
    }
    transaction.execute("UPDATE about SET indexed_to = ?1", [mark])?;
    Ok(opens)
}
