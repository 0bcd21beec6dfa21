//! Reading the files, at start and again when they are newer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::database::Database;
use super::{MaxMind, MaxMindError};
use crate::Error;

impl MaxMind {
    /// Opens one file.
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be read, is damaged as far as sampling it shows, or
    /// has neither countries nor cities.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_all([path])
    }

    /// Opens several files, such as one for IPv4 and one for IPv6. The first that knows a place
    /// wins.
    ///
    /// # Errors
    /// As [`open`](Self::open), for the first file that fails; [`Error::File`] too if there is
    /// none.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        if paths.is_empty() {
            return Err(MaxMindError::NoFile.into());
        }
        let databases = read_all(&paths)?;
        Ok(Self::new(paths, databases))
    }

    /// Reads the files again and swaps them in, for this resolver and all its clones. Look-ups go
    /// on with the old ones until then. It blocks for as long as reading takes: call it from a
    /// thread that may wait.
    ///
    /// Replace files by renaming a new one over the old one; a file that is half-written when it is
    /// read is refused. A resolver made [from bytes](Self::from_bytes) has no files, and nothing
    /// happens.
    ///
    /// # Errors
    /// As [`open_all`](Self::open_all); all the old files stay in use then.
    pub fn reload(&self) -> Result<(), Error> {
        let _one_at_a_time = self.0.reload.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.paths.is_empty() {
            return Ok(());
        }
        let databases = read_all(&self.0.paths)?;
        *self.0.databases.write().unwrap_or_else(PoisonError::into_inner) = databases;
        Ok(())
    }
}

fn read_all(paths: &[PathBuf]) -> Result<Arc<[Database]>, MaxMindError> {
    paths
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path)
                .map_err(|source| MaxMindError::Unreadable { path: path.clone(), source })?;
            Database::new(bytes, &path.display().to_string())
        })
        .collect()
}
