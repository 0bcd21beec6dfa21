//! With `require_copies` nothing is answered before it is on so many machines' disks, whatever
//! PostgreSQL calls done.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{open, ping, ping_id, pool};
use mailping_core::store::{Attempt, Recorded, Store as _, StoreError};
use mailping_fixture_postgres::{Cluster, Server};
use mailping_postgres::{DatabaseError, Fault, PostgresStore};
use sqlx::PgPool;
use tokio::task::block_in_place;

fn fault(error: &StoreError) -> Fault {
    error.source().unwrap().downcast_ref::<DatabaseError>().unwrap().fault()
}

async fn store(server: &Server, copies: usize) -> PostgresStore {
    let pool = pool(&server.url("postgres"), 4).await;
    PostgresStore::new(pool).unwrap().timeout(Duration::from_secs(3)).require_copies(copies)
}

/// A cluster with tables and one ping, whose primary then starts again with these settings.
async fn start(settings: &[&str]) -> Cluster {
    let mut cluster = block_in_place(|| {
        let cluster = Cluster::start_with(&["fsync=off"]);
        cluster.wait_for_standbys(2);
        cluster
    });
    let store = store(cluster.server(0), 1).await;
    store.migrate().await.unwrap();
    store.insert_ping(&ping(1), None).await.unwrap();
    block_in_place(|| {
        cluster.server_mut(0).stop();
        settings.iter().for_each(|setting| cluster.server_mut(0).set(setting));
        cluster.server_mut(0).start();
        cluster.wait_for_standbys(2);
    });
    cluster
}

/// An administrator who cancels each wait for a standby, as long as it lives: PostgreSQL calls that
/// a success.
struct Canceller(Arc<AtomicBool>, tokio::task::JoinHandle<u64>);

impl Canceller {
    fn start(pool: PgPool) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let cancel =
            "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let work = async move {
            let mut cancelled = 0;
            while !until.load(Ordering::Relaxed) {
                cancelled +=
                    sqlx::query_scalar::<_, i64>(cancel).fetch_one(&pool).await.unwrap().unsigned_abs();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            cancelled
        };
        Self(over, tokio::spawn(work))
    }

    async fn end(self) -> u64 {
        self.0.store(true, Ordering::Relaxed);
        self.1.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn with_a_ghost_for_a_standby_nothing_is_called_durable() {
    let cluster = start(&["synchronous_standby_names=ghost"]).await;
    let strict = store(cluster.server(0), 2).await;
    strict.migrate().await.unwrap();
    // The commit waits for the ghost.
    let error = strict.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap_err();
    assert_eq!(fault(&error), Fault::TimedOut);

    let canceller = Canceller::start(pool(&cluster.server(0).url("postgres"), 1).await);
    // What PostgreSQL alone promises then: a success, on one disk.
    let plain = store(cluster.server(0), 1).await;
    let kept = plain.record(&[open(ping_id(1), 2)], &[], Attempt::First).await.unwrap();
    assert_eq!(kept, [Recorded::Durable]);
    for (n, attempt) in [(3, Attempt::First), (3, Attempt::Repeat), (1, Attempt::Repeat)] {
        let error = strict.record(&[open(ping_id(1), n)], &[], attempt).await.unwrap_err();
        assert_eq!(fault(&error), Fault::TooFewCopies);
    }
    assert_eq!(fault(&strict.insert_ping(&ping(2), None).await.unwrap_err()), Fault::TooFewCopies);
    assert_eq!(fault(&strict.withdraw(ping_id(2)).await.unwrap_err()), Fault::TooFewCopies);
    assert!(
        plain.insert_ping(&ping(3), None).await.is_ok() && plain.erase(ping_id(3)).await.unwrap().is_some()
    );
    for _ in 0..2 {
        // Also when there is nothing left to erase, or to object to: nobody knows on how many disks
        // that is.
        assert_eq!(fault(&strict.object_by_ping(ping_id(2)).await.unwrap_err()), Fault::TooFewCopies);
        assert_eq!(fault(&strict.erase(ping_id(1)).await.unwrap_err()), Fault::TooFewCopies);
    }
    assert!(canceller.end().await >= 8, "the waits were cancelled");
    // Nobody cancels any more: an erasure that finds it done waits for a standby as the first one
    // would have.
    assert_eq!(fault(&plain.erase(ping_id(3)).await.unwrap_err()), Fault::TimedOut);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn what_is_answered_is_on_as_many_disks_as_were_asked_for() {
    let mut cluster = start(&[]).await;
    let (two, three) = (store(cluster.server(0), 2).await, store(cluster.server(0), 3).await);
    assert_eq!((two.copies(), three.copies()), (2, 3));
    for n in 0..20 {
        for (store, n) in [(&two, 2 * n), (&three, 2 * n + 1)] {
            let kept = store.record(&[open(ping_id(1), n)], &[], Attempt::First).await.unwrap();
            assert_eq!(kept, [Recorded::Durable]);
        }
    }
    block_in_place(|| cluster.server_mut(1).kill());
    assert!(two.record(&[open(ping_id(1), 50)], &[], Attempt::First).await.is_ok(), "one standby is left");
    let error = three.record(&[open(ping_id(1), 51)], &[], Attempt::First).await.unwrap_err();
    assert_eq!(fault(&error), Fault::TooFewCopies);
    block_in_place(|| {
        cluster.server_mut(1).start();
        cluster.wait_for_standbys(2);
    });
    let kept = three.record(&[open(ping_id(1), 51)], &[], Attempt::Repeat).await.unwrap();
    assert_eq!(kept, [Recorded::Durable]);
    let opens = block_in_place(|| cluster.server(0).ask("SELECT count(*) FROM mailping.opens"));
    assert_eq!(opens, "42", "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn standbys_that_no_commit_waits_for_count_by_what_they_have_flushed() {
    let mut cluster = start(&["synchronous_standby_names="]).await;
    let strict = store(cluster.server(0), 2).await;
    for n in 0..20 {
        assert!(strict.record(&[open(ping_id(1), n)], &[], Attempt::First).await.is_ok());
    }
    block_in_place(|| [1, 2].map(|standby| cluster.server_mut(standby).kill()));
    let begun = Instant::now();
    let error = strict.record(&[open(ping_id(1), 30)], &[], Attempt::First).await.unwrap_err();
    assert_eq!(fault(&error), Fault::TooFewCopies);
    assert!(begun.elapsed() >= Duration::from_millis(900), "they were waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn a_role_that_cannot_see_the_standbys_is_told_what_it_needs() {
    let server = block_in_place(Server::quick);
    let owner = pool(&server.url("postgres"), 2).await;
    PostgresStore::new(owner.clone()).unwrap().migrate().await.unwrap();
    let role = "CREATE ROLE app LOGIN PASSWORD 'open-sesame-77';
        GRANT USAGE ON SCHEMA mailping TO app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mailping TO app";
    sqlx::raw_sql(role).execute(&owner).await.unwrap();
    let url = server.url("postgres").replace("//mailping:", "//app:");
    let app = || async { PostgresStore::new(pool(&url, 2).await).unwrap() };
    app().await.migrate().await.unwrap();
    let strict = app().await.require_copies(2);
    for error in [strict.migrate().await.unwrap_err(), strict.ping(ping_id(1)).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Incompatible { .. }));
        assert!(error.to_string().contains("GRANT pg_monitor"), "{error}");
    }
    sqlx::raw_sql("GRANT pg_monitor TO app").execute(&owner).await.unwrap();
    app().await.require_copies(2).migrate().await.unwrap();
}
