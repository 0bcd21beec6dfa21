//! Damaged files: bit flips, zeroed sectors, garbage pages and truncation of the file and its log,
//! made by a seeded script on copies. After each the store starts or says what to do, keeps new
//! opens, shows what is whole and no open at a wrong ping.
//!
//! `MAILPING_DAMAGES` says how many (24 without it), `MAILPING_SEED` with which seed, and
//! `MAILPING_FIRST` at which of them to begin.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{
    PAGE, insert, leaves, let_reread, open, ping, ping_id, spoil, spoil_last, time, wait_for_index,
    wait_until,
};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{Attempt, Observation, OpenQuery, PingQuery, Recorded, Store, StoreError};
use mailping_core::{PingId, Timestamp};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

const PINGS: u64 = 400;
/// Numbers that come after all of the file's.
const LATER: u64 = 900_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }
}

type Pings = BTreeMap<PingId, Vec<Open>>;

/// A file whose index has a part of the opens, with a log beside it, as a process leaves it that is
/// killed.
fn make(folder: &Path) -> Pings {
    let file = folder.join("made.db");
    let mut all = Pings::new();
    let store = SqliteStore::open(&file).unwrap();
    for n in 0..PINGS {
        insert(&store, &ping(n));
    }
    let mut record = |store: &SqliteStore, from: u64, to: u64| {
        for n in from..to {
            let batch: Vec<Open> =
                (0..40).map(|k| open(ping_id((n * 37 + k * 11) % PINGS), n * 100 + k)).collect();
            block_on(store.record(&batch, &[], Attempt::First)).unwrap();
            batch.into_iter().for_each(|open| all.entry(open.ping).or_default().push(open));
        }
    };
    record(&store, 0, 200);
    drop(store);
    // What the index has by now is all of it; what follows is in none, and stands in the log for
    // the most part.
    let store = SqliteStore::open(&file).unwrap();
    record(&store, 200, 230);
    std::fs::copy(&file, folder.join("mailping.db")).unwrap();
    std::fs::copy(folder.join("made.db-wal"), folder.join("mailping.db-wal")).unwrap();
    for opens in all.values_mut() {
        opens.sort_by_key(|open| (open.at, open.id));
    }
    all
}

/// Damages a copy, and says how.
fn damage(folder: &Path, random: &mut Random) -> String {
    let target = if random.below(4) == 0 { "mailping.db-wal" } else { "mailping.db" };
    let path = folder.join(target);
    let mut bytes = std::fs::read(&path).unwrap();
    let kind = random.below(5);
    let what = match kind {
        0 => {
            let count = 1 + random.below(20);
            for _ in 0..count {
                let place = random.below(bytes.len());
                bytes[place] ^= 1 << random.below(8);
            }
            format!("{count} bits flipped")
        }
        1 => {
            let sector = random.below(bytes.len() / 512) * 512;
            let end = bytes.len().min(sector + 512 * (1 + random.below(8)));
            bytes[sector..end].fill(0);
            format!("zeros at {sector}..{end}")
        }
        2 | 3 => {
            let page = random.below(bytes.len() / PAGE) * PAGE;
            let end = bytes.len().min(page + PAGE);
            bytes[page..end].iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]);
            format!("garbage in page {}", page / PAGE + 1)
        }
        _ => {
            let length = random.below(bytes.len());
            bytes.truncate(length);
            format!("cut to {length}")
        }
    };
    std::fs::write(&path, bytes).unwrap();
    format!("{target}: {what}")
}

/// What became of a damaged file.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    whole: usize,
    lacking: usize,
    counted: u64,
    refused_opens: usize,
}

/// Opens a damaged copy and looks at all of it.
fn survives(folder: &Path, all: &Pings, how: &str, tally: &mut Tally) {
    let file = folder.join("mailping.db");
    let store = match SqliteStore::open(&file) {
        Ok(store) => store,
        Err(error) => {
            // Only where the first page or the schema's pages are gone: then nothing can be told
            // from anything.
            let named = matches!(error, StoreError::Corrupt { .. } | StoreError::Incompatible { .. });
            assert!(named, "{how}: {error:?}");
            tally.refused += 1;
            return;
        }
    };
    let mut lacks = false;
    for (id, opens) in all {
        let mut query = OpenQuery::oldest(*id, 100);
        let (mut found, mut unreadable) = (Vec::new(), 0);
        let is_read = loop {
            match block_on(store.opens(&query)) {
                Ok(page) => {
                    found.extend(page.items);
                    unreadable += page.unreadable;
                    match page.next {
                        Some(next) => query = query.after(Some(next)),
                        None => break true,
                    }
                }
                Err(StoreError::Corrupt { .. }) => break false,
                Err(error) => panic!("{how}: {error:?}"),
            }
        };
        for open in &found {
            assert!(open.ping == *id, "{how}");
            // A flipped bit may change a value that nothing can check: a time that no index knows,
            // a verdict. Never whose it is.
            let is_theirs = opens.iter().any(|other| other.id == open.id);
            assert!(is_theirs, "{how}: an open at a wrong ping: {open:?}");
        }
        lacks |= !is_read || found.len() < opens.len();
        tally.counted += unreadable;
    }
    // New pings and their opens, and opens of those that are there.
    let store = match block_on(store.insert_ping(&ping(LATER), None)) {
        Ok(_) => store,
        // An index is damaged where this one belongs: the next start makes it anew.
        Err(StoreError::Corrupt { .. }) => {
            drop(store);
            let store = SqliteStore::open(&file).unwrap();
            insert(&store, &ping(LATER));
            store
        }
        Err(error) => panic!("{how}: {error:?}"),
    };
    let batch: Vec<Open> = (0..20).map(|n| open(ping_id(LATER), n)).collect();
    let written = block_on(store.record(&batch, &[], Attempt::First))
        .unwrap_or_else(|error| panic!("{how}: {error:?}"));
    assert_eq!(written, [Recorded::Durable; 20], "{how}");
    let shown = block_on(store.opens(&OpenQuery::oldest(ping_id(LATER), 99))).unwrap();
    assert_eq!((shown.items.len(), shown.unreadable), (20, 0), "{how}");
    for n in 0..PINGS {
        match block_on(store.record(&[open(ping_id(n), LATER + n)], &[], Attempt::First)) {
            Ok(_) => {}
            Err(StoreError::Corrupt { .. }) => tally.refused_opens += 1,
            Err(error) => panic!("{how}: {error:?}"),
        }
    }
    let list = block_on(store.pings(&PingQuery::newest(2_000))).unwrap();
    lacks |= list.items.len() < all.len() + 1;
    // A purge ends, whatever it meets.
    let far: Timestamp = time(u64::try_from(i64::MAX / 2).unwrap());
    for _ in 0..100_000 {
        match block_on(store.purge(far, 1_000)) {
            Ok(step) if step.pings + step.opens == 1_000 => {}
            Ok(_) | Err(StoreError::Corrupt { .. }) => break,
            Err(error) => panic!("{how}: {error:?}"),
        }
    }
    drop(store);
    if lacks { tally.lacking += 1 } else { tally.whole += 1 }
}

#[test]
fn a_damaged_file_costs_what_is_damaged() {
    let number =
        |name, otherwise| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (damages, seed) = (number("MAILPING_DAMAGES", 24), number("MAILPING_SEED", 1));
    let first = number("MAILPING_FIRST", 0);
    let made = tempfile::tempdir().unwrap();
    let all = make(made.path());
    let mut random = Random(seed);
    let mut tally = Tally::default();
    for n in 0..damages {
        let folder = tempfile::tempdir().unwrap();
        for name in ["mailping.db", "mailping.db-wal"] {
            std::fs::copy(made.path().join(name), folder.path().join(name)).unwrap();
        }
        let how = format!("damage {n}: {}", damage(folder.path(), &mut random));
        if n < first {
            continue;
        }
        eprintln!("{how}");
        survives(folder.path(), &all, &how, &mut tally);
    }
    eprintln!("{tally:?} of {damages} with seed {seed}");
    assert!(tally.refused <= damages as usize / 8 + 1, "{tally:?}");
}

/// A copy of the file, then of its log, while a process writes: the two are of two states.
#[test]
fn a_torn_copy_shows_no_open_at_a_wrong_ping() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made.db");
    let store = SqliteStore::open(&file).unwrap();
    let mut all = Pings::new();
    let mut add = |from: u64, to: u64| {
        for n in from..to {
            insert(&store, &ping(n));
            let batch: Vec<Open> =
                (0..30).map(|k| open(ping_id(n.saturating_sub(k * 3)), n * 100 + k)).collect();
            block_on(store.record(&batch, &[], Attempt::First)).unwrap();
            batch.into_iter().for_each(|open| all.entry(open.ping).or_default().push(open));
        }
    };
    add(0, 300);
    let copy = folder.path().join("mailping.db");
    std::fs::copy(&file, &copy).unwrap();
    add(300, 900);
    std::fs::copy(folder.path().join("made.db-wal"), folder.path().join("mailping.db-wal")).unwrap();
    survives(folder.path(), &all, "a torn copy", &mut Tally::default());
}

/// 400 pings with 30 opens each, all in the index.
fn indexed(file: &Path, keep_until: impl Fn(u64) -> Timestamp) {
    let store = SqliteStore::open(file).unwrap();
    for n in 0..PINGS {
        let mut one = ping(n);
        one.keep_until = keep_until(n);
        insert(&store, &one);
        let opens: Vec<Open> = (0..30).map(|k| open(ping_id(n), n * 100 + k)).collect();
        block_on(store.record(&opens, &[], Attempt::First)).unwrap();
    }
    wait_for_index(file);
}

#[test]
fn a_damaged_index_keeps_no_open_out_and_is_made_anew_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    indexed(&file, |n| ping(n).keep_until);
    spoil(&file, "opens_by_ping", |n| n % 2 == 0);
    let count = |store: &SqliteStore, n: u64| {
        block_on(store.opens(&OpenQuery::oldest(ping_id(n), 999))).unwrap().items.len()
    };
    for round in 0..2 {
        let store = SqliteStore::open(&file).unwrap();
        for n in 0..PINGS {
            assert_eq!(count(&store, n), 30 + round, "round {round}, ping {n}");
            let one = open(ping_id(n), LATER + round as u64);
            assert_eq!(
                block_on(store.record(std::slice::from_ref(&one), &[], Attempt::First)).unwrap(),
                [Recorded::Durable]
            );
            assert_eq!(block_on(store.record(&[one], &[], Attempt::Repeat)).unwrap(), [Recorded::Durable]);
            assert_eq!(count(&store, n), 31 + round, "round {round}, ping {n}: once, and at once");
        }
        // The damage is found when they go into the index.
        wait_until(&file, "SELECT index_broken OR indexed_to = (SELECT max(seq) FROM opens) FROM about");
        drop(store);
    }
    let raw = Connection::open(&file).unwrap();
    let is_whole: String = raw.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(is_whole, "ok", "the second start made it anew");
}

#[test]
fn a_flipped_bit_in_the_index_of_opens_hides_none_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made.db");
    indexed(&made, |n| ping(n).keep_until);
    let raw = Connection::open(&made).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    let find = "SELECT pageno FROM dbstat WHERE name = 'opens_by_ping' ORDER BY pagetype DESC, pageno";
    let mut find = raw.prepare(find).unwrap();
    let pages = find.query_map((), |row| row.get::<_, u32>(0)).unwrap();
    let pages: Vec<usize> = pages.map(|page| page.unwrap() as usize).collect();
    let whole = std::fs::read(&made).unwrap();
    let mut random = Random(3);
    // Of its inner pages, and of some others.
    for page in pages.iter().take(4).chain(pages.iter().step_by(pages.len() / 8)) {
        let place = (page - 1) * PAGE + random.below(PAGE);
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << random.below(8);
        let file = folder.path().join("mailping.db");
        let _ = std::fs::remove_file(folder.path().join("mailping.db-wal"));
        std::fs::write(&file, bytes).unwrap();
        let store = SqliteStore::open(&file).unwrap();
        for n in 0..PINGS {
            let page = block_on(store.opens(&OpenQuery::oldest(ping_id(n), 99))).unwrap();
            let found = page.items.len() as u64;
            assert!(found + page.unreadable >= 30 && found >= 29, "byte {place}, ping {n}: {found}");
        }
    }
}

/// Once the index is filled, which it mostly is, an erasure reads nothing of other pings.
#[test]
fn an_erasure_does_not_meet_what_is_damaged_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    indexed(&file, |n| ping(n).keep_until);
    spoil(&file, "opens", |n| n % 40 == 3);
    let store = SqliteStore::open(&file).unwrap();
    let erased = block_on(store.erase(ping_id(PINGS - 1))).unwrap().unwrap();
    assert_eq!((erased.pings, erased.opens), (1, 30));
}

/// A mark from before the damage stays good, and what comes later is news behind it.
#[test]
fn a_saved_file_gives_no_number_of_a_lost_row_again() {
    let later = open(ping_id(1), LATER);
    let day = |n: u64| LastDay::new(ping_id(n), Timestamp::from_unix_millis(0));
    for spoilt in [&["opens"][..], &["sqlite_sequence"], &["sqlite_sequence", "last_days"]] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        indexed(&file, |n| ping(n).keep_until);
        let store = SqliteStore::open(&file).unwrap();
        block_on(store.record(&[], &[day(1), day(2)], Attempt::First)).unwrap();
        let mark = block_on(store.mark()).unwrap();
        drop(store);
        spoilt.iter().for_each(|table| spoil_last(&file, table));
        let store = SqliteStore::open(&file).unwrap();
        assert_eq!(block_on(store.news(&mark, 9)).unwrap().items, [], "{spoilt:?}");
        block_on(store.record(std::slice::from_ref(&later), &[day(3)], Attempt::First)).unwrap();
        let news = [Observation::Open(later.clone()), Observation::LastDay(day(3))];
        assert_eq!(block_on(store.news(&mark, 9)).unwrap().items, news, "{spoilt:?}");
    }
}

/// Numbers that no version gives would leave no room for others.
#[test]
fn a_number_that_is_damaged_keeps_no_open_out() {
    for damage in [
        "UPDATE about SET deleted_to = 9223372036854775807",
        "UPDATE opens SET seq = 9223372036854775807 WHERE seq = (SELECT max(seq) FROM opens)",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        indexed(&file, |n| ping(n).keep_until);
        let identity = block_on(SqliteStore::open(&file).unwrap().identity()).unwrap();
        Connection::open(&file).unwrap().execute(damage, ()).unwrap();
        let store = SqliteStore::open(&file).unwrap();
        let later = open(ping_id(1), LATER);
        let kept = block_on(store.record(&[later], &[], Attempt::First)).unwrap();
        assert_eq!(kept, [Recorded::Durable], "{damage}");
        assert_eq!(block_on(store.opens(&OpenQuery::oldest(ping_id(1), 99))).unwrap().items.len(), 31);
        assert_eq!(block_on(store.identity()).unwrap(), identity, "it is the same database");
    }
}

/// While a store runs, which the next start would find at once.
#[test]
fn where_the_latest_opens_are_lost_the_others_are_news() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let mark = block_on(SqliteStore::open(&file).unwrap().mark()).unwrap();
    indexed(&file, |n| ping(n).keep_until);
    let store = SqliteStore::open(&file).unwrap();
    spoil_last(&file, "opens");
    let news = block_on(store.news(&mark, usize::MAX)).unwrap();
    let all = PINGS as usize * 30;
    assert!((all - 100..all).contains(&news.items.len()), "{}", news.items.len());
    assert_eq!(news.unreadable, 1);
    let next = block_on(store.news(&news.next.unwrap(), 9)).unwrap();
    assert_eq!((next.items.len(), next.next), (0, None));
}

/// What is due and damaged stays, is counted by each step, and keeps nothing else from being
/// purged.
#[test]
fn a_purge_passes_over_what_is_damaged_and_counts_it() {
    for (table, is_spoilt) in [
        ("pings", (|n| n % 5 == 2) as fn(usize) -> bool),
        ("opens", |n| n % 7 == 3),
        ("opens_by_ping", |n| n % 9 == 4),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        // The last page takes new rows.
        indexed(&file, |n| if n < PINGS - 50 { time(1) } else { ping(n).keep_until });
        // While it runs, which the next start would find.
        let store = SqliteStore::open(&file).unwrap();
        spoil(&file, table, is_spoilt);
        let_reread(&file);
        let (mut pings, mut opens) = (0, 0);
        let passed_over = loop {
            let step = block_on(store.purge(time(2), 500)).unwrap();
            (pings, opens) = (pings + step.pings, opens + step.opens);
            if step.pings + step.opens < 500 {
                break step.passed_over;
            }
        };
        eprintln!("{table}: {pings} pings and {opens} opens purged, {passed_over} passed over");
        assert!(passed_over > 0, "{table}");
        assert_eq!(pings + passed_over, PINGS - 50, "{table}: all others are gone");
        assert!(passed_over < (PINGS - 50) / 2, "{table}: {passed_over} passed over");
        let again = block_on(store.purge(time(2), 500)).unwrap();
        assert_eq!((again.pings, again.opens, again.passed_over), (0, 0, passed_over), "{table}");
        let kept = block_on(store.opens(&OpenQuery::oldest(ping_id(PINGS - 1), 99))).unwrap();
        assert_eq!((kept.items.len(), kept.unreadable), (30, 0), "{table}: what is not due");
    }
}

/// A page of opens that are in no index yet is bad: hits, repeats and receipts go on, and an
/// erasure is not confirmed before nothing of the ping can be left.
#[test]
fn an_erasure_is_not_confirmed_while_opens_in_no_index_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made.db");
    indexed(&made, |n| ping(n).keep_until);
    let store = SqliteStore::open(&made).unwrap();
    let late: Vec<Open> = (0..2_000).map(|n| open(ping_id(n % PINGS), LATER + n)).collect();
    block_on(store.record(&late, &[], Attempt::First)).unwrap();
    let file = folder.path().join("mailping.db");
    block_on(store.backup(&file)).unwrap();
    drop(store);
    let raw = Connection::open(&file).unwrap();
    let waiting = "SELECT (SELECT max(seq) FROM opens) - indexed_to FROM about";
    assert!(raw.query_row(waiting, (), |row| row.get::<_, i64>(0)).unwrap() >= 2_000);
    drop(raw);
    let store = SqliteStore::open(&file).unwrap();
    let leaves = leaves(&file, "opens");
    spoil(&file, "opens", |n| n == leaves - 10);
    let read = |store: &SqliteStore, n: u64| {
        block_on(store.opens(&OpenQuery::oldest(ping_id(n), 99))).unwrap().items.len()
    };
    let repeated = block_on(store.record(&late[1_980..], &[], Attempt::Repeat)).unwrap();
    assert_eq!(repeated, [Recorded::Durable; 20]);
    assert_eq!(read(&store, 399), 35, "each once");
    let refused = block_on(store.erase(ping_id(399)));
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    drop(store);
    let store = SqliteStore::open(&file).unwrap();
    assert!(folder.path().join("mailping.db.damaged-1").exists());
    let erased = block_on(store.erase(ping_id(399))).unwrap().unwrap();
    assert_eq!((erased.pings, erased.opens), (1, 35));
    let lost: usize = (0..PINGS - 1).map(|n| 35 - read(&store, n)).sum();
    assert!((1..=100).contains(&lost), "{lost}");
}

/// As above, found at the start or by an erasure, whatever of the page is damaged.
#[test]
fn a_start_saves_a_file_whose_opens_in_no_index_cannot_be_read() {
    for byte in [0, 3, 5, 8] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        indexed(&file, |n| ping(n).keep_until);
        let raw = Connection::open(&file).unwrap();
        raw.execute_batch("DELETE FROM opens_by_ping; UPDATE about SET indexed_to = 0").unwrap();
        raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
        let find = "SELECT pageno FROM dbstat WHERE name = 'opens' AND pagetype = 'leaf' LIMIT 1 OFFSET 20";
        let page: u32 = raw.query_row(find, (), |row| row.get(0)).unwrap();
        drop(raw);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[(page as usize - 1) * PAGE + byte] ^= 0x40;
        std::fs::write(&file, bytes).unwrap();
        let mut store = SqliteStore::open(&file).unwrap();
        for n in 0..PINGS {
            if block_on(store.erase(ping_id(n))).is_err() {
                drop(store);
                store = SqliteStore::open(&file).unwrap();
                block_on(store.erase(ping_id(n))).unwrap().unwrap();
            }
        }
        block_on(store.rewrite()).unwrap();
        drop(store);
        let left = std::fs::read(&file).unwrap();
        assert!(!left.windows(6).any(|bytes| bytes == b"Lisbon"), "byte {byte}");
    }
}

#[test]
fn an_undamaged_file_is_saved_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let all = make(folder.path());
    let (file, saved) = (folder.path().join("mailping.db"), folder.path().join("saved.db"));
    let original = SqliteStore::open(&file).unwrap();
    let (mark, identity) = (block_on(original.mark()).unwrap(), block_on(original.identity()).unwrap());
    drop(original);
    let recovered = SqliteStore::recover(&file, &saved).unwrap();
    let opens: usize = all.values().map(Vec::len).sum();
    assert_eq!((recovered.pings, recovered.opens, recovered.left_out), (PINGS, opens as u64, 0));
    let again = SqliteStore::recover(&file, &saved);
    assert!(matches!(again, Err(StoreError::Incompatible { .. })), "no file is overwritten: {again:?}");
    let missing = SqliteStore::recover(folder.path().join("missing.db"), folder.path().join("other.db"));
    assert!(missing.is_err() && !folder.path().join("missing.db").exists());
    let store = SqliteStore::open(&saved).unwrap();
    for (id, opens) in &all {
        let page = block_on(store.opens(&OpenQuery::oldest(*id, 999))).unwrap();
        assert_eq!((&page.items, page.unreadable), (opens, 0));
    }
    assert_eq!(block_on(store.identity()).unwrap(), identity, "it is the same database");
    assert_eq!(block_on(store.news(&mark, 9)).unwrap().items, [], "and gives no number again");
}

/// `SqliteStore::recover` on damaged copies: what it saves is whole, and nothing of it stands at a
/// wrong ping.
#[test]
fn what_can_be_read_of_a_damaged_file_is_saved() {
    let made = tempfile::tempdir().unwrap();
    let all = make(made.path());
    let (mut random, mut refused, mut lost) = (Random(5), 0, 0);
    let damages: u64 =
        std::env::var("MAILPING_DAMAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    for n in 0..damages {
        let folder = tempfile::tempdir().unwrap();
        for name in ["mailping.db", "mailping.db-wal"] {
            std::fs::copy(made.path().join(name), folder.path().join(name)).unwrap();
        }
        let how = format!("damage {n}: {}", damage(folder.path(), &mut random));
        let (file, saved) = (folder.path().join("mailping.db"), folder.path().join("saved.db"));
        let recovered = match SqliteStore::recover(&file, &saved) {
            Ok(recovered) => recovered,
            Err(StoreError::Corrupt { .. } | StoreError::Incompatible { .. }) => {
                refused += 1;
                continue;
            }
            Err(error) => panic!("{how}: {error:?}"),
        };
        let raw = Connection::open(&saved).unwrap();
        let whole: String = raw.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok", "{how}");
        drop(raw);
        let store = SqliteStore::open(&saved).unwrap();
        let list = block_on(store.pings(&PingQuery::newest(2_000))).unwrap();
        assert_eq!(list.items.len() as u64 + list.unreadable, recovered.pings, "{how}");
        assert!(list.unreadable <= 20, "{how}: {}", list.unreadable);
        let (mut found, mut unreadable) = (0, 0);
        for (id, opens) in &all {
            let page = block_on(store.opens(&OpenQuery::oldest(*id, 999))).unwrap();
            let are_theirs = page.items.iter().all(|open| opens.iter().any(|other| other.id == open.id));
            assert!(are_theirs, "{how}: an open at a wrong ping");
            (found, unreadable) = (found + page.items.len() as u64, unreadable + page.unreadable);
        }
        // A flipped bit that the schema does not refuse is found when it is read.
        assert!(found + unreadable <= recovered.opens && unreadable <= 20, "{how}: {found}, {unreadable}");
        lost += all.values().map(|opens| opens.len() as u64).sum::<u64>() - found;
        insert(&store, &ping(LATER));
        let written = block_on(store.record(&[open(ping_id(LATER), 1)], &[], Attempt::First)).unwrap();
        assert_eq!(written, [Recorded::Durable], "{how}");
    }
    eprintln!("{refused} of {damages} files could not be read, {lost} opens were lost in the others");
    assert!(refused <= damages / 8 + 1, "{refused}");
}

fn count(file: &Path) -> usize {
    let raw = Connection::open(file).unwrap();
    let count: i64 = raw.query_row("SELECT count(*) FROM opens", (), |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

/// Has the next start write the file anew.
fn condemn(file: &Path) {
    Connection::open(file).unwrap().execute("UPDATE about SET index_broken = 1", ()).unwrap();
}

#[test]
fn stores_that_start_at_once_on_a_damaged_file_save_it_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let all = make(folder.path());
        let file = folder.path().join("mailping.db");
        condemn(&file);
        let stores: Vec<SqliteStore> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| SqliteStore::open(&file).unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        for (store, n) in stores.iter().zip(LATER..) {
            let id = ping_id(n % PINGS);
            assert_eq!(
                block_on(store.record(&[open(id, n * 100)], &[], Attempt::First)).unwrap(),
                [Recorded::Durable]
            );
        }
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        assert_eq!(names.iter().filter(|name| name.ends_with(".damaged-1")).count(), 1, "{names:?}");
        assert!(!names.iter().any(|name| name.contains(".damaged-2")), "{names:?}");
        assert_eq!(count(&file), all.values().map(Vec::len).sum::<usize>() + stores.len());
    }
}

#[test]
#[cfg(unix)]
fn nothing_is_confirmed_that_stands_in_the_damaged_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let all = make(folder.path());
    let file = folder.path().join("mailping.db");
    let running = SqliteStore::open(&file).unwrap();
    condemn(&file);
    let (confirmed, started) = std::thread::scope(|scope| {
        let hits = scope.spawn(|| {
            let record = |n: u64| {
                let open = open(ping_id(n % PINGS), (LATER + n) * 100);
                // Hits without any pause could keep the other from the lock for longer than it
                // waits.
                std::thread::sleep(std::time::Duration::from_millis(1));
                block_on(running.record(&[open], &[], Attempt::First))
            };
            (0..60_000).take_while(|n| record(*n).is_ok()).count()
        });
        let started = SqliteStore::open(&file).unwrap();
        (hits.join().unwrap(), started)
    });
    drop((running, started));
    assert_eq!(count(&file), all.values().map(Vec::len).sum::<usize>() + confirmed);
}
