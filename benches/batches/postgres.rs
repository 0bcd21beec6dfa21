//! The PostgreSQL store beside binary COPY into the same tables, a transaction for each batch. A
//! server of its own with `fsync` on.

use mailping_core::store::Attempt;
use std::time::Instant;

use mailping_core::receipts::Open;
use mailping_core::store::Store as _;
use mailping_fixture_postgres::Server;
use mailping_postgres::PostgresStore;
use sqlx::postgres::{PgPool, PgPoolCopyExt as _, PgPoolOptions};

use crate::grown;
use crate::traffic::{BATCH, Calls, PINGS, Random, SENT, ping_id, ratio};

pub(crate) async fn measure(opens: usize, grown: usize) {
    let settings = ["shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=30min"];
    let server = Server::start_with(&settings);
    let pool = PgPoolOptions::new().max_connections(4).connect(&server.url("postgres")).await.unwrap();
    let (mut store_rates, mut copy_rates) = (Vec::new(), Vec::new());
    // Turn and turn about, each time on empty tables.
    for round in 0..2 {
        let name = format!("copy_{round}");
        prepare(&store(&pool, &name), &pool, &name).await;
        copy_rates.push(copy(&pool, &name, opens).await);
        run(&pool, format!("DROP SCHEMA {name} CASCADE")).await;

        let name = format!("store_{round}");
        let store = store(&pool, &name);
        prepare(&store, &pool, &name).await;
        let mut random = Random::new();
        store_rates.push(record(&store, &mut random, opens, "store").await);
        if round == 1 && grown > opens {
            let mut rate = 0.0;
            for _ in 1..grown / opens {
                rate = record(&store, &mut random, opens, "grown").await;
            }
            println!("grown to {grown} opens / empty: {:.2}", rate / store_rates[1]);
            large(store, &pool, &name, grown).await;
        }
    }
    println!("store / copy: {:.2}", ratio(&store_rates, &copy_rates));
}

/// As those of SQLite.
pub(crate) async fn receipts() {
    let server = Server::start_with(&[]);
    let pool = PgPoolOptions::new().max_connections(4).connect(&server.url("postgres")).await.unwrap();
    for count in grown::LONG {
        let store = store(&pool, &format!("long_{count}"));
        store.migrate().await.unwrap();
        let ping = grown::long_ping(&grown::tracker(store.clone()).await).await;
        grown::fill(&store, ping, count).await;
        grown::long_receipts(store, ping, count).await;
    }
    let store = store(&pool, "list");
    store.migrate().await.unwrap();
    grown::list_of_ten_each(&grown::tracker(store.clone()).await, &store).await;
}

fn store(pool: &PgPool, schema: &str) -> PostgresStore {
    PostgresStore::new(pool.clone()).unwrap().schema(schema).unwrap()
}

async fn run(pool: &PgPool, statement: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(pool).await.unwrap();
}

async fn record(store: &PostgresStore, random: &mut Random, opens: usize, what: &str) -> f64 {
    let mut calls = Calls::with_room(opens);
    for _ in 0..opens / BATCH {
        let batch = random.batch();
        let begun = Instant::now();
        store.record(&batch, &[], Attempt::Repeat).await.unwrap();
        calls.add(begun);
    }
    calls.report(what)
}

async fn copy(pool: &PgPool, schema: &str, opens: usize) -> f64 {
    let statement = format!(
        "COPY {schema}.opens (ping, id, at, evidence, xact, place, rules_version, time_step, fetcher, verdict) FROM STDIN WITH (FORMAT binary)"
    );
    let (mut random, mut calls) = (Random::new(), Calls::with_room(opens));
    for number in 0..opens / BATCH {
        let bytes = binary(&random.batch(), number);
        let begun = Instant::now();
        let mut copy = pool.copy_in_raw(&statement).await.unwrap();
        copy.send(bytes).await.unwrap();
        copy.finish().await.unwrap();
        calls.add(begun);
    }
    calls.report("copy")
}

async fn large(store: PostgresStore, pool: &PgPool, schema: &str, opens: usize) {
    let tracker = grown::tracker(store).await;
    grown::receipts(&tracker).await;
    let make_due = async || {
        // Nine opens in ten are on the newest twentieth.
        let pings = PINGS / 20 * 1_000_000 * 10 / 9 / opens as u64;
        let (from, to) = (ping_id(PINGS - pings), ping_id(PINGS));
        let count = format!("SELECT count(*) FROM {schema}.opens WHERE ping >= '{from}' AND ping < '{to}'");
        let due: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(pool).await.unwrap();
        let range = format!("id >= '{from}' AND id < '{to}'");
        run(pool, format!("UPDATE {schema}.pings SET keep_until = 1 WHERE {range}")).await;
        due.cast_unsigned()
    };
    grown::purge(&tracker, make_due).await;
}

async fn prepare(store: &PostgresStore, pool: &PgPool, schema: &str) {
    store.migrate().await.unwrap();
    let fill = format!(
        "INSERT INTO {schema}.pings (id, record_until, keep_until, sent_at, status, detail, time_step, purpose, reference, basis)
         SELECT (lpad(to_hex({SENT} + n / 1000), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
            {SENT} + 2592000000, {SENT} + 7776000000, {SENT}, 0, 5, 0, 0, 'invoice-' || n, '{{\"kind\":\"contract\"}}'
         FROM generate_series(0, {PINGS} - 1) AS n"
    );
    run(pool, fill).await;
    let settle = format!("VACUUM ANALYZE {schema}.pings; CHECKPOINT");
    for statement in settle.split("; ") {
        run(pool, statement.to_owned()).await;
    }
}

/// The batch of this number, as a transaction of its own.
fn binary(batch: &[Open], number: usize) -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (place, open) in (0_i32..).zip(batch) {
        bytes.extend(10_u16.to_be_bytes());
        let id = i64::from_be_bytes(*open.id.as_bytes()) ^ i64::MIN;
        let (fetcher, verdict) = (u16::from(open.fetcher.code()), u16::from(open.verdict.code()));
        for value in [
            &open.ping.as_bytes()[..],
            &id.to_be_bytes(),
            &open.at.unix_millis().to_be_bytes(),
            &open.evidence.bits().to_be_bytes(),
            &(number as u64).to_be_bytes(),
            &place.to_be_bytes(),
            &u32::from(open.rules_version).to_be_bytes(),
            &u16::from(open.time_step.code()).to_be_bytes(),
            &fetcher.to_be_bytes(),
            &verdict.to_be_bytes(),
        ] {
            bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
            bytes.extend(value);
        }
    }
    bytes.extend([0xff, 0xff]);
    bytes
}
