//! Events: after the open is on disk, at least once, across restarts and processes, and never in a
//! pixel's way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests stand outside of #[test] functions"
)]

mod common;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::*;
use mailping_core::fetcher::{Classifier, Verdict};
use mailping_core::intake::Recorded;
use mailping_core::pings::TimeStep;
use mailping_core::receipts::{Event, Events};
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::{Detail, NewPing, PreparedPing, State, Tracker};

const PATIENCE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(10);

/// A fetch right after sending would be uncertain.
fn hour_old() -> NewPing {
    new_ping().sent_at(Clock::new().now() - Duration::from_secs(3_600)).owner("billing")
}

fn fetch(tracker: &Tracker, ping: &PreparedPing, agent: &str) {
    let recorded = hit(tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", agent)]);
    assert_eq!(recorded, Ok(Recorded::Durable));
}

fn tracker_on(store: &FaultyStore) -> Tracker {
    build(builder(store.clone(), &Clock::new()).hit_limit(0))
}

fn follow(tracker: &Tracker) -> Events {
    pollster::block_on(tracker.receipts().events()).unwrap()
}

fn next(events: &mut Events) -> Event {
    pollster::block_on(events.next()).unwrap().expect("an event")
}

fn fetches(tracker: &Tracker, ping: &PreparedPing) -> u64 {
    receipt(tracker, ping.id()).summary.fetches
}

#[test]
fn an_event_says_what_happened_to_which_receipt() {
    let clock = Clock::new();
    let tracker = build(builder(FaultyStore::default(), &clock));
    let ping = ping(&tracker, hour_old().time_step(TimeStep::Exact));
    let mut events = follow(&tracker);
    let steps = [
        ("curl/8.5.0", Verdict::Machine, State::NoFetch, State::MachineOnly, false, false),
        (FIREFOX, Verdict::Human, State::MachineOnly, State::Opened, true, false),
        (FIREFOX, Verdict::Human, State::Opened, State::Opened, false, true),
        ("curl/8.5.0", Verdict::Machine, State::Opened, State::Opened, false, false),
    ];
    for (agent, verdict, before, after, first, again) in steps {
        clock.advance(minute());
        fetch(&tracker, &ping, agent);
        let event = next(&mut events);
        assert_eq!((event.ping, event.reference.as_str()), (ping.id(), "invoice-42"));
        assert_eq!(event.owner.as_deref(), Some("billing"));
        assert_eq!((event.verdict, event.own, event.at.step()), (verdict, false, TimeStep::Exact));
        assert_eq!((event.before, event.after), (before, after), "{agent}");
        assert_eq!((event.is_first_open(), event.is_reopen()), (first, again), "{agent}");
        let debug = format!("{event:?} {events:?}");
        assert!(!debug.contains("invoice") && !debug.contains("billing"), "{debug}");
    }
}

#[test]
fn a_second_display_is_a_reopen_and_the_senders_own_is_neither() {
    let clock = Clock::new();
    let own = Classifier::default().own_networks(["198.51.100.0/24".parse().unwrap()]);
    let tracker = build(builder(FaultyStore::default(), &clock).classifier(own));
    let ping = ping(&tracker, hour_old());
    let mut events = follow(&tracker);
    for (peer, own, first, again) in [
        ("198.51.100.7", true, false, false),
        ("192.0.2.7", false, true, false),
        ("198.51.100.7", true, false, false),
        ("192.0.2.7", false, false, true),
    ] {
        clock.advance(minute());
        hit(&tracker, ping.pixel_url().unwrap(), peer, &[("user-agent", FIREFOX)]).unwrap();
        let event = next(&mut events);
        assert_eq!((event.own, event.is_first_open(), event.is_reopen()), (own, first, again), "{event:?}");
    }
}

#[test]
fn a_last_day_and_an_uncertain_fetch_say_what_they_prove() {
    let tracker = tracker_on(&FaultyStore::default());
    let (day, early) = (ping(&tracker, hour_old().detail(Detail::LastDay)), ping(&tracker, new_ping()));
    let mut events = follow(&tracker);
    fetch(&tracker, &day, FIREFOX);
    let event = next(&mut events);
    assert_eq!((event.ping, event.at.step(), event.is_first_open()), (day.id(), TimeStep::Day, true));
    fetch(&tracker, &early, FIREFOX);
    assert_eq!(next(&mut events).after, State::Uncertain);
}

#[test]
fn an_open_is_told_once_it_can_be_read_and_what_is_filtered_never() {
    let store = FaultyStore::default();
    let tracker = build(builder(store.clone(), &Clock::new()).deadline(Duration::from_millis(20)));
    let (ping, withdrawn) = (ping(&tracker, hour_old()), ping(&tracker, hour_old()));
    pollster::block_on(tracker.pings().withdraw(withdrawn.id())).unwrap();
    let mut events = follow(&tracker);
    store.fault(Fault::RecordFails);
    let recorded = hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", FIREFOX)]);
    assert_eq!(recorded, Ok(Recorded::Late));
    store.fault(Fault::None);
    assert_eq!((next(&mut events).ping, fetches(&tracker, &ping)), (ping.id(), 1));
    let filtered = hit(&tracker, withdrawn.pixel_url().unwrap(), "192.0.2.7", &[]);
    assert_eq!(filtered, Ok(Recorded::Filtered));
    hit(&tracker, "https://app.example/px/forged.gif", "192.0.2.7", &[]).unwrap();
    fetch(&tracker, &ping, FIREFOX);
    assert_eq!(next(&mut events).ping, ping.id(), "nothing came in between");
}

#[test]
fn a_mark_misses_nothing_across_a_restart_and_repeats_have_their_ids() {
    let store = FaultyStore::default();
    let tracker = tracker_on(&store);
    let ping = ping(&tracker, hour_old());
    let mut before = follow(&tracker);
    let start = before.mark().clone();
    fetch(&tracker, &ping, FIREFOX);
    let first = next(&mut before);
    pollster::block_on(tracker.intake().close(PATIENCE));
    let other = tracker_on(&store);
    // The keyring is another, and so is what it signs: its own pings gain the opens.
    let later = common::ping(&other, hour_old());
    fetch(&other, &later, FIREFOX);
    let mut after = other.receipts().events_since(first.mark.clone());
    assert_eq!(next(&mut after).ping, later.id(), "the mark stands behind the event");
    let mut again = other.receipts().events_since(start);
    let repeated = next(&mut again);
    assert_eq!((&repeated.id, repeated.before, repeated.after), (&first.id, first.before, first.after));
    assert_eq!(next(&mut again).ping, later.id());
    let elsewhere = tracker_on(&FaultyStore::default());
    let foreign = follow(&elsewhere).mark().clone();
    let error = pollster::block_on(other.receipts().events_since(foreign).next()).unwrap_err();
    assert!(error.is_unknown_mark(), "{error}");
}

#[test]
fn another_process_on_the_database_is_followed() {
    let store = FaultyStore::default();
    let (sends, reads) = (tracker_on(&store), tracker_on(&store));
    let ping = ping(&sends, hour_old());
    let mut events = follow(&reads).every(SHORT);
    let following = std::thread::spawn(move || next(&mut events).ping);
    fetch(&sends, &ping, FIREFOX);
    assert_eq!(following.join().unwrap(), ping.id());
}

#[test]
fn a_reader_that_sleeps_slows_no_pixel_and_misses_nothing() {
    let tracker = tracker_on(&FaultyStore::default());
    let ping = ping(&tracker, hour_old());
    let (mut all, mut changed) = (follow(&tracker), follow(&tracker));
    let begun = Instant::now();
    for _ in 0..200 {
        fetch(&tracker, &ping, FIREFOX);
    }
    assert!(begun.elapsed() < PATIENCE, "no pixel waits for a reader");
    let ids: std::collections::BTreeSet<String> = (0..200).map(|_| next(&mut all).id).collect();
    assert_eq!(ids.len(), 200);
    assert_eq!(pollster::block_on(changed.changed()).unwrap(), Some(vec![ping.id()]));
}

#[test]
fn a_store_that_is_down_is_an_error_and_the_next_call_goes_on() {
    let store = FaultyStore::default();
    let tracker = tracker_on(&store);
    let ping = ping(&tracker, hour_old());
    let mut events = follow(&tracker);
    fetch(&tracker, &ping, FIREFOX);
    store.fault(Fault::Down);
    assert!(pollster::block_on(events.next()).unwrap_err().is_unavailable());
    store.fault(Fault::None);
    assert_eq!(next(&mut events).ping, ping.id());
}

#[test]
fn closing_ends_the_events_after_the_last_one() {
    let store = FaultyStore::default();
    let tracker = tracker_on(&store);
    let ping = ping(&tracker, hour_old());
    let mut events = follow(&tracker);
    fetch(&tracker, &ping, FIREFOX);
    pollster::block_on(tracker.intake().close(PATIENCE));
    assert_eq!(next(&mut events).ping, ping.id());
    assert_eq!(pollster::block_on(events.next()).unwrap(), None);
    // Neither a tracker that never recorded nor one with a dead store keeps its readers.
    let idle = tracker_on(&store);
    let mut waits = follow(&idle);
    drop(idle);
    assert_eq!(pollster::block_on(waits.next()).unwrap(), None);
    let dead = build(builder(store.clone(), &Clock::new()).deadline(Duration::from_millis(20)));
    let other = common::ping(&dead, hour_old());
    let mut waits = follow(&dead);
    store.fault(Fault::RecordHangs);
    hit(&dead, other.pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    pollster::block_on(dead.intake().close(Duration::from_millis(50)));
    assert_eq!(pollster::block_on(waits.next()).unwrap(), None);
    store.fault(Fault::None);
}

#[test]
fn the_first_open_of_a_message_is_told_by_a_task_through_a_failing_store() {
    let store = FaultyStore::default();
    let clock = Clock::new();
    let tracker = build(builder(store.clone(), &clock));
    let ping = ping(&tracker, hour_old());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (tell, told) = mpsc::channel();
    let events = follow(&tracker).every(SHORT);
    store.fault(Fault::Down);
    let task = runtime.spawn(events.on_first_open(async move |opened| {
        tell.send((opened.ping, opened.before)).unwrap();
    }));
    store.fault(Fault::None);
    for agent in ["curl/8.5.0", FIREFOX, FIREFOX] {
        clock.advance(minute());
        fetch(&tracker, &ping, agent);
    }
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (ping.id(), State::MachineOnly));
    pollster::block_on(tracker.intake().close(PATIENCE));
    runtime.block_on(task).unwrap().unwrap();
    assert!(told.try_recv().is_err(), "the second display is no first one");
}
