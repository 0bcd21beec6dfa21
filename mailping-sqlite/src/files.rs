//! Whether the files of the database are still the ones that were opened: what is written to a file
//! that was deleted or replaced is gone with the process.

use std::path::{Path, PathBuf};

use mailping_core::store::StoreError;

use crate::failure::Result;

/// A file's device and number.
type Identity = (u64, u64);

/// The database file and its write-ahead log.
#[derive(Debug)]
pub(crate) struct Files {
    paths: [PathBuf; 2],
    identities: [Option<Identity>; 2],
}

impl Files {
    /// Those of a database that is open and has been written to.
    pub(crate) fn of(path: &Path) -> Self {
        // SQLite resolves links too, and keeps the log beside the file itself.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let paths = [path, log.into()];
        let identities = [identity(&paths[0]), identity(&paths[1])];
        Self { paths, identities }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.paths[0].parent().unwrap_or(Path::new("."))
    }

    /// Fails if one of them is gone or another file by now. It costs two calls of the system.
    pub(crate) fn check(&self) -> Result<()> {
        for (path, known) in self.paths.iter().zip(&self.identities) {
            if known.is_some() && identity(path) != *known {
                return Err(StoreError::unavailable(
                    "the database file or its log was deleted or replaced: nothing that is written now would last; \
                     put it back if you can and start again",
                )
                .into());
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere an open file cannot be taken away.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}
