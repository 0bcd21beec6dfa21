//! Several processes on one file, and processes that are killed.

mod common;

use mailping_core::store::OpenQuery;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{all_pings, count_opens, given, insert, open, ping, ping_id, process, record};
use mailping_core::store::Store;
use mailping_sqlite::SqliteStore;
use pollster::block_on;

const PINGS: u64 = 8;
const ROUNDS: u64 = 40;

/// Each process adds pings of its own and opens to all, and repeats opens that the others record
/// too.
#[test]
#[ignore = "run as a process by several_processes_on_one_new_file_lose_nothing"]
fn a_writing_process() {
    let Some((file, number)) = given() else { return };
    let store = SqliteStore::open(file).unwrap();
    insert(&store, &ping(1_000 + number));
    // The pings that all share are made by the first one.
    if number == 0 {
        (0..PINGS).for_each(|n| insert(&store, &ping(n)));
    }
    let start = Instant::now();
    while block_on(store.ping(ping_id(PINGS - 1))).unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "the shared pings never come");
        std::thread::yield_now();
    }
    for round in 0..ROUNDS {
        let mut batch = Vec::new();
        for n in 0..PINGS {
            batch.push(open(ping_id(n), number * 10_000 + round));
            batch.push(open(ping_id(n), 900_000 + round));
        }
        record(&store, &batch);
        if round == ROUNDS / 2 {
            assert!(block_on(store.withdraw(ping_id(1_000 + number))).unwrap());
        }
    }
}

#[test]
fn several_processes_on_one_new_file_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    // None of them finds a file: all make it, switch its journal and lay the schema at once.
    let processes: Vec<_> = (0..4).map(|n| process("a_writing_process", &file, n).spawn().unwrap()).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(all_pings(&store).len() as u64, PINGS + 4);
    for n in 0..PINGS {
        assert_eq!(count_opens(&store, ping_id(n)) as u64, 5 * ROUNDS);
    }
}

/// Records batch after batch and says each number once its batch has been answered, until it is
/// killed.
#[test]
#[ignore = "run as a process by what_was_answered_survives_kill_9"]
fn a_process_to_be_killed() {
    let Some((file, from)) = given() else { return };
    let store = SqliteStore::open(file).unwrap();
    for n in from.. {
        let batch: Vec<_> = (0..PINGS).map(|ping| open(ping_id(ping), n)).collect();
        record(&store, &batch);
        println!("\nrecorded {n}");
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn what_was_answered_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    (0..PINGS).for_each(|n| insert(&store, &ping(n)));
    drop(store);
    let mut answered = 0;
    for round in 0..5 {
        let from = round * 1_000_000;
        let mut killed =
            process("a_process_to_be_killed", &file, from).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(killed.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut numbers = lines.filter_map(|line| line.strip_prefix("recorded ")?.parse::<u64>().ok());
        let mut last = numbers.nth(20 + 13 * round as usize).unwrap();
        killed.kill().unwrap();
        killed.wait().unwrap();
        // Lines that were still under way are answers too.
        last = numbers.last().unwrap_or(last);
        answered += last - from + 1;
        let store = SqliteStore::open(&file).unwrap();
        for ping in 0..PINGS {
            let opens = block_on(store.opens(&OpenQuery::oldest(ping_id(ping), usize::MAX))).unwrap().items;
            for n in from..=last {
                assert!(opens.contains(&open(ping_id(ping), n)), "open {n} was answered and is gone");
            }
            // One batch may have been written and not answered, in each round.
            let most = answered + round + 1;
            assert!((answered..=most).contains(&(opens.len() as u64)), "{} opens", opens.len());
        }
    }
}
