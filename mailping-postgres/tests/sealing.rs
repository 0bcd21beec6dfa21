//! Certified receipts from a database: verified by both verifiers, through erasures, kills, two
//! instances, a backup that is brought back and standbys that are away.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{database, pool, store};
use mailping_core::certified::Verifier;
use mailping_core::{Error, PingId};
use mailping_fixture_postgres::{Cluster, Server};
use mailping_postgres::PostgresStore;
use mailping_sealing_tests::{Kills, Office, Process, opens_in};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::block_in_place;

/// An office on a database of its own.
async fn office(name: &str) -> Office<PostgresStore> {
    office_on(store(&pool(&database(name).await, 6).await)).await
}

async fn office_on(store: PostgresStore) -> Office<PostgresStore> {
    store.migrate().await.unwrap();
    Office::new(|_| store.clone()).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, python3 and openssl"]
async fn both_verifiers_accept_what_is_sealed_interim_and_final() {
    let office = office("sealing_verifiers").await;
    mailping_sealing_tests::both_verifiers_accept_what_is_sealed_interim_and_final(&office).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_step_of_a_purge_takes_statements_with_their_opens() {
    let office = office("sealing_purge").await;
    mailping_sealing_tests::a_step_of_a_purge_takes_statements_with_their_opens(&office).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn damaged_pings_are_passed_over_and_all_others_are_sealed() {
    let pool = pool(&database("sealing_damaged").await, 6).await;
    let office = office_on(store(&pool)).await;
    let drop = "ALTER TABLE mailping.sealed_pings DROP CONSTRAINT sealed_pings_nonce_check";
    sqlx::raw_sql(drop).execute(&pool).await.unwrap();
    let damage = async |sql: &'static str, ping: PingId| {
        let changed = sqlx::query(sql).bind(ping.to_string()).execute(&pool).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    };
    mailping_sealing_tests::damaged_pings_are_passed_over_and_all_others_are_sealed(
        &office,
        async |ping| damage("UPDATE mailping.sealed_pings SET nonce = '' WHERE ping = $1::uuid", ping).await,
        async |ping| {
            let line = "UPDATE mailping.statements SET line = 'no statement'
                WHERE ping = $1::uuid AND name = 'created'";
            damage(line, ping).await;
        },
    )
    .await;
}

/// All rows of all tables as text, bytes as hexadecimal digits.
async fn everything(pool: &PgPool) -> String {
    let tables = "SELECT table_name::text FROM information_schema.tables
        WHERE table_schema = 'mailping' AND table_type = 'BASE TABLE'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(pool).await.unwrap();
    let mut text = String::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT t::text FROM mailping.\"{table}\" AS t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(pool).await.unwrap();
        text.extend(rows);
    }
    text
}

/// How many of these stand in any file of the folder.
fn count_in_files(folder: &Path, all: &[[u8; 32]]) -> usize {
    let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    let mut may_begin = vec![false; 1 << 16];
    let start = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    all.iter().for_each(|one| may_begin[start(one)] = true);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            // The server may delete a file meanwhile.
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            let windows = bytes.windows(32).filter(|window| may_begin[start(window)]);
            found.extend(windows.flat_map(|window| all.iter().find(|one| *one == window)).copied());
        }
    }
    found.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn after_an_erasure_nothing_of_a_tag_is_left_and_other_receipts_verify() {
    const PINGS: u64 = 30;
    let server = block_in_place(Server::quick);
    let database = pool(&server.url("postgres"), 6).await;
    let office = office_on(store(&database)).await;
    let mut pings = Vec::new();
    for n in 0..PINGS {
        pings.push(office.created(n).await);
    }
    for round in 0..3 {
        for (n, ping) in pings.iter().enumerate() {
            office.opened(*ping, round * 1_000 + n as u64).await;
        }
        office.hours(1).await;
    }
    let mut nonces = Vec::new();
    for ping in &pings {
        let find = sqlx::query_scalar("SELECT nonce FROM mailping.sealed_pings WHERE ping = $1::uuid");
        let nonce: Vec<u8> = find.bind(ping.to_string()).fetch_one(&database).await.unwrap();
        nonces.push(<[u8; 32]>::try_from(nonce).unwrap());
    }
    // Some are in a seal that is closed, and some of an open one.
    for ping in &pings {
        office.opened(*ping, 9_999).await;
    }
    let gone = |n: usize| n % 3 != 1;
    for (n, ping) in pings.iter().enumerate().filter(|(n, _)| gone(*n)) {
        if n % 2 == 0 {
            office.tracker.people().erase(*ping).await.unwrap();
        } else {
            office.tracker.people().erase_recipient(&format!("ada-{n}@example.com")).await.unwrap();
        }
    }
    let at_once = everything(&database).await;
    office.hours(2).await;
    let later = everything(&database).await;
    for text in [at_once, later] {
        for (n, (ping, nonce)) in pings.iter().zip(&nonces).enumerate() {
            let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
            let found = [ping.to_string(), nonce, format!("reference-{n:06}-of-a-person")];
            assert_eq!(found.map(|what| text.contains(&what)), [!gone(n); 3], "ping {n}");
        }
    }
    for (n, ping) in pings.iter().enumerate() {
        match gone(n) {
            true => assert_eq!(office.tracker.receipts().certified(*ping).await.unwrap(), None),
            false => assert_eq!(opens_in(&office.certified(*ping).await).len(), 4),
        }
    }
    // The files of the tables, as PRIVACY.md says.
    for statement in ["VACUUM FULL mailping.sealed_pings, mailping.statements", "CHECKPOINT"] {
        sqlx::raw_sql(statement).execute(&database).await.unwrap();
    }
    let (erased, kept): (Vec<_>, Vec<_>) = (0..nonces.len()).partition(|n| gone(*n));
    let count = |which: Vec<usize>| {
        let which: Vec<[u8; 32]> = which.into_iter().map(|n| nonces[n]).collect();
        (count_in_files(&server.data().join("base"), &which), which.len())
    };
    let (kept, erased) = (count(kept), count(erased));
    assert_eq!((kept.0, erased.0), (kept.1, 0));
}

/// More transactions of others than a mark names are open, from before a ping's end until long
/// after it: what they keep from the news comes before the ping's last seal.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn what_the_news_holds_back_is_sealed_before_the_end() {
    const OPEN: usize = 18;
    let office = office("sealing_held_back").await;
    let (id, other) = (office.created(1).await, office.created(2).await);
    office.opened(id, 1).await;
    office.hours(1).await;
    let others = pool(&common::url("sealing_held_back"), 20).await;
    let mut held = Vec::new();
    for _ in 0..OPEN {
        let mut one = others.begin().await.unwrap();
        sqlx::raw_sql("SELECT pg_current_xact_id()").execute(&mut *one).await.unwrap();
        held.push(one);
    }
    office.opened(id, 2).await;
    office.tracker.pings().withdraw(id).await.unwrap();
    office.hours(6).await;
    let interim = office.certified(id).await;
    assert!(!interim.is_final() && opens_in(&interim).len() == 1, "{interim}");
    for one in held {
        one.rollback().await.unwrap();
    }
    office.hours(3).await;
    let ended = office.certified(id).await;
    assert!(ended.is_final() && opens_in(&ended).len() == 2, "{ended}");
    assert!(!office.certified(other).await.is_final());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_backup_from_before_the_signed_head_is_not_continued() {
    let office = office("sealing_origin").await;
    let id = office.created(1).await;
    office.opened(id, 1).await;
    office.hours(3).await;
    let copy = async |name: &str| {
        let admin = pool(&common::url("postgres"), 1).await;
        let ended =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'sealing_origin'";
        let copy = format!("CREATE DATABASE {name} TEMPLATE sealing_origin");
        let begun = Instant::now();
        loop {
            sqlx::raw_sql(ended).execute(&admin).await.unwrap();
            if sqlx::raw_sql(AssertSqlSafe(copy.clone())).execute(&admin).await.is_ok() {
                return store(&pool(&common::url(name), 4).await);
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not copied");
        }
    };
    let older = copy("sealing_older").await;
    office.hours(1).await;
    let newest = copy("sealing_newest").await;
    let signed = office.head();
    office.clock.pass_an_hour();
    let lost = office.tracker_on(older).await;
    for _ in 0..3 {
        assert!(matches!(lost.seals().unwrap().seal().await, Err(Error::Log { .. })));
        office.clock.pass_an_hour();
    }
    assert_eq!(office.head(), signed, "nothing was signed");
    let whole = office.tracker_on(newest).await;
    whole.seals().unwrap().seal().await.unwrap();
    assert_eq!(whole.seals().unwrap().count().await.unwrap(), 5);
    let receipt = whole.receipts().certified(id).await.unwrap().unwrap();
    assert!(Verifier::new(office.key()).verify(&receipt).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn a_head_is_signed_only_of_what_so_many_machines_have() {
    let mut cluster = block_in_place(|| {
        let cluster = Cluster::start_with(&["fsync=off", "synchronous_standby_names="]);
        cluster.wait_for_standbys(2);
        cluster
    });
    let pool = pool(&cluster.server(0).url("postgres"), 4).await;
    let strict = store(&pool).require_copies(2);
    let office = office_on(strict).await;
    let id = office.created(1).await;
    office.hours(2).await;
    let signed = office.head();
    block_in_place(|| [1, 2].iter().for_each(|standby| cluster.server_mut(*standby).kill()));
    for _ in 0..4 {
        office.clock.pass_an_hour();
        assert!(office.tracker.seals().unwrap().seal().await.is_err());
    }
    assert_eq!(office.head(), signed, "nothing was signed");
    block_in_place(|| {
        [1, 2].iter().for_each(|standby| cluster.server_mut(*standby).start());
        cluster.wait_for_standbys(2);
    });
    office.hours(2).await;
    assert!(office.tracker.seals().unwrap().count().await.unwrap() >= 4);
    let receipt = office.receipt(id).await;
    assert!(Verifier::new(office.key()).verify(&receipt).is_ok());
}

/// Makes pings, records opens and seals all at once, and says what was answered, until it is
/// killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run as a process by every_answered_open_is_sealed_once_through_kill_9"]
async fn a_sealing_process() {
    let Some(process) = Process::given() else { return };
    let url = std::fs::read_to_string(process.folder().join("url")).unwrap();
    let store = store(&pool(&url, 6).await);
    process.works_until_it_is_killed(|| store.clone()).await;
}

/// Two instances on one database, killed again and again. `MAILPING_KILLS` says how often (3
/// without it).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn every_answered_open_is_sealed_once_through_kill_9() {
    let kills = Kills::from_env();
    let url = database("sealing_kills").await;
    kills.write("url", &url);
    let store = store(&pool(&url, 6).await);
    store.migrate().await.unwrap();
    let answered = block_in_place(|| kills.happen());
    kills.leave_each_open_sealed_once(&answered, || store.clone(), usize::MAX).await;
}
