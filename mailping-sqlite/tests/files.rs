//! What stands in the files, and who may read them.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use mailping_core::store::Attempt;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{all_pings, count_opens, insert, open, ping, ping_id, record, wait_for_index};
use mailping_core::store::{Store, StoreError};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

/// Whether any file in the folder has these bytes.
fn stands_in(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let with = files.filter(|path| {
        let contents = std::fs::read(path).unwrap();
        contents.windows(bytes.len()).any(|window| window == bytes)
    });
    with.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[cfg(unix)]
#[test]
fn a_new_file_and_its_log_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("mailping.db")).unwrap();
    insert(&store, &ping(1));
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and the log's index");
}

/// Whatever of the program still lives.
#[test]
fn the_file_alone_holds_everything_once_its_tracker_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(1));
    record(&store, &[open(ping_id(1), 1), open(ping_id(1), 2)]);
    let keys = mailping_core::Keyring::generate().unwrap();
    let tracker = mailping_core::Tracker::builder(keys, store).base_url("https://app.example/px").unwrap();
    let tracker = block_on(tracker.build()).unwrap();
    assert_eq!(block_on(tracker.intake().close(std::time::Duration::from_secs(5))), 0);
    let copy = folder.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    assert_eq!(count_opens(&SqliteStore::open(&copy).unwrap(), ping_id(1)), 2);
}

#[test]
fn erased_bytes_are_gone_from_file_and_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("mailping.db")).unwrap();
    for n in 0..300 {
        let mut ping = ping(n);
        ping.reference = format!("reference-{n:06}-of-a-person");
        ping.owner = Some(format!("owner-{n:06}-of-a-person"));
        insert(&store, &ping);
        let mut open = open(ping.id, n);
        open.city = Some(format!("City-{n:06}-of-a-person").parse().unwrap());
        record(&store, &[open]);
    }
    assert!(!stands_in(folder.path(), b"reference-000007-of-a-person").is_empty());
    // Every third, in an order that moves cells between pages.
    for n in (0..300).filter(|n| n % 3 != 1).rev() {
        let id = ping_id(n * 7 % 300);
        if block_on(store.erase(id)).unwrap().is_none() {
            continue;
        }
    }
    let left = all_pings(&store);
    assert_eq!(left.len(), 100);
    for n in 0..300 {
        for text in ["reference", "owner", "City"] {
            let text = format!("{text}-{n:06}-of-a-person");
            let found = stands_in(folder.path(), text.as_bytes());
            assert_eq!(left.contains(&ping_id(n)), !found.is_empty(), "{text} in {found:?}");
        }
        if !left.contains(&ping_id(n)) {
            let found = stands_in(folder.path(), ping_id(n).as_bytes());
            assert!(found.is_empty(), "id of ping {n} in {found:?}");
        }
    }
}

/// A reader of an older state keeps the log from being emptied: the erasure is answered, and the
/// bytes go when it lets go.
#[test]
fn erased_bytes_leave_the_log_when_its_reader_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(7));
    let reader = Connection::open(&file).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM pings").unwrap();
    let start = Instant::now();
    assert!(block_on(store.erase(ping_id(7))).unwrap().is_some());
    assert!(start.elapsed() < Duration::from_secs(3), "it took {:?}", start.elapsed());
    insert(&store, &ping(8));
    drop(reader);
    let start = Instant::now();
    while !stands_in(folder.path(), b"invoice-7").is_empty() {
        assert!(start.elapsed() < Duration::from_secs(10), "the log is never emptied");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(all_pings(&store), [ping_id(8)]);
}

#[test]
fn purged_bytes_leave_the_log_soon() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("mailping.db")).unwrap();
    insert(&store, &ping(7));
    assert_eq!(block_on(store.purge(ping(7).keep_until, 10)).unwrap().pings, 1);
    let start = Instant::now();
    while !stands_in(folder.path(), b"invoice-7").is_empty() {
        assert!(start.elapsed() < Duration::from_secs(10), "the log is never emptied");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_backup_taken_while_recording_restores() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(1));
    let batch = |n: u64| [open(ping_id(1), n), open(ping_id(1), 1_000_000 + n)];
    (0..50).for_each(|n| record(&store, &batch(n)));
    let (copied, vacuumed) = (folder.path().join("copied.db"), folder.path().join("vacuumed.db"));
    std::thread::scope(|scope| {
        let recorder = scope.spawn(|| (50..300).for_each(|n| record(&store, &batch(n))));
        let source = Connection::open(&file).unwrap();
        source.execute("VACUUM INTO ?1", [vacuumed.to_str().unwrap()]).unwrap();
        let mut target = Connection::open(&copied).unwrap();
        let backup = rusqlite::backup::Backup::new(&source, &mut target).unwrap();
        backup.run_to_completion(5, Duration::from_millis(1), None).unwrap();
        recorder.join().unwrap();
    });
    assert_eq!(count_opens(&store, ping_id(1)), 600);
    for restored in [copied, vacuumed] {
        let store = SqliteStore::open(&restored).unwrap();
        let opens = count_opens(&store, ping_id(1));
        assert!((100..=600).contains(&opens) && opens.is_multiple_of(2), "whole batches: {opens}");
        record(&store, &[open(ping_id(1), 5_000_000)]);
        assert_eq!(count_opens(&store, ping_id(1)), opens + 1);
    }
}

/// Another connection keeps the file locked for longer than a call waits: an error, nothing lost,
/// and afterwards all is well.
#[test]
fn a_locked_file_is_an_error_and_works_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(1));
    let locker = Connection::open(&file).unwrap();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let batch = [open(ping_id(1), 1), open(ping_id(1), 2)];
    let error = block_on(store.record(&batch, &[], Attempt::Repeat)).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    // Who reads does not wait for who writes.
    let start = Instant::now();
    assert_eq!(count_opens(&store, ping_id(1)), 0);
    assert!(start.elapsed() < Duration::from_secs(1));
    locker.execute_batch("COMMIT").unwrap();
    record(&store, &batch);
    assert_eq!(count_opens(&store, ping_id(1)), 2);
    // A short lock is waited for.
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| record(&store, &[open(ping_id(1), 3)]));
        std::thread::sleep(Duration::from_millis(300));
        locker.execute_batch("COMMIT").unwrap();
    });
    assert_eq!(count_opens(&store, ping_id(1)), 3);
}

/// A row that no version has written is told by its column and never shown.
#[test]
fn a_broken_row_is_reported_by_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(1));
    let breaker = Connection::open(&file).unwrap();
    for (what, statement) in [
        ("pings.basis", "UPDATE pings SET basis = '{\"kind\":secret'"),
        ("pings.status", "UPDATE pings SET status = -9"),
        ("pings.keep_until", "UPDATE pings SET keep_until = 9223372036854775807"),
    ] {
        breaker.execute_batch(statement).unwrap();
        let error = block_on(store.ping(ping_id(1))).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(matches!(error, StoreError::Corrupt { what: column } if column == what), "{text}");
        assert!(!text.contains("secret"), "{text}");
        breaker.execute_batch("DELETE FROM pings").unwrap();
        insert(&store, &ping(1));
    }
}

/// The last connection to go empties the log and removes it, so that a closed database is one file.
#[test]
fn a_dropped_store_carries_out_what_it_accepted_and_lets_the_file_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    (0..20).for_each(|n| insert(&store, &ping(n)));
    drop(store);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no log is left");
    assert_eq!(all_pings(&SqliteStore::open(&file).unwrap()).len(), 20);
}

/// Rows of all sizes, erased in no order: what SQLite may leave of a moved row is gone once the
/// file is written anew.
#[test]
fn a_rewritten_file_holds_no_stray_copy_of_what_was_erased() {
    const PINGS: u64 = 1_500;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("mailping.db")).unwrap();
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = |end: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % end).unwrap()
    };
    for n in 0..PINGS {
        let mut ping = ping(n);
        ping.reference = format!("Text{n:06}{}", "z".repeat(below(240)));
        ping.basis =
            mailping_core::Basis::legitimate_interest(format!("Text{n:06}{}", "x".repeat(below(1_900))));
        insert(&store, &ping);
        let opens: Vec<_> = (0..below(12) as u64)
            .map(|k| {
                let mut open = open(ping.id, n * 100 + k);
                open.city = format!("Text{n:06}{}", "w".repeat(below(100))).parse().ok();
                open
            })
            .collect();
        record(&store, &opens);
    }
    for _ in 0..PINGS {
        block_on(store.erase(ping_id(below(PINGS) as u64))).unwrap();
    }
    block_on(store.rewrite()).unwrap();
    let left = all_pings(&store);
    let mut found = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let contents = std::fs::read(entry.unwrap().path()).unwrap();
        for text in contents.windows(10).filter_map(|window| window.strip_prefix(b"Text")) {
            let n = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            assert!(n.is_some_and(|n| left.contains(&ping_id(n))), "a stray copy is left: {n:?}");
            found += 1;
        }
    }
    assert!(found > left.len() * 2, "what was kept is there");
}

/// Erasures while hits go on: few leave a value in the file, its log or elsewhere in the folder,
/// and none after a rewrite. Of 1,500 pings (`MAILPING_ERASURES`; 150 without it) two in three are
/// erased.
#[test]
fn erasures_under_load_leave_few_stray_values_and_a_rewrite_none() {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicBool, Ordering};
    let pings = std::env::var("MAILPING_ERASURES").ok().and_then(|text| text.parse().ok()).unwrap_or(150_u64);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("mailping.db")).unwrap();
    let city = |n: u64| format!("City-{n:06}-of-a-person");
    let batch = |n: u64, round: u64| {
        let opens = (0..3).map(|k| {
            let mut open = open(ping_id(n), n * 1_000 + round * 10 + k);
            open.city = Some(city(n).parse().unwrap());
            open
        });
        opens.collect::<Vec<_>>()
    };
    // Not in the order of ids, so that trees split in their middle.
    for n in (0..pings).map(|n| n * 701 % pings) {
        let mut ping = ping(n);
        ping.reference = format!("reference-{n:06}-of-a-person{}", "z".repeat((n * 31 % 200) as usize));
        insert(&store, &ping);
        record(&store, &batch(n, 0));
    }
    // The opens that come later split the pages that these have in the index.
    wait_for_index(&folder.path().join("mailping.db"));
    (0..pings).for_each(|n| record(&store, &batch(n * 409 % pings, 99)));
    wait_for_index(&folder.path().join("mailping.db"));
    let erased: Vec<u64> =
        (0..pings).filter(|n| n % 3 != 1).map(|n| n * 7 % pings).filter(|n| n % 3 != 1).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let hits = scope.spawn(|| {
            for round in 1.. {
                (0..pings).filter(|n| n % 3 == 1).for_each(|n| record(&store, &batch(n, round % 90)));
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        for n in &erased {
            assert!(block_on(store.erase(ping_id(*n))).unwrap().is_some());
        }
        stop.store(true, Ordering::SeqCst);
        hits.join().unwrap();
    });
    let strays = || {
        let mut strays: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let contents = std::fs::read(entry.unwrap().path()).unwrap();
            let found: std::collections::HashSet<&[u8]> = contents.windows(16).collect();
            for n in &erased {
                let (id, city) = (ping_id(*n), city(*n));
                let reference = format!("reference-{n:06}-of-a-person");
                for (what, bytes) in [
                    ("id", &id.as_bytes()[..]),
                    ("city", &city.as_bytes()[..16]),
                    ("reference", &reference.as_bytes()[..16]),
                ] {
                    *strays.entry(what).or_default() += usize::from(found.contains(bytes));
                }
            }
        }
        strays
    };
    let before = strays();
    eprintln!("stray values of {} erased pings: {before:?}", erased.len());
    assert!(before.values().sum::<usize>() * 20 <= erased.len() + 40, "{before:?}");
    block_on(store.rewrite()).unwrap();
    assert_eq!(strays().values().sum::<usize>(), 0, "{:?}", strays());
}
