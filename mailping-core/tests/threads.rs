//! A program that only sends or only reads starts no thread. Alone in its file: it looks at all
//! threads of the process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use common::*;
use mailping_core::MemoryStore;
use mailping_core::intake::Recorded;
use mailping_core::store::PingQuery;

/// The threads of mailping in this process, by name.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    // The kernel cuts a name after 15 bytes.
    let mut ours: Vec<String> =
        names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("mailping")).collect();
    ours.sort();
    ours
}

/// A thread gives itself its name, so that a new one is waited for.
fn are(expected: &[&str]) {
    let begun = std::time::Instant::now();
    while threads() != expected {
        assert!(begun.elapsed() < minute(), "{:?} instead of {expected:?}", threads());
        std::thread::yield_now();
    }
}

fn number() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

const INTAKE: [&str; 2] = ["mailping-deadli", "mailping-writer"];

#[test]
fn only_the_intake_starts_threads_and_only_once() {
    let before = number();
    let tracker = build(builder(MemoryStore::new(), &Clock::new()));
    let sent = ping(&tracker, new_ping().to("ada@example.com"));
    pollster::block_on(async {
        tracker.pings().get(sent.id()).await.unwrap();
        tracker.receipts().get(sent.id()).await.unwrap();
        tracker.receipts().list(&PingQuery::newest(9)).await.unwrap();
        let events = tracker.receipts().events().await.unwrap();
        tracker.people().export("ada@example.com").await.unwrap();
        tracker.people().object("ada@example.com").await.unwrap();
        drop(events);
    });
    assert_eq!(tracker.intake().health().queue_depth, 0);
    assert_eq!(number(), before, "sending, reading and asking need none");
    drop(tracker);
    let closed = build(builder(MemoryStore::new(), &Clock::new()));
    assert_eq!(pollster::block_on(closed.intake().close(minute())), 0);
    assert_eq!(number(), before, "nor does closing");

    let tracker = build(builder(MemoryStore::new(), &Clock::new()));
    tracker.intake().start();
    tracker.intake().start();
    are(&INTAKE);
    let sent = ping(&tracker, new_ping());
    assert_eq!(hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    are(&INTAKE);
    let other = build(builder(MemoryStore::new(), &Clock::new()));
    let sent = ping(&other, new_ping());
    assert_eq!(hit(&other, sent.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    are(&[INTAKE[0], INTAKE[0], INTAKE[1], INTAKE[1]]);
}
