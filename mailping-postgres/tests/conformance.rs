//! The PostgreSQL store keeps every promise of a store, each in a schema of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::{database, pool, store};
use mailping_core::testing::store::CASES;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn the_postgres_store_keeps_every_promise() {
    let pool = pool(&database("conformance").await, 8).await;
    for (n, case) in CASES.iter().enumerate() {
        eprintln!("case {}", case.name());
        let store = store(&pool).schema(&format!("case_{n}")).unwrap();
        store.migrate().await.unwrap();
        case.run(Arc::new(store)).await;
    }
}
