//! A copy of the database in one consistent state, while others go on writing.

use std::path::Path;

use rusqlite::Connection;

use crate::failure::{Failure, Result};

/// `VACUUM INTO`: it reads one state of the file, however many commits come meanwhile. SQLite's
/// online backup would begin anew at each commit of another process.
pub(crate) fn write(connection: &mut Connection, to: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(to).map_err(|_| {
        Failure::incompatible("a backup needs the path of a file that does not exist, in a folder that does")
    })?;
    let Some(path) = to.to_str() else {
        return Err(Failure::incompatible("the path of a backup must be UTF-8"));
    };
    // An empty file is one that it may write to.
    let written = connection
        .pragma_update(None, "query_only", false)
        .and_then(|()| connection.execute("VACUUM INTO ?1", [path]));
    if let Err(error) = written {
        let _ = std::fs::remove_file(to);
        return Err(error.into());
    }
    // Durable before it is answered.
    std::fs::File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(mailping_core::store::StoreError::unavailable)?;
    Ok(())
}
