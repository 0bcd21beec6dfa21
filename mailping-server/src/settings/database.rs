//! What `MAILPING_DB` names: the path of a file, or the address of a PostgreSQL server.

use std::io::ErrorKind;
use std::path::Path;

use super::reader::Reader;
use super::{Program, SettingsError};

/// A path is printed; an address of a server may hold a password and is not.
pub(super) fn read(program: Program, reader: &mut Reader) -> Result<String, SettingsError> {
    const NAME: &str = "MAILPING_DB";
    let url = reader.optional(NAME).filter(|value| value.contains("://"));
    let refused = |message| Err(SettingsError::new(NAME, message));
    match url {
        Some(_) if program != Program::Server => refused("expected the path of a file"),
        Some(_) if cfg!(not(feature = "postgres")) => refused(
            "expected the path of a file; for a PostgreSQL server, build this program with `--features postgres`",
        ),
        Some(url) if url.starts_with("postgres") => {
            reader.print(NAME, "postgres://[redacted]");
            Ok(url)
        }
        Some(_) => refused(
            "expected the path of a file, or the address of a PostgreSQL database such as \
             postgres://user:password@localhost/mailping",
        ),
        None => {
            let path = reader.text(NAME, "mailping.db");
            check_folder(Path::new(&path)).map_err(|message| SettingsError::new(NAME, message))?;
            Ok(path)
        }
    }
}

/// SQLite makes files beside the database, so its folder must take some. What is made to try it has
/// no name.
fn check_folder(database: &Path) -> Result<(), String> {
    if database.is_dir() {
        return Err(format!("{} is a folder: expected the path of a file in it", database.display()));
    }
    let folder = database.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let shown = folder.display();
    match folder.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(format!("there is no folder {shown}: make it first"));
        }
        Ok(found) if !found.is_dir() => return Err(format!("{shown} is no folder")),
        _ => {}
    }
    tempfile::tempfile_in(folder)
        .map(drop)
        .map_err(|error| format!("cannot write in the folder {shown}: {error}"))
}
