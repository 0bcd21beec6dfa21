//! What is new since a mark, with transactions that overlap, step by step.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::{SENT, database, open, ping, ping_id, pool, store};
use mailping_core::Timestamp;
use mailping_core::receipts::LastDay;
use mailping_core::store::{Attempt, Mark, Observation, Store as _, StoreError};
use mailping_fixture_postgres::Server;
use mailping_postgres::PostgresStore;
use sqlx::{PgPool, Postgres, Transaction};

struct Fixture {
    pool: PgPool,
    store: PostgresStore,
}

impl Fixture {
    async fn new(name: &str) -> Self {
        Self::on(&database(name).await).await
    }

    async fn on(url: &str) -> Self {
        let store = store(&pool(url, 8).await);
        store.migrate().await.unwrap();
        for n in 0..3 {
            store.insert_ping(&ping(n), None).await.unwrap();
        }
        Self { pool: pool(url, 24).await, store }
    }

    async fn records(&self, numbers: &[u64]) {
        let opens: Vec<_> = numbers.iter().map(|n| open(ping_id(n % 3), *n)).collect();
        self.store.record(&opens, &[], Attempt::First).await.unwrap();
    }

    /// All news since a mark, in pages of `limit`, each of which must come once, and the mark after
    /// them.
    async fn all_since(&self, mark: &Mark, limit: usize) -> (BTreeSet<u64>, Mark) {
        let (mut all, mut mark) = (BTreeSet::new(), mark.clone());
        loop {
            let news = self.store.news(&mark, limit).await.unwrap();
            assert!(news.items.len() <= limit);
            for item in &news.items {
                let number = match item {
                    Observation::Open(open) => u64::try_from(open.at.unix_millis() - SENT - 1_000).unwrap(),
                    _ => 1_000_000,
                };
                assert!(all.insert(number), "{number} comes twice");
            }
            let is_last = news.items.len() < limit;
            mark = news.next.unwrap_or(mark);
            if is_last {
                return (all, mark);
            }
        }
    }

    /// A transaction that has begun to write, as one of another application may, and stays open.
    async fn somebody(&self) -> Transaction<'static, Postgres> {
        let mut transaction = self.pool.begin().await.unwrap();
        sqlx::raw_sql("SELECT pg_current_xact_id()").execute(&mut *transaction).await.unwrap();
        transaction
    }

    /// A batch of one open, stopped in the middle of its transaction: whoever holds the answer lets
    /// it go on.
    async fn late(&self, number: u64) -> (Transaction<'static, Postgres>, tokio::task::JoinHandle<()>) {
        let late = open(ping_id(number % 3), number);
        let mut held = self.pool.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO mailping.opens (ping, id, at, evidence, xact, place, rules_version, time_step, fetcher, verdict)
             VALUES ($1::uuid, $2, $3, 0, 0, 0, 0, 0, 0, 0)",
        )
        .bind(late.ping.to_string())
        .bind(i64::from_be_bytes(*late.id.as_bytes()) ^ i64::MIN)
        .bind(late.at.unix_millis())
        .execute(&mut *held)
        .await
        .unwrap();
        let store = self.store.clone();
        let batch = tokio::spawn(async move {
            store.record(&[late], &[], Attempt::First).await.unwrap();
        });
        let begun = Instant::now();
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one(&self.pool)
            .await
            .unwrap();
            if waiting > 0 {
                return (held, batch);
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "the batch does not wait");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn one_that_began_before_the_mark_and_commits_after_it_is_not_skipped() {
    for limit in [1, 2, 50] {
        let fixture = Fixture::new(&format!("late_{limit}")).await;
        let (held, batch) = fixture.late(7).await;
        let before = fixture.store.mark().await.unwrap();
        fixture.records(&[10, 11, 12, 13]).await;
        fixture.records(&[14]).await;
        let (news, mark) = fixture.all_since(&before, limit).await;
        assert_eq!(news, [10, 11, 12, 13, 14].into());
        held.rollback().await.unwrap();
        batch.await.unwrap();
        fixture.records(&[15, 16]).await;
        let (news, mark) = fixture.all_since(&mark, limit).await;
        assert_eq!(news, [7, 15, 16].into(), "in pages of {limit}");
        assert!(fixture.all_since(&mark, limit).await.0.is_empty());
        assert_eq!(fixture.all_since(&before, limit).await.0, [7, 10, 11, 12, 13, 14, 15, 16].into());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_late_batch_read_in_part_goes_on_where_it_was_left() {
    let fixture = Fixture::new("late_in_part").await;
    let mut late = fixture.somebody().await;
    let mark = fixture.store.mark().await.unwrap();
    fixture.records(&[20, 21, 22]).await;
    let (_, mark) = fixture.all_since(&mark, 50).await;
    // As the store writes a batch, by hand.
    for place in 0..5 {
        let one = open(ping_id(0), place);
        sqlx::query(
            "INSERT INTO mailping.opens (ping, id, at, evidence, xact, place, rules_version, time_step, fetcher, verdict)
             VALUES ($1::uuid, $2, $3, 0, pg_current_xact_id()::text::bigint, $4, 0, 2, 0, 0)",
        )
        .bind(one.ping.to_string())
        .bind(i64::from_be_bytes(*one.id.as_bytes()) ^ i64::MIN)
        .bind(one.at.unix_millis())
        .bind(i32::try_from(place).unwrap())
        .execute(&mut *late)
        .await
        .unwrap();
    }
    late.commit().await.unwrap();
    fixture.records(&[23, 24]).await;
    for limit in [1, 2, 3, 50] {
        assert_eq!(fixture.all_since(&mark, limit).await.0, [0, 1, 2, 3, 4, 23, 24].into(), "by {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_transaction_of_somebody_else_delays_nothing_and_many_only_until_they_end() {
    // Transactions are numbered by the server, for all its databases: this one is alone on its own.
    let server = tokio::task::spawn_blocking(Server::quick).await.unwrap();
    let fixture = Fixture::on(&server.url("postgres")).await;
    let one = fixture.somebody().await;
    let mark = fixture.store.mark().await.unwrap();
    fixture.records(&[1, 2]).await;
    let (news, mark) = fixture.all_since(&mark, 50).await;
    assert_eq!(news, [1, 2].into(), "an open transaction before the mark");
    let mut many = Vec::new();
    for _ in 0..20 {
        many.push(fixture.somebody().await);
    }
    fixture.records(&[3]).await;
    let (news, mark) = fixture.all_since(&mark, 50).await;
    assert!(news.is_empty(), "it comes after more open transactions than a mark names");
    drop(one);
    for transaction in many {
        transaction.rollback().await.unwrap();
    }
    let begun = Instant::now();
    let (mut news, mut mark) = fixture.all_since(&mark, 50).await;
    while news.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never comes");
        (news, mark) = fixture.all_since(&mark, 50).await;
    }
    assert_eq!(news, [3].into());
    assert!(fixture.all_since(&mark, 50).await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_mark_of_another_server_or_of_a_later_state_is_refused() {
    let fixture = Fixture::new("moved").await;
    fixture.records(&[1, 2]).await;
    let day = LastDay::new(ping_id(0), Timestamp::from_unix_millis(SENT / 86_400_000 * 86_400_000));
    fixture.store.record(&[], &[day], Attempt::First).await.unwrap();
    let mark = fixture.store.mark().await.unwrap();
    let refused = |mark: Mark| {
        let store = fixture.store.clone();
        async move { matches!(store.news(&mark, 9).await, Err(StoreError::UnknownMark)) }
    };
    assert!(!refused(mark.clone()).await);
    // The database, its history and the tail; behind them what other tests of this server have
    // open.
    let parts: Vec<&str> = mark.as_str().split('-').collect();
    let tail = i64::from_str_radix(parts[2].split('.').next().unwrap(), 16).unwrap();
    let later = format!("{}-{}-{:x}", parts[0], parts[1], tail + 1_000_000_000);
    assert!(refused(later.parse().unwrap()).await);
    // As a dump that was restored on another server, whose transactions have lower numbers: nothing
    // old is news.
    let moved = "UPDATE mailping.mailping_version SET cluster = cluster + 1, database = gen_random_uuid();
        UPDATE mailping.opens SET xact = xact + 1000000; UPDATE mailping.last_days SET xact = xact + 1000000";
    sqlx::raw_sql(moved).execute(&fixture.pool).await.unwrap();
    fixture.store.migrate().await.unwrap();
    assert!(refused(mark).await);
    let mark = fixture.store.mark().await.unwrap();
    assert!(fixture.all_since(&mark, 9).await.0.is_empty());
    fixture.records(&[3]).await;
    assert_eq!(fixture.all_since(&mark, 9).await.0, [3].into());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn no_notification_is_sent_by_a_recording_transaction() {
    let fixture = Fixture::new("quiet").await;
    let triggers = "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = 'mailping' AND NOT tgisinternal";
    let triggers: i64 = sqlx::query_scalar(triggers).fetch_one(&fixture.pool).await.unwrap();
    let sequences = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'mailping' AND relkind = 'S'";
    let sequences: i64 = sqlx::query_scalar(sequences).fetch_one(&fixture.pool).await.unwrap();
    assert_eq!((triggers, sequences), (0, 0));
}
