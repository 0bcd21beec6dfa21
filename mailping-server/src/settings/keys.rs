//! The keyring beside an SQLite database.

use std::path::Path;

use mailping_core::Keyring;

use super::SettingsError;
use super::secret_file::SecretFile;

/// Reads the keys kept beside the database, or makes them once.
pub(super) fn beside(database: &Path, file: &SecretFile) -> Result<Keyring, SettingsError> {
    if let Some(text) = file.read()? {
        return Keyring::from_text(&text).map_err(|error| file.failed("bad keys in", &error));
    }
    // New keys for an old database would refuse every pixel already sent and forget every
    // objection.
    if std::fs::metadata(database).is_ok_and(|file| file.len() > 0) {
        let message = format!(
            "the database is there, its keys in {} are not: put the file back, or give the keys themselves",
            file.path.display()
        );
        return Err(SettingsError::new(file.setting, message));
    }
    let keys = Keyring::generate().map_err(|error| file.failed("cannot make", &error))?;
    file.make(&keys.secret_text())?;
    Ok(keys)
}
