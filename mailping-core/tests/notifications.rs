//! What a sender is told about a message: the first open, one after a pause, none for days.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::Duration;

use common::*;
use mailping_core::fetcher::Classifier;
use mailping_core::pings::Status;
use mailping_core::receipts::{Notification, PingQuery};
use mailping_core::{Detail, MemoryStore, NewPing, PingId, PreparedPing, Tracker};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn told(tracker: &Tracker, id: PingId) -> Vec<(&'static str, String)> {
    let (_, notifications) = pollster::block_on(tracker.receipts().notifications(id)).unwrap().unwrap();
    notifications.iter().map(|notification| (notification.name(), notification.at().to_string())).collect()
}

fn fetch(tracker: &Tracker, ping: &PreparedPing, agent: &str) {
    hit(tracker, ping.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", agent)]).unwrap();
}

fn plain(clock: &Clock) -> Tracker {
    build(builder(MemoryStore::new(), clock))
}

#[test]
fn the_first_open_and_each_after_a_pause_are_told() {
    let clock = Clock::new();
    let tracker = plain(&clock);
    let ping = ping(&tracker, new_ping());
    for (pause, agent) in
        [(HOUR, "curl/8.5.0"), (HOUR, FIREFOX), (DAY - HOUR, FIREFOX), (DAY, FIREFOX), (3 * DAY, FIREFOX)]
    {
        clock.advance(pause);
        fetch(&tracker, &ping, agent);
    }
    assert_eq!(
        told(&tracker, ping.id()),
        [
            ("opened", "2026-11-23T12:00:00.000Z".to_owned()),
            ("reopened", "2026-11-25T11:00:00.000Z".to_owned()),
            ("reopened", "2026-11-28T11:00:00.000Z".to_owned()),
        ],
        "a display 23 hours after another is no reopening, and a machine's is none at all"
    );
}

#[test]
fn the_pause_and_the_patience_are_settings() {
    let clock = Clock::new();
    let builder = builder(MemoryStore::new(), &clock).reopened_after(2 * DAY).not_opened_after(HOUR);
    let tracker = build(builder);
    let ping = ping(&tracker, new_ping());
    clock.advance(HOUR);
    assert_eq!(told(&tracker, ping.id()), [("not_opened", "2026-11-23T11:00:00.000Z".to_owned())]);
    for pause in [HOUR, DAY, 3 * DAY] {
        clock.advance(pause);
        fetch(&tracker, &ping, FIREFOX);
    }
    let names: Vec<_> = told(&tracker, ping.id()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["opened", "reopened"]);
}

#[test]
fn a_message_that_nobody_opened_is_told_after_the_patience_and_until_somebody_does() {
    let clock = Clock::new();
    let tracker = plain(&clock);
    let ping = ping(&tracker, new_ping());
    clock.advance(3 * DAY - HOUR);
    fetch(&tracker, &ping, "curl/8.5.0");
    assert_eq!(told(&tracker, ping.id()), []);
    clock.advance(HOUR);
    assert_eq!(told(&tracker, ping.id()), [("not_opened", "2026-11-26T10:00:00.000Z".to_owned())]);
    clock.advance(HOUR);
    fetch(&tracker, &ping, FIREFOX);
    assert_eq!(told(&tracker, ping.id()), [("opened", "2026-11-26T11:00:00.000Z".to_owned())]);
}

#[test]
fn the_senders_own_displays_are_not_told() {
    let clock = Clock::new();
    let own = Classifier::default().own_networks(["198.51.100.0/24".parse().unwrap()]);
    let tracker = build(builder(MemoryStore::new(), &clock).classifier(own));
    let ping = ping(&tracker, new_ping());
    clock.advance(HOUR);
    fetch(&tracker, &ping, FIREFOX);
    assert_eq!(told(&tracker, ping.id()), []);
}

#[test]
fn the_last_day_alone_tells_that_it_was_opened() {
    let clock = Clock::new();
    let tracker = plain(&clock);
    let ping = ping(&tracker, new_ping().detail(Detail::LastDay));
    clock.advance(HOUR);
    fetch(&tracker, &ping, FIREFOX);
    assert_eq!(told(&tracker, ping.id()), [("opened", "2026-11-23".to_owned())]);
}

#[test]
fn nothing_is_told_of_messages_that_are_not_recorded() {
    let clock = Clock::new();
    let tracker = plain(&clock);
    let untracked = ping(&tracker, new_ping().detail(Detail::None));
    let withdrawn = ping(&tracker, new_ping());
    assert!(pollster::block_on(tracker.pings().withdraw(withdrawn.id())).unwrap());
    let expired = ping(&tracker, new_ping().record_for(DAY));
    clock.advance(4 * DAY);
    assert_eq!(untracked.status(), Status::Untracked);
    assert_eq!((told(&tracker, untracked.id()), told(&tracker, withdrawn.id())), (vec![], vec![]));
    assert_eq!(told(&tracker, expired.id()).len(), 1, "it was recorded for a day, and nobody opened it");
    assert!(
        pollster::block_on(tracker.receipts().notifications(PingId::from_bytes([0; 16]))).unwrap().is_none()
    );
}

#[test]
fn a_query_tells_of_each_ping_from_the_newest() {
    let clock = Clock::new();
    let tracker = plain(&clock);
    let send = |reference: &str| {
        clock.advance(HOUR);
        ping(&tracker, NewPing::one_to_one(reference, mailping_core::Basis::Contract).owner("billing"))
    };
    let (opened, unopened) = (send("invoice-1"), send("invoice-2"));
    clock.advance(HOUR);
    fetch(&tracker, &opened, FIREFOX);
    clock.advance(3 * DAY);
    let query = PingQuery::newest(10).owner("billing");
    let all = pollster::block_on(tracker.receipts().list_notifications(&query)).unwrap();
    let told: Vec<_> = all.items.iter().map(|(summary, told)| (summary.ping.id, told[0])).collect();
    let [(first, Notification::NotOpened { .. }), (second, Notification::Opened { .. })] = told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((first, second), (unopened.id(), opened.id()));
}
