//! A store on several servers uses the primary, whichever that is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::error::Error as _;
use std::time::{Duration, Instant};

use common::{open, ping, ping_id};
use mailping_core::store::{Attempt, Recorded, Store as _, StoreError};
use mailping_fixture_postgres::{Cluster, PASSWORD, Server, USER};
use mailping_postgres::{DatabaseError, Fault, PostgresStore};
use tokio::task::block_in_place;

/// The address of all servers, as libpq writes it.
fn url(cluster: &Cluster) -> String {
    let places: Vec<_> =
        (0..Cluster::SERVERS).map(|n| format!("127.0.0.1:{}", cluster.server(n).port())).collect();
    format!("postgres://{USER}:{PASSWORD}@{}/postgres?target_session_attrs=read-write", places.join(","))
}

async fn start() -> (Cluster, PostgresStore) {
    let cluster = block_in_place(|| {
        let cluster = Cluster::start_with(&["fsync=off"]);
        cluster.wait_for_standbys(2);
        cluster
    });
    let store = PostgresStore::connect(&url(&cluster)).unwrap();
    store.migrate().await.unwrap();
    store.insert_ping(&ping(1), None).await.unwrap();
    (cluster, store)
}

fn fault(error: &StoreError) -> Fault {
    error.source().unwrap().downcast_ref::<DatabaseError>().unwrap().fault()
}

/// Records as the tracker does, again and again.
async fn record_until_kept(store: &PostgresStore, n: u64) -> Duration {
    let begun = Instant::now();
    loop {
        match store.record(&[open(ping_id(1), n)], &[], Attempt::Repeat).await {
            Ok(written) => {
                assert_eq!(written, [Recorded::Durable]);
                return begun.elapsed();
            }
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn count(cluster: &Cluster) -> String {
    cluster.server(cluster.primary()).ask("SELECT count(*) FROM mailping.opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn the_store_follows_the_primary_from_server_to_server() {
    let (mut cluster, store) = start().await;
    record_until_kept(&store, 1).await;
    for n in 2..4 {
        let old = cluster.primary();
        block_in_place(|| {
            cluster.server_mut(old).kill();
            cluster.promote(cluster.most_advanced());
        });
        record_until_kept(&store, n).await;
        assert_eq!(block_in_place(|| count(&cluster)), n.to_string(), "nothing is lost on the way");
        block_in_place(|| {
            cluster.rejoin(old);
            cluster.wait_for_standbys(2);
        });
    }
    // A server that is stopped and comes back as the primary that it was.
    let same = cluster.primary();
    block_in_place(|| {
        cluster.server_mut(same).stop();
        cluster.server_mut(same).start();
    });
    record_until_kept(&store, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn without_a_primary_calls_wait_and_one_of_them_searches() {
    let (mut cluster, store) = start().await;
    block_in_place(|| cluster.server_mut(0).kill());
    // The calls that are under way then fail; from the next one on it is known.
    assert!(store.ping(ping_id(1)).await.is_err());
    let connections = |server: &Server| -> u64 {
        // Sessions that have ended, psql's among them.
        server.ask("SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'").parse().unwrap_or(0)
    };
    let before = block_in_place(|| connections(cluster.server(1)));
    let begun = Instant::now();
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.ping(ping_id(1)).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let asked = block_in_place(|| connections(cluster.server(1))) - before;
    // The pauses grow from 25 milliseconds to at least half a second; psql itself is one.
    assert!((2..20).contains(&asked), "{asked} connections in three seconds, for 64 calls");
    block_in_place(|| cluster.promote(cluster.most_advanced()));
    for call in calls {
        assert!(call.await.unwrap().unwrap().is_some(), "it was answered by the new primary");
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn a_primary_that_was_superseded_is_left_while_it_lives_and_never_gone_back_to() {
    let (mut cluster, store) = start().await;
    record_until_kept(&store, 1).await;
    // It lives, and has no standby any more: its commits wait for ever.
    block_in_place(|| cluster.promote(1));
    let took = record_until_kept(&store, 2).await;
    assert!(took < Duration::from_secs(25), "found while the call waited, not at its limit: {took:?}");
    assert_eq!(block_in_place(|| count(&cluster)), "2");

    block_in_place(|| cluster.server_mut(1).kill());
    let begun = Instant::now();
    let error = loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is told that there is no primary");
        let error = store.record(&[open(ping_id(1), 3)], &[], Attempt::Repeat).await.unwrap_err();
        if fault(&error) == Fault::NoPrimary {
            break error;
        }
    };
    assert_eq!(error.source().unwrap().to_string(), Fault::NoPrimary.to_string());
    let old = block_in_place(|| cluster.server(0).ask("SELECT count(*) FROM mailping.opens"));
    assert_eq!(old, "1", "nothing was written to it since");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn a_program_that_starts_is_told_at_once_what_is_wrong() {
    let (mut cluster, _store) = start().await;
    let wrong = url(&cluster).replace(PASSWORD, "wrong-sesame");
    let begun = Instant::now();
    for (url, expected) in [
        (wrong, Fault::Login),
        (url(&cluster).replace("/postgres?", "/nowhere?"), Fault::NoDatabase),
        (cluster.server(1).url("postgres"), Fault::NoPrimary),
    ] {
        let error = PostgresStore::connect(&url).unwrap().migrate().await.unwrap_err();
        assert_eq!(fault(&error), expected);
        assert!(!format!("{error:?}").contains("sesame"));
    }
    block_in_place(|| (0..3).for_each(|n| cluster.server_mut(n).kill()));
    let error = PostgresStore::connect(&url(&cluster)).unwrap().migrate().await.unwrap_err();
    assert_eq!(fault(&error), Fault::Unreachable);
    assert!(begun.elapsed() < Duration::from_secs(30));
}
