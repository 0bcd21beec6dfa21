use super::*;
use crate::store::Recorded;
use crate::testing::faulty::FaultyStore;
use crate::{Open, OpenId, PingId};

fn queue(store: Arc<dyn Store>) -> Queue {
    let deadline = Duration::from_secs(3_600);
    let limits = Limits { capacity: 1_000, deadline, purge_every: deadline };
    let limiter = Arc::new(HitLimiter::new(0));
    Queue::new(store, Arc::new(|| Timestamp::from_unix_millis(0)), limits, limiter, Box::new(|| true))
}

fn entry() -> Observation {
    let (fetcher, verdict) = (crate::fetcher::Fetcher::Browser, crate::fetcher::Verdict::Human);
    let at = Timestamp::from_unix_millis(0);
    Observation::Open(Open::new(
        PingId::from_bytes([0; 16]),
        OpenId::from_bytes([0; 8]),
        at,
        fetcher,
        verdict,
    ))
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn the_answered_are_not_kept_until_their_deadline() {
    let queue = queue(Arc::new(FaultyStore::default()));
    for _ in 0..100 {
        assert_eq!(pollster::block_on(queue.push(entry(), Attempt::First)), Ok(Recorded::Filtered));
    }
    eventually("those that were answered are let go", || queue.shared.state().waiters.len() <= 1);
}

#[test]
fn a_dropped_queue_ends_its_threads() {
    let store = Arc::new(FaultyStore::default());
    let queue = queue(Arc::clone(&store) as Arc<dyn Store>);
    assert_eq!(pollster::block_on(queue.push(entry(), Attempt::First)), Ok(Recorded::Filtered));
    drop(queue);
    eventually("both threads let the store go", || Arc::strong_count(&store) == 1);
}

#[test]
fn what_an_edge_sends_again_is_not_counted_as_lost() {
    let queue = queue(Arc::new(FaultyStore::default()));
    pollster::block_on(queue.close(Duration::ZERO));
    let lost = || queue.counts().closed.load(Ordering::Relaxed);
    assert_eq!(pollster::block_on(queue.push(entry(), Attempt::Repeat)), Err(Loss::Closed));
    assert_eq!(lost(), 0);
    assert_eq!(pollster::block_on(queue.push(entry(), Attempt::First)), Err(Loss::Closed));
    assert_eq!(lost(), 1);
}

#[test]
fn for_ever_is_longer_than_any_process_runs() {
    let from = Instant::now();
    assert!(from_now(Duration::MAX) - from >= Duration::from_secs(50 * 365 * 86_400));
}

#[test]
fn debug_shows_the_limits_and_nothing_of_what_waits() {
    let queue = queue(Arc::new(FaultyStore::default()));
    let shown = format!("{queue:?}");
    assert!(shown.contains("capacity: 1000") && !shown.contains("entries"), "{shown}");
}
