//! Opens are found once and erased whole wherever they are on their way from arrival to bundle: with rounds so small that they begin and
//! end all the time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{Answer, Attempt, OpenQuery};
use mailping_core::store::{KeyFingerprint, RecipientHash, RecipientHashes, Store, StoreError};
use mailping_core::testing::store::CASES;
use mailping_core::{Basis, PingId, Timestamp};
use pollster::block_on;
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::SqliteStore;
use crate::packed::Packed;

mod other_files;

const SENT: i64 = 1_795_428_000_000;

fn ping_id(n: u8) -> PingId {
    PingId::from_bytes([n; 16])
}

fn open(ping: u8, n: u16) -> Open {
    let id = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let at = Timestamp::from_unix_millis(SENT + i64::from(n));
    Open::new(ping_id(ping), OpenId::from_bytes(id.to_be_bytes()), at, Fetcher::Browser, Verdict::Human)
}

fn store(file: &Path, round: RangeInclusive<usize>) -> SqliteStore {
    SqliteStore::start(file, round).unwrap()
}

fn given_pings(store: &SqliteStore, pings: u8) {
    for n in 0..pings {
        let mut ping = Ping::stored(ping_id(n), format!("invoice-{n}"), Basis::Contract, Status::Live);
        ping.record_until = Timestamp::from_unix_millis(SENT + 1_000_000);
        ping.keep_until = ping.record_until;
        block_on(store.insert_ping(&ping, None)).unwrap();
    }
}

fn record(store: &SqliteStore, opens: &[Open]) {
    block_on(store.record(opens, &[], Attempt::Repeat)).unwrap();
}

fn found(store: &SqliteStore, ping: u8) -> Vec<Open> {
    block_on(store.opens(&OpenQuery::oldest(ping_id(ping), usize::MAX))).unwrap().opens
}

fn in_bundles(file: &Path) -> usize {
    let connection = Connection::open(file).unwrap();
    let mut find = connection.prepare("SELECT opens FROM opens").unwrap();
    let bundles = find.query_map((), |row| Ok(Packed::from_bytes(row.get(0)?).len())).unwrap();
    bundles.map(|opens| opens.unwrap()).sum()
}

fn arrived(file: &Path) -> usize {
    let connection = Connection::open(file).unwrap();
    let mut find = connection.prepare("SELECT seq, opens FROM arrivals").unwrap();
    let mut found = find.query(()).unwrap();
    let mut opens = 0;
    while let Some(row) = found.next().unwrap() {
        opens += Batch::read(row).unwrap().pings().count();
    }
    opens
}

fn tidy(store: &SqliteStore) {
    store.arrivals.rests();
    while store.arrivals.rests() {
        let step = |transaction: &Transaction<'_>| store.arrivals.tidy(transaction);
        store.writer.write_then(step, |step| store.arrivals.committed(step)).unwrap();
    }
}

#[test]
fn what_is_in_a_bundle_leaves_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("mailping.db"), ROUND);
    given_pings(&store, 1);
    (0..700).for_each(|n| record(&store, &[open(0, n)]));
    assert_eq!(locked(&store.arrivals.known).opens.len(), 700);
    tidy(&store);
    assert_eq!(locked(&store.arrivals.known).opens.len(), 0);
    assert_eq!(found(&store, 0).len(), 700);
}

#[test]
fn the_store_keeps_every_promise_while_it_folds() {
    let folder = tempfile::tempdir().unwrap();
    for round in [0, 7] {
        for case in CASES {
            eprintln!("rounds of {round}: case {}", case.name());
            let file = folder.path().join(format!("{round}-{}", case.name()));
            block_on(case.run(Arc::new(store(&file, round..=round))));
        }
    }
}

#[test]
fn what_arrives_comes_into_bundles_and_leaves_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = store(&file, 100..=100);
    given_pings(&store, 8);
    let of_ping = |ping: u8| (0..3_000).filter(move |n| n % 8 == u16::from(ping)).map(move |n| open(ping, n));
    for n in (0..3_000).step_by(10) {
        let batch: Vec<Open> = (n..n + 10).map(|n| open((n % 8) as u8, n)).collect();
        record(&store, &batch);
    }
    // Two rounds and what has come since: what one round has folded leaves while the next is folded.
    assert!((100..400).contains(&arrived(&file)), "{}", arrived(&file));
    assert!(in_bundles(&file) >= 2_700, "{}", in_bundles(&file));
    for ping in 0..8 {
        assert_eq!(found(&store, ping), of_ping(ping).collect::<Vec<_>>());
    }
}

#[test]
fn a_batch_that_fails_leaves_what_it_would_have_folded_to_be_folded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = store(&file, 4..=4);
    given_pings(&store, 2);
    // A trigger stands for a full disk: it lets a batch fail after its first folds.
    let breaker = Connection::open(&file).unwrap();
    let mut failed = 0;
    for n in 0..200 {
        if n % 5 < 2 {
            let fail = "CREATE TRIGGER fail BEFORE INSERT ON opens WHEN NEW.ping = x'01010101010101010101010101010101'
                        BEGIN SELECT RAISE(ABORT, 'told to'); END";
            breaker.execute_batch(fail).unwrap();
            failed +=
                usize::from(block_on(store.record(&[open(0, n), open(1, n)], &[], Attempt::Repeat)).is_err());
            breaker.execute_batch("DROP TRIGGER fail").unwrap();
        }
        record(&store, &[open(0, n), open(1, n)]);
    }
    assert!(failed > 10, "{failed}");
    for ping in 0..2 {
        assert_eq!(found(&store, ping), (0..200).map(|n| open(ping, n)).collect::<Vec<_>>());
    }
}

#[test]
fn a_number_is_not_given_twice_so_that_another_process_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let (one, other) = (store(&file, ROUND), store(&file, ROUND));
    given_pings(&one, 3);
    record(&one, &[open(0, 1)]);
    record(&one, &[open(1, 1), open(1, 2)]);
    assert_eq!(found(&other, 1), [open(1, 1), open(1, 2)], "the other has seen the newest row");
    assert!(block_on(one.erase(ping_id(1))).unwrap().is_some());
    // One that has seen nothing of it.
    record(&store(&file, ROUND), &[open(2, 2)]);
    assert_eq!(found(&other, 2), [open(2, 2)]);
}

#[test]
fn who_records_no_more_gains_nothing_whoever_changed_it() {
    let hash =
        |byte| RecipientHash::from_parts(KeyFingerprint::from_bits(i64::from(byte)).unwrap(), [byte; 32]);
    let recipient = RecipientHashes::from_parts(hash(1), vec![hash(2)]);
    let of_older_key = RecipientHashes::from_parts(hash(2), Vec::new());
    let due = Timestamp::from_unix_millis(SENT + 1_000_000);
    type Change<'a> = &'a dyn Fn(&SqliteStore);
    let changes: [(&str, Change<'_>); 7] = [
        ("withdraw", &|store| assert!(block_on(store.withdraw(ping_id(0))).unwrap())),
        ("erase", &|store| assert!(block_on(store.erase(ping_id(0))).unwrap().is_some())),
        ("object", &|store| block_on(store.object(&recipient)).unwrap()),
        ("object by ping", &|store| block_on(store.object_by_ping(ping_id(0))).unwrap()),
        ("erase recipient", &|store| {
            assert_eq!(block_on(store.erase_recipient(&recipient)).unwrap().pings, 1)
        }),
        ("purge", &|store| assert_eq!(block_on(store.purge(due, 99)).unwrap().pings, 1)),
        ("a ping to who has objected", &|store| {
            block_on(store.object(&recipient)).unwrap();
            let ping = Ping::stored(ping_id(9), "invoice-9".to_owned(), Basis::Contract, Status::Live);
            assert_eq!(block_on(store.insert_ping(&ping, Some(&recipient))).unwrap(), Status::Untracked);
        }),
    ];
    for (what, change) in changes {
        for by_other in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("mailping.db");
            let (one, other) = (store(&file, ROUND), store(&file, ROUND));
            let mut ping = Ping::stored(ping_id(0), "invoice-0".to_owned(), Basis::Contract, Status::Live);
            ping.record_until = due;
            ping.keep_until = due;
            block_on(one.insert_ping(&ping, Some(&of_older_key))).unwrap();
            assert_eq!(
                block_on(one.record(&[open(0, 1)], &[], Attempt::Repeat)).unwrap().opens,
                [Answer::Kept]
            );
            change(if by_other { &other } else { &one });
            let written = block_on(one.record(&[open(0, 2)], &[], Attempt::Repeat)).unwrap();
            assert_eq!(written.opens, [Answer::Filtered], "{what}, by another: {by_other}");
        }
    }
}

#[test]
fn hints_do_not_grow_while_another_process_folds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let (one, other) = (store(&file, 10..=10), store(&file, 10..=10));
    given_pings(&one, 1);
    for n in (0..8_000).step_by(50) {
        let batch: Vec<Open> = (n..n + 50).map(|n| open(0, n)).collect();
        record(&one, &batch);
        assert_eq!(found(&other, 0).len(), usize::from(n) + 50);
    }
    assert!(other.arrivals.of(ping_id(0)).rows.len() < 2_500);
}

#[test]
fn a_reader_of_an_older_state_sweeps_no_hint_of_what_came_since() {
    let row = |seq| ((1, 1), seq);
    let mut waiting = Waiting::default();
    waiting.add((1..=5_000).map(row).collect(), 5_000);
    waiting.take_over(vec![], 11..=20);
    assert_eq!(waiting.next.take(), (11..=5_000).map(row).collect::<Vec<_>>());
    assert_eq!(waiting.seen, 5_000);
}

#[test]
fn those_of_a_ping_are_folded_together_where_they_are_not_many_more() {
    let mut waiting = Waiting::default();
    let of_ping = |ping, range: RangeInclusive<i64>| range.map(move |seq| ((0, ping), seq));
    waiting.add(of_ping(1, 1..=5).chain(of_ping(2, 6..=9)).chain(of_ping(3, 10..=500)).collect(), 500);
    waiting.begin_round(1);
    let folded = |most| waiting.next_to_fold(most).len();
    assert_eq!([0, 1, 5, 6, 9, 20].map(folded), [0, 5, 5, 9, 9, 84]);
}

#[test]
fn who_reads_while_opens_are_folded_misses_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = store(&file, 0..=0);
    given_pings(&store, 1);
    let kept = AtomicU16::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..1_500 {
                record(&store, &[open(0, n)]);
                kept.store(n + 1, Ordering::Release);
            }
        });
        while kept.load(Ordering::Acquire) < 1_500 {
            let least = usize::from(kept.load(Ordering::Acquire));
            let read = found(&store, 0).len();
            assert!(read >= least, "{read} of {least}");
        }
    });
}

#[test]
fn what_waits_is_folded_when_no_hits_come() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = store(&file, ROUND);
    given_pings(&store, 2);
    let opens: Vec<Open> = (0..2_000).map(|n| open((n % 2) as u8, n)).collect();
    record(&store, &opens);
    assert_eq!((in_bundles(&file), arrived(&file)), (0, 2_000));
    let other = SqliteStore::start(&file, ROUND).unwrap();
    let begun = std::time::Instant::now();
    while arrived(&file) > 0 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{} wait", arrived(&file));
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(in_bundles(&file), 2_000);
    // A number that was taken out is not given again: the other process has seen it.
    record(&store, &[open(0, 3_000)]);
    assert_eq!(
        (found(&store, 0).len(), found(&other, 0).len(), found(&other, 1).len()),
        (1_001, 1_001, 1_000)
    );
}

#[test]
fn hints_of_a_purged_ping_are_not_kept_for_its_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("mailping.db"), ROUND);
    given_pings(&store, 2);
    (0..400).for_each(|n| record(&store, &[open(0, 2 * n), open(1, n), open(0, 2 * n + 1)]));
    let due = Timestamp::from_unix_millis(SENT + 1_000_000);
    for _ in 0..3 {
        assert_eq!(block_on(store.purge(due, 48)).unwrap().opens, 48);
    }
    assert_eq!(store.arrivals.of(ping_id(0)).rows.len(), 0);
    assert_eq!((found(&store, 0).len(), found(&store, 1).len()), (800 - 3 * 48, 400));
}

/// What is done to one of two stores on one file.
#[derive(Debug, Clone)]
enum Deed {
    Tidy,
    Record(Vec<(u8, u16)>),
    Erase(u8),
    Purge(usize),
    Reopen,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => proptest::collection::vec((0..4_u8, 0..60_u16), 1..12).prop_map(Deed::Record),
        1 => (0..4_u8).prop_map(Deed::Erase),
        1 => (0..9_usize).prop_map(Deed::Purge),
        1 => Just(Deed::Reopen),
        2 => Just(Deed::Tidy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_stores_on_one_file_agree_with_a_list(
        deeds in proptest::collection::vec((any::<bool>(), deed()), 1..40),
        round in 0..20_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let mut stores = [store(&file, round..=round), store(&file, 5..=5)];
        given_pings(&stores[0], 4);
        let mut expected: BTreeMap<u8, BTreeMap<u16, Open>> = (0..4).map(|n| (n, BTreeMap::new())).collect();
        let due = Timestamp::from_unix_millis(SENT + 1_000_000);
        for (which, deed) in deeds {
            let acting = &mut stores[usize::from(which)];
            match deed {
                Deed::Record(batch) => {
                    let batch: Vec<(u8, u16, Open)> =
                        batch.into_iter().map(|(ping, n)| (ping, n, open(ping, n))).collect();
                    let opens: Vec<Open> = batch.iter().map(|(.., open)| open.clone()).collect();
                    record(acting, &opens);
                    for (ping, n, open) in batch {
                        expected.entry(ping).and_modify(|kept| { kept.insert(n, open); });
                    }
                }
                Deed::Erase(ping) => {
                    let erased = block_on(acting.erase(ping_id(ping))).unwrap();
                    let kept = expected.remove(&ping).map(|kept| kept.len() as u64);
                    prop_assert_eq!(erased.map(|erased| erased.opens), kept);
                }
                Deed::Purge(limit) => {
                    // Pings in the order of their ids, which all are due: opens first, then their ping.
                    let purged = block_on(acting.purge(due, limit)).unwrap();
                    prop_assert!(purged.pings + purged.opens <= limit as u64);
                    let gone: Vec<u8> = expected.keys().copied().filter(|&ping| {
                        block_on(acting.ping(ping_id(ping))).unwrap().is_none()
                    }).collect();
                    let mut opens: u64 = gone.iter().filter_map(|ping| expected.remove(ping)).map(|kept| kept.len() as u64).sum();
                    for (ping, kept) in &mut expected {
                        let left = found(acting, *ping);
                        opens += (kept.len() - left.len()) as u64;
                        kept.retain(|_, open| left.contains(open));
                    }
                    prop_assert_eq!(purged.opens, opens, "each row is counted once");
                }
                Deed::Tidy => tidy(acting),
                Deed::Reopen => {
                    let other = folder.path().join("none.db");
                    // The lock of the file goes with its last connection.
                    drop(std::mem::replace(acting, store(&other, ROUND)));
                    *acting = store(&file, round..=round);
                }
            }
            for reading in &stores {
                for ping in 0..4 {
                    let mut opens: Vec<Open> =
                        expected.get(&ping).into_iter().flat_map(|kept| kept.values().cloned()).collect();
                    opens.sort_unstable_by_key(|open| (open.at, open.id));
                    prop_assert_eq!(found(reading, ping), opens);
                }
            }
        }
    }
}
