//! Damage to what an objection or an erasure is found by: none is confirmed that was not carried
//! out, and none is lost that can be read anywhere.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::path::Path;

use common::{PAGE, leaves, let_reread, spoil};
use mailping_core::pings::Status;
use mailping_core::{Basis, Keyring, NewPing, Tracker};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PEOPLE: usize = 60;

fn tracker(file: &Path) -> Tracker {
    let builder = Tracker::builder(Keyring::from_text(KEYS).unwrap(), SqliteStore::open(file).unwrap());
    block_on(builder.base_url("https://app.example/px").unwrap().build()).unwrap()
}

fn person(n: usize) -> String {
    format!("person-{n}@example.com")
}

/// Ten pings for each person, each of an owner; every second person has objected.
fn make(file: &Path) {
    let tracker = tracker(file);
    for n in 0..PEOPLE * 10 {
        let new = NewPing::one_to_one(format!("invoice-{n}"), Basis::Contract);
        let new = new.to(person(n % PEOPLE)).owner(format!("owner-{}", n % 7));
        block_on(tracker.pings().create(new)).unwrap();
    }
    for n in (0..PEOPLE).step_by(2) {
        block_on(tracker.people().object(&person(n))).unwrap();
    }
    drop(tracker);
    let raw = Connection::open(file).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
}

const TABLES: [&str; 7] = [
    "pings",
    "sqlite_autoindex_pings_1",
    "pings_by_owner",
    "pings_by_reference",
    "pings_by_recipient",
    "objections",
    "sqlite_autoindex_objections_1",
];

/// Everybody is found after a start, and who has objected stays so.
fn finds_everybody(file: &Path, how: &str) {
    let tracker = tracker(file);
    for n in 0..PEOPLE {
        let new = NewPing::one_to_one("later", Basis::Contract).to(person(n));
        let status = block_on(tracker.pings().create(new)).unwrap().status();
        assert_eq!(status == Status::Live, n % 2 == 1, "{how}: person {n}: {status:?}");
    }
    for n in 0..PEOPLE {
        block_on(tracker.people().object(&person(n))).unwrap();
    }
    let raw = Connection::open(file).unwrap();
    let live = "SELECT count(*) FROM pings NOT INDEXED WHERE status = 0";
    assert_eq!(raw.query_row(live, (), |row| row.get::<_, i64>(0)).unwrap(), 0, "{how}");
    for n in 0..PEOPLE {
        block_on(tracker.people().erase_recipient(&person(n))).unwrap();
    }
    let left = "SELECT count(*) FROM pings NOT INDEXED";
    assert_eq!(raw.query_row(left, (), |row| row.get::<_, i64>(0)).unwrap(), 0, "{how}");
}

#[test]
fn a_bad_page_hides_nobody_from_an_objection_or_an_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made.db");
    make(&made);
    for table in TABLES {
        for page in 0..leaves(&made, table).min(3) {
            let file = folder.path().join("mailping.db");
            let _ = std::fs::remove_file(folder.path().join("mailping.db-wal"));
            std::fs::copy(&made, &file).unwrap();
            spoil(&file, table, |n| n == page);
            finds_everybody(&file, &format!("{table}, page {page}"));
        }
    }
}

#[test]
fn a_flipped_bit_hides_nobody_from_an_objection_or_an_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made.db");
    make(&made);
    let raw = Connection::open(&made).unwrap();
    let find = "SELECT max(pageno) FROM dbstat WHERE name = ?1 AND pagetype = 'leaf'";
    for table in TABLES.into_iter().filter(|table| !["pings", "objections"].contains(table)) {
        let page: u32 = raw.query_row(find, [table], |row| row.get(0)).unwrap();
        for place in [PAGE - 3, PAGE - 9, PAGE - 20, PAGE - 100] {
            let file = folder.path().join("mailping.db");
            let mut bytes = std::fs::read(&made).unwrap();
            bytes[(page as usize - 1) * PAGE + place] ^= 4;
            let _ = std::fs::remove_file(folder.path().join("mailping.db-wal"));
            std::fs::write(&file, bytes).unwrap();
            finds_everybody(&file, &format!("{table}, byte {place}"));
        }
    }
}

/// A page that goes bad while the program runs: what cannot be carried out is an error until the
/// next start, and it is carried out then.
#[test]
fn what_was_refused_for_damage_can_be_done_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    make(&file);
    let running = tracker(&file);
    spoil(&file, "pings_by_recipient", |_| true);
    let_reread(&file);
    let refused = block_on(running.people().object(&person(1)));
    assert!(refused.is_err(), "{refused:?}");
    drop(running);
    finds_everybody(&file, "after a start");
}
