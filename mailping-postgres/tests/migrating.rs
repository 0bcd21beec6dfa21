//! How a database comes to the schema, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{database, pool, store};
use mailping_core::store::{Store as _, StoreError};
use mailping_postgres::PostgresStore;

fn refusal(error: StoreError) -> String {
    let StoreError::Incompatible { reason } = error else { panic!("{error}") };
    reason
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn ten_at_once_migrate_an_empty_database() {
    let url = database("ten").await;
    let instances: Vec<_> = (0..10)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let store = store(&pool(&url, 2).await);
                store.migrate().await.unwrap();
                store.recipient_keys().await.unwrap()
            })
        })
        .collect();
    for instance in instances {
        assert_eq!(instance.await.unwrap(), []);
    }
    let versions = sqlx::query_scalar("SELECT version FROM mailping.mailping_version");
    let versions: Vec<i32> = versions.fetch_all(&pool(&url, 1).await).await.unwrap();
    assert_eq!(versions, [1]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_newer_schema_is_refused_untouched() {
    let pool = pool(&database("newer").await, 2).await;
    store(&pool).migrate().await.unwrap();
    sqlx::query("UPDATE mailping.mailping_version SET version = 7").execute(&pool).await.unwrap();
    let reason = refusal(store(&pool).migrate().await.unwrap_err());
    assert!(reason.contains("version 7 of a newer mailping-postgres"), "{reason}");
    let version: i32 =
        sqlx::query_scalar("SELECT version FROM mailping.mailping_version").fetch_one(&pool).await.unwrap();
    assert_eq!(version, 7);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_schema_of_another_application_is_refused_untouched() {
    let pool = pool(&database("foreign_schema").await, 2).await;
    sqlx::raw_sql("CREATE SCHEMA mailping; CREATE TABLE mailping.invoices (id integer)")
        .execute(&pool)
        .await
        .unwrap();
    let reason = refusal(store(&pool).migrate().await.unwrap_err());
    assert!(reason.contains("a schema of its own"), "{reason}");
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'mailping'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_schema_with_another_name_stands_beside_the_first() {
    let pool = pool(&database("beside").await, 2).await;
    let named = |name| PostgresStore::new(pool.clone()).unwrap().schema(name);
    named("one").unwrap().migrate().await.unwrap();
    named("two").unwrap().migrate().await.unwrap();
    named("two").unwrap().migrate().await.unwrap();
    let schemas = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'opens' ORDER BY 1";
    let schemas: Vec<String> = sqlx::query_scalar(schemas).fetch_all(&pool).await.unwrap();
    assert_eq!(schemas, ["one", "two"]);
    assert!(refusal(named("a\"; DROP SCHEMA one; --").unwrap_err()).contains("lower-case letters"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_role_without_the_right_to_create_uses_what_another_has_made() {
    let url = database("roles").await;
    let owner = pool(&url, 2).await;
    let limited = "CREATE ROLE app LOGIN PASSWORD 'app-password'";
    sqlx::raw_sql(limited).execute(&owner).await.unwrap();
    let url = url.replace("mailping:open-sesame-77", "app:app-password");
    let app = store(&pool(&url, 2).await);
    let error = app.migrate().await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("CREATE on the database") && source.contains("42501"), "{source}");
    store(&owner).migrate().await.unwrap();
    let grants = "GRANT USAGE ON SCHEMA mailping TO app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mailping TO app";
    sqlx::raw_sql(grants).execute(&owner).await.unwrap();
    app.migrate().await.unwrap();
    assert_eq!(app.recipient_keys().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_database_without_the_tables_says_what_to_do() {
    let store = store(&pool(&database("unmigrated").await, 2).await);
    let error = store.recipient_keys().await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("call `PostgresStore::migrate` first"), "{source}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn tables_that_another_server_numbered_are_not_called_missing_alone() {
    let pool = pool(&database("restored").await, 2).await;
    store(&pool).migrate().await.unwrap();
    let restored = "UPDATE mailping.mailping_version SET cluster = cluster + 1";
    sqlx::raw_sql(restored).execute(&pool).await.unwrap();
    let error = store(&pool).recipient_keys().await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("restored from another server"), "{source}");
    store(&pool).migrate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_database_that_is_not_in_utf_8_is_refused() {
    let pool = pool(&database("latin").await, 1).await;
    let create = "CREATE DATABASE latin_1 ENCODING 'LATIN1' TEMPLATE template0";
    sqlx::raw_sql(create).execute(&pool).await.unwrap();
    let latin = common::pool(&common::url("latin_1"), 1).await;
    assert!(refusal(store(&latin).migrate().await.unwrap_err()).contains("UTF8"));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn outside_of_a_runtime_it_is_refused_without_a_panic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = common::url("postgres");
    let pool = runtime.block_on(async { pool(&url, 1).await });
    assert!(refusal(PostgresStore::new(pool).unwrap_err()).contains("tokio"));
}
