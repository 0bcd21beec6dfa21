//! The names of the codes, in a table for people who read with SQL. A newer version's names stay.

use mailping_core::store::code_names;
use rusqlite::Connection;

use crate::failure::Result;

/// Brings the names up to date. It writes only what is missing or was called otherwise.
pub(crate) fn refresh(connection: &Connection) -> Result<()> {
    let mut write = connection.prepare(
        "INSERT INTO names (list, code, name) VALUES (?1, ?2, ?3)
         ON CONFLICT (list, code) DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
    )?;
    for name in code_names() {
        write.execute(name)?;
    }
    Ok(())
}
