//! The spool before a store that fails, hangs and comes back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod common;

use mailping_core::store::{Answer, Attempt, OpenQuery};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{open, ping, ping_id, time};
use mailping_core::pings::TimeStep;
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::Backlog;
use mailping_core::store::{KeyFingerprint, RecipientHash, RecipientHashes, Store, StoreError};
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::testing::store::CASES;
use mailping_core::{MemoryStore, PingId};
use mailping_sqlite::{Spool, SpooledStore, SqliteStore};
use pollster::block_on;

/// What the database on another machine has, whatever befalls it.
fn opens_of(remote: &FaultyStore, id: PingId) -> Vec<Open> {
    block_on(remote.memory().opens(&OpenQuery::oldest(id, usize::MAX))).unwrap().opens
}

struct Scene {
    folder: tempfile::TempDir,
    remote: FaultyStore,
    store: SpooledStore,
}

impl Scene {
    fn set() -> Self {
        let (folder, remote) = (tempfile::tempdir().unwrap(), FaultyStore::default());
        for n in 0..3 {
            block_on(remote.insert_ping(&ping(n), Some(&recipient(n)))).unwrap();
        }
        let store = spooled(&folder.path().join("spool.db"), &remote);
        Self { folder, remote, store }
    }

    fn keeps(&self, opens: &[Open]) {
        let written = block_on(self.store.record(opens, &[], Attempt::Repeat)).unwrap();
        assert!(
            written.opens.len() == opens.len()
                && written.opens.iter().all(|written| *written == Answer::Kept)
        );
    }

    fn is_moved(&self) {
        eventually("all is moved", || self.store.backlog().waiting == 0);
    }
}

fn spooled(file: &Path, remote: &FaultyStore) -> SpooledStore {
    Spool::open(file).unwrap().before(remote.clone()).unwrap()
}

fn recipient(n: u64) -> RecipientHashes {
    let hash =
        RecipientHash::from_parts(KeyFingerprint::from_bits(1).unwrap(), [u8::try_from(n).unwrap(); 32]);
    RecipientHashes::from_parts(hash, Vec::new())
}

/// Opens of all time steps.
fn batch(numbers: std::ops::Range<u64>) -> Vec<Open> {
    let numbered = |n| {
        let mut open = open(ping_id(n % 3), n);
        open.time_step = TimeStep::ALL[(n % 5 % 3) as usize];
        open
    };
    numbers.map(numbered).collect()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn sorted(mut opens: Vec<Open>) -> Vec<Open> {
    opens.sort_unstable_by_key(|open| (open.at, open.id));
    opens
}

#[test]
fn a_spooled_store_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    for case in CASES {
        eprintln!("case {}", case.name());
        let name = |kind: &str| folder.path().join(format!("{}.{kind}", case.name()));
        let spool = |kind| Spool::open(name(kind)).unwrap().patience(Duration::from_secs(60));
        let memory = spool("memory").before(MemoryStore::new()).unwrap();
        block_on(case.run(Arc::new(memory)));
        let sqlite = spool("sqlite").before(SqliteStore::open(name("db")).unwrap()).unwrap();
        block_on(case.run(Arc::new(sqlite)));
    }
}

#[test]
fn what_comes_while_the_database_fails_is_moved_once_when_it_is_back() {
    let scene = Scene::set();
    scene.keeps(&batch(0..30));
    assert_eq!(scene.store.backlog().waiting, 0, "it goes straight to the database");
    scene.remote.fault(Fault::RecordFails);
    for n in 1..100 {
        scene.keeps(&batch(n * 30..n * 30 + 30));
    }
    // Again, as after an answer that was lost.
    scene.keeps(&batch(60..90));
    let backlog = scene.store.backlog();
    assert_eq!(backlog.waiting, 99 * 30);
    assert!(backlog.oldest.is_some());
    assert_eq!(opens_of(&scene.remote, ping_id(0)).len(), 10);
    scene.remote.fault(Fault::None);
    scene.is_moved();
    for n in 0..3 {
        let expected = batch(0..3_000).into_iter().filter(|open| open.ping == ping_id(n)).collect();
        assert_eq!(opens_of(&scene.remote, ping_id(n)), sorted(expected));
    }
    // Straight again, without a restart.
    eventually("the database is asked first", || {
        scene.keeps(&batch(3_000..3_003));
        scene.store.backlog().waiting == 0
    });
    assert_eq!(scene.store.backlog(), Backlog::default());
}

#[test]
fn a_database_that_hangs_holds_up_no_batch() {
    let scene = Scene::set();
    scene.remote.fault(Fault::RecordHangs);
    let begun = Instant::now();
    for n in 0..50 {
        scene.keeps(&batch(n * 3..n * 3 + 3));
    }
    assert!(block_on(scene.store.purge(time(0), 10)).is_err(), "a purge is not waited for either");
    assert!(begun.elapsed() < Duration::from_secs(5), "one batch waits, and the others do not");
    scene.remote.fault(Fault::None);
    scene.is_moved();
    assert_eq!((0..3).map(|n| opens_of(&scene.remote, ping_id(n)).len()).sum::<usize>(), 150);
}

#[test]
fn what_a_process_left_in_the_file_is_moved_by_the_next() {
    let scene = Scene::set();
    scene.remote.fault(Fault::RecordFails);
    scene.keeps(&batch(0..30));
    let day = LastDay::new(ping_id(1), time(1_795_392_000_000));
    block_on(scene.store.record(&[], &[day], Attempt::Repeat)).unwrap();
    let file = scene.folder.path().join("spool.db");
    drop(scene.store);
    scene.remote.fault(Fault::None);
    let store = spooled(&file, &scene.remote);
    eventually("all is moved", || store.backlog().waiting == 0);
    assert_eq!((0..3).map(|n| opens_of(&scene.remote, ping_id(n)).len()).sum::<usize>(), 30);
    assert_eq!(block_on(store.ping(ping_id(1))).unwrap().unwrap().last_day, Some(day.day));
}

#[test]
fn what_ends_a_ping_takes_its_opens_out_of_the_spool_and_its_file() {
    let scene = Scene::set();
    scene.remote.fault(Fault::RecordFails);
    let city = |n: u64| format!("City-{n}-of-a-person");
    for n in 0..3 {
        let mut open = open(ping_id(n), n);
        open.city = Some(city(n).parse().unwrap());
        scene.keeps(&[open]);
    }
    let stands = |n: u64| {
        let files = std::fs::read_dir(scene.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let city = city(n);
        files.into_iter().any(|path| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(city.len()).any(|window| window == city.as_bytes())
        })
    };
    assert!((0..3).all(stands));
    assert!(block_on(scene.store.erase(ping_id(0))).unwrap().is_some());
    assert_eq!((scene.store.backlog().waiting, stands(0)), (2, false));
    assert_eq!(block_on(scene.store.erase_recipient(&recipient(1))).unwrap().pings, 1);
    assert_eq!((scene.store.backlog().waiting, stands(1)), (1, false));
    block_on(scene.store.object(&recipient(2))).unwrap();
    assert_eq!((scene.store.backlog().waiting, stands(2)), (0, false));
    // What comes for them later is filtered when it is moved.
    scene.keeps(&batch(0..30));
    scene.remote.fault(Fault::None);
    scene.is_moved();
    assert!((0..3).all(|n| opens_of(&scene.remote, ping_id(n)).is_empty()));
}

#[test]
fn a_full_spool_is_an_error_and_has_room_again() {
    let (folder, remote) = (tempfile::tempdir().unwrap(), FaultyStore::default());
    block_on(remote.insert_ping(&ping(0), None)).unwrap();
    let spool = Spool::open(folder.path().join("spool.db")).unwrap().most(10);
    let store = spool.before(remote.clone()).unwrap();
    remote.fault(Fault::RecordFails);
    let record = |n| block_on(store.record(&[open(ping_id(0), n)], &[], Attempt::Repeat));
    for n in 0..10 {
        record(n).unwrap();
    }
    assert!(record(10).is_err());
    assert_eq!(store.backlog().waiting, 10);
    remote.fault(Fault::None);
    eventually("there is room again", || record(10).is_ok());
    eventually("all is moved", || store.backlog().waiting == 0);
    assert_eq!(opens_of(&remote, ping_id(0)).len(), 11);
}

#[test]
fn a_file_in_use_or_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("spool.db");
    let spool = Spool::open(&file).unwrap();
    let refusal = |result: Result<Spool, StoreError>| match result {
        Err(StoreError::Incompatible { reason }) => reason,
        other => panic!("expected a refusal, not {other:?}"),
    };
    assert!(refusal(Spool::open(&file)).contains("another process"));
    drop(spool);
    drop(Spool::open(&file).unwrap());
    assert!(SqliteStore::open(&file).is_err());
    let store = folder.path().join("mailping.db");
    drop(SqliteStore::open(&store).unwrap());
    assert!(refusal(Spool::open(&store)).contains("files of their own"));
}
