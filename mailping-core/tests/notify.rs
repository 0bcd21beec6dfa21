//! Notifications: told after the open is on disk, bounded and counted, and never in a pixel's way.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::*;
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::{Detail, Event, NewPing, PingId, Recorded, State, Tracker};

const PATIENCE: Duration = Duration::from_secs(10);

/// A fetch right after sending would be uncertain.
fn hour_old() -> NewPing {
    new_ping().sent_at(Clock::new().now() - Duration::from_secs(3_600))
}

fn fetch(tracker: &Tracker, url: &str) {
    let recorded = hit(tracker, url, "192.0.2.7", &[("user-agent", FIREFOX)]);
    assert_eq!(recorded, Ok(Recorded::Durable));
}

fn fetches(tracker: &Tracker, id: PingId) -> u64 {
    pollster::block_on(tracker.receipt(id)).unwrap().unwrap().summary.fetches
}

#[test]
fn an_open_is_told_once_it_can_be_read() {
    let store = FaultyStore::default();
    let tracker = build(builder(store.clone(), &Clock::new()).deadline(Duration::from_millis(20)));
    let ping = ping(&tracker, hour_old());
    let mut events = tracker.subscribe(8);
    store.fault(Fault::RecordFails);
    hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", FIREFOX)]).unwrap();
    assert_eq!(events.wait(Duration::from_millis(200)), None, "it is not on disk yet");
    store.fault(Fault::None);
    let event = events.wait(PATIENCE).expect("an event");
    assert_eq!(fetches(&tracker, ping.id()), 1);
    assert_eq!((event.ping(), event.proves()), (ping.id(), State::Opened));
    assert!(matches!(event, Event::Open(open) if open.ping == ping.id()));
    assert_eq!(events.wait(Duration::from_millis(50)), None, "a batch that was tried again is told once");
}

#[test]
fn what_is_filtered_or_refused_is_not_told() {
    let tracker = build(builder(FaultyStore::default(), &Clock::new()));
    let withdrawn = ping(&tracker, hour_old());
    pollster::block_on(tracker.withdraw(withdrawn.id())).unwrap();
    let live = ping(&tracker, hour_old());
    let mut events = tracker.subscribe(8);
    let filtered = hit(&tracker, withdrawn.pixel_url().unwrap(), "192.0.2.7", &[]);
    assert_eq!(filtered, Ok(Recorded::Filtered));
    hit(&tracker, "https://app.example/px/forged.gif", "192.0.2.7", &[]).unwrap();
    fetch(&tracker, live.pixel_url().unwrap());
    assert_eq!(events.wait(PATIENCE).map(|event| event.ping()), Some(live.id()));
    assert_eq!(events.wait(Duration::from_millis(50)), None);
}

#[test]
fn an_event_claims_no_more_than_it_proves() {
    let tracker = build(builder(FaultyStore::default(), &Clock::new()));
    let mut events = tracker.subscribe(8);
    let (seen, day) = (ping(&tracker, hour_old()), ping(&tracker, hour_old().detail(Detail::LastDay)));
    let early = ping(&tracker, new_ping());
    for (url, agent, proves) in [
        (seen.pixel_url(), FIREFOX, State::Opened),
        (seen.pixel_url(), "curl/8.5.0", State::MachineOnly),
        (day.pixel_url(), FIREFOX, State::Opened),
        // Last: for minutes nobody would be certain of the same agent.
        (early.pixel_url(), FIREFOX, State::Uncertain),
    ] {
        hit(&tracker, url.unwrap(), "192.0.2.7", &[("user-agent", agent)]).unwrap();
        let event = events.wait(PATIENCE).expect("an event");
        assert_eq!(event.proves(), proves, "{agent}");
        assert_eq!(matches!(event, Event::LastDay(_)), url == day.pixel_url());
    }
}

#[test]
fn a_subscriber_that_sleeps_loses_what_does_not_fit_and_both_are_counted() {
    let tracker = build(builder(FaultyStore::default(), &Clock::new()).hit_limit(0));
    let ping = ping(&tracker, hour_old());
    let (mut small, mut large) = (tracker.subscribe(3), tracker.subscribe(100));
    let begun = Instant::now();
    for _ in 0..10 {
        fetch(&tracker, ping.pixel_url().unwrap());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "no pixel waits for a subscriber");
    for _ in 0..10 {
        assert!(large.wait(PATIENCE).is_some());
    }
    assert_eq!((small.missed(), large.missed(), tracker.health().events_missed), (7, 0, 7));
    for _ in 0..3 {
        assert!(small.wait(PATIENCE).is_some());
    }
    fetch(&tracker, ping.pixel_url().unwrap());
    assert!(small.wait(PATIENCE).is_some(), "there is room again");
    drop((small, large));
    fetch(&tracker, ping.pixel_url().unwrap());
    assert_eq!(tracker.health().events_missed, 7, "nobody is subscribed any more");
}

#[test]
fn a_hook_that_panics_or_hangs_slows_no_pixel_and_is_called_again() {
    let (tell, told) = mpsc::channel();
    let mut calls = 0;
    let builder = builder(FaultyStore::default(), &Clock::new()).on_open(move |event| {
        calls += 1;
        tell.send(event.ping()).unwrap();
        match calls {
            1 => panic!("told to panic"),
            2 => std::thread::sleep(Duration::from_millis(500)),
            _ => {}
        }
    });
    let tracker = build(builder);
    let ping = ping(&tracker, hour_old());
    let begun = Instant::now();
    for _ in 0..3 {
        fetch(&tracker, ping.pixel_url().unwrap());
    }
    assert!(begun.elapsed() < Duration::from_millis(450), "{:?}", begun.elapsed());
    for _ in 0..3 {
        assert_eq!(told.recv_timeout(PATIENCE), Ok(ping.id()));
    }
}

#[test]
fn closing_ends_every_subscription_after_its_last_event() {
    let tracker = build(builder(FaultyStore::default(), &Clock::new()));
    let ping = ping(&tracker, hour_old());
    let (events, mut polled) = (tracker.subscribe(8), tracker.subscribe(8));
    let counting = std::thread::spawn(move || events.count());
    fetch(&tracker, ping.pixel_url().unwrap());
    pollster::block_on(tracker.close(PATIENCE));
    assert_eq!(counting.join().unwrap(), 1);
    assert!(pollster::block_on(polled.recv()).is_some());
    assert!(pollster::block_on(polled.recv()).is_none());
    assert_eq!(tracker.subscribe(8).wait(PATIENCE), None);
}

#[test]
fn a_dead_store_does_not_keep_subscribers_waiting_after_close() {
    let store = FaultyStore::default();
    let tracker = build(builder(store.clone(), &Clock::new()).deadline(Duration::from_millis(20)));
    let ping = ping(&tracker, hour_old());
    let mut events = tracker.subscribe(8);
    store.fault(Fault::RecordHangs);
    hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    pollster::block_on(tracker.close(Duration::from_millis(50)));
    assert!(pollster::block_on(events.recv()).is_none());
    store.fault(Fault::None);
}
