//! Whether the files of the database are still the ones that were opened: what is written to a file
//! that was deleted or replaced is gone with the process.

use std::path::{Path, PathBuf};

use mailping_core::store::StoreError;

use crate::failure::Result;

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

    pub(crate) fn folder(&self) -> &Path {
        self.0[0].0.parent().unwrap_or(Path::new("."))
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

/// A file's device and number.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere an open file cannot be taken away.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.exists().then_some((0, 0))
}
