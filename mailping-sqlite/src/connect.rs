//! Opens the file with the settings that the promises need, or tells why it cannot be used.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::failure::{Failure, Result};
use crate::migrate::{self, STEPS};
use crate::{files, names};

/// How long a call waits for another connection's lock.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// What is left of the log after a reader has kept it from beginning anew: 32 MB.
const LOG_BYTES: i32 = 32 << 20;

/// How long the log grows before the connection that writes moves all of it, if the store's upkeep
/// does not come to it: 32 MB.
const LOG_PAGES: i32 = 8_000;

/// Room for all inner pages of ten million opens and their index, in the negative KiB that SQLite
/// takes: with its own 2 MiB a receipt of many opens takes a tenth longer.
const READ_CACHE: i32 = -4_096;

/// The first SQLite (3.51.3) without the bug that loses a write-ahead log which two processes reset
/// at once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Opens the file for writing; it is made and brought to the current schema if needed.
pub(crate) fn writer(path: &Path) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Failure::incompatible(format!(
            "SQLite {} is linked, and 3.51.3 is needed: older ones can lose data when two processes use one file",
            rusqlite::version()
        )));
    }
    files::create_if_missing(path)?;
    let mut connection = connect(path)?;
    if connection.is_readonly("main")? {
        return Err(Failure::incompatible(
            "the database is read-only: the file and its folder must be writable by this process",
        ));
    }
    // Before anything is changed: a foreign file stays as it was, its journal mode too.
    migrate::version(&connection, STEPS)?;
    use_write_ahead_log(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    migrate::migrate(&transaction, STEPS)?;
    names::refresh(&transaction)?;
    transaction.commit()?;
    Ok(connection)
}

/// Opens a file, once a writer has prepared it, for reading.
pub(crate) fn reader(path: &Path) -> Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", READ_CACHE)?;
    Ok(connection)
}

/// Opens a file that is there, and looks at nothing of it yet.
pub(crate) fn connect(path: &Path) -> Result<Connection> {
    // No URI flag: a path is taken as it is, whatever it begins with.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| {
        let denied =
            std::fs::File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        let refusal = "the database file is not readable and writable by this process";
        if denied { Failure::incompatible(refusal) } else { error.into() }
    })?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Rows of a person's erasure must not pass through files of the system.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Two connections that switch a new file at once can get "busy" without any waiting.
fn use_write_ahead_log(connection: &Connection) -> Result<()> {
    let is_busy = |error: &rusqlite::Error| {
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    };
    let start = Instant::now();
    let mode: String = loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)) {
            Err(error) if is_busy(&error) && start.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(10));
            }
            mode => break mode?,
        }
    };
    let refusal = "the file system does not carry a write-ahead log: keep the file on a local disk";
    if mode == "wal" { Ok(()) } else { Err(Failure::incompatible(refusal)) }
}
