//! A copy of the database in one consistent state, while others go on writing.

use std::path::Path;

use mailping_core::store::StoreError;
use rusqlite::Connection;

use crate::connect;
use crate::failure::{Failure, Result};

/// `VACUUM INTO`: it reads one state of the file, however many commits come meanwhile. SQLite's
/// online backup would begin anew at each commit of another process.
pub(crate) fn write(connection: &Connection, to: &Path) -> Result<()> {
    let path = to.to_str().ok_or_else(|| Failure::incompatible("the path of a backup must be UTF-8"))?;
    // An empty file is one that it may write to.
    connect::create(to).map_err(|_| {
        Failure::incompatible("a backup needs the path of a file that does not exist, in a folder that does")
    })?;
    let written = connection
        .pragma_update(None, "query_only", false)
        .and_then(|()| connection.execute("VACUUM INTO ?1", [path]));
    if let Err(error) = written {
        let _ = std::fs::remove_file(to);
        return Err(error.into());
    }
    // Durable before it is answered.
    Ok(std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(StoreError::unavailable)?)
}
