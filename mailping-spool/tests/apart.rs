//! What was put aside for another database: known after a restart, in reach of every erasure, and
//! taken back when its database comes again.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::path::{Path, PathBuf};

use common::{files, insert_pings, kept, opens, ping_id, spooled};
use mailping_core::store::{Attempt, Backlog, Recorded, Spooling as _, Store};
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_spool::{Spool, SpooledStore};
use pollster::block_on;

/// A folder and two databases that know the same pings.
struct Databases {
    folder: tempfile::TempDir,
    a: FaultyStore,
    b: FaultyStore,
}

impl Databases {
    fn new() -> Self {
        let (a, b) = (FaultyStore::default(), FaultyStore::default());
        insert_pings(&a);
        insert_pings(&b);
        Self { folder: tempfile::tempdir().unwrap(), a, b }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A process on this database, which knows it.
    fn starts(&self, database: &FaultyStore) -> SpooledStore {
        let store = spooled(self.path(), database);
        hands_over_all(&store);
        store
    }

    /// A process on `a` that ends while these opens wait.
    fn leaves(&self, numbers: std::ops::Range<u64>) {
        let store = self.starts(&self.a);
        self.a.fault(Fault::RecordFails);
        let written = block_on(store.record(&opens(numbers), &[], Attempt::First)).unwrap();
        assert!(written.iter().all(|answer| *answer == Recorded::Spooled));
        self.a.fault(Fault::None);
    }

    fn of_a(&self) -> PathBuf {
        self.path().join(format!("of-{}", block_on(self.a.identity()).unwrap()))
    }
}

fn hands_over_all(store: &SpooledStore) {
    while store.hand_over().unwrap() {}
    assert_eq!(store.backlog().waiting, 0);
}

fn set_aside(store: &SpooledStore) -> u64 {
    let backlog = store.backlog();
    assert_eq!((backlog.waiting, backlog.unreadable), (0, 0));
    backlog.set_aside
}

/// Whether a ping is named anywhere below a folder.
fn names(folder: &Path, n: u64) -> bool {
    let id = ping_id(n).to_string();
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() { names(&path, n) } else { std::fs::read_to_string(path).unwrap().contains(&id) }
    })
}

#[test]
fn it_is_counted_after_a_restart_and_taken_back_when_its_database_comes_again() {
    let databases = Databases::new();
    databases.leaves(0..12);
    for _ in 0..3 {
        assert_eq!(set_aside(&databases.starts(&databases.b)), 12);
        assert_eq!(set_aside(&spooled(databases.path(), &databases.b)), 12, "before the database is asked");
    }
    let store = databases.starts(&databases.a);
    assert_eq!((kept(&databases.a), kept(&databases.b)), ((0..12).collect(), [].into()));
    assert_eq!(store.backlog(), Backlog::default());
    let entries = std::fs::read_dir(databases.path()).unwrap();
    assert!(entries.map(|entry| entry.unwrap().path()).all(|path| path.is_file()), "no folder is left");
}

#[test]
fn it_is_taken_back_by_a_process_that_sees_both_databases() {
    let databases = Databases::new();
    databases.leaves(0..12);
    let at_b = databases.starts(&databases.b);
    databases.b.fault(Fault::RecordFails);
    block_on(at_b.record(&opens(20..26), &[], Attempt::First)).unwrap();
    drop(at_b);
    databases.b.fault(Fault::None);
    // What waits is for `b`.
    let at_a = databases.starts(&databases.a);
    assert_eq!((kept(&databases.a), set_aside(&at_a)), ((0..12).collect(), 6));
    drop(at_a);
    let at_b = databases.starts(&databases.b);
    assert_eq!((kept(&databases.b), at_b.backlog()), ((20..26).collect(), Backlog::default()));
}

#[test]
fn every_erasure_reaches_it() {
    type Start = fn(&Databases) -> SpooledStore;
    let starts: [Start; 3] = [
        |databases| databases.starts(&databases.b),
        |databases| {
            drop(databases.starts(&databases.b));
            spooled(databases.path(), &databases.b)
        },
        |databases| {
            drop(databases.starts(&databases.b));
            spooled(databases.path(), &databases.a)
        },
    ];
    for start in starts {
        let databases = Databases::new();
        databases.leaves(0..12);
        let store = start(&databases);
        assert!((0..3).all(|n| names(&databases.of_a(), n)));
        block_on(store.erase(ping_id(0))).unwrap();
        assert_eq!((names(databases.path(), 0), set_aside(&store)), (false, 8));
        block_on(store.withdraw(ping_id(1))).unwrap();
        assert_eq!((names(databases.path(), 1), set_aside(&store)), (false, 4));
        block_on(store.erase_recipient(&common::recipient(2))).unwrap();
        assert_eq!((names(databases.path(), 2), set_aside(&store)), (false, 0));
        // Nor is it there for what comes later.
        drop(store);
        databases.starts(&databases.a);
        assert!(kept(&databases.a).is_empty());
    }
}

#[test]
fn an_erasure_reaches_folders_and_files_of_any_name() {
    let databases = Databases::new();
    let other = Databases::new();
    other.leaves(0..12);
    for (folder, name) in
        [("of-a friend", "1.spool"), ("of-0123456789abcdef", "notes.aside"), ("of-", "x.spool")]
    {
        let folder = databases.path().join(folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(&files(other.path(), "spool")[0], folder.join(name)).unwrap();
    }
    std::fs::write(databases.path().join("of-notes"), "no folder").unwrap();
    let store = databases.starts(&databases.b);
    assert_eq!(set_aside(&store), 36);
    block_on(store.erase(ping_id(1))).unwrap();
    assert!(!names(databases.path(), 1) && names(databases.path(), 2));
    assert_eq!(set_aside(&store), 24);
}

#[test]
fn another_process_may_use_it_and_nothing_in_it_is_replaced() {
    let databases = Databases::new();
    databases.leaves(0..12);
    drop(databases.starts(&databases.b));
    let other_process = Spool::open(databases.of_a()).unwrap();
    // Its file has the name of the one that was put aside.
    databases.leaves(12..24);
    let store = databases.starts(&databases.b);
    assert_eq!((set_aside(&store), files(&databases.of_a(), "spool").len()), (24, 2));
    drop(store);
    let store = databases.starts(&databases.a);
    assert_eq!((kept(&databases.a).len(), set_aside(&store)), (0, 24), "it is not taken from that process");
    drop(other_process);
    hands_over_all(&store);
    assert_eq!((kept(&databases.a), store.backlog()), ((0..24).collect(), Backlog::default()));
}

#[test]
fn what_another_process_hands_over_is_counted_no_more() {
    let databases = Databases::new();
    databases.leaves(0..12);
    let store = databases.starts(&databases.b);
    let at_a = spooled(&databases.of_a(), &databases.a);
    hands_over_all(&at_a);
    assert_eq!(kept(&databases.a), (0..12).collect());
    hands_over_all(&store);
    assert_eq!(set_aside(&store), 0);
}

#[test]
fn an_erasure_reaches_what_another_process_has_put_there_since() {
    let databases = Databases::new();
    databases.leaves(0..12);
    let store = databases.starts(&databases.b);
    let at_a = spooled(&databases.of_a(), &databases.a);
    databases.a.fault(Fault::RecordFails);
    block_on(at_a.record(&opens(12..24), &[], Attempt::First)).unwrap();
    block_on(store.erase(ping_id(0))).unwrap();
    assert!(!names(databases.path(), 0) && names(databases.path(), 1));
    databases.a.fault(Fault::None);
    hands_over_all(&at_a);
    assert_eq!(kept(&databases.a), (0..24).filter(|n| n % 3 != 0).collect());
}

#[test]
fn what_its_database_refused_and_a_newer_version_wrote_is_taken_back_too() {
    let databases = Databases::new();
    databases.leaves(0..12);
    drop(databases.starts(&databases.b));
    let file = files(&databases.of_a(), "spool").remove(0);
    std::fs::write(file.with_file_name("7.spool"), "a7916c35affe33d7 seal {\"root\":\"2f1c\"}\n").unwrap();
    std::fs::copy(&file, file.with_file_name("8.aside")).unwrap();
    let store = databases.starts(&databases.a);
    let backlog = store.backlog();
    assert_eq!((kept(&databases.a).len(), backlog.set_aside, backlog.newer), (12, 12, 1));
    assert!(!databases.of_a().exists());
}

#[cfg(unix)]
#[test]
fn a_folder_that_fails_for_a_while_refuses_no_start_and_no_erasure_passes_it_over() {
    let databases = Databases::new();
    databases.leaves(0..12);
    drop(databases.starts(&databases.b));
    // It cannot be read, even by root.
    let (folder, away) = (databases.of_a(), databases.path().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    std::os::unix::fs::symlink(&folder, &folder).unwrap();
    let store = spooled(databases.path(), &databases.b);
    assert_eq!(store.backlog().unreadable, 1);
    hands_over_all(&store);
    assert!(block_on(store.erase(ping_id(0))).is_err(), "its lines are there");
    block_on(store.record(&opens(20..23), &[], Attempt::First)).unwrap();
    assert_eq!(kept(&databases.b), [20, 22].into(), "the database has erased it");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    hands_over_all(&store);
    assert_eq!(set_aside(&store), 12);
    block_on(store.erase(ping_id(0))).unwrap();
    assert_eq!((names(databases.path(), 0), set_aside(&store)), (false, 8));
}
