//! Opens in batches of 1,000 through the store, beside the plain ceiling: binary COPY of the same rows in the same sequence into the same
//! tables, a transaction for each 1,000. A server of its own with `fsync` on; one million pings, nine hits in ten on the newest twentieth.
//!
//! `cargo bench -p mailping-postgres --bench batches -- [opens]`
#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement fails by panicking")]

use std::time::{Duration, Instant};

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::{Open, OpenId, PingId, Store as _, Timestamp};
use mailping_fixture_postgres::Server;
use mailping_postgres::PostgresStore;
use sqlx::postgres::{PgPool, PgPoolCopyExt as _, PgPoolOptions};

const PINGS: u64 = 1_000_000;
const BATCH: usize = 1_000;
/// 2026-11-23T10:00:00Z.
const SENT: u64 = 1_795_428_000_000;

fn main() {
    let opens = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000_000);
    tokio::runtime::Runtime::new().unwrap().block_on(measure(opens));
}

async fn measure(opens: usize) {
    let settings = ["shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=30min"];
    let server = Server::start_with(&settings);
    let pool = PgPoolOptions::new().max_connections(4).connect(&server.url("postgres")).await.unwrap();
    let (mut store_rates, mut copy_rates) = (Vec::new(), Vec::new());
    // Turn and turn about, each time on empty tables.
    for round in 0..2 {
        let name = format!("store_{round}");
        let store = PostgresStore::new(pool.clone()).unwrap().schema(&name).unwrap();
        prepare(&store, &pool, &name).await;
        let mut random = Random(1);
        let (mut calls, begun) = (Vec::new(), Instant::now());
        for _ in 0..opens / BATCH {
            let batch = batch(&mut random);
            let call = Instant::now();
            store.record(&batch, &[]).await.unwrap();
            calls.push(call.elapsed());
        }
        store_rates.push(report("store", opens, begun.elapsed(), &mut calls));

        let name = format!("copy_{round}");
        let store = PostgresStore::new(pool.clone()).unwrap().schema(&name).unwrap();
        prepare(&store, &pool, &name).await;
        let statement = format!(
            "COPY {name}.opens (ping, id, at, evidence, rules_version, time_step, fetcher, verdict) FROM STDIN WITH (FORMAT binary)"
        );
        let mut random = Random(1);
        let (mut calls, begun) = (Vec::new(), Instant::now());
        for _ in 0..opens / BATCH {
            let bytes = binary(&batch(&mut random));
            let call = Instant::now();
            let mut copy = pool.copy_in_raw(&statement).await.unwrap();
            copy.send(bytes).await.unwrap();
            copy.finish().await.unwrap();
            calls.push(call.elapsed());
        }
        copy_rates.push(report("copy ", opens, begun.elapsed(), &mut calls));
    }
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    println!("store / copy: {:.2}", best(&store_rates) / best(&copy_rates));
}

async fn prepare(store: &PostgresStore, pool: &PgPool, schema: &str) {
    store.migrate().await.unwrap();
    let fill = format!(
        "INSERT INTO {schema}.pings (id, record_until, keep_until, sent_at, status, detail, time_step, purpose, reference, basis)
         SELECT (lpad(to_hex({SENT} + n / 1000), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
            {SENT} + 2592000000, {SENT} + 7776000000, {SENT}, 0, 5, 0, 0, 'invoice-' || n, '\"contract\"'
         FROM generate_series(0, {PINGS} - 1) AS n"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill)).execute(pool).await.unwrap();
    let settle = format!("VACUUM ANALYZE {schema}.pings; CHECKPOINT");
    for statement in settle.split("; ") {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(pool).await.unwrap();
    }
}

fn report(what: &str, opens: usize, took: Duration, calls: &mut [Duration]) -> f64 {
    calls.sort_unstable();
    let rate = opens as f64 / took.as_secs_f64();
    let (half, most) = (calls[calls.len() / 2], calls[calls.len() * 99 / 100]);
    println!("{what} {opens} opens: {rate:.0}/s, a batch p50 {half:.1?}, p99 {most:.1?}");
    rate
}

/// Sorted by key, as the tracker's queue hands batches over.
fn batch(random: &mut Random) -> Vec<Open> {
    let mut batch: Vec<Open> = (0..BATCH)
        .map(|_| {
            let newest = random.below(10) < 9;
            let n = if newest { PINGS - 1 - random.below(PINGS / 20) } else { random.below(PINGS) };
            let id = (u128::from(SENT + n / 1000) << 80) | (0x7 << 76) | (0x8 << 60) | u128::from(n);
            let at = Timestamp::from_unix_millis((SENT + 1_000).cast_signed());
            let open = OpenId::from_bytes(random.next().to_be_bytes());
            Open::new(PingId::from_bytes(id.to_be_bytes()), open, at, Fetcher::Browser, Verdict::Human)
        })
        .collect();
    batch.sort_unstable_by_key(|open| (open.ping, open.id));
    batch
}

fn binary(batch: &[Open]) -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for open in batch {
        bytes.extend(8_u16.to_be_bytes());
        let id = i64::from_be_bytes(*open.id.as_bytes()) ^ i64::MIN;
        let (fetcher, verdict) = (u16::from(open.fetcher.code()), u16::from(open.verdict.code()));
        for value in [
            &open.ping.as_bytes()[..],
            &id.to_be_bytes(),
            &open.at.unix_millis().to_be_bytes(),
            &open.evidence.bits().to_be_bytes(),
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

/// SplitMix64: the same sequence for both.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
