//! Rows of a newer version, and damaged ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{database, open, ping, ping_id, pool, store};
use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::pings::{Purpose, Status, TimeStep};
use mailping_core::store::{Attempt, OpenQuery, PingQuery, Recorded, Store as _};
use mailping_core::{Basis, Detail, Timestamp};
use mailping_postgres::PostgresStore;
use sqlx::PgPool;

/// A store with two pings of 20 opens each, and a pool for SQL by hand.
async fn fixture(name: &str) -> (PgPool, PostgresStore) {
    let url = database(name).await;
    let (pool, store) = (pool(&url, 2).await, store(&pool(&url, 4).await));
    store.migrate().await.unwrap();
    for n in 0..2 {
        store.insert_ping(&ping(n), None).await.unwrap();
        let opens: Vec<_> = (0..20).map(|number| open(ping_id(n), number)).collect();
        store.record(&opens, &[], Attempt::First).await.unwrap();
    }
    (pool, store)
}

async fn run(pool: &PgPool, statement: &'static str) {
    sqlx::raw_sql(statement).execute(pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn codes_of_next_years_version_read_as_unknown() {
    let (pool, store) = fixture("next_year").await;
    let mark = store.mark().await.unwrap();
    run(
        &pool,
        "UPDATE mailping.pings SET status = 97, detail = 17, time_step = 3, purpose = 96, kind = 99, eprivacy = 98,
            basis = '{\"kind\":\"public_task\"}'",
    )
    .await;
    let list = store.pings(&PingQuery::newest(9)).await.unwrap();
    assert_eq!((list.items.len(), list.unreadable), (2, 0));
    let ping = store.ping(ping_id(0)).await.unwrap().unwrap();
    assert_eq!(
        (ping.status, ping.purpose, &ping.basis),
        (Status::Unknown, Purpose::Unknown, &Basis::Unknown)
    );
    assert_eq!((ping.detail, ping.time_step), (Detail::Country, TimeStep::Hour));
    assert_eq!((ping.kind, ping.eprivacy), (None, None));
    let written = store.record(&[open(ping_id(0), 77)], &[], Attempt::First).await.unwrap();
    assert_eq!(written, [Recorded::Filtered], "a status that is not known records nothing");
    run(
        &pool,
        "UPDATE mailping.opens SET fetcher = 200, verdict = 9, provider = 250, evidence = evidence | (1::bigint << 62),
            xact = pg_current_xact_id()::text::bigint WHERE at % 2 = 0",
    )
    .await;
    let page = store.opens(&OpenQuery::oldest(ping_id(0), 50)).await.unwrap();
    assert_eq!((page.items.len(), page.unreadable), (20, 0));
    let newer: Vec<_> = page.items.iter().filter(|open| open.at.unix_millis() % 2 == 0).collect();
    assert_eq!(newer.len(), 10);
    for open in newer {
        assert_eq!((open.fetcher, open.verdict, open.provider), (Fetcher::Unknown, Verdict::Uncertain, None));
        assert_eq!(open.evidence.bits() >> 62, 1, "an unknown bit is kept");
    }
    let pages = store.opens_of(&[ping_id(0), ping_id(1)], 50).await.unwrap();
    assert!(pages.iter().all(|page| page.items.len() == 20 && page.unreadable == 0));
    let news = store.news(&mark, 50).await.unwrap();
    assert_eq!((news.items.len(), news.unreadable), (20, 0));
    let names = "SELECT DISTINCT concat_ws(' ', fetcher, verdict, provider) FROM mailping.opens_readable WHERE right(at, 2) IN ('0Z', '2Z', '4Z', '6Z', '8Z')";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&pool).await.unwrap();
    assert_eq!(names, ["unknown uncertain"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn damaged_rows_are_left_out_and_counted_and_cost_nothing_else() {
    let (pool, store) = fixture("damaged").await;
    let mark = store.mark().await.unwrap();
    run(
        &pool,
        "UPDATE mailping.opens SET xact = pg_current_xact_id()::text::bigint;
         UPDATE mailping.opens SET country = 'nowhere' WHERE at % 5 = 0 AND ping = (SELECT id FROM mailping.pings ORDER BY id LIMIT 1);
         UPDATE mailping.opens SET time_step = -1 WHERE at % 5 = 1 AND ping = (SELECT id FROM mailping.pings ORDER BY id LIMIT 1);",
    )
    .await;
    let all = store.opens(&OpenQuery::oldest(ping_id(0), 50)).await.unwrap();
    assert_eq!((all.items.len(), all.unreadable), (12, 8));
    // Page by page, in both directions: a damaged row at a page's end stops nothing.
    for query in [OpenQuery::oldest(ping_id(0), 3), OpenQuery::newest(ping_id(0), 3)] {
        let (mut opens, mut unreadable, mut after) = (0, 0, None);
        loop {
            let page = store.opens(&query.after(after)).await.unwrap();
            (opens, unreadable) = (opens + page.items.len(), unreadable + page.unreadable);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((opens, unreadable), (12, 8));
    }
    let pages = store.opens_of(&[ping_id(1), ping_id(0)], 50).await.unwrap();
    assert_eq!(
        pages.iter().map(|page| (page.items.len(), page.unreadable)).collect::<Vec<_>>(),
        [(20, 0), (12, 8)]
    );
    let news = store.news(&mark, 100).await.unwrap();
    assert_eq!((news.items.len(), news.unreadable), (32, 8));

    run(&pool, "UPDATE mailping.pings SET basis = '{' WHERE id = (SELECT id FROM mailping.pings ORDER BY id LIMIT 1)").await;
    assert!(store.ping(ping_id(0)).await.is_err());
    let list = store.pings(&PingQuery::newest(1)).await.unwrap();
    assert_eq!((list.items.len(), list.unreadable), (1, 0));
    let list = store.pings(&PingQuery::newest(1).after(list.next.unwrap())).await.unwrap();
    assert_eq!((list.items.len(), list.unreadable, list.next), (0, 1, None));
    // What is due is purged, damaged or not, and an erasure takes it.
    let purged = store.purge(Timestamp::from_unix_millis(common::SENT * 2), 1_000).await.unwrap();
    assert_eq!((purged.pings, purged.opens), (2, 40));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn people_read_every_open_with_sql() {
    let (pool, store) = fixture("readable").await;
    let mut one = open(ping_id(0), 99);
    one.network = Some("192.0.2.0/24".parse().unwrap());
    one.city = Some("Lisbon".parse().unwrap());
    one.evidence = mailping_core::fetcher::Evidence::UaBrowser.into();
    store.record(std::slice::from_ref(&one), &[], Attempt::First).await.unwrap();
    let found =
        "SELECT concat_ws('|', ping, id, at, time_step, fetcher, provider, verdict, evidence, network, city)
        FROM mailping.opens_readable WHERE city = 'Lisbon'";
    let found: Vec<String> = sqlx::query_scalar(found).fetch_all(&pool).await.unwrap();
    let id = format!("{:016x}", u64::from_be_bytes(*one.id.as_bytes()));
    let expected = format!("{}|{id}|{}|exact|browser|human|ua:browser|192.0.2.0/24|Lisbon", one.ping, one.at);
    assert_eq!(found, [expected]);
    let all: i64 =
        sqlx::query_scalar("SELECT count(*) FROM mailping.opens_readable").fetch_one(&pool).await.unwrap();
    assert_eq!(all, 41);
}
