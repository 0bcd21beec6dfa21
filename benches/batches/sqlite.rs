//! The SQLite store beside a plain prepared loop over a file with the same tables and settings.

use std::path::Path;
use std::time::Instant;

use mailping_core::{Open, Store as _};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::{Connection, params};

use crate::grown;
use crate::traffic::{BATCH, Calls, PINGS, Random, SENT, ping_id, ratio};

pub(crate) fn measure(opens: usize, grown: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (mut store_rates, mut plain_rates) = (Vec::new(), Vec::new());
    for round in 0..2 {
        let file = folder.path().join(format!("plain_{round}.db"));
        prepare(&file);
        plain_rates.push(plain(&file, opens));
        std::fs::remove_file(&file).unwrap();

        let file = folder.path().join(format!("store_{round}.db"));
        prepare(&file);
        let store = SqliteStore::open(&file).unwrap();
        let mut random = Random::new();
        store_rates.push(record(&store, &mut random, opens, "store"));
        if round == 1 && grown > opens {
            let mut rate = 0.0;
            for _ in 1..grown / opens {
                rate = record(&store, &mut random, opens, "grown");
            }
            println!("grown to {grown} opens / empty: {:.2}", rate / store_rates[1]);
            block_on(large(store, &file, grown));
        }
    }
    println!("store / plain loop: {:.2}", ratio(&store_rates, &plain_rates));
}

fn record(store: &SqliteStore, random: &mut Random, opens: usize, what: &str) -> f64 {
    let mut calls = Calls::with_room(opens);
    for _ in 0..opens / BATCH {
        let batch = random.batch();
        let begun = Instant::now();
        block_on(store.record(&batch, &[])).unwrap();
        calls.add(begun);
    }
    calls.report(what)
}

/// What the store sets, so that the two differ in nothing but the store.
fn connect(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "secure_delete", true).unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", 4_000).unwrap();
    connection
}

fn prepare(file: &Path) {
    drop(SqliteStore::open(file).unwrap());
    let mut connection = connect(file);
    let transaction = connection.transaction().unwrap();
    {
        let mut insert = transaction
            .prepare(
                "INSERT INTO pings (id, record_until, keep_until, sent_at, status, detail, time_step, purpose, reference, basis)
                 VALUES (?1, ?2 + 2592000000, ?2 + 7776000000, ?2, 0, 5, 0, 0, ?3, '{\"kind\":\"contract\"}')",
            )
            .unwrap();
        for n in 0..PINGS {
            let id = ping_id(n);
            insert.execute(params![id.as_bytes(), SENT.cast_signed(), format!("invoice-{n}")]).unwrap();
        }
    }
    transaction.commit().unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

fn plain(file: &Path, opens: usize) -> f64 {
    let mut connection = connect(file);
    let (mut random, mut calls) = (Random::new(), Calls::with_room(opens));
    for _ in 0..opens / BATCH {
        let batch = random.batch();
        let begun = Instant::now();
        let transaction = connection.transaction().unwrap();
        batch.iter().for_each(|open| insert(&transaction, open));
        transaction.commit().unwrap();
        calls.add(begun);
    }
    calls.report("plain")
}

fn insert(connection: &Connection, open: &Open) {
    let sql = "INSERT INTO opens (ping, id, at, time_step, fetcher, verdict, evidence, rules_version)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        open.ping.as_bytes(),
        open.id.as_bytes(),
        open.at.unix_millis(),
        open.time_step.code(),
        open.fetcher.code(),
        open.verdict.code(),
        open.evidence.bits().cast_signed(),
        open.rules_version
    ];
    connection.prepare_cached(sql).unwrap().execute(values).unwrap();
}

async fn large(store: SqliteStore, file: &Path, opens: usize) {
    let tracker = grown::tracker(store).await;
    grown::receipts(&tracker).await;
    let make_due = async || {
        // Nine opens in ten are on the newest twentieth.
        let pings = PINGS / 20 * 1_000_000 * 10 / 9 / opens as u64;
        let (from, to) = (ping_id(PINGS - pings), ping_id(PINGS));
        let range = params![from.as_bytes(), to.as_bytes()];
        let connection = connect(file);
        let count = "SELECT count(*) FROM (SELECT ping, id FROM opens WHERE ping >= ?1 AND ping < ?2
            UNION SELECT ping, id FROM arrivals WHERE ping >= ?1 AND ping < ?2)";
        let due: i64 = connection.query_row(count, range, |row| row.get(0)).unwrap();
        let expire = "UPDATE pings SET keep_until = 1 WHERE id >= ?1 AND id < ?2";
        connection.execute(expire, range).unwrap();
        due.cast_unsigned()
    };
    grown::purge(&tracker, make_due).await;
}
