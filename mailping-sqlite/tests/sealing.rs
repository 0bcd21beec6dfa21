//! Certified receipts from a file: verified by both verifiers, through erasures, kills and two
//! processes.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::collections::HashSet;
use std::path::Path;

use common::{spoil, spoil_last};
use mailping_core::PingId;
use mailping_sealing_tests::{Kills, Office, Process, opens_in};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

/// The store in a folder.
fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("mailping.db")).unwrap()
}

fn office() -> Office<SqliteStore> {
    block_on(Office::new(open))
}

#[test]
#[ignore = "needs python3 and openssl"]
fn both_verifiers_accept_what_is_sealed_interim_and_final() {
    block_on(mailping_sealing_tests::both_verifiers_accept_what_is_sealed_interim_and_final(&office()));
}

#[test]
fn a_step_of_a_purge_takes_statements_with_their_opens() {
    block_on(mailping_sealing_tests::a_step_of_a_purge_takes_statements_with_their_opens(&office()));
}

#[test]
fn damaged_pings_are_passed_over_and_all_others_are_sealed() {
    for line in ["'no statement'", "CAST(x'fffe' AS TEXT)"] {
        let office = office();
        let file = office.folder.path().join("mailping.db");
        let damage = |sql: &str, ping: PingId| {
            let raw = Connection::open(&file).unwrap();
            raw.pragma_update(None, "ignore_check_constraints", true).unwrap();
            assert_eq!(raw.execute(sql, [ping.as_bytes()]).unwrap(), 1);
        };
        let nonce = "UPDATE nonces SET nonce = x'00' WHERE n =
            (SELECT nonce FROM sealed_pings WHERE ping = ?1)";
        let statement = format!("UPDATE statements SET line = {line} WHERE ping = ?1 AND name = 'created'");
        block_on(mailping_sealing_tests::damaged_pings_are_passed_over_and_all_others_are_sealed(
            &office,
            async |ping| damage(nonce, ping),
            async |ping| damage(&statement, ping),
        ));
    }
}

#[test]
fn a_damaged_page_of_nonces_takes_its_own_pings_alone() {
    const PINGS: u64 = 400;
    let office = office();
    let pings: Vec<PingId> = (0..PINGS).map(|n| block_on(office.created(n))).collect();
    let file = office.folder.path().join("mailping.db");
    let raw = Connection::open(&file).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    drop(raw);
    spoil(&file, "nonces", |page| page == 1);
    // Nobody has read the page yet.
    let tracker = block_on(office.tracker_on(open(office.folder.path())));
    for hours in 1..=2 {
        office.clock.pass_an_hour();
        block_on(tracker.seals().unwrap().seal()).unwrap();
        assert_eq!(block_on(tracker.seals().unwrap().count()).unwrap(), hours);
    }
    let certified =
        |ping: &&PingId| block_on(tracker.receipts().certified(**ping)).is_ok_and(|it| it.is_some());
    let count = pings.iter().filter(certified).count();
    let passed_over = tracker.intake().health().sealing.unwrap().passed_over;
    assert_eq!(count + passed_over, PINGS as usize);
    assert!((50..=150).contains(&passed_over), "one page of some: {passed_over}");
}

/// All runs of 16 bytes in the folder's files.
fn runs(folder: &Path) -> HashSet<[u8; 16]> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let contents: Vec<Vec<u8>> = files.map(|path| std::fs::read(path).unwrap()).collect();
    contents.iter().flat_map(|content| content.windows(16).map(start_of)).collect()
}

fn start_of(bytes: &[u8]) -> [u8; 16] {
    *bytes.first_chunk().unwrap()
}

#[test]
fn after_an_erasure_nothing_of_a_tag_is_left_and_other_receipts_verify() {
    const PINGS: u64 = 90;
    let office = office();
    let pings: Vec<PingId> = (0..PINGS).map(|n| block_on(office.created(n))).collect();
    for round in 0..4 {
        pings
            .iter()
            .enumerate()
            .for_each(|(n, ping)| block_on(office.opened(*ping, round * 1_000 + n as u64)));
        block_on(office.hours(1));
    }
    let connection = Connection::open(office.folder.path().join("mailping.db")).unwrap();
    let nonce = |ping: &PingId| -> [u8; 32] {
        let find = "SELECT nonce FROM nonces WHERE n = (SELECT nonce FROM sealed_pings WHERE ping = ?1)";
        connection.query_row(find, [ping.as_bytes()], |row| row.get(0)).unwrap()
    };
    let nonces: Vec<[u8; 32]> = pings.iter().map(nonce).collect();
    let found = runs(office.folder.path());
    assert!(nonces.iter().all(|nonce| found.contains(&start_of(nonce))));
    // Some are in a seal that is closed, and some of an open one.
    pings.iter().for_each(|ping| block_on(office.opened(*ping, 9_999)));
    let gone = |n: usize| n % 3 != 1;
    for (n, ping) in pings.iter().enumerate().filter(|(n, _)| gone(*n)) {
        if n % 2 == 0 {
            block_on(office.tracker.people().erase(*ping)).unwrap();
        } else {
            block_on(office.tracker.people().erase_recipient(&format!("ada-{n}@example.com"))).unwrap();
        }
    }
    block_on(office.hours(2));
    drop(connection);
    let found = runs(office.folder.path());
    for (n, (ping, nonce)) in pings.iter().zip(&nonces).enumerate() {
        assert_eq!(found.contains(&start_of(nonce)), !gone(n), "the nonce of ping {n}");
        if gone(n) {
            assert_eq!(block_on(office.tracker.receipts().certified(*ping)).unwrap(), None);
        } else {
            assert_eq!(opens_in(&block_on(office.certified(*ping))).len(), 5);
        }
    }
    // Of what is moved about SQLite may leave a copy, as of any other row: few, and none behind a
    // rewrite.
    let strays = || {
        let gone = (0..).zip(&pings).filter(|(n, _)| gone(*n));
        let found = runs(office.folder.path());
        let texts = gone.map(|(n, ping)| (format!("reference-{n:06}-of-a-person"), ping));
        let starts = texts.flat_map(|(text, ping)| [start_of(text.as_bytes()), *ping.as_bytes()]);
        starts.filter(|start| found.contains(start)).count()
    };
    assert!(strays() * 20 <= pings.len() + 40, "{} strays", strays());
    block_on(office.store.rewrite()).unwrap();
    assert_eq!(strays(), 0);
}

#[test]
fn what_is_sealed_is_saved_from_a_damaged_file() {
    let office = office();
    let ping = block_on(office.created(1));
    block_on(office.opened(ping, 1));
    block_on(office.hours(3));
    let (from, to) = (office.folder.path().join("mailping.db"), office.folder.path().join("saved.db"));
    SqliteStore::recover(from, &to).unwrap();
    let rows = |file: &Path, table: &str| -> Vec<Vec<rusqlite::types::Value>> {
        let connection = Connection::open(file).unwrap();
        let mut find = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let count = find.column_count();
        let rows = find.query_map((), |row| (0..count).map(|column| row.get(column)).collect()).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for table in ["ledger", "nonces", "sealed_pings", "statements", "seals", "seal_leaves"] {
        let saved = rows(&to, table);
        assert!(!saved.is_empty(), "{table}");
        assert_eq!(saved, rows(&office.folder.path().join("mailping.db"), table), "{table}");
    }
}

fn count(file: &Path, table: &str) -> u64 {
    let count = format!("SELECT count(*) FROM {table}");
    let connection = Connection::open(file).unwrap();
    connection.query_row(&count, (), |row| row.get::<_, i64>(0)).unwrap().cast_unsigned()
}

/// The folder of a database with 300 pings, each sealed with three opens.
fn sealed() -> tempfile::TempDir {
    let office = office();
    let pings: Vec<PingId> = (0..300).map(|n| block_on(office.created(n))).collect();
    for round in 0..3 {
        let opened = |(n, ping): (usize, &PingId)| block_on(office.opened(*ping, round * 1_000 + n as u64));
        pings.iter().enumerate().for_each(opened);
        block_on(office.hours(1));
    }
    office.folder
}

#[test]
fn what_is_damaged_costs_the_statements_that_stand_there() {
    let folder = sealed();
    let (file, saved) = (folder.path().join("mailping.db"), folder.path().join("saved.db"));
    let all = count(&file, "statements");
    let spoil_line = "UPDATE statements SET line = CAST(x'ff41' AS TEXT)
        WHERE (ping, name) = (SELECT ping, name FROM statements ORDER BY ping DESC LIMIT 1)";
    Connection::open(&file).unwrap().execute(spoil_line, ()).unwrap();
    spoil(&file, "statements", |n| n == 2 || n == 20);
    SqliteStore::recover(&file, &saved).unwrap();
    let kept = count(&saved, "statements");
    assert!(kept < all && kept + 70 > all, "{kept} of {all}");
    assert_eq!((count(&saved, "seals"), count(&saved, "sealed_pings")), (count(&file, "seals"), 300));
}

#[test]
fn a_damaged_index_of_sealing_is_made_anew_at_the_start() {
    for index in ["statements_by_seal", "sealed_pings_by_end"] {
        let folder = sealed();
        let file = folder.path().join("mailping.db");
        spoil_last(&file, index);
        drop(open(folder.path()));
        let connection = Connection::open(&file).unwrap();
        let is_whole: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        assert_eq!((is_whole.as_str(), count(&file, "statements")), ("ok", 1_200), "{index}");
    }
}

/// Nobody can go on with a log without knowing where it stands.
#[test]
fn without_its_ledger_nothing_of_a_log_is_saved() {
    let folder = sealed();
    let (file, saved) = (folder.path().join("mailping.db"), folder.path().join("saved.db"));
    Connection::open(&file).unwrap().execute("UPDATE ledger SET text = CAST(x'ff' AS TEXT)", ()).unwrap();
    let recovered = SqliteStore::recover(&file, &saved).unwrap();
    assert_eq!((recovered.pings, recovered.opens, recovered.left_out), (300, 900, 1));
    for table in ["seals", "seal_leaves", "nonces", "sealed_pings", "statements"] {
        assert_eq!(count(&saved, table), 0, "{table}");
    }
}

/// Makes pings, records opens and seals all at once, and says what was answered, until it is
/// killed.
#[test]
#[ignore = "run as a process by every_answered_open_is_sealed_once_through_kill_9"]
fn a_sealing_process() {
    let Some(process) = Process::given() else { return };
    block_on(process.works_until_it_is_killed(|| open(process.folder())));
}

/// Two processes on one file, killed again and again. `MAILPING_KILLS` says how often (3 without
/// it).
#[test]
fn every_answered_open_is_sealed_once_through_kill_9() {
    let kills = Kills::from_env();
    drop(open(kills.folder()));
    let answered = kills.happen();
    block_on(kills.leave_each_open_sealed_once(&answered, || open(kills.folder()), 100));
}
