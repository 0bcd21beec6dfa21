//! A store behind PgBouncer, whatever its mode, and one line where it cannot work.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::error::Error as _;
use std::sync::Arc;

use common::{open, ping, ping_id};
use mailping_core::store::{Attempt, OpenQuery, Store as _};
use mailping_core::testing::store::CASES;
use mailping_fixture_postgres::{PASSWORD, Pooler, Server, USER};
use mailping_postgres::{DatabaseError, Fault, PostgresStore};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn behind_pgbouncer_in_transaction_mode_a_store_keeps_every_promise() {
    let server = block_in_place(Server::quick);
    let pooler = block_in_place(|| Pooler::start(&server, "transaction"));
    for (number, case) in CASES.iter().enumerate() {
        eprintln!("case {}", case.name());
        let store = PostgresStore::connect(&pooler.url("postgres")).unwrap();
        let store = store.schema(&format!("case_{number}")).unwrap();
        store.migrate().await.unwrap();
        case.run(Arc::new(store)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn instances_that_share_sessions_never_run_one_anothers_statements() {
    let server = block_in_place(Server::quick);
    for mode in ["transaction", "session"] {
        let pooler = block_in_place(|| Pooler::start(&server, mode));
        let options: PgConnectOptions = pooler.url("postgres").parse().unwrap();
        let options = options.extra_float_digits(None);
        let store =
            || PostgresStore::new(PgPoolOptions::new().max_connections(2).connect_lazy_with(options.clone()));
        let (first, second) =
            (store().unwrap().schema(mode).unwrap(), store().unwrap().schema(mode).unwrap());
        first.migrate().await.unwrap();
        let (a, b) = (ping_id(1), ping_id(2));
        first.insert_ping(&ping(1), None).await.unwrap();
        second.insert_ping(&ping(2), None).await.unwrap();
        // The same statements in another order: by name they would be one another's.
        let work = |store: PostgresStore, mine, other, n: u64| async move {
            for n in 100 * n..100 * n + 40 {
                store.record(&[open(mine, n)], &[], Attempt::First).await.unwrap();
                assert_eq!(store.ping(other).await.unwrap().unwrap().id, other);
                let opens = store.opens(&OpenQuery::oldest(mine, 100)).await.unwrap().items;
                assert!(opens.iter().all(|open| open.ping == mine));
                let mark = store.mark().await.unwrap();
                store.news(&mark, 10).await.unwrap();
            }
        };
        let (one, two) = (tokio::spawn(work(first, a, b, 1)), tokio::spawn(work(second.clone(), b, a, 2)));
        one.await.unwrap();
        two.await.unwrap();
        for ping in [a, b] {
            assert_eq!(second.opens(&OpenQuery::oldest(ping, 100)).await.unwrap().items.len(), 40, "{mode}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn a_session_that_pgbouncer_refuses_is_told_why_in_one_line() {
    let server = block_in_place(Server::quick);
    let pooler = block_in_place(|| Pooler::start(&server, "transaction"));
    let options: PgConnectOptions = pooler.url("postgres").parse().unwrap();
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    let error = PostgresStore::new(pool).unwrap().migrate().await.unwrap_err();
    let error = error.source().unwrap().downcast_ref::<DatabaseError>().unwrap();
    assert_eq!(error.fault(), Fault::Pooler);
    let text = error.to_string();
    assert!(
        text.contains("ignore_startup_parameters = extra_float_digits") && !text.contains('\n'),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn wrong_settings_behind_pgbouncer_are_no_outage_and_a_dead_server_is_one() {
    let mut server = block_in_place(Server::quick);
    let pooler = block_in_place(|| Pooler::start(&server, "session"));
    let statement = block_in_place(|| Pooler::start(&server, "statement"));
    let url = pooler.url("postgres");
    for wrong in [
        url.replace(PASSWORD, "wrong"),
        url.replace(USER, "nobody"),
        pooler.url("nothing"),
        statement.url("postgres"),
    ] {
        assert_eq!(fault_at(&wrong).await, Fault::PoolerSettings, "{wrong}");
    }
    assert!(!Fault::PoolerSettings.is_outage());
    block_in_place(|| server.kill());
    assert_eq!(fault_at(&url).await, Fault::Unreachable);
}

async fn fault_at(url: &str) -> Fault {
    let error = PostgresStore::connect(url).unwrap().migrate().await.unwrap_err();
    error.source().unwrap().downcast_ref::<DatabaseError>().unwrap().fault()
}
