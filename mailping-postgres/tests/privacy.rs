//! The privacy chapter names every column of the schema, and no other.

mod common;

use std::collections::BTreeSet;

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_privacy_chapter_names_every_column_of_the_schema() {
    let chapter = concat!(env!("CARGO_MANIFEST_DIR"), "/../mailping-core/docs/privacy.md");
    let chapter = std::fs::read_to_string(chapter).unwrap();
    // What is SQLite's alone stands in a section of its own.
    let cell = |line: &str| {
        let line = line.strip_prefix("| PostgreSQL: `").or(line.strip_prefix("| `"))?;
        line.split_once('`').map(|(name, _)| name.to_owned())
    };
    let (before, sqlite) = chapter.split_once("## The rest of an SQLite file").unwrap();
    let views = sqlite.lines().filter(|line| {
        ["| `names.", "| `opens_readable.", "| `receipts.", "| PostgreSQL: "]
            .iter()
            .any(|start| line.starts_with(start))
    });
    let documented: BTreeSet<String> = before.lines().chain(views).filter_map(cell).collect();

    let pool = common::pool(&common::database("privacy").await, 2).await;
    common::store(&pool).migrate().await.unwrap();
    let columns = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                   WHERE table_schema = 'mailping' AND table_name <> 'mailping_version'";
    let columns: Vec<String> = sqlx::query_scalar(columns).fetch_all(&pool).await.unwrap();
    assert_eq!(BTreeSet::from_iter(columns), documented);
}
