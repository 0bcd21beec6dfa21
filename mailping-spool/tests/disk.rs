//! A spool on a disk that fails or is full: what was answered is handed over once, and nothing is
//! answered that is not on disk.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use common::{Fixture, opens};
use mailping_core::store::{Attempt, Recorded, Store, StoreError};
use mailping_core::testing::faulty::Fault;
use mailping_fixtures::failing_disk::{self, BROKEN, FULL};
use pollster::block_on;

#[test]
#[ignore = "run as a process by what_the_disk_does_not_take_is_not_answered"]
fn a_process_on_a_failing_disk() {
    if failing_disk::folder().is_none() {
        return;
    }
    let mut fixture = Fixture::new();
    let mut n = 0;
    for (call, error) in [("write", BROKEN), ("sync", BROKEN), ("write", FULL)] {
        fixture.database.fault(Fault::RecordFails);
        for _ in 0..5 {
            fixture.records(&opens(n..n + 20), Recorded::Spooled);
            n += 20;
        }
        failing_disk::fail(call, error, ".spool");
        for _ in 0..5 {
            let refused = block_on(fixture.store.record(&opens(n..n + 20), &[], Attempt::First));
            assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{call} {error}: {refused:?}");
        }
        // What waits is taken off by blanking its lines, which such a disk refuses too.
        fixture.database.fault(Fault::None);
        let _ = fixture.store.spool().unwrap().hand_over();
        fixture.database.fault(Fault::RecordFails);
        failing_disk::work();
        let again = block_on(fixture.store.record(&opens(n..n + 20), &[], Attempt::Repeat)).unwrap();
        assert_eq!(again, [Recorded::Spooled; 20], "{call} {error}: it works again");
        n += 20;
        fixture = fixture.restarted();
        fixture.database.fault(Fault::None);
        fixture.hands_over_all();
        assert_eq!(fixture.kept(), (0..n).collect(), "{call} {error}: each once");
        assert_eq!(fixture.store.spool().unwrap().backlog().unreadable, 0, "{call} {error}");
    }
}

#[test]
fn what_the_disk_does_not_take_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    print!("{}", failing_disk::run("a_process_on_a_failing_disk", folder.path()));
}
