//! A file beside an SQLite database that holds a secret: made once, for its owner alone.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use super::SettingsError;

/// More than any of them has.
const MAX_BYTES: u64 = 64 << 10;

/// Where the secret of a setting is if the setting is not set.
#[derive(Debug)]
pub(super) struct SecretFile {
    pub(super) setting: &'static str,
    pub(super) path: PathBuf,
}

impl SecretFile {
    /// `None` if there is no file yet.
    pub(super) fn read(&self) -> Result<Option<String>, SettingsError> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| self.failed("cannot read", &error))?,
        };
        #[cfg(unix)]
        self.refuse_open_to_others(&file)?;
        let mut text = String::new();
        let read = file.take(MAX_BYTES).read_to_string(&mut text);
        read.map_err(|error| self.failed("cannot read", &error))?;
        Ok(Some(text))
    }

    pub(super) fn make(&self, secret: &str) -> Result<(), SettingsError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&self.path).and_then(|mut file| {
            file.write_all(secret.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        written.map_err(|error| self.failed("cannot write", &error))
    }

    /// What could not be done with the file.
    pub(super) fn failed(&self, what: &str, error: &dyn fmt::Display) -> SettingsError {
        SettingsError::new(self.setting, format!("{what} {}: {error}", self.path.display()))
    }

    /// Not repaired in silence: whoever could read the secret may have done so.
    #[cfg(unix)]
    fn refuse_open_to_others(&self, file: &File) -> Result<(), SettingsError> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(|error| self.failed("cannot read", &error))?.permissions().mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        let (mode, path) = (mode & 0o777, self.path.display());
        let message = format!(
            "{path} is open to others (mode {mode:04o}): run `chmod 600 '{path}'`, and put a new key first if \
             somebody else has an account on this machine"
        );
        Err(SettingsError::new(self.setting, message))
    }
}
