//! The SQLite store keeps every promise of a store.

use std::sync::Arc;

use mailping_core::testing::store::CASES;
use mailping_sqlite::SqliteStore;

#[test]
fn the_sqlite_store_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    for case in CASES {
        eprintln!("case {}", case.name());
        let store = SqliteStore::open(folder.path().join(case.name())).unwrap();
        pollster::block_on(case.run(Arc::new(store)));
    }
}
