//! A disk that fails or is full: what was answered is there, once, and all is well when it works
//! again.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{count_opens, insert, open, ping, ping_id};
use mailping_core::receipts::Open;
use mailping_core::store::{Attempt, OpenQuery, Recorded, Store, StoreError};
use mailping_fixtures::failing_disk::{self, BROKEN, FULL};
use mailping_sqlite::SqliteStore;
use pollster::block_on;

const PINGS: u64 = 8;

fn batch(n: u64) -> Vec<Open> {
    (0..50).map(|k| open(ping_id(k % PINGS), n * 100 + k)).collect()
}

/// Whether a batch is kept, or an error says that it is not. What cannot be read of a file is
/// damage to SQLite.
fn is_kept(store: &SqliteStore, n: u64, attempt: Attempt) -> bool {
    match block_on(store.record(&batch(n), &[], attempt)) {
        Ok(written) => written.iter().all(|answer| *answer == Recorded::Durable),
        Err(StoreError::Unavailable { .. } | StoreError::Corrupt { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[ignore = "run as a process by what_was_answered_before_the_disk_failed_is_there_once"]
fn a_process_on_a_failing_disk() {
    let Some(folder) = failing_disk::folder() else { return };
    let file = folder.join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    (0..PINGS).for_each(|n| insert(&store, &ping(n)));
    let mut n = 0;
    for (call, error, ending) in [
        ("write", BROKEN, "mailping.db-wal"),
        ("sync", BROKEN, "mailping.db-wal"),
        ("write", FULL, "mailping.db-wal"),
        ("write", BROKEN, "mailping.db"),
        ("sync", BROKEN, "mailping.db"),
        ("write", FULL, "mailping.db"),
        ("read", BROKEN, "mailping.db"),
        ("read", BROKEN, "mailping.db-wal"),
    ] {
        let what = format!("{call} {error} {ending}");
        for _ in 0..10 {
            assert!(is_kept(&store, n, Attempt::First), "{what}");
            n += 1;
        }
        failing_disk::fail(call, error, ending);
        let failed: Vec<u64> = (n..n + 30).filter(|n| !is_kept(&store, *n, Attempt::First)).collect();
        println!("{what}: {} of 30 batches failed", failed.len());
        assert!(
            call == "read" || ending == "mailping.db" || failed.len() == 30,
            "{what}: answered without a disk"
        );
        // Who reads gets what is there, or an error.
        match block_on(store.opens(&OpenQuery::oldest(ping_id(1), 99))) {
            Ok(page) => assert!(page.items.len() + page.unreadable as usize > 0, "{what}"),
            Err(error) => assert!(call == "read", "{what}: {error:?}"),
        }
        failing_disk::work();
        for n in failed {
            eventually(&what, || is_kept(&store, n, Attempt::Repeat));
        }
        n += 30;
        let mut expected: Vec<Open> = (0..n).flat_map(batch).filter(|open| open.ping == ping_id(3)).collect();
        expected.sort_by_key(|open| (open.at, open.id));
        let found = block_on(store.opens(&OpenQuery::oldest(ping_id(3), usize::MAX))).unwrap();
        assert_eq!((found.items, found.unreadable), (expected, 0), "{what}: each once");
    }
    // An erasure that the disk refuses is an error, and one that it lets through is whole.
    failing_disk::fail("write", BROKEN, "mailping.db-wal");
    assert!(block_on(store.erase(ping_id(5))).is_err());
    failing_disk::work();
    assert!(block_on(store.erase(ping_id(5))).unwrap().is_some());
    drop(store);
    // Nothing is taken for damage that is none.
    failing_disk::fail("read", BROKEN, "mailping.db");
    assert!(SqliteStore::open(&file).is_err());
    failing_disk::work();
    let moved = ["damaged-1", "rescued"].map(|end| folder.join(format!("mailping.db.{end}")).exists());
    assert_eq!(moved, [false; 2], "the file is left as it is");
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!((count_opens(&store, ping_id(3)), count_opens(&store, ping_id(5))), (6 * n as usize, 0));
    let raw = rusqlite::Connection::open(&file).unwrap();
    let whole: String = raw.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
}

#[test]
fn what_was_answered_before_the_disk_failed_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    print!("{}", failing_disk::run("a_process_on_a_failing_disk", folder.path()));
}

/// A copy that finds no room is an error and leaves nothing behind; so does a rewrite, and the
/// store goes on.
#[test]
#[ignore = "run as a process by a_full_disk_refuses_copies_and_leaves_none"]
fn a_process_without_room_for_copies() {
    let Some(folder) = failing_disk::folder() else { return };
    let file = folder.join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    (0..PINGS).for_each(|n| insert(&store, &ping(n)));
    (0..40).for_each(|n| assert!(is_kept(&store, n, Attempt::First)));
    let is_refused = |made: Result<(), StoreError>, path: &Path| {
        assert!(matches!(made, Err(StoreError::Unavailable { .. })), "{made:?}");
        assert!(!path.exists(), "nothing is left");
    };
    let copy = folder.join("copy.db");
    failing_disk::fail("write", FULL, "copy.db");
    is_refused(block_on(store.backup(&copy)), &copy);
    failing_disk::work();
    assert!(is_kept(&store, 40, Attempt::First));
    block_on(store.backup(&copy)).unwrap();
    // The rewritten file passes through the log.
    failing_disk::fail("write", FULL, "mailping.db-wal");
    assert!(matches!(block_on(store.rewrite()), Err(StoreError::Unavailable { .. })));
    failing_disk::work();
    block_on(store.rewrite()).unwrap();
    assert!(is_kept(&store, 41, Attempt::First));
    assert_eq!(count_opens(&store, ping_id(3)), 6 * 42);
}

#[test]
fn a_full_disk_refuses_copies_and_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    print!("{}", failing_disk::run("a_process_without_room_for_copies", folder.path()));
}
