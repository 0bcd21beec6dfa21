//! A tracker on a store that has grown: receipts, lone hits, and hits while a million opens are
//! purged.

use std::time::{Duration, Instant};

use http::HeaderMap;
use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::receipts::{Open, OpenId, PingQuery};
use mailping_core::store::{Attempt, OpenQuery, Store};
use mailping_core::{Basis, Keyring, NewPing, PingId, Timestamp, Tracker};

use crate::traffic::{PINGS, Random, percentiles, ping_id};

pub(crate) async fn tracker(store: impl Store) -> Tracker {
    let builder = Tracker::builder(Keyring::generate().unwrap(), store);
    let builder = builder.base_url("https://app.example/px").unwrap().hit_limit(0);
    builder.purge_every(Duration::from_millis(50)).build().await.unwrap()
}

pub(crate) async fn receipts(tracker: &Tracker) {
    let mut random = Random::new();
    for (what, newest) in [("newest", PINGS / 20), ("all", PINGS)] {
        let mut took = Vec::new();
        let mut opens = 0;
        for _ in 0..2_000 {
            let id = ping_id(PINGS - 1 - random.below(newest));
            let begun = Instant::now();
            opens += tracker.receipts().get(id).await.unwrap().unwrap().summary.fetches;
            took.push(begun.elapsed());
        }
        let (half, most) = percentiles(&mut took);
        println!("receipt of one of {what}: p50 {half:.1?}, p99 {most:.1?}, {} opens each", opens / 2_000);
    }
    list(tracker).await;
}

pub(crate) async fn long_ping(tracker: &Tracker) -> PingId {
    tracker.pings().create(NewPing::one_to_one("long", Basis::Contract)).await.unwrap().id()
}

/// Records so many opens of one ping, a second apart.
pub(crate) async fn fill(store: &dyn Store, ping: PingId, count: u32) {
    for first in (0..count).step_by(1_000) {
        let batch: Vec<Open> = (first..count.min(first + 1_000))
            .map(|n| {
                let id = OpenId::from_bytes(u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
                let at = ping.sent_at().unix_millis() + i64::from(n);
                let mut open =
                    Open::new(ping, id, Timestamp::from_unix_millis(at), Fetcher::Browser, Verdict::Human);
                open.country = "PT".parse().ok();
                open.city = "Lisbon".parse().ok();
                open
            })
            .collect();
        store.record(&batch, &[], Attempt::First).await.unwrap();
    }
}

/// The medians of a receipt and of its newest page alone.
pub(crate) async fn long_receipts(store: impl Store, ping: PingId, count: u32) {
    let tracker = tracker(store).await;
    let mut took = Vec::new();
    for _ in 0..11 {
        let begun = Instant::now();
        assert_eq!(tracker.receipts().get(ping).await.unwrap().unwrap().summary.fetches, u64::from(count));
        took.push(begun.elapsed());
    }
    let receipt = percentiles(&mut took).0;
    let mut took = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        assert_eq!(tracker.receipts().opens(&OpenQuery::newest(ping, 50)).await.unwrap().items.len(), 50);
        took.push(begun.elapsed());
    }
    println!("{count} opens: receipt {receipt:.2?}, its newest 50 {:.2?}", percentiles(&mut took).0);
}

/// How long hits are measured beside a purge.
const MAX_TIME: Duration = Duration::from_secs(60);

/// How many opens the long receipts have.
pub(crate) const LONG: [u32; 4] = [1_000, 10_000, 72_000, 200_000];

/// The list of 100 pings with ten opens each, which another handle of the tracker's store records.
pub(crate) async fn list_of_ten_each(tracker: &Tracker, store: &dyn Store) {
    for _ in 0..100 {
        fill(store, long_ping(tracker).await, 10).await;
    }
    list(tracker).await;
}

/// The median of a list of the newest 100 pings.
pub(crate) async fn list(tracker: &Tracker) {
    let mut took = Vec::new();
    let mut opens = 0;
    for _ in 0..51 {
        let begun = Instant::now();
        let page = tracker.receipts().list(&PingQuery::newest(100)).await.unwrap();
        opens = page.items.iter().map(|summary| summary.fetches).sum();
        took.push(begun.elapsed());
    }
    println!("a list of 100 pings with {opens} opens: {:.2?}", percentiles(&mut took).0);
}

pub(crate) async fn pixels(tracker: &Tracker) -> Vec<String> {
    let mut pixels = Vec::new();
    for n in 0..1_000 {
        let ping =
            tracker.pings().create(NewPing::one_to_one(format!("hit-{n}"), Basis::Contract)).await.unwrap();
        pixels.push(ping.pixel_url().unwrap().to_owned());
    }
    pixels
}

/// Hits one after the other, each awaited: at least 2,000, and until it is enough.
pub(crate) async fn hits(
    tracker: &Tracker,
    what: &str,
    pixels: &[String],
    enough: impl Fn() -> bool,
) -> (Duration, Duration) {
    let headers = HeaderMap::new();
    let mut took = Vec::new();
    let begun = Instant::now();
    for pixel in pixels.iter().cycle() {
        let sent = Instant::now();
        let recorded = tracker.intake().record(&PixelRequest::new(pixel, None, &headers)).await;
        assert!(matches!(recorded, Ok(Recorded::Durable)));
        took.push(sent.elapsed());
        if took.len() >= 2_000 && enough() {
            break;
        }
    }
    let hits = took.len();
    let (half, most) = percentiles(&mut took);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{what}: {hits} hits in {seconds:.1} s, p50 {half:.1?}, p99 {most:.1?}, longest {:.1?}",
        took[hits - 1]
    );
    (half, most)
}

/// Hits alone, and hits while the tracker's own purge takes the opens that `make_due` has made due
/// and counted: for a minute, if there are so many.
pub(crate) async fn purge(tracker: &Tracker, make_due: impl AsyncFnOnce() -> u64) {
    let pixels = pixels(tracker).await;
    let (alone, _) = hits(tracker, "hits alone", &pixels, || true).await;
    let due = make_due().await;
    let (begun, purged) = (Instant::now(), || tracker.intake().health().purged_opens);
    let is_enough = || purged() >= due || begun.elapsed() >= MAX_TIME;
    let (_, most) = hits(tracker, "hits while a purge runs", &pixels, is_enough).await;
    let rate = purged() as f64 / begun.elapsed().as_secs_f64();
    let commits = most.as_secs_f64() / alone.as_secs_f64();
    println!(
        "purged {} pings and {} opens, {rate:.0} a second; the p99 is {commits:.1} lone hits",
        tracker.intake().health().purged_pings,
        purged()
    );
}
