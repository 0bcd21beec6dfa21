//! Faults of the server, the network and the pool: an error and no hang, nothing lost, nothing
//! twice, and no restart.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::HashSet;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use common::{SENT, create, open, ping, ping_id, pool};
use mailping_core::Timestamp;
use mailping_core::receipts::LastDay;
use mailping_core::store::{Attempt, OpenQuery, Recorded, Store as _, StoreError};
use mailping_fixture_postgres::{PASSWORD, Server, USER};
use mailping_postgres::{DatabaseError, Fault, PostgresStore};
use sqlx::postgres::{PgPool, PgPoolOptions};

/// A server of its own, since this one is ended.
async fn server() -> (Server, PgPool, PostgresStore) {
    let server = tokio::task::spawn_blocking(Server::quick).await.unwrap();
    create(&pool(&server.url("postgres"), 1).await, "mailping").await;
    let options = PgPoolOptions::new().max_connections(3).acquire_timeout(Duration::from_secs(2));
    let pool = options.connect(&server.url("mailping")).await.unwrap();
    let store = PostgresStore::new(pool.clone()).unwrap();
    store.migrate().await.unwrap();
    (server, pool, store)
}

fn fault(error: &StoreError) -> Fault {
    error.source().unwrap().downcast_ref::<DatabaseError>().unwrap().fault()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_server_killed_while_recording_loses_nothing_and_is_used_again() {
    const OUTAGES: u64 = 3;
    let (mut server, _pool, store) = server().await;
    for n in 0..3 {
        store.insert_ping(&ping(n), None).await.unwrap();
    }
    let (failures, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    // As the tracker's writer does: from a thread without a runtime, each batch again until it is
    // answered.
    let (recording, failed, done) = (store.clone(), failures.clone(), over.clone());
    let recorder = std::thread::spawn(move || {
        let mut batches = 0;
        while !done.load(Relaxed) {
            let opens: Vec<_> = (0..20).map(|n| open(ping_id(n % 3), batches * 20 + n)).collect();
            while pollster::block_on(recording.record(&opens, &[], Attempt::Repeat)).is_err() {
                failed.fetch_add(1, Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
            batches += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        batches
    });
    let batches = tokio::task::spawn_blocking(move || {
        for _ in 0..OUTAGES {
            std::thread::sleep(Duration::from_millis(300));
            server.kill();
            // The pool waits for a server that comes back soon, so that a short outage may be no
            // failure.
            let before = failures.load(Relaxed);
            while failures.load(Relaxed) == before {
                assert!(!recorder.is_finished(), "the recorder goes on");
                std::thread::sleep(Duration::from_millis(10));
            }
            server.start();
        }
        over.store(true, Relaxed);
        (recorder.join().unwrap(), server)
    });
    let (batches, _server) = batches.await.unwrap();
    let mut kept = 0;
    for n in 0..3 {
        let opens = store.opens(&OpenQuery::oldest(ping_id(n), usize::MAX)).await.unwrap().items;
        let ids: HashSet<_> = opens.iter().map(|open| open.id).collect();
        assert_eq!(ids.len(), opens.len(), "nothing twice");
        kept += opens.len();
    }
    assert_eq!(kept, 20 * usize::try_from(batches).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn without_a_server_a_call_fails_at_once_or_in_time() {
    let (mut server, _pool, store) = server().await;
    tokio::task::block_in_place(|| server.stop());
    let begun = Instant::now();
    let error = store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap_err();
    assert!(
        matches!(fault(&error), Fault::Unreachable | Fault::Restarting | Fault::PoolExhausted),
        "{error:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_lock_of_somebody_else_is_an_error_in_time() {
    let (server, pool, store) = server().await;
    let store = store.timeout(Duration::from_secs(1));
    store.insert_ping(&ping(1), None).await.unwrap();
    let mut held = pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE mailping.opens IN EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let begun = Instant::now();
    let error = store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap_err();
    assert_eq!(fault(&error), Fault::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(5));
    held.rollback().await.unwrap();
    assert_eq!(store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap(), [Recorded::Durable]);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_frozen_server_is_an_error_in_time() {
    let (server, pool, store) = server().await;
    let store = store.timeout(Duration::from_secs(1));
    store.insert_ping(&ping(1), None).await.unwrap();
    // No new process can be made from here on, so the one that is asked must be there already.
    let mut connection = pool.acquire().await.unwrap();
    server.signal("STOP");
    let backends = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let backends: Vec<i32> = sqlx::query_scalar(backends).fetch_all(&mut *connection).await.unwrap();
    drop(connection);
    let signal = |name: &str| {
        let ids = backends.iter().map(i32::to_string);
        assert!(
            std::process::Command::new("sh")
                .args(["-c", "kill \"$@\"", "sh", name])
                .args(ids)
                .status()
                .unwrap()
                .success()
        );
    };
    signal("-STOP");
    let begun = Instant::now();
    let error = store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(3));
    signal("-CONT");
    server.signal("CONT");
    assert_eq!(fault(&error), Fault::TimedOut);
    assert_eq!(store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap(), [Recorded::Durable]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn an_exhausted_pool_is_an_error_and_not_a_hang() {
    let (_server, pool, store) = server().await;
    store.insert_ping(&ping(1), None).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(pool.acquire().await.unwrap());
    }
    let begun = Instant::now();
    let error = store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap_err();
    assert_eq!(fault(&error), Fault::PoolExhausted);
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(held);
    assert_eq!(store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap(), [Recorded::Durable]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn errors_hold_no_values() {
    let (server, pool, store) = server().await;
    let mut ping = ping(1);
    ping.reference = "secret-reference".into();
    ping.owner = Some("secret-owner".into());
    store.insert_ping(&ping, None).await.unwrap();
    let twice = store.insert_ping(&ping, None).await.unwrap_err();
    sqlx::raw_sql("ALTER TABLE mailping.opens ADD CONSTRAINT never CHECK (at < 0) NOT VALID")
        .execute(&pool)
        .await
        .unwrap();
    let checked = store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap_err();
    let wrong = server.url("mailping").replace(PASSWORD, "wrong-password");
    let wrong = PgPoolOptions::new().connect_lazy(&wrong).unwrap();
    let login = PostgresStore::new(wrong).unwrap().migrate().await.unwrap_err();
    assert_eq!(fault(&login), Fault::Login);
    for (error, code) in [(twice, "23505"), (checked, "23514"), (login, "28P01")] {
        let text = format!("{error} {error:?} {}", error.source().unwrap());
        assert!(text.contains(code), "{text}");
        let id = ping_id(1).to_string();
        for value in ["secret", &id, "wrong-password", &format!("\"{USER}\""), &SENT.to_string()[..6]] {
            assert!(!text.contains(value), "{value} is in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_commit_is_durable_whatever_the_role_says() {
    let (_server, pool, _) = server().await;
    sqlx::raw_sql("ALTER DATABASE mailping SET synchronous_commit = off").execute(&pool).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE mailping.seen (setting text);
         CREATE FUNCTION mailping.see() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO mailping.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
         CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON mailping.opens EXECUTE FUNCTION mailping.see();
         CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON mailping.pings EXECUTE FUNCTION mailping.see();",
    )
    .execute(&pool)
    .await
    .unwrap();
    let fresh = PgPoolOptions::new().connect_with((*pool.connect_options()).clone()).await.unwrap();
    let role: String =
        sqlx::query_scalar("SELECT current_setting('synchronous_commit')").fetch_one(&fresh).await.unwrap();
    assert_eq!(role, "off");
    let store = PostgresStore::new(fresh.clone()).unwrap().timeout(Duration::from_secs(20));
    let day = LastDay::new(ping_id(1), Timestamp::from_unix_millis(SENT));
    store.insert_ping(&ping(1), None).await.unwrap();
    store.record(&[open(ping_id(1), 1)], &[day], Attempt::First).await.unwrap();
    store.withdraw(ping_id(1)).await.unwrap();
    store.purge(Timestamp::from_unix_millis(SENT * 2), 10).await.unwrap();
    store.erase(ping_id(1)).await.unwrap();
    let seen: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT setting FROM mailping.seen").fetch_all(&fresh).await.unwrap();
    assert_eq!(seen, ["on"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_repeat_that_finds_its_rows_waits_for_the_standby_too() {
    let (_server, pool, store) = server().await;
    store.insert_ping(&ping(1), None).await.unwrap();
    let batch = [open(ping_id(1), 1)];
    store.record(&batch, &[], Attempt::First).await.unwrap();
    // From now on a commit is answered when a standby has it, and there is none.
    for statement in ["ALTER SYSTEM SET synchronous_standby_names = 'ghost'", "SELECT pg_reload_conf()"] {
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    }
    let set = "SELECT current_setting('synchronous_standby_names')";
    let begun = Instant::now();
    while sqlx::query_scalar::<_, String>(set).fetch_one(&pool).await.unwrap() != "ghost" {
        assert!(begun.elapsed() < Duration::from_secs(20), "the setting is never there");
    }
    let store = store.timeout(Duration::from_secs(1));
    // The process that tells commits to wait reads its settings in its own time.
    let begun = Instant::now();
    let unanswered = loop {
        match store.record(&batch, &[], Attempt::Repeat).await {
            Err(unanswered) => break unanswered,
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(20), "no repeat waits for the standby"),
        }
    };
    assert_eq!(fault(&unanswered), Fault::TimedOut);
    // Nothing has cancelled the wait, which PostgreSQL would call a success.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&pool).await.unwrap();
    assert_eq!(waiting, 1);
    for statement in ["ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()"] {
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    }
    let begun = Instant::now();
    while store.record(&batch, &[], Attempt::Repeat).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never answered");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_schema_that_is_wanted_while_the_server_is_away_is_made_when_it_comes() {
    let mut server = tokio::task::spawn_blocking(Server::quick).await.unwrap();
    create(&pool(&server.url("postgres"), 1).await, "mailping").await;
    tokio::task::block_in_place(|| server.stop());
    let options = PgPoolOptions::new().max_connections(3).acquire_timeout(Duration::from_millis(200));
    let pool = options.connect_lazy(&server.url("mailping")).unwrap();
    let store = PostgresStore::new(pool).unwrap();
    assert!(fault(&store.migrate().await.unwrap_err()).is_outage());
    assert!(fault(&store.identity().await.unwrap_err()).is_outage());
    tokio::task::block_in_place(|| server.start());
    let begun = Instant::now();
    while store.insert_ping(&ping(1), None).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the tables are never made");
    }
    let id = store.identity().await.unwrap();
    assert_eq!(store.clone().identity().await.unwrap(), id, "it stays the same");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_newer_schema_is_refused_by_a_store_that_never_migrates() {
    let (_server, pool, store) = server().await;
    store.insert_ping(&ping(1), None).await.unwrap();
    sqlx::raw_sql("UPDATE mailping.mailping_version SET version = 99").execute(&pool).await.unwrap();
    let other = PostgresStore::new(pool).unwrap();
    let refused = other.insert_ping(&ping(2), None).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Incompatible { reason } if reason.contains("newer")), "{refused}");
}
