//! Opens the file with the settings that the promises need, or tells why it cannot be used.

use std::path::Path;
use std::time::{Duration, Instant};

use mailping_core::store::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::failure::{Failure, Result};
use crate::schema::Schema;

/// How long a call waits for another connection's lock.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// What is left of the log after a reader has kept it from beginning anew: 32 MB.
const LOG_BYTES: i32 = 32 << 20;

/// How long the log grows before the connection that writes moves all of it, if the log's own
/// thread does not keep up: 32 MB.
const LOG_PAGES: i32 = 8_000;

/// The first SQLite (3.51.3) without the bug that loses a write-ahead log which two processes reset
/// at once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Opens the file for writing; it is made and brought to the current schema if needed.
pub(crate) fn writer(path: &Path, schema: &Schema) -> Result<Connection> {
    check_library(rusqlite::version_number())?;
    create_private(path)?;
    let mut connection = connect(path)?;
    prepare(&mut connection, schema)?;
    Ok(connection)
}

/// Opens a file, once a writer has prepared it, for reading.
pub(crate) fn reader(path: &Path) -> Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn check_library(version: i32) -> Result<()> {
    if version >= OLDEST_SQLITE {
        return Ok(());
    }
    Err(Failure::incompatible(format!(
        "SQLite {} is linked, and 3.51.3 is needed: older ones can lose data when two processes use one file",
        rusqlite::version()
    )))
}

fn prepare(connection: &mut Connection, schema: &Schema) -> Result<()> {
    if connection.is_readonly("main")? {
        return Err(Failure::incompatible(
            "the database is read-only: the file and its folder must be writable by this process",
        ));
    }
    // Before anything is changed: a foreign file stays as it was, its journal mode too.
    schema.check(connection)?;
    use_write_ahead_log(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    // Rows of a person's erasure must not pass through files of the system.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    schema.prepare(connection)
}

fn connect(path: &Path) -> Result<Connection> {
    // No URI flag: a path is taken as it is, whatever it begins with.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| unopened(path, error))?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Two connections that switch a new file at once can get "busy" without any waiting.
fn use_write_ahead_log(connection: &Connection) -> Result<()> {
    let start = Instant::now();
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                return Err(Failure::incompatible(
                    "the file system does not carry a write-ahead log: keep the file on a local disk",
                ));
            }
            Err(error) if is_busy(&error) && start.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Makes a missing file, for its owner's eyes only; SQLite gives the log beside it the same mode.
fn create_private(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(Failure::incompatible("a path of a file is needed: the store keeps what it is given"));
    }
    if path.is_dir() {
        return Err(Failure::incompatible("the path is a folder: give the path of a file in it"));
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::incompatible("the folder of the database file does not exist: make it first"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(Failure::incompatible("the folder of the database file is not writable by this process"))
        }
        Err(error) => Err(StoreError::unavailable(error).into()),
    }
}

fn unopened(path: &Path, error: rusqlite::Error) -> Failure {
    let denied = std::fs::File::open(path).is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied);
    if denied {
        return Failure::incompatible("the database file is not readable and writable by this process");
    }
    error.into()
}
