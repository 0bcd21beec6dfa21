//! The SQLite store beside a plain prepared loop over a file with the same pings and settings,
//! whose tree is sorted by ping.

use std::path::Path;
use std::time::{Duration, Instant};

use mailping_core::receipts::Open;
use mailping_core::store::{Attempt, OpenQuery, Store as _};
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
        let empty = record(&store, &file, &mut random, opens, "store");
        store_rates.push(empty);
        if round == 1 && grown > opens {
            for _ in 2..grown / opens {
                let batches = (0..opens / BATCH).map(|_| random.batch());
                batches.for_each(|batch| drop(block_on(store.record(&batch, &[], Attempt::First)).unwrap()));
            }
            index_rest(&file);
            let rate = record(&store, &file, &mut random, opens, "grown");
            println!(
                "grown to {grown} opens / empty: {:.2}, all indexed {:.2}",
                rate.0 / empty.0,
                rate.1 / empty.1
            );
            let size = std::fs::metadata(&file).unwrap().len() as f64;
            println!(
                "bytes on disk an open, its index included, pings left out: {:.0}",
                (size - pings_take(&file)) / grown as f64
            );
            block_on(large(store, &file, grown, &mut random));
        }
    }
    for (what, rates) in [
        ("store", store_rates.iter().map(|rate| rate.0).collect::<Vec<_>>()),
        ("store, all indexed", store_rates.iter().map(|rate| rate.1).collect()),
    ] {
        println!("{what} / plain loop: {:.2}", ratio(&rates, &plain_rates));
    }
}

/// The rate while opens are recorded, and the rate until all of them are in the index, as those of
/// the plain loop are in their tree.
fn record(store: &SqliteStore, file: &Path, random: &mut Random, opens: usize, what: &str) -> (f64, f64) {
    let mut calls = Calls::with_room(opens);
    for _ in 0..opens / BATCH {
        let batch = random.batch();
        let begun = Instant::now();
        block_on(store.record(&batch, &[], Attempt::First)).unwrap();
        calls.add(begun);
    }
    let rate = calls.report(what);
    let indexing = index_rest(file);
    let all = opens as f64 / (opens as f64 / rate + indexing.as_secs_f64());
    println!("{what:9} indexed the rest in {indexing:.1?}: {all:.0}/s with all in the index");
    (rate, all)
}

/// Waits until the index has all opens, and tells how long that took: from the store's first step,
/// which it makes when no hits have come for a second or two.
fn index_rest(file: &Path) -> Duration {
    let connection = connect(file);
    let ask = |question: &str| -> i64 { connection.query_row(question, (), |row| row.get(0)).unwrap() };
    let waits = || ask("SELECT (SELECT max(seq) FROM opens) > indexed_to FROM about") == 1;
    let version = || ask("PRAGMA data_version");
    let before = version();
    while waits() && version() == before {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    while waits() {
        std::thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}

/// How many bytes the pings and their indexes are.
fn pings_take(file: &Path) -> f64 {
    let sql = "SELECT sum(pgsize) FROM dbstat WHERE name GLOB '*pings*' AND name <> 'opens_by_ping'";
    connect(file).query_row(sql, (), |row| row.get(0)).unwrap()
}

/// Receipts of a ping with ever more opens: each takes as long as there are opens, and the newest
/// page no longer.
pub(crate) fn receipts() {
    let folder = tempfile::tempdir().unwrap();
    for count in grown::LONG {
        let file = folder.path().join(format!("{count}.db"));
        let store = SqliteStore::open(&file).unwrap();
        let tracker = block_on(grown::tracker(store));
        let ping = block_on(grown::long_ping(&tracker));
        drop(tracker);
        let store = SqliteStore::open(&file).unwrap();
        block_on(grown::fill(&store, ping, count));
        index_rest(&file);
        block_on(grown::long_receipts(store, ping, count));
    }
    let open = || SqliteStore::open(folder.path().join("list.db")).unwrap();
    block_on(async { grown::list_of_ten_each(&grown::tracker(open()).await, &open()).await });
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

/// One tree without a second index, as whoever knows SQLite would make it.
const PLAIN_OPENS: &str = "CREATE TABLE plain_opens (ping BLOB NOT NULL, id BLOB NOT NULL, at INTEGER NOT NULL, time_step INTEGER NOT NULL,
        fetcher INTEGER NOT NULL, provider INTEGER, verdict INTEGER NOT NULL, evidence INTEGER NOT NULL,
        rules_version INTEGER NOT NULL, network TEXT, country TEXT, city TEXT, PRIMARY KEY (ping, id)) WITHOUT ROWID, STRICT";

fn plain(file: &Path, opens: usize) -> f64 {
    let mut connection = connect(file);
    connection.execute_batch(PLAIN_OPENS).unwrap();
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
    let sql = "INSERT INTO plain_opens (ping, id, at, time_step, fetcher, verdict, evidence, rules_version)
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

async fn large(store: SqliteStore, file: &Path, opens: usize, random: &mut Random) {
    // Nine opens in ten are on the newest twentieth.
    let pings = PINGS / 20 * 1_000_000 * 10 / 9 / opens as u64;
    let (from, to) = (ping_id(PINGS - pings), ping_id(PINGS));
    // What will be due came weeks ago: a million opens of other pings have come since.
    for _ in 0..1_000_000 / BATCH {
        let mut batch = random.batch();
        batch.retain(|open| open.ping < from);
        store.record(&batch, &[], Attempt::First).await.unwrap();
    }
    let mut due = 0;
    for n in PINGS - pings..PINGS {
        due += store.opens(&OpenQuery::oldest(ping_id(n), usize::MAX)).await.unwrap().items.len() as u64;
    }
    let tracker = grown::tracker(store).await;
    grown::receipts(&tracker).await;
    let make_due = async || {
        let expire = "UPDATE pings SET keep_until = 1 WHERE id >= ?1 AND id < ?2";
        connect(file).execute(expire, params![from.as_bytes(), to.as_bytes()]).unwrap();
        due
    };
    grown::purge(&tracker, make_due).await;
}
