//! Between a hit and the store: what `Recorded` promises while the store fails, hangs, panics or is
//! slow (I5).
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use common::*;
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::receipts::OpenQuery;
use mailping_core::store::Store as _;
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::{Detail, Tracker};

const SHORT: Duration = Duration::from_millis(250);

/// A tracker whose answers come at a short deadline if the store does not give them.
fn tracker(store: &FaultyStore) -> Tracker {
    build(builder(store.clone(), &Clock::new()).deadline(SHORT))
}

fn fetches(tracker: &Tracker, id: mailping_core::PingId) -> u64 {
    pollster::block_on(tracker.receipts().get(id)).unwrap().unwrap().summary.fetches
}

/// Waits for what another thread does; fails after ten seconds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::yield_now();
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the app panics");
    }
}

/// Waits for the answer to a hit with a waker that panics when the answer is there.
fn hit_with_a_waker_that_panics(tracker: &Tracker, ping: &mailping_core::PreparedPing) {
    let path = ping.pixel_url().unwrap().strip_prefix("https://app.example").unwrap();
    let headers = http::HeaderMap::new();
    let recording = tracker.intake().record(&PixelRequest::new(path, None, &headers));
    let waker = Waker::from(Arc::new(Panics));
    assert!(std::pin::pin!(recording).poll(&mut Context::from_waker(&waker)).is_pending());
}

#[test]
fn a_waker_that_panics_ends_neither_the_writer_nor_the_deadline() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    let next = || hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]);
    store.fault(Fault::RecordHangs);
    hit_with_a_waker_that_panics(&tracker, &ping);
    eventually("it is answered at its deadline", || tracker.intake().health().late == 1);
    assert_eq!(next(), Ok(Recorded::Late), "the deadlines are kept");
    hit_with_a_waker_that_panics(&tracker, &ping);
    store.fault(Fault::None);
    eventually("all of them are written", || tracker.intake().health().durable == 3);
    assert_eq!(next(), Ok(Recorded::Durable), "the writer writes");
}

#[test]
fn a_clock_that_panics_does_not_end_the_writer() {
    let clock = || {
        assert_ne!(std::thread::current().name(), Some("mailping-writer"), "the clock panics for the purge");
        std::time::SystemTime::now()
    };
    let store = FaultyStore::default();
    let tracker = builder(store, &Clock::new()).clock(clock).purge_every(Duration::from_millis(10));
    let tracker = build(tracker.deadline(Duration::from_secs(60)));
    let ping = ping(&tracker, new_ping());
    for _ in 0..2 {
        let recorded = hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]);
        assert_eq!(recorded, Ok(Recorded::Durable));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn durable_is_answered_after_the_store_has_it() {
    let store = FaultyStore::default();
    // Long, so that a busy machine does not make it late.
    let tracker = build(builder(store.clone(), &Clock::new()).deadline(Duration::from_secs(60)));
    let ping = ping(&tracker, new_ping());
    let recorded = hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", FIREFOX)]);
    assert_eq!(recorded, Ok(Recorded::Durable));
    assert_eq!(fetches(&tracker, ping.id()), 1);
}

#[test]
fn a_hanging_store_is_answered_late_at_the_deadline_and_the_open_is_written_later() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordHangs);
    for _ in 0..3 {
        assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Late));
    }
    let health = tracker.intake().health();
    assert_eq!((health.late, health.queue_depth), (3, 3));
    assert!(health.oldest_waiting.unwrap() >= SHORT * 2);
    store.fault(Fault::None);
    eventually("the opens are written", || tracker.intake().health().durable == 3);
    assert_eq!(fetches(&tracker, ping.id()), 3);
    assert_eq!(tracker.intake().health().queue_depth, 0);
}

#[test]
fn a_failing_store_is_tried_again_until_it_takes_the_open_once() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordFails);
    assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Late));
    eventually("it is tried again", || store.records() >= 2);
    assert!(tracker.intake().health().store_failing);
    store.fault(Fault::None);
    eventually("the open is written", || tracker.intake().health().durable == 1);
    assert_eq!(fetches(&tracker, ping.id()), 1);
    assert!(!tracker.intake().health().store_failing);
    // Only the first call was no repeat, and the next batch is none again.
    assert_eq!(store.repeats(), store.records() - 1);
    let repeats = store.repeats();
    assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    assert_eq!(store.repeats(), repeats);
}

#[test]
fn a_hit_on_an_ended_last_day_ping_is_filtered_and_no_event() {
    let tracker = tracker(&FaultyStore::default());
    let mut events = pollster::block_on(tracker.receipts().events()).unwrap();
    let sent = || {
        ping(
            &tracker,
            new_ping().sent_at(Clock::new().now() - Duration::from_secs(3_600)).detail(Detail::LastDay),
        )
    };
    let (erased, withdrawn, live) = (sent(), sent(), sent());
    let fetch = |sent: &mailping_core::PreparedPing| {
        hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", FIREFOX)])
    };
    pollster::block_on(tracker.people().erase(erased.id())).unwrap();
    pollster::block_on(tracker.pings().withdraw(withdrawn.id())).unwrap();
    assert_eq!((fetch(&erased), fetch(&withdrawn)), (Ok(Recorded::Filtered), Ok(Recorded::Filtered)));
    assert_eq!(fetch(&live), Ok(Recorded::Durable));
    assert_eq!((tracker.intake().health().filtered, tracker.intake().health().durable), (2, 1));
    assert_eq!(
        pollster::block_on(events.next()).unwrap().map(|event| event.ping),
        Some(live.id()),
        "the first event is of the live one"
    );
}

/// What is damaged for one ping keeps no other ping's opens waiting, and is counted.
#[test]
fn a_damaged_place_costs_what_belongs_there_and_nothing_else() {
    let store = FaultyStore::default();
    let tracker = build(builder(store.clone(), &Clock::new()).hit_limit(0).deadline(Duration::from_secs(60)));
    let hour_old = || new_ping().sent_at(Clock::new().now() - Duration::from_secs(3_600));
    let (good, bad) = (ping(&tracker, hour_old()), ping(&tracker, hour_old()));
    let day = ping(&tracker, hour_old().detail(Detail::LastDay));
    let headers = headers(&[("user-agent", FIREFOX)]);
    store.fault(Fault::RecordHangs);
    let mut hits = Vec::new();
    for n in 0..300 {
        let sent = if n % 60 == 7 {
            &bad
        } else if n % 5 == 0 {
            &day
        } else {
            &good
        };
        let recorded = tracker.intake().record(&PixelRequest::new(sent.pixel_url().unwrap(), None, &headers));
        hits.push((sent.id() == bad.id(), recorded));
    }
    store.fault(Fault::DamagedAt(bad.id()));
    for (is_bad, hit) in hits {
        let expected = if is_bad { Err(DAMAGED.to_owned()) } else { Ok(Recorded::Durable) };
        assert_eq!(pollster::block_on(hit).map_err(|lost| lost.to_string()), expected);
    }
    let health = tracker.intake().health();
    assert_eq!((health.durable, health.dropped.damaged, health.queue_depth), (295, 5, 0));
    store.fault(Fault::None);
    assert_eq!((fetches(&tracker, good.id()), fetches(&tracker, bad.id())), (235, 0));
}

/// A start with the clock far ahead: what would be due is left until the next purge, so that
/// somebody can look at the clock.
#[test]
fn a_clock_that_jumped_ahead_purges_nothing_at_once() {
    let (store, clock) = (FaultyStore::default(), Clock::new());
    let first = build(builder(store.clone(), &clock).purge_every(Duration::from_secs(3_600)));
    let kept = ping(&first, new_ping());
    assert_eq!(hit(&first, kept.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    assert_eq!(pollster::block_on(first.intake().close(Duration::from_secs(10))), 0);
    clock.advance(Duration::from_secs(100 * 86_400));
    let started = |every| build(builder(store.clone(), &clock).purge_every(every));
    let ahead = started(Duration::from_secs(3_600));
    for _ in 0..3 {
        // The purge runs before or right after the first of them.
        hit(&ahead, kept.pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    }
    assert_eq!(ahead.intake().health().purged_pings, 0);
    pollster::block_on(ahead.intake().close(Duration::from_secs(10)));
    assert_eq!(ahead.intake().health().purged_pings, 0);
    let later = started(Duration::from_millis(20));
    later.intake().start();
    eventually("the next purge takes what is due", || later.intake().health().purged_pings == 1);
}

#[test]
fn a_store_that_answers_for_too_few_opens_has_not_answered() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordAnswersNothing);
    assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Late));
    eventually("it is tried again", || store.records() >= 2);
    assert!(tracker.intake().health().store_failing);
    store.fault(Fault::None);
    eventually("the open is answered for", || tracker.intake().health().durable == 1);
    assert_eq!(fetches(&tracker, ping.id()), 1);
}

#[test]
fn a_panicking_store_does_not_end_the_writer() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordPanics);
    assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Late));
    store.fault(Fault::None);
    eventually("the open is written", || tracker.intake().health().durable == 1);
}

#[test]
fn a_full_queue_drops_and_counts() {
    let store = FaultyStore::default();
    let tracker = build(builder(store.clone(), &Clock::new()).deadline(SHORT).queue_capacity(2));
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordHangs);
    let url = ping.pixel_url().unwrap();
    assert_eq!(hit(&tracker, url, "192.0.2.7", &[]), Ok(Recorded::Late));
    assert_eq!(hit(&tracker, url, "192.0.2.7", &[]), Ok(Recorded::Late));
    assert_eq!(hit(&tracker, url, "192.0.2.7", &[]), Err(QUEUE_FULL.to_owned()));
    assert_eq!(
        (tracker.intake().health().dropped.queue_full, tracker.intake().health().queue_capacity),
        (1, 2)
    );
    store.fault(Fault::None);
    eventually("there is room again", || tracker.intake().health().queue_depth == 0);
    assert_eq!(hit(&tracker, url, "192.0.2.7", &[]), Ok(Recorded::Durable));
}

#[test]
fn a_client_that_hangs_up_loses_nothing() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordHangs);
    let headers = headers(&[]);
    let mut recording =
        Box::pin(tracker.intake().record(&PixelRequest::new(ping.pixel_url().unwrap(), None, &headers)));
    assert!(recording.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(recording);
    store.fault(Fault::None);
    eventually("the open is written", || fetches(&tracker, ping.id()) == 1);
}

#[test]
fn hits_that_wait_share_a_batch() {
    let store = FaultyStore::default();
    let tracker = build(builder(store.clone(), &Clock::new()).deadline(SHORT).hit_limit(0));
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordHangs);
    let headers = headers(&[]);
    let path = ping.pixel_url().unwrap();
    let recordings: Vec<_> =
        (0..500).map(|_| tracker.intake().record(&PixelRequest::new(path, None, &headers))).collect();
    eventually("the first batch is under way", || store.records() == 1);
    store.fault(Fault::None);
    for recording in recordings {
        pollster::block_on(recording).unwrap();
    }
    eventually("all are written", || tracker.intake().health().durable == 500);
    assert!(store.records() <= 3, "{} calls for 500 hits", store.records());
}

#[test]
fn what_ends_a_ping_takes_its_opens_out_of_the_queue() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let to = |name: &str| ping(&tracker, new_ping().to(format!("{name}@example.com")));
    let (erased, of_erased, withdrawn, objected, live) =
        (to("ada"), to("bob"), to("carol"), to("dan"), to("eve"));
    store.fault(Fault::RecordHangs);
    let pings = [&erased, &of_erased, &withdrawn, &objected, &live];
    // The first are under way when their pings end, the others still wait.
    for _ in 0..3 {
        for sent in pings {
            assert_eq!(hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Late));
        }
    }
    pollster::block_on(async {
        tracker.people().erase(erased.id()).await.unwrap();
        tracker.people().erase_recipient("bob@example.com").await.unwrap();
        tracker.pings().withdraw(withdrawn.id()).await.unwrap();
        tracker.people().object("dan@example.com").await.unwrap();
    });
    store.fault(Fault::None);
    eventually("all are answered for", || tracker.intake().health().queue_depth == 0);
    assert_eq!([&withdrawn, &objected, &live].map(|sent| fetches(&tracker, sent.id())), [0, 0, 3]);
    for gone in [&erased, &of_erased] {
        assert!(pollster::block_on(tracker.receipts().get(gone.id())).unwrap().is_none());
        assert!(
            pollster::block_on(store.memory().opens(&OpenQuery::oldest(gone.id(), 9)))
                .unwrap()
                .items
                .is_empty()
        );
    }
    assert_eq!((tracker.intake().health().durable, tracker.intake().health().filtered), (3, 12));
}

#[test]
fn close_writes_what_waits_and_takes_no_more() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordFails);
    let url = ping.pixel_url().unwrap();
    assert_eq!(hit(&tracker, url, "192.0.2.7", &[]), Ok(Recorded::Late));
    store.fault(Fault::None);
    let lost = pollster::block_on(tracker.intake().close(Duration::from_secs(10)));
    assert_eq!((lost, tracker.intake().health().durable), (0, 1));
    assert_eq!(hit(&tracker, url, "192.0.2.7", &[]), Err(CLOSED.to_owned()));
    assert_eq!(tracker.intake().health().dropped.closed, 1);
}

#[test]
fn close_gives_up_on_a_dead_store_and_says_what_is_lost() {
    for fault in [Fault::RecordFails, Fault::RecordHangs] {
        let store = FaultyStore::default();
        let tracker = tracker(&store);
        let ping = ping(&tracker, new_ping());
        store.fault(fault);
        assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Late));
        assert_eq!(pollster::block_on(tracker.intake().close(SHORT)), 1);
        store.fault(Fault::None);
    }
}

#[test]
fn a_dropped_tracker_still_writes_what_waits() {
    let store = FaultyStore::default();
    let tracker = tracker(&store);
    let ping = ping(&tracker, new_ping());
    store.fault(Fault::RecordHangs);
    assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Late));
    drop(tracker);
    store.fault(Fault::None);
    let reader = build(builder(store.clone(), &Clock::new()));
    eventually("the open is written", || fetches(&reader, ping.id()) == 1);
}

#[test]
fn what_was_kept_long_enough_is_purged_while_hits_go_on() {
    let (store, clock) = (FaultyStore::default(), Clock::new());
    let every = Duration::from_millis(20);
    let tracker = build(builder(store, &clock).purge_every(every).hit_limit(0));
    let old =
        ping(&tracker, new_ping().record_for(Duration::from_secs(60)).keep_for(Duration::from_secs(60)));
    for _ in 0..700 {
        hit(&tracker, old.pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    }
    clock.advance(Duration::from_secs(61));
    let live = ping(&tracker, new_ping());
    eventually("the old ping is purged", || {
        assert_eq!(hit(&tracker, live.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
        tracker.intake().health().purged_pings == 1
    });
    assert_eq!(tracker.intake().health().purged_opens, 700);
    assert!(pollster::block_on(tracker.receipts().get(old.id())).unwrap().is_none());
    assert!(pollster::block_on(tracker.receipts().get(live.id())).unwrap().is_some());
}

#[test]
fn a_batch_is_followed_by_no_purge_before_its_time() {
    let (store, clock) = (FaultyStore::default(), Clock::new());
    let hour = Duration::from_secs(3_600);
    let tracker = build(builder(store, &clock).purge_every(hour).deadline(hour));
    let minute = Duration::from_secs(60);
    let old = ping(&tracker, new_ping().record_for(minute).keep_for(minute));
    let live = ping(&tracker, new_ping());
    let fetched = || hit(&tracker, live.pixel_url().unwrap(), "192.0.2.7", &[]);
    // What follows a batch is over when the next one is answered: the purge of the start, and then
    // none.
    assert_eq!([fetched().unwrap(), fetched().unwrap()], [Recorded::Durable; 2]);
    clock.advance(minute * 2);
    assert_eq!([fetched().unwrap(), fetched().unwrap()], [Recorded::Durable; 2]);
    assert_eq!(tracker.intake().health().purged_pings, 0);
    assert!(pollster::block_on(tracker.receipts().get(old.id())).unwrap().is_some());
}

#[test]
fn for_ever_is_a_duration_like_any_other() {
    let store = FaultyStore::default();
    let for_ever = Duration::MAX;
    let tracker = build(builder(store, &Clock::new()).deadline(for_ever).purge_every(for_ever));
    let ping = ping(&tracker, new_ping());
    for _ in 0..3 {
        assert_eq!(hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    }
    assert_eq!(pollster::block_on(tracker.intake().close(for_ever)), 0);
}
