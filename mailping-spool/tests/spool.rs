//! The spool before a database that fails, hangs, refuses and comes back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Fixture, files, insert_pings, kept, open, opens, ping, ping_id, recipient, spooled, time};
use mailping_core::MemoryStore;
use mailping_core::receipts::LastDay;
use mailping_core::store::{Attempt, Backlog, ObjectionScope, Recorded, Spooling as _, Store, StoreError};
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::testing::store::CASES;
use mailping_spool::Spool;
use pollster::block_on;

#[test]
fn a_spooled_store_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    for case in CASES {
        eprintln!("case {}", case.name());
        let spool = Spool::open(folder.path().join(case.name())).unwrap().patience(Duration::from_secs(60));
        block_on(case.run(Arc::new(spool.before(MemoryStore::new()))));
    }
}

#[test]
fn what_comes_while_the_database_fails_is_handed_over_once_when_it_is_back() {
    let fixture = Fixture::new();
    fixture.records(&opens(0..30), Recorded::Durable);
    assert_eq!(fixture.waiting(), 0, "it goes straight to the database");
    fixture.database.fault(Fault::RecordFails);
    for n in 1..100 {
        fixture.records(&opens(n * 30..n * 30 + 30), Recorded::Spooled);
    }
    // Again, as after an answer that was lost.
    fixture.records(&opens(60..90), Recorded::Spooled);
    let backlog = fixture.store.backlog();
    assert_eq!(backlog.waiting, 100 * 30);
    assert!(backlog.oldest.is_some());
    assert!(fixture.store.hand_over().is_err());
    assert_eq!(fixture.kept(), (0..30).collect());
    fixture.database.fault(Fault::None);
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), (0..3_000).collect());
    fixture.records(&opens(3_000..3_003), Recorded::Durable);
    assert_eq!(fixture.store.backlog(), Backlog::default());
    assert_eq!(files(&fixture.spool(), "spool"), [] as [std::path::PathBuf; 0], "nothing is left on disk");
}

#[test]
fn while_the_database_fails_it_is_not_asked_for_each_batch() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    for n in 0..50 {
        fixture.records(&opens(n..n + 1), Recorded::Spooled);
    }
    assert_eq!(fixture.database.records(), 1);
}

#[test]
fn a_database_that_hangs_holds_up_no_batch() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordHangs);
    let begun = Instant::now();
    for n in 0..50 {
        fixture.records(&opens(n * 3..n * 3 + 3), Recorded::Spooled);
    }
    assert!(block_on(fixture.store.purge(time(0), 10)).is_err(), "a purge is not waited for either");
    assert!(begun.elapsed() < Duration::from_secs(5), "one batch waits, and the others do not");
    fixture.database.fault(Fault::None);
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), (0..150).collect());
}

#[test]
fn what_a_process_left_is_handed_over_by_the_next() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::Down);
    fixture.records(&opens(0..30), Recorded::Spooled);
    let day = LastDay::new(ping_id(1), time(1_795_392_000_000));
    let written = block_on(fixture.store.record(&[], &[day], Attempt::First)).unwrap();
    assert_eq!(written, [Recorded::Spooled]);
    let fixture = fixture.restarted();
    assert_eq!(fixture.waiting(), 31);
    fixture.database.fault(Fault::None);
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), (0..30).collect());
    assert_eq!(block_on(fixture.store.ping(ping_id(1))).unwrap().unwrap().last_day, Some(day.day));
}

#[test]
fn a_process_that_ends_while_it_hands_over_leaves_each_open_once() {
    let mut fixture = Fixture::new();
    fixture.database.fault(Fault::Down);
    fixture.records(&opens(0..2_500), Recorded::Spooled);
    fixture.database.fault(Fault::None);
    assert!(fixture.store.hand_over().unwrap());
    let moved = fixture.kept().len();
    assert!(moved > 0 && moved < 2_500);
    fixture = fixture.restarted();
    assert_eq!(fixture.waiting(), 2_500, "how far it came is not known");
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), (0..2_500).collect());
}

#[test]
fn what_ends_a_ping_takes_its_opens_out_of_the_folder() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..3), Recorded::Spooled);
    let is_there = |n: u64| {
        let city = format!("City-{n}-of-a-person");
        files(&fixture.spool(), "spool").iter().any(|path| {
            std::fs::read(path).unwrap().windows(city.len()).any(|window| window == city.as_bytes())
        })
    };
    assert!((0..3).all(is_there));
    assert!(block_on(fixture.store.erase(ping_id(0))).unwrap().is_some());
    assert_eq!((fixture.waiting(), is_there(0)), (2, false));
    assert_eq!(block_on(fixture.store.erase_recipient(&recipient(1))).unwrap().pings, 1);
    assert_eq!((fixture.waiting(), is_there(1)), (1, false));
    block_on(fixture.store.object(&recipient(2), ObjectionScope::Opens)).unwrap();
    assert_eq!((fixture.waiting(), is_there(2)), (0, false));
    // What comes for them later is filtered when it is handed over, and counted.
    fixture.records(&opens(0..30), Recorded::Spooled);
    fixture.database.fault(Fault::None);
    fixture.hands_over_all();
    assert!(fixture.kept().is_empty());
    assert_eq!(fixture.store.backlog().filtered, 30);
}

#[test]
fn a_full_spool_is_an_error_and_has_room_again() {
    let (folder, database) = (tempfile::tempdir().unwrap(), FaultyStore::default());
    insert_pings(&database);
    let store = Spool::open(folder.path().join("spool")).unwrap().capacity(3_200).before(database.clone());
    database.fault(Fault::RecordFails);
    let record = |n| block_on(store.record(&[open(n)], &[], Attempt::Repeat));
    let kept_in_spool = (0..).take_while(|n| record(*n).is_ok()).count() as u64;
    assert!((5..=12).contains(&kept_in_spool), "{kept_in_spool}");
    assert_eq!(store.backlog().waiting, kept_in_spool);
    let bytes: u64 =
        files(&folder.path().join("spool"), "spool").iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes <= 3_200, "{bytes}");
    database.fault(Fault::None);
    while store.hand_over().unwrap() {}
    record(kept_in_spool).unwrap();
    assert_eq!(kept(&database), (0..=kept_in_spool).collect());
}

#[test]
fn one_folder_is_for_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    match Spool::open(folder.path()) {
        Err(StoreError::Incompatible { reason }) => assert!(reason.contains("another process"), "{reason}"),
        other => panic!("expected a refusal, not {other:?}"),
    }
    drop(spool);
    drop(Spool::open(folder.path()).unwrap());
}

#[test]
fn opens_for_another_database_are_put_aside_and_not_emptied_into_this_one() {
    let fixture = Fixture::new();
    fixture.hands_over_all();
    fixture.database.fault(Fault::Down);
    fixture.records(&opens(0..40), Recorded::Spooled);
    let (folder, first) = (fixture.folder, fixture.database);
    drop(fixture.store);
    // Another database that even knows the pings.
    let other = FaultyStore::default();
    insert_pings(&other);
    let store = spooled(&folder.path().join("spool"), &other);
    assert!(!store.hand_over().unwrap());
    let backlog = store.backlog();
    assert_eq!((backlog.waiting, backlog.set_aside), (0, 40), "{backlog:?}");
    assert!(kept(&other).is_empty());
    block_on(store.record(&opens(40..43), &[], Attempt::First)).unwrap();
    assert_eq!(kept(&other), (40..43).collect());
    drop(store);
    // They are a spool for their database.
    first.fault(Fault::None);
    let apart = std::fs::read_dir(folder.path().join("spool")).unwrap().map(|entry| entry.unwrap().path());
    let apart = apart.into_iter().find(|path| path.is_dir()).unwrap();
    let store = spooled(&apart, &first);
    while store.hand_over().unwrap() {}
    assert_eq!((kept(&first), store.backlog()), ((0..40).collect(), Backlog::default()));
}

#[test]
fn a_database_that_forgot_its_pings_filters_and_all_is_counted() {
    let fixture = Fixture::new();
    fixture.hands_over_all();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..40), Recorded::Spooled);
    // As a restored backup: the same database, before ping 2 was made.
    block_on(fixture.database.memory().erase(ping_id(2))).unwrap();
    fixture.database.fault(Fault::None);
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), (0..40).filter(|n| n % 3 != 2).collect());
    assert_eq!(fixture.store.backlog().filtered, 13);
}

#[test]
fn an_open_that_the_database_refuses_is_set_aside_and_the_rest_is_handed_over() {
    for refused in [vec![0], vec![799], vec![400, 401], vec![3, 100, 640], (0..40).collect()] {
        let fixture = Fixture::new();
        for number in &refused {
            fixture.database.refuse(open(*number).id);
        }
        fixture.records(&opens(0..800), Recorded::Spooled);
        fixture.hands_over_all();
        let expected = (0..800).filter(|number| !refused.contains(number)).collect();
        assert_eq!(fixture.kept(), expected, "but for {refused:?}");
        assert_eq!(fixture.store.backlog().set_aside, refused.len() as u64);
        // Others go straight again, and the same is known after a restart.
        fixture.records(&opens(800..803), Recorded::Durable);
        let fixture = fixture.restarted();
        let backlog = fixture.store.backlog();
        assert_eq!((backlog.waiting, backlog.set_aside, backlog.unreadable), (0, refused.len() as u64, 0));
        let aside = std::fs::read_to_string(&files(&fixture.spool(), "aside")[0]).unwrap();
        for number in 0..800 {
            let city = format!("City-{number}-of");
            assert_eq!(aside.contains(&city), refused.contains(&number), "{city}");
        }
        // An erasure reaches it there too.
        for n in 0..3 {
            block_on(fixture.store.erase(ping_id(n))).unwrap();
        }
        let aside = std::fs::read_to_string(&files(&fixture.spool(), "aside")[0]).unwrap();
        assert_eq!((aside.trim(), fixture.store.backlog().set_aside), ("", 0));
    }
}

#[test]
fn what_is_refused_sends_no_other_batch_through_the_spool() {
    let fixture = Fixture::new();
    fixture.records(&opens(0..3), Recorded::Durable);
    fixture.database.fault(Fault::DamagedAt(ping_id(1)));
    fixture.records(&[open(4)], Recorded::Spooled);
    assert!(!fixture.store.is_away(), "a refusal is no outage");
    fixture.records(&[open(5), open(6)], Recorded::Durable);
    fixture.hands_over_all();
    assert_eq!(fixture.store.backlog().set_aside, 1);
    assert_eq!(fixture.kept(), [0, 1, 2, 5, 6].into());
}

#[test]
fn an_outage_in_the_middle_sets_nothing_aside() {
    for calls in 0..30 {
        let fixture = Fixture::new();
        fixture.database.refuse(open(7).id);
        fixture.records(&opens(0..100), Recorded::Spooled);
        fixture.database.fail_after(calls);
        let _ = fixture.store.hand_over();
        assert!(fixture.store.backlog().set_aside <= 1, "after {calls} calls: {:?}", fixture.store.backlog());
        fixture.database.fault(Fault::None);
        fixture.hands_over_all();
        assert_eq!(fixture.kept(), (0..100).filter(|number| *number != 7).collect(), "after {calls} calls");
        assert_eq!(fixture.store.backlog().set_aside, 1);
    }
}

#[test]
fn a_ping_is_found_by_the_database_alone() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::Down);
    assert!(block_on(fixture.store.insert_ping(&ping(9), None)).is_err());
    assert!(block_on(fixture.store.ping(ping_id(0))).is_err());
}

#[test]
fn a_database_that_is_away_at_the_start_is_known_to_be_before_the_first_hit() {
    let fixture = Fixture::new();
    assert!(!fixture.store.is_away());
    fixture.database.fault(Fault::Down);
    assert!(block_on(fixture.store.recipient_keys()).is_err());
    assert!(fixture.store.is_away(), "so that neither a hit nor the purge asks it");
    fixture.records(&opens(0..3), Recorded::Spooled);
    assert_eq!(fixture.database.records(), 0);
    fixture.database.fault(Fault::None);
    fixture.hands_over_all();
    assert!(!fixture.store.is_away());
}

#[test]
fn without_patience_every_batch_is_answered_from_the_spool() {
    let (folder, database) = (tempfile::tempdir().unwrap(), FaultyStore::default());
    insert_pings(&database);
    let store = Spool::open(folder.path()).unwrap().patience(Duration::ZERO).before(database.clone());
    for n in 0..3 {
        let asked = database.records();
        let written = block_on(store.record(&opens(n * 10..n * 10 + 10), &[], Attempt::First)).unwrap();
        assert_eq!(written, [Recorded::Spooled; 10]);
        assert_eq!(database.records(), asked, "no hit waits for the database");
        assert_eq!(store.backlog().waiting, 10);
        // Also right after the database has answered.
        while store.hand_over().unwrap() {}
        assert_eq!(store.backlog().waiting, 0);
    }
    assert_eq!(kept(&database).len(), 30);
    assert!(block_on(store.purge(time(0), 10)).is_ok(), "the purge has the usual patience");
}
