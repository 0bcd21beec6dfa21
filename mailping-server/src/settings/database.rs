//! What `MAILPING_DB` names: the path of a file, or the address of a PostgreSQL server.

use std::io::ErrorKind;
use std::path::Path;

use super::reader::Reader;
use super::{Program, SettingsError};

/// A path is printed; an address of a server may hold a password and is not.
pub(super) fn read(program: Program, reader: &mut Reader) -> Result<String, SettingsError> {
    const NAME: &str = "MAILPING_DB";
    let expected = match program {
        Program::ReceiptsWebhooks => "expected the path of a file, such as ./mailping.db",
        Program::Server if cfg!(feature = "postgres") => {
            "expected the path of a file, such as ./mailping.db, or the address of a PostgreSQL database, such as \
             postgres://user:password@localhost/mailping"
        }
        Program::Server => {
            "expected the path of a file, such as ./mailping.db; for a PostgreSQL database, build this program with \
             `--features postgres` and give an address such as postgres://user:password@localhost/mailping"
        }
    };
    let takes_postgres = cfg!(feature = "postgres") && program == Program::Server;
    match reader.optional(NAME) {
        Some(url) if is_postgres(&url) && takes_postgres => {
            reader.print(NAME, "postgres://[redacted]");
            Ok(url)
        }
        Some(text) if !is_path(&text) => Err(SettingsError::new(NAME, expected)),
        _ => {
            let path = reader.text(NAME, "mailping.db");
            check_folder(Path::new(&path)).map_err(|message| SettingsError::new(NAME, message))?;
            Ok(path)
        }
    }
}

/// Whether a database is a PostgreSQL server.
pub(super) fn is_postgres(database: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| database.starts_with(scheme))
}

/// What is none is not repeated: connection strings have many forms, and most can hold a password.
/// A file whose name has a sign of theirs is still named by an absolute path, or after `./`.
fn is_path(text: &str) -> bool {
    let is_drive = text.get(1..3).is_some_and(|after| matches!(after, ":\\" | ":/"))
        && text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let begins_as_path =
        is_drive || ["/", "./", "../", "\\", ".\\", "..\\"].iter().any(|start| text.starts_with(start));
    let has_login = text.split_once('@').is_some_and(|(before, _)| before.contains(':'));
    if begins_as_path {
        !text.contains("://") && !text.contains('?') && !has_login && !has_password(text)
    } else {
        !text.contains([':', '@', '=', '?', ';', '&', '%'])
    }
}

/// Whether a password is given by its name, as in `password = x`.
fn has_password(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let ends = |before: &str| ["password", "passwd", "pass", "pwd"].iter().any(|name| before.ends_with(name));
    lower.match_indices('=').any(|(at, _)| ends(lower[..at].trim_end()))
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
        Ok(found) if !found.is_dir() => return Err(format!("{shown} is not a folder")),
        _ => {}
    }
    tempfile::tempfile_in(folder)
        .map(drop)
        .map_err(|error| format!("cannot write in the folder {shown}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_not_taken_for_a_path() {
        for text in [
            "host=127.0.0.1 user=u password=sesame dbname=x",
            "host = 127.0.0.1 password = sesame",
            "password=sesame",
            "password=sesame/db",
            "Server=db;Database=x;User Id=u;Pwd=sesame",
            "/var/run/postgresql user=u password = sesame",
            "/db;PWD=sesame",
            "postgres:boss:sesame@h",
            "postgresql:boss:sesame@h",
            "postgres:/boss:sesame@h/db",
            "POSTGRES://boss:sesame@h/db",
            "postgresx://boss:sesame@h/db",
            "\"postgres://boss:sesame@h/db\"",
            "./postgres://boss:sesame@h/db",
            "//boss:sesame@h/db",
            "boss:sesame@127.0.0.1/db",
            "u:/sesame@127.0.0.1/db",
            "sesame@127.0.0.1/db",
            ":sesame",
            "boss%3Asesame%40h",
            "mysql://boss:sesame@h/db",
            "sqlite://x?key=sesame",
            "sqlite:x",
            "jdbc:postgresql://h/db?user=u&password=sesame",
            "file:x?password=sesame",
            "./x?password=sesame",
            "/x?key=sesame",
        ] {
            assert!(!is_path(text) && !is_postgres(text), "{text}");
        }
    }

    #[test]
    fn a_path_is_taken_whatever_its_folders_are_called() {
        for text in [
            "mailping.db",
            "data/mailping.db",
            "with blanks/mailping.db",
            "postgres",
            "/volume1/@appdata/mailping.db",
            "/data/year=2026/mailping.db",
            "./year=2026/ada@home.db",
            "../10:30.db",
            "C:\\data\\mailping.db",
            "C:/data/mailping.db",
            "\\\\server\\share\\mailping.db",
        ] {
            assert!(is_path(text), "{text}");
        }
    }
}
