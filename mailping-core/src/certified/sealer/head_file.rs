//! The last signed head, outside of the database: a backup that is brought back does not bring an
//! older one.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Error;

/// More than a head with all its signatures has.
const MAX_BYTES: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    /// What this process has written last, with its size.
    last: Mutex<(u64, String)>,
}

impl HeadFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, last: Mutex::new((0, String::new())) }
    }

    /// Whether this is what this process has written last.
    pub(super) fn holds(&self, note: &str) -> bool {
        self.last().1 == note
    }

    fn last(&self) -> MutexGuard<'_, (u64, String)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if there is no file yet.
    pub(super) fn read(&self) -> Result<Option<String>, Error> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let mut note = String::new();
        file.take(MAX_BYTES).read_to_string(&mut note).map_err(failed)?;
        Ok(Some(note))
    }

    /// Whether a head can be read and kept.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.read()?;
        let new = self.new_path().map_err(failed)?;
        File::create(&new).and_then(|_| std::fs::remove_file(&new)).map_err(failed)
    }

    /// Nobody else writes there: several processes may keep one file.
    fn new_path(&self) -> io::Result<PathBuf> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| io::Error::other("no random bytes"))?;
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{:016x}.new", u64::from_be_bytes(random)));
        Ok(self.path.with_file_name(name))
    }

    /// Keeps a head of this size, unless a larger one was kept since. Durable once this returns,
    /// and never half a head.
    pub(super) fn keep(&self, size: u64, note: &str) -> Result<(), Error> {
        let mut last = self.last();
        if size < last.0 {
            return Ok(());
        }
        let new = self.new_path().map_err(failed)?;
        let written = || {
            let mut file = File::create(&new)?;
            file.write_all(note.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &self.path)?;
            // The name is durable with its folder; not every system can open one.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Ok(folder) = File::open(folder.unwrap_or_else(|| std::path::Path::new("."))) {
                folder.sync_all()?;
            }
            Ok(())
        };
        if let Err(error) = written() {
            let _ = std::fs::remove_file(&new);
            return Err(failed(error));
        }
        *last = (size, note.to_owned());
        Ok(())
    }
}

/// The error of the system names no content.
fn failed(error: io::Error) -> Error {
    Error::File(format!("the file of the log's last head: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let folder = std::env::temp_dir().join(format!("mailping-head-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = HeadFile::new(folder.join("head"));
        assert_eq!(file.read().unwrap(), None);
        for (size, note) in [(1, "one\n"), (2, "another one\n"), (2, "")] {
            file.keep(size, note).unwrap();
            assert_eq!(file.read().unwrap().as_deref(), Some(note));
            assert!(file.holds(note));
        }
        file.keep(1, "late\n").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some(""));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(file.keep(3, "one\n").is_err() && !file.holds("one\n"));
    }

    #[test]
    fn several_keep_and_check_one_file_at_once() {
        let folder = std::env::temp_dir().join(format!("mailping-heads-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let keep = |note: &'static str| {
            let file = HeadFile::new(folder.join("head"));
            move || {
                for size in 0..200 {
                    file.check().unwrap();
                    file.keep(size, note).unwrap();
                }
            }
        };
        std::thread::scope(|scope| {
            for note in ["one\n", "two and more\n", "three\n"] {
                scope.spawn(keep(note));
            }
        });
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
