//! A tracker on a store that has grown: receipts, lone hits, and hits while a million opens are purged.

use std::time::{Duration, Instant};

use http::HeaderMap;
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::store::Store;
use mailping_core::{Basis, Keyring, NewPing, Tracker};

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
        assert_eq!(recorded, Ok(Recorded::Durable));
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

/// Hits alone, and hits while the tracker's own purge takes the opens that `make_due` has made due and counted.
pub(crate) async fn purge(tracker: &Tracker, make_due: impl AsyncFnOnce() -> u64) {
    let pixels = pixels(tracker).await;
    let (alone, _) = hits(tracker, "hits alone", &pixels, || true).await;
    let due = make_due().await;
    let purged = || tracker.intake().health().purged_opens;
    let (_, most) = hits(tracker, "hits while a purge runs", &pixels, || purged() >= due).await;
    let commits = most.as_secs_f64() / alone.as_secs_f64();
    println!(
        "purged {} pings and {} opens; the p99 is {commits:.1} lone hits",
        tracker.intake().health().purged_pings,
        purged()
    );
}
