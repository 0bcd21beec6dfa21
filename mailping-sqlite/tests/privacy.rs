//! The privacy chapter names every column of every table and view, and no other.

use std::collections::BTreeSet;

use mailping_sqlite::SqliteStore;
use rusqlite::Connection;

#[test]
fn the_privacy_chapter_names_every_column_of_every_table_and_view() {
    let chapter = concat!(env!("CARGO_MANIFEST_DIR"), "/../mailping-core/docs/privacy.md");
    let chapter = std::fs::read_to_string(chapter).unwrap();
    let cell = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned());
    let documented: BTreeSet<String> = chapter.lines().filter_map(cell).collect();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let _store = SqliteStore::open(&file).unwrap();
    let connection = Connection::open(&file).unwrap();
    let columns = "SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                   WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%'";
    let mut columns = connection.prepare(columns).unwrap();
    let columns: BTreeSet<String> =
        columns.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(columns, documented);
}
