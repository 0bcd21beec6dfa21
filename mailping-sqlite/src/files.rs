//! The files of the database: made for their owner's eyes only, copied while in use, and watched,
//! since what is written to a file that was deleted or replaced is gone with the process.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mailping_core::store::StoreError;
use rusqlite::Connection;

use crate::failure::{Failure, Result};

/// Makes a file that is missing; SQLite gives the log beside it the same mode.
pub(crate) fn create_if_missing(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(Failure::incompatible("a path of a file is needed: the store keeps what it is given"));
    }
    if path.is_dir() {
        return Err(Failure::incompatible("the path is a folder: give the path of a file in it"));
    }
    Err(match create(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Failure::incompatible("the folder of the database file does not exist: make it first")
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Failure::incompatible("the folder of the database file is not writable by this process")
        }
        Err(error) if error.kind() != ErrorKind::AlreadyExists => StoreError::unavailable(error).into(),
        _ => {
            warn_of_readers(path);
            return Ok(());
        }
    })
}

/// A copy that was put in place may have any mode. It may be meant, so nothing is changed.
fn warn_of_readers(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
        if mode & 0o077 != 0 {
            tracing::warn!(
                mode = format!("{:04o}", mode & 0o777),
                "others than its owner may read the database file: if that is not meant, run `chmod 600` on it and on \
                 the -wal and -shm files beside it"
            );
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn create(path: &Path) -> std::io::Result<()> {
    options().create_new(true).open(path).map(drop)
}

/// Those of a file for its owner's eyes only.
fn options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Waits until no other process holds this file, which is made if it is missing. It is held until
/// what is returned is dropped.
pub(crate) fn hold(path: &Path) -> std::io::Result<std::fs::File> {
    let file = options().create(true).truncate(false).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Makes the file of a copy.
pub(crate) fn create_copy(path: &Path) -> Result<()> {
    create(path).map_err(|_| {
        Failure::incompatible("a copy needs the path of a file that does not exist, in a folder that does")
    })
}

/// Writes a copy by `VACUUM INTO`: it reads one state of the file, however many commits come
/// meanwhile. SQLite's online backup would begin anew at each commit of another process.
pub(crate) fn back_up(connection: &Connection, to: &Path) -> Result<()> {
    let path = to.to_str().ok_or_else(|| Failure::incompatible("the path of a backup must be UTF-8"))?;
    // An empty file is one that it may write to.
    create_copy(to)?;
    let written = connection
        .pragma_update(None, "query_only", false)
        .and_then(|()| connection.execute("VACUUM INTO ?1", [path]));
    if let Err(error) = written {
        let _ = std::fs::remove_file(to);
        return Err(error.into());
    }
    // Durable before it is answered.
    Ok(std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(StoreError::unavailable)?)
}

/// The database file and its write-ahead log, as they were when they were opened.
#[derive(Debug)]
pub(crate) struct Files([(PathBuf, Option<(u64, u64)>); 2]);

impl Files {
    /// Those of a database that is open and has been written to.
    pub(crate) fn of(path: &Path) -> Self {
        // SQLite resolves links too, and keeps the log beside the file itself.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let log = beside(&path, "-wal");
        let (file, its_log) = (identity(&path), identity(&log));
        Self([(path, file), (log, its_log)])
    }

    /// The database file itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0[0].0
    }

    pub(crate) fn folder(&self) -> &Path {
        self.path().parent().unwrap_or(Path::new("."))
    }

    /// Fails if one of them is gone or another file by now. It costs two calls of the system.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.iter().all(|(path, known)| known.is_none() || identity(path) == *known) {
            return Ok(());
        }
        let gone = "the database file or its log was deleted or replaced: nothing that is written now would last; \
            put it back if you can and start again";
        Err(StoreError::unavailable(gone).into())
    }
}

/// The path with more at its end.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A file's device and number. Its times are not asked for: once they were seen, Linux (since 6.13)
/// writes the next change of them at once, so that the `fsync` of each batch would take half as
/// long again.
#[cfg(unix)]
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
        if let Ok(found) = statx(CWD, path, AtFlags::empty(), StatxFlags::INO) {
            return Some((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino));
        }
    }
    // Before Linux 4.11, in sandboxes that do not know that call, and on other systems.
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere an open file cannot be taken away.
#[cfg(not(unix))]
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    path.exists().then_some((0, 0))
}
