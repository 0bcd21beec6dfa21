//! The privacy chapter names every column of the schema and every field of an open, and no other.

use std::collections::BTreeSet;

use mailping_sqlite::SqliteStore;
use rusqlite::Connection;

#[test]
fn the_privacy_chapter_names_every_column_of_the_schema() {
    let chapter = concat!(env!("CARGO_MANIFEST_DIR"), "/../mailping-core/docs/privacy.md");
    let chapter = std::fs::read_to_string(chapter).unwrap();
    let cell = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned());
    let documented: BTreeSet<String> = chapter.lines().filter_map(cell).collect();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let _store = SqliteStore::open(&file).unwrap();
    let connection = Connection::open(&file).unwrap();
    let columns = "SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
                   WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let mut columns = connection.prepare(columns).unwrap();
    let columns: BTreeSet<String> =
        columns.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    // The fields of an open, each a row of the chapter, are bytes here: how these stand in the file is told in two sentences.
    let (of_opens, columns): (BTreeSet<String>, BTreeSet<String>) =
        columns.into_iter().partition(|name| name.starts_with("arrivals") || name.starts_with("opens."));
    let named = [
        "arrivals.seq",
        "arrivals.opens",
        "arrivals_taken.seq",
        "opens.bundle",
        "opens.ping",
        "opens.last",
        "opens.opens",
    ];
    assert_eq!(of_opens, named.map(str::to_owned).into());
    assert!(chapter.contains("`arrivals`") && chapter.contains("`arrivals_taken`"));
    let documented: BTreeSet<String> =
        documented.into_iter().filter(|name| !name.starts_with("opens.")).collect();
    assert_eq!(columns, documented);
}
