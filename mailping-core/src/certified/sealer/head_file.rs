//! The last signed head, outside of the database: a backup that is brought back does not bring an
//! older one.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::PathBuf;

use crate::Error;

/// More than a head with all its signatures has.
const MAX_BYTES: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct HeadFile(PathBuf);

impl HeadFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// `None` if there is no file yet.
    pub(super) fn read(&self) -> Result<Option<String>, Error> {
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let mut note = String::new();
        file.take(MAX_BYTES).read_to_string(&mut note).map_err(failed)?;
        Ok(Some(note))
    }

    /// Durable once this returns, and never half a head.
    pub(super) fn keep(&self, note: &str) -> Result<(), Error> {
        let mut name = self.0.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = self.0.with_file_name(name);
        let written = || {
            let mut file = File::create(&new)?;
            file.write_all(note.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &self.0)?;
            // The name is durable with its folder; not every system can open one.
            let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Ok(folder) = File::open(folder.unwrap_or_else(|| std::path::Path::new("."))) {
                folder.sync_all()?;
            }
            Ok(())
        };
        written().map_err(failed)
    }
}

/// The error of the system names no content.
fn failed(error: std::io::Error) -> Error {
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
        for note in ["one\n", "another one\n", ""] {
            file.keep(note).unwrap();
            assert_eq!(file.read().unwrap().as_deref(), Some(note));
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(file.keep("one\n").is_err());
    }
}
