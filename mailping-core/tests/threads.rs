//! A program that only sends or only reads starts no thread. Alone in its file: it looks at all threads of the process.
#![cfg(target_os = "linux")]

mod common;

use common::*;
use mailping_core::store::PingQuery;
use mailping_core::{MemoryStore, Recorded};

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

const NONE: [&str; 0] = [];
const INTAKE: [&str; 2] = ["mailping-deadli", "mailping-writer"];

#[test]
fn only_the_intake_starts_threads_and_only_once() {
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
    assert_eq!(threads(), NONE, "sending, reading and asking need none");
    drop(tracker);
    let closed = build(builder(MemoryStore::new(), &Clock::new()));
    assert_eq!(pollster::block_on(closed.intake().close(minute())).lost, 0);
    assert_eq!(threads(), NONE, "nor does closing");

    let tracker = build(builder(MemoryStore::new(), &Clock::new()));
    tracker.intake().start();
    tracker.intake().start();
    assert_eq!(threads(), INTAKE);
    let sent = ping(&tracker, new_ping());
    assert_eq!(hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    assert_eq!(threads(), INTAKE);
    let other = build(builder(MemoryStore::new(), &Clock::new()));
    let sent = ping(&other, new_ping());
    assert_eq!(hit(&other, sent.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    assert_eq!(threads().len(), 4, "the first hit starts them too");
}
