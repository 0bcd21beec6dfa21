//! The file of keys beside an SQLite database: made once, for its owner alone.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use mailping_core::Keyring;

use super::SettingsError;

const NAME: &str = "MAILPING_KEYS";

/// What could not be done with the file, as an error.
type Failed<'a> = dyn Fn(&str, &dyn fmt::Display) -> SettingsError + 'a;

/// Reads the keys kept beside the database, or makes them once.
pub(super) fn beside(path: &Path, database: &Path) -> Result<Keyring, SettingsError> {
    let failed = |what: &str, error: &dyn fmt::Display| {
        SettingsError::new(NAME, format!("{what} {}: {error}", path.display()))
    };
    match File::open(path) {
        Ok(file) => {
            #[cfg(unix)]
            refuse_open_to_others(&file, path, &failed)?;
            return read(file, &failed);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("cannot read", &error)),
    }
    // New keys for an old database would refuse every pixel already sent and forget every
    // objection.
    if std::fs::metadata(database).is_ok_and(|file| file.len() > 0) {
        let message = format!(
            "the database is there, its keys in {} are not: put the file back, or give the keys themselves",
            path.display()
        );
        return Err(SettingsError::new(NAME, message));
    }
    let keys = Keyring::generate().map_err(|error| failed("cannot make", &error))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(keys.secret_text().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| failed("cannot write", &error))?;
    Ok(keys)
}

fn read(mut file: File, failed: &Failed<'_>) -> Result<Keyring, SettingsError> {
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| failed("cannot read", &error))?;
    Keyring::from_text(&text).map_err(|error| failed("bad keys in", &error))
}

/// Not repaired in silence: whoever could read the keys may have done so.
#[cfg(unix)]
fn refuse_open_to_others(file: &File, path: &Path, failed: &Failed<'_>) -> Result<(), SettingsError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|error| failed("cannot read", &error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let (mode, path) = (mode & 0o777, path.display());
    let message = format!(
        "{path} is open to others (mode {mode:04o}): run `chmod 600 '{path}'`, and put a new key first if \
         somebody else has an account on this machine"
    );
    Err(SettingsError::new(NAME, message))
}
