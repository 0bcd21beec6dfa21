//! The spool of `receipts_postgres` before its store keeps every promise of a store, on a real
//! server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use mailping_core::testing::store::CASES;
use mailping_fixture_postgres::Server;
use mailping_postgres::PostgresStore;
use mailping_spool::Spool;
use sqlx::postgres::PgPoolOptions;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_spool_before_postgres_keeps_every_promise() {
    let server = Server::quick();
    let pool = PgPoolOptions::new().max_connections(8).connect(&server.url("postgres")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (number, case) in CASES.iter().enumerate() {
        eprintln!("case {}", case.name());
        let store = PostgresStore::new(pool.clone()).unwrap().schema(&format!("case_{number}")).unwrap();
        store.migrate().await.unwrap();
        let spool = Spool::open(folder.path().join(case.name())).unwrap().patience(Duration::from_secs(60));
        case.run(Arc::new(spool.before(store))).await;
    }
}
