//! What comes in for one message, in order, with the clock in the test's hand.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not tests to clippy")]

mod common;

use std::sync::Arc;

use common::*;
use mailping_core::Tracker;
use mailping_core::geo::{GeoResolver, MaxMind};
use mailping_core::intake::PixelRequest;
use mailping_core::testing::stories::{self, Fetch};

const STORIES: &str = include_str!("corpus/stories.jsonl");

fn fetch(tracker: &Tracker, fetch: &Fetch) {
    let headers = fetch
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect::<http::HeaderMap>();
    let request = PixelRequest::new(&fetch.path, "127.0.0.1".parse().ok(), &headers);
    match fetch.method.as_str() {
        "HEAD" => tracker.intake().note_head(&request),
        _ => drop(pollster::block_on(tracker.intake().record(&request)).unwrap()),
    }
}

fn run(stories: &str) -> stories::Report {
    let geo: Arc<dyn GeoResolver> =
        Arc::new(MaxMind::from_bytes(mailping_fixtures::everywhere().unwrap()).unwrap());
    stories::run(stories, &geo, |tracker| tracker, fetch).unwrap()
}

#[test]
fn every_story_comes_out_as_a_careful_person_concludes() {
    let report = run(STORIES);
    assert_eq!(report.scored, 13, "one of the fourteen is of low confidence");
    assert!(report.misses.is_empty(), "{:#?}", report.misses);
}

#[test]
fn sequences_at_their_edges_come_out_as_a_careful_person_concludes() {
    let report = run(include_str!("corpus/sequences.jsonl"));
    assert!(report.scored > 20 && report.misses.is_empty(), "{:#?}", report.misses);
}

#[test]
fn the_early_window_begins_when_the_message_was_accepted_if_that_is_known() {
    let report = run(include_str!("corpus/accepted.jsonl"));
    assert!(report.scored == 11 && report.misses.is_empty(), "{:#?}", report.misses);
}

#[test]
fn four_pings_at_once_are_people_and_the_fifth_is_a_scanner() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let sent: Vec<_> = (0..7).map(|_| ping(&tracker, new_ping())).collect();
    clock.advance(minute());
    let verdicts = sent.iter().map(|sent| {
        clock.advance(std::time::Duration::from_secs(1));
        hit(&tracker, sent.pixel_url().unwrap(), "81.187.81.9", &[("user-agent", FIREFOX)]).unwrap();
        receipt(&tracker, sent.id()).summary.state.as_str()
    });
    let expected = ["opened", "opened", "opened", "opened", "uncertain", "uncertain", "uncertain"];
    assert_eq!(verdicts.collect::<Vec<_>>(), expected);
}

#[test]
fn a_crowd_in_a_network_of_people_is_no_burst() {
    let clock = Clock::new();
    let people = mailping_core::fetcher::Classifier::default()
        .people_networks(["81.187.81.0/28".parse().unwrap(), "54.210.10.0/24".parse().unwrap()]);
    let tracker = build(
        builder(mailping_core::MemoryStore::new(), &clock)
            .geo(Lisbon)
            .classifier(people)
            .ceiling(mailping_core::Detail::Network),
    );
    let sent: Vec<_> = (0..9).map(|_| ping(&tracker, new_ping())).collect();
    clock.advance(minute());
    for (sent, peer) in sent.iter().zip(["81.187.81.9", "54.210.10.20", "81.187.81.200"].iter().cycle()) {
        hit(&tracker, sent.pixel_url().unwrap(), peer, &[("user-agent", FIREFOX)]).unwrap();
        let receipt = receipt(&tracker, sent.id());
        assert!(receipt.summary.state.as_str() == "opened" && receipt.opens[0].city.is_some(), "{peer}");
    }
}

#[test]
fn a_forged_head_is_noted_nowhere_and_a_head_leaves_nothing() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let sent = ping(&tracker, new_ping());
    clock.advance(minute());
    let lines = headers(&[("user-agent", FIREFOX)]);
    let head =
        |path: &str| tracker.intake().note_head(&PixelRequest::new(path, "81.187.81.9".parse().ok(), &lines));
    head("/px/forged.gif");
    let path = sent.pixel_url().unwrap().strip_prefix("https://app.example").unwrap();
    hit(&tracker, path, "81.187.81.9", &[("user-agent", FIREFOX)]).unwrap();
    head(path);
    let receipt = receipt(&tracker, sent.id());
    assert_eq!((receipt.summary.fetches, receipt.summary.state.as_str()), (1, "opened"));
    assert_eq!(tracker.intake().health().dropped.bad_token, 0, "nothing would have been kept");
}
