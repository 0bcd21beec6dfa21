//! What happens to the files from outside: deleted, replaced, copied, written by another version,
//! read for long.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::{Duration, Instant};

use common::{all_pings, count_opens, insert, open, ping, ping_id, record};
use mailping_core::store::{Attempt, Store, StoreError};
#[cfg(unix)]
use mailping_core::{Basis, Keyring, NewPing, Tracker};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

/// The file, or its log, is taken away or another one put in its place: nothing is answered as kept
/// that would be gone.
#[cfg(unix)]
#[test]
fn a_file_that_was_deleted_or_replaced_is_a_failing_store() {
    use std::path::Path;
    let delete = |path: &Path| std::fs::remove_file(path).unwrap();
    let replace = |path: &Path| {
        let other = path.with_extension("other");
        std::fs::copy(path, &other).unwrap();
        std::fs::rename(&other, path).unwrap();
    };
    for (what, name, change) in [
        ("deleted", "mailping.db", &delete as &dyn Fn(&Path)),
        ("replaced", "mailping.db", &replace),
        ("log deleted", "mailping.db-wal", &delete),
        ("log replaced", "mailping.db-wal", &replace),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("mailping.db")).unwrap();
        insert(&store, &ping(1));
        record(&store, &[open(ping_id(1), 1)]);
        change(&folder.path().join(name));
        for attempt in [Attempt::First, Attempt::Repeat] {
            let error = block_on(store.record(&[open(ping_id(1), 2)], &[], attempt)).unwrap_err();
            let StoreError::Unavailable { source } = &error else { panic!("{what}: {error:?}") };
            assert!(source.to_string().contains("deleted or replaced"), "{what}: {source}");
        }
        let made = block_on(store.insert_ping(&ping(2), None));
        assert!(matches!(made, Err(StoreError::Unavailable { .. })), "{what}: {made:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_deleted_file_shows_in_health_and_no_hit_is_durable() {
    use mailping_core::intake::Recorded;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    let builder =
        Tracker::builder(Keyring::generate().unwrap(), store).base_url("https://app.example/px").unwrap();
    let tracker = block_on(builder.deadline(Duration::from_millis(300)).build()).unwrap();
    let sent = block_on(tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract))).unwrap();
    let hit = || {
        let request = mailping_core::intake::PixelRequest::new(sent.pixel_url().unwrap(), None, &NoHeaders);
        block_on(tracker.intake().record(&request)).map_err(|lost| lost.to_string())
    };
    assert_eq!(hit(), Ok(Recorded::Durable));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(hit(), Ok(Recorded::Late));
    assert!(tracker.intake().health().store_failing);
    assert_eq!(tracker.intake().health().durable, 1);
}

#[cfg(unix)]
struct NoHeaders;

#[cfg(unix)]
impl mailping_core::intake::HeaderSource for NoHeaders {
    fn each<'a>(&'a self, _visit: &mut dyn FnMut(&str, &'a [u8])) {}
}

#[test]
fn a_backup_under_load_ends_and_holds_one_state() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("mailping.db")).unwrap();
    insert(&store, &ping(1));
    let batch = |n: u64| [open(ping_id(1), n), open(ping_id(1), 1_000_000 + n)];
    (0..100).for_each(|n| record(&store, &batch(n)));
    let copy = folder.path().join("backup.db");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut n = 100;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                record(&store, &batch(n));
                n += 1;
            }
        });
        let begun = Instant::now();
        block_on(store.backup(&copy)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20));
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        writer.join().unwrap();
    });
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(block_on(store.backup(&copy)).is_err(), "no file is overwritten");
    let restored = SqliteStore::open(&copy).unwrap();
    let opens = count_opens(&restored, ping_id(1));
    assert!(opens >= 200 && opens.is_multiple_of(2), "whole batches: {opens}");
    // A mark that is beyond the restored state is none of it.
    let mark = block_on(store.mark()).unwrap();
    if opens < count_opens(&store, ping_id(1)) {
        assert!(matches!(block_on(restored.news(&mark, 9)), Err(StoreError::UnknownMark)));
    }
}

/// A process of this version runs while a newer one brings the file forward: what it is given is
/// kept.
#[test]
fn a_running_store_goes_on_when_a_newer_version_brings_the_file_forward() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(1));
    record(&store, &[open(ping_id(1), 1)]);
    // As a step of the next schema may: it adds, and takes nothing away.
    Connection::open(&file)
        .unwrap()
        .execute_batch(
            "BEGIN; ALTER TABLE opens ADD COLUMN next_year TEXT; CREATE TABLE next_year (n INTEGER) STRICT;
             CREATE INDEX opens_next_year ON opens (next_year) WHERE next_year IS NOT NULL; PRAGMA user_version = 2; COMMIT",
        )
        .unwrap();
    record(&store, &[open(ping_id(1), 2), open(ping_id(1), 3)]);
    insert(&store, &ping(2));
    assert_eq!((count_opens(&store, ping_id(1)), all_pings(&store).len()), (3, 2));
    assert!(block_on(store.erase(ping_id(1))).unwrap().is_some());
    drop(store);
    let error = SqliteStore::open(&file).unwrap_err();
    assert!(matches!(error, StoreError::Incompatible { .. }), "but none starts on it: {error:?}");
}

/// A reader of an old state keeps the log from beginning anew. Hits do not wait for it, and the log
/// is small again when it is gone.
#[test]
fn a_long_reader_costs_hits_nothing_and_leaves_a_small_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    (0..400).for_each(|n| insert(&store, &ping(n)));
    let reader = Connection::open(&file).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM pings").unwrap();
    // An erasure that owes the emptying of the log to this reader.
    assert!(block_on(store.erase(ping_id(0))).unwrap().is_some());
    let log = || std::fs::metadata(folder.path().join("mailping.db-wal")).map_or(0, |found| found.len());
    let (begun, mut longest, mut n) = (Instant::now(), Duration::ZERO, 0);
    while log() < 40 << 20 {
        let batch: Vec<_> = (0..1_000).map(|k| open(ping_id(1 + (n + k * 7) % 399), n * 1_000 + k)).collect();
        let sent = Instant::now();
        record(&store, &batch);
        longest = longest.max(sent.elapsed());
        n += 1;
        assert!(begun.elapsed() < Duration::from_secs(100), "the log never grows: {}", log());
    }
    drop(reader);
    let begun = Instant::now();
    while log() > 33 << 20 {
        record(&store, &[open(ping_id(1), 900_000_000 + n)]);
        n += 1;
        assert!(begun.elapsed() < Duration::from_secs(30), "the log stays at {}", log());
    }
    assert!(longest < Duration::from_secs(5), "{longest:?}");
}

/// An erasure owes the emptying of the log to a reader of an old state: hits do not wait for it.
#[test]
fn hits_do_not_wait_for_a_reader_that_an_erasure_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    (0..100).for_each(|n| insert(&store, &ping(n)));
    let mut n = 0;
    // For longer than the store's upkeep pauses.
    let mut hits = |what: &str| {
        let (begun, mut took) = (Instant::now(), Vec::new());
        while begun.elapsed() < Duration::from_secs(3) {
            let sent = Instant::now();
            record(&store, &[open(ping_id(1 + n % 99), n)]);
            took.push(sent.elapsed());
            n += 1;
        }
        let stalled: Duration = took.iter().filter(|one| **one >= Duration::from_millis(400)).sum();
        took.sort_unstable();
        let (half, most) = (took[took.len() / 2], took[took.len() * 99 / 100]);
        eprintln!("{what}: {} hits, p50 {half:.2?}, p99 {most:.2?}", took.len());
        stalled
    };
    hits("alone");
    let reader = Connection::open(&file).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM pings").unwrap();
    assert!(block_on(store.erase(ping_id(0))).unwrap().is_some());
    // It was half a second of each.
    let stalled = hits("beside a reader that an erasure waits for");
    assert!(stalled < Duration::from_secs(1), "{stalled:?} of 3 s");
}

/// Nothing that is erased or looked up passes through a file of the system; only the copy of a
/// rewrite does, in the file's own folder.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "run as a process by temporary_files_stand_in_the_folder_of_the_database_alone"]
fn a_process_that_rewrites() {
    use std::sync::atomic::{AtomicBool, Ordering};

    use mailping_core::store::OpenQuery;

    let Some((file, _)) = common::given() else { return };
    let store = SqliteStore::open(&file).unwrap();
    let other = SqliteStore::open(&file).unwrap();
    let builder =
        Tracker::builder(Keyring::generate().unwrap(), other).base_url("https://app.example/px").unwrap();
    let tracker = block_on(builder.build()).unwrap();
    insert(&store, &ping(1));
    for n in 0..600 {
        let new = NewPing::one_to_one("r".repeat(250), Basis::Contract)
            .to(["ada@example.com", "bob@example.com"][n % 2]);
        let made = block_on(tracker.pings().create(new)).unwrap();
        let opens: Vec<_> = (0..if n % 2 == 0 { 20 } else { 80 })
            .map(|k| {
                let mut one = open(made.id(), n as u64 * 1_000 + k);
                one.at = made.id().sent_at();
                one
            })
            .collect();
        record(&store, &opens);
    }
    record(&store, &[open(ping_id(1), 1)]);
    // More than SQLite keeps of a copy in memory.
    let fill = "WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < 20000)
        INSERT INTO names SELECT printf('%0900d', n), n, '' FROM rows";
    Connection::open(&file).unwrap().execute_batch(fill).unwrap();
    let (stop, phase) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = std::collections::BTreeSet::new();
            while !stop.load(Ordering::SeqCst) {
                let open = std::fs::read_dir("/proc/self/fd")
                    .unwrap()
                    .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
                // With a name of SQLite's, or with none.
                let is_temporary = |path: &std::path::PathBuf| {
                    let path = path.to_string_lossy();
                    path.contains("etilqs") || path.starts_with('/') && path.ends_with(" (deleted)")
                };
                for path in open.filter(is_temporary) {
                    seen.insert((phase.load(Ordering::SeqCst), path));
                }
            }
            seen
        });
        block_on(tracker.people().object("ada@example.com")).unwrap();
        assert_eq!(block_on(tracker.people().erase_recipient("ada@example.com")).unwrap().pings, 300);
        phase.store(true, Ordering::SeqCst);
        for _ in 0..5 {
            block_on(store.rewrite()).unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        let seen = watcher.join().unwrap();
        println!("\nseen: {seen:?} with {} bytes", std::fs::metadata(&file).unwrap().len());
        let folder = std::fs::canonicalize(file.parent().unwrap()).unwrap();
        assert!(!seen.is_empty(), "the copy of a rewrite");
        assert!(seen.iter().all(|(rewriting, path)| *rewriting && path.starts_with(&folder)), "{seen:?}");
    });
    assert_eq!(block_on(store.opens(&OpenQuery::oldest(ping_id(1), 99))).unwrap().items.len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn temporary_files_stand_in_the_folder_of_the_database_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let child = common::process("a_process_that_rewrites", &file, 0).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("seen: "), "{said}");
}

/// What the file refuses of one open, such as a trigger that somebody has added, keeps no other
/// from being written.
#[test]
fn one_open_that_the_file_refuses_costs_that_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(1));
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON opens WHEN NEW.id = x'0000000000000000'
        BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    Connection::open(&file).unwrap().execute_batch(refuse).unwrap();
    let batch: Vec<_> = (0..40).map(|n| open(ping_id(1), n)).collect();
    assert!(batch[0].id.as_bytes().iter().all(|byte| *byte == 0));
    let error = block_on(store.record(&batch, &[], Attempt::First)).unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    assert_eq!(count_opens(&store, ping_id(1)), 0, "a batch is kept as a whole");
    record(&store, &batch[1..]);
    assert_eq!(count_opens(&store, ping_id(1)), 39);
    let again = block_on(store.insert_ping(&ping(1), None)).unwrap_err();
    assert!(matches!(again, StoreError::Refused { .. }), "{again:?}");
}
