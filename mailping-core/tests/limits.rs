//! Many hits, repeated ones and odd clocks: what is stored, counted once, or called uncertain.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::Duration;

use common::*;
use mailping_core::intake::Recorded;
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::{Detail, State};

const CURL: &str = "curl/8.5.0";

#[test]
fn ten_thousand_hits_on_one_url_store_the_limit_and_count_the_rest() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    for (agent, stored) in [(FIREFOX, 100), (CURL, 50)] {
        let ping = ping(&tracker, new_ping());
        clock.advance(minute());
        let before = tracker.intake().health().dropped.hit_limit;
        for _ in 0..10_000 {
            hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", agent)]).unwrap();
        }
        assert_eq!(receipt(&tracker, ping.id()).summary.fetches, stored, "{agent}");
        assert_eq!(tracker.intake().health().dropped.hit_limit - before, 10_000 - stored, "{agent}");
    }
}

#[test]
fn machine_fetches_hide_no_person() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let ping = ping(&tracker, new_ping());
    let fetch = |agent| hit(&tracker, ping.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", agent)]);
    clock.advance(minute());
    for _ in 0..100 {
        fetch(CURL).unwrap();
    }
    assert_eq!(receipt(&tracker, ping.id()).summary.state, State::MachineOnly);
    assert_eq!(fetch(FIREFOX), Ok(Recorded::Durable));
    assert_eq!(receipt(&tracker, ping.id()).summary.state, State::Opened);
}

#[test]
fn fetches_of_which_nothing_is_kept_use_up_nothing() {
    let clock = Clock::new();
    let tracker = build(builder(FaultyStore::default(), &clock).hit_limit(2));
    let day = ping(&tracker, new_ping().detail(Detail::LastDay));
    let fetch =
        |url: Option<&str>, agent| hit(&tracker, url.unwrap(), "198.51.100.7", &[("user-agent", agent)]);
    clock.advance(minute());
    for agent in [CURL, FIREFOX] {
        let expected = if agent == CURL { Recorded::Filtered } else { Recorded::Durable };
        for _ in 0..100 {
            assert_eq!(fetch(day.pixel_url(), agent), Ok(expected), "{agent}");
        }
    }
    assert!(receipt(&tracker, day.id()).summary.last_human_open.is_some());
    // A dead ping: the store keeps nothing, however often.
    let withdrawn = ping(&tracker, new_ping());
    assert!(pollster::block_on(tracker.pings().withdraw(withdrawn.id())).unwrap());
    for _ in 0..100 {
        assert_eq!(fetch(withdrawn.pixel_url(), FIREFOX), Ok(Recorded::Filtered));
    }
    assert_eq!((tracker.intake().health().filtered, tracker.intake().health().dropped.hit_limit), (100, 0));
}

#[test]
fn opens_that_a_full_queue_lost_use_up_nothing() {
    let (store, clock) = (FaultyStore::default(), Clock::new());
    let tracker =
        build(builder(store.clone(), &clock).hit_limit(3).queue_capacity(1).deadline(Duration::ZERO));
    let sent = ping(&tracker, new_ping());
    clock.advance(minute());
    let fetch = || hit(&tracker, sent.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", FIREFOX)]);
    store.fault(Fault::Down);
    assert_eq!(fetch(), Ok(Recorded::Late));
    for _ in 0..10 {
        assert_eq!(fetch(), Err(QUEUE_FULL.to_owned()));
    }
    store.fault(Fault::None);
    let begun = std::time::Instant::now();
    while tracker.intake().health().queue_depth > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the store takes opens again");
        std::thread::yield_now();
    }
    assert_ne!(fetch(), Ok(Recorded::Filtered));
}

#[test]
fn a_burst_from_one_network_becomes_uncertain_without_a_place() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let pings: Vec<_> = (0..25).map(|_| ping(&tracker, new_ping())).collect();
    clock.advance(minute());
    let fetch = |agent| {
        for ping in &pings {
            hit(&tracker, ping.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", agent)]).unwrap();
        }
    };
    fetch(FIREFOX);
    let first = receipt(&tracker, pings[0].id());
    assert_eq!(first.summary.state, State::Opened, "forward only");
    let last = receipt(&tracker, pings[24].id());
    assert_eq!(last.summary.state, State::Uncertain);
    assert!(last.opens[0].city.is_none());
    assert!(serde_json::to_string(&last).unwrap().contains("net:burst"));
}

#[test]
fn a_clock_that_steps_back_loses_and_purges_nothing() {
    let (store, clock) = (FaultyStore::default(), Clock::new());
    let every = Duration::from_millis(5);
    let tracker = build(builder(store.clone(), &clock).purge_every(every).hit_limit(3));
    let sent = ping(&tracker, new_ping());
    let fetch = || hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", FIREFOX)]);
    clock.advance(minute());
    assert_eq!(fetch(), Ok(Recorded::Durable));
    // By a year: before the sending, and before what is kept.
    clock.set("2025-11-23T10:00:00Z");
    assert_eq!(fetch(), Ok(Recorded::Durable));
    let early = ping(&tracker, new_ping());
    assert_eq!(hit(&tracker, early.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    clock.set("2026-11-23T10:05:00Z");
    assert_eq!(fetch(), Ok(Recorded::Durable));
    assert_eq!(fetch(), Ok(Recorded::Durable), "an hour's hits before the step do not count now");
    let begun = std::time::Instant::now();
    while tracker.intake().health().purged_pings == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "what was kept for 90 days of 2025 is due");
        std::thread::yield_now();
    }
    assert!(pollster::block_on(tracker.receipts().get(early.id())).unwrap().is_none());
    let summary = receipt(&tracker, sent.id()).summary;
    assert_eq!((summary.fetches, summary.state), (4, State::Opened));
    assert_eq!(tracker.intake().health().purged_pings, 1);
}

#[test]
fn yahoo_trying_again_counts_once_and_is_kept_each_time() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let ping = ping(&tracker, new_ping());
    clock.advance(minute());
    let agent = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html";
    for _ in 0..4 {
        hit(&tracker, ping.pixel_url().unwrap(), "98.138.20.5", &[("user-agent", agent)]).unwrap();
        clock.advance(Duration::from_secs(5));
    }
    let summary = receipt(&tracker, ping.id()).summary;
    assert_eq!((summary.fetches, summary.human_opens), (4, 1));
}
