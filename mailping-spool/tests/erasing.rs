//! Erasures that come while records are moved, and to files that the disk refuses for a while: all
//! counts stay true, nothing is stranded, and nothing is confirmed that was not done.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::collections::BTreeSet;

use common::{Fixture, eventually, files, open, opens, ping_id};
use mailping_core::store::{Recorded, Spooling as _, Store as _};
use mailping_core::testing::faulty::Fault;
use pollster::block_on;

/// A step of the handover, and what is done while the database has its first batch.
fn during_a_step(fixture: &Fixture, act: impl FnOnce()) {
    fixture.database.fault(Fault::RecordHangs);
    let records = fixture.database.records();
    std::thread::scope(|scope| {
        let step = scope.spawn(|| fixture.store.hand_over());
        eventually("a batch is under way", || fixture.database.records() > records);
        act();
        fixture.database.fault(Fault::None);
        step.join().unwrap().unwrap();
    });
}

/// The numbers below `end` of the opens that are not of ping 0.
fn of_others(end: u64) -> BTreeSet<u64> {
    (0..end).filter(|n| n % 3 != 0).collect()
}

#[test]
fn an_erasure_during_a_handover_strands_nothing() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..1_001), Recorded::Spooled);
    // It is erased before the database says so.
    fixture.database.refuse(open(3).id);
    during_a_step(&fixture, || {
        block_on(fixture.store.erase(ping_id(0))).unwrap();
        assert_eq!(fixture.waiting(), of_others(1_001).len() as u64);
    });
    assert_eq!((fixture.waiting(), fixture.store.backlog().set_aside), (1, 0));
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), of_others(1_001));
    assert_eq!((files(&fixture.spool(), "spool"), files(&fixture.spool(), "aside")), (vec![], vec![]));
}

#[test]
fn what_was_set_aside_or_damaged_and_is_erased_is_counted_no_more() {
    let fixture = Fixture::new();
    fixture.hands_over_all();
    fixture.database.fault(Fault::Down);
    fixture.records(&opens(0..1_500), Recorded::Spooled);
    let file = files(&fixture.spool(), "spool").remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    for _ in 0..3 {
        assert!(fixture.store.hand_over().is_err());
        fixture.database.fault(Fault::RecordFails);
    }
    fixture.database.fault(Fault::None);
    for n in [3, 4] {
        fixture.database.refuse(open(n).id);
    }
    let counts = || {
        let backlog = fixture.store.backlog();
        (backlog.waiting, backlog.set_aside, backlog.unreadable)
    };
    assert!(fixture.store.hand_over().unwrap());
    assert_eq!(counts(), (499, 2, 1), "the damaged line once, however often it was read");
    block_on(fixture.store.erase(ping_id(0))).unwrap();
    assert_eq!(counts(), (333, 1, 0));
    fixture.hands_over_all();
    assert_eq!((counts(), files(&fixture.spool(), "aside").len()), ((0, 1, 0), 1));
    block_on(fixture.store.erase(ping_id(1))).unwrap();
    assert_eq!(counts(), (0, 0, 0), "and in what was put aside");
}

/// A file that cannot be opened for a while, even by root.
#[cfg(unix)]
struct Refused(std::path::PathBuf);

#[cfg(unix)]
impl Refused {
    fn new(file: std::path::PathBuf) -> Self {
        std::fs::rename(&file, file.with_extension("away")).unwrap();
        std::os::unix::fs::symlink(&file, &file).unwrap();
        Self(file)
    }

    fn ends(self) {
        std::fs::rename(self.0.with_extension("away"), self.0).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_fails_for_a_while_is_handed_over_later_and_no_erasure_passes_it_over() {
    for restarts in [false, true] {
        let mut fixture = Fixture::new();
        fixture.database.fault(Fault::RecordFails);
        fixture.records(&opens(0..30), Recorded::Spooled);
        let refused = Refused::new(files(&fixture.spool(), "spool").remove(0));
        if restarts {
            fixture = fixture.restarted();
        }
        fixture.database.fault(Fault::None);
        for _ in 0..3 {
            assert!(!fixture.store.hand_over().unwrap(), "it is not tried without a pause");
        }
        let backlog = fixture.store.backlog();
        assert_eq!((backlog.waiting, backlog.unreadable), (if restarts { 0 } else { 30 }, 1));
        // It holds up no other.
        fixture.records(&opens(30..40), Recorded::Durable);
        fixture.database.fault(Fault::RecordFails);
        fixture.records(&opens(40..50), Recorded::Spooled);
        fixture.database.fault(Fault::None);
        while fixture.store.hand_over().unwrap() {}
        assert_eq!(fixture.kept(), (30..50).collect());
        assert!(block_on(fixture.store.erase(ping_id(0))).is_err(), "its lines are there");
        refused.ends();
        block_on(fixture.store.erase(ping_id(0))).unwrap();
        fixture.hands_over_all();
        assert_eq!((fixture.kept(), fixture.store.backlog().unreadable), (of_others(50), 0));
        assert_eq!(fixture.store.backlog().filtered, 0, "they were erased");
        assert!(files(&fixture.spool(), "spool").is_empty());
    }
}

#[cfg(unix)]
#[test]
fn what_a_disk_refuses_is_not_what_has_waited_longest() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..30), Recorded::Spooled);
    assert!(fixture.store.backlog().oldest.is_some());
    let _refused = Refused::new(files(&fixture.spool(), "spool").remove(0));
    fixture.database.fault(Fault::None);
    fixture.store.hand_over().unwrap();
    let backlog = fixture.store.backlog();
    assert_eq!((backlog.waiting, backlog.unreadable, backlog.oldest), (30, 1, None));
}

#[cfg(unix)]
#[test]
fn a_file_that_somebody_removes_waits_no_longer() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..30), Recorded::Spooled);
    let file = files(&fixture.spool(), "spool").remove(0);
    let _refused = Refused::new(file.clone());
    fixture.database.fault(Fault::None);
    fixture.store.hand_over().unwrap();
    assert_eq!((fixture.store.backlog().waiting, fixture.store.backlog().unreadable), (30, 1));
    std::fs::remove_file(file).unwrap();
    fixture.store.hand_over().unwrap();
    assert_eq!((fixture.store.backlog().waiting, fixture.store.backlog().unreadable), (0, 0));
    block_on(fixture.store.erase(ping_id(0))).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_that_could_not_be_put_aside_stays_in_reach() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..6), Recorded::Spooled);
    fixture.database.refuse(open(3).id);
    let mut refused = None;
    during_a_step(&fixture, || refused = Some(Refused::new(files(&fixture.spool(), "spool").remove(0))));
    let backlog = fixture.store.backlog();
    assert_eq!((backlog.waiting, backlog.set_aside, backlog.unreadable), (0, 1, 1));
    assert!(block_on(fixture.store.erase(ping_id(0))).is_err());
    fixture.records(&opens(7..8), Recorded::Durable);
    refused.unwrap().ends();
    fixture.hands_over_all();
    block_on(fixture.store.erase(ping_id(0))).unwrap();
    let backlog = fixture.store.backlog();
    assert_eq!((backlog.waiting, backlog.set_aside, backlog.unreadable), (0, 0, 0));
    assert_eq!(fixture.kept(), [1, 2, 4, 5, 7].into());
}

#[cfg(unix)]
#[test]
fn an_erasure_reaches_what_was_put_aside_and_could_not_be_read_at_the_start() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..6), Recorded::Spooled);
    fixture.database.fault(Fault::None);
    for n in [3, 4] {
        fixture.database.refuse(open(n).id);
    }
    fixture.hands_over_all();
    let file = files(&fixture.spool(), "aside").remove(0);
    let refused = Refused::new(file.clone());
    let fixture = fixture.restarted();
    assert!(block_on(fixture.store.erase(ping_id(0))).is_err());
    refused.ends();
    block_on(fixture.store.erase(ping_id(0))).unwrap();
    let names =
        |file: &std::path::Path, n| std::fs::read_to_string(file).unwrap().contains(&ping_id(n).to_string());
    assert!(!names(&file, 0) && names(&file, 1));
    let renamed = file.with_extension("spool");
    std::fs::rename(file, &renamed).unwrap();
    block_on(fixture.store.erase(ping_id(1))).unwrap();
    assert!(!names(&renamed, 1), "nor what a person has renamed for the next start");
}

#[cfg(unix)]
#[test]
fn an_erasure_reaches_what_was_renamed_while_the_disk_refuses_another_file() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..6), Recorded::Spooled);
    fixture.database.fault(Fault::None);
    fixture.database.refuse(open(3).id);
    fixture.hands_over_all();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(6..9), Recorded::Spooled);
    let refused = Refused::new(files(&fixture.spool(), "spool").remove(0));
    let aside = files(&fixture.spool(), "aside").remove(0);
    let renamed = aside.with_extension("spool");
    std::fs::rename(aside, &renamed).unwrap();
    fixture.database.fault(Fault::None);
    for _ in 0..2 {
        let _ = fixture.store.hand_over();
    }
    refused.ends();
    block_on(fixture.store.erase(ping_id(0))).unwrap();
    assert!(!std::fs::read_to_string(renamed).unwrap().contains(&ping_id(0).to_string()));
}
