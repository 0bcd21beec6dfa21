//! A tracker with a clock in the test's hand.
#![allow(unreachable_pub, dead_code, reason = "each test uses a part of what all share")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use mailping_core::geo::{GeoResolver, Place};
use mailping_core::intake::{MaskedIp, PixelRequest, Recorded};
use mailping_core::store::Store;
use mailping_core::{
    Basis, Detail, Keyring, MemoryStore, NewPing, PingId, PreparedPing, Receipt, Timestamp, Tracker,
    TrackerBuilder,
};

pub const GMAIL: &str =
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
pub const BASE: &str = "https://app.example/px";

/// Starts at 2026-11-23T10:00:00Z and moves when told to.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Self {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        Self(Arc::new(AtomicI64::new(start.unix_millis())))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }

    pub fn set(&self, now: &str) {
        let now: Timestamp = now.parse().unwrap();
        self.0.store(now.unix_millis(), Ordering::SeqCst);
    }

    pub fn now(&self) -> SystemTime {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst)).into()
    }
}

pub fn builder(store: impl Store, clock: &Clock) -> TrackerBuilder {
    let clock = clock.clone();
    Tracker::builder(Keyring::generate().unwrap(), store).base_url(BASE).unwrap().clock(move || clock.now())
}

pub fn build(builder: TrackerBuilder) -> Tracker {
    pollster::block_on(builder.build()).unwrap()
}

pub fn new_ping() -> NewPing {
    NewPing::one_to_one("invoice-42", Basis::legitimate_interest("proof of delivery"))
}

pub fn ping(tracker: &Tracker, new: NewPing) -> PreparedPing {
    pollster::block_on(tracker.pings().create(new)).unwrap()
}

pub fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect()
}

pub const QUEUE_FULL: &str = "the queue of opens is full: the store cannot keep up";
pub const CLOSED: &str = "the tracker is closed";
pub const DAMAGED: &str = "the database is damaged, or refuses this open";

/// Fetches a pixel by its URL: what became of the hit, or why its open is lost.
pub fn hit(
    tracker: &Tracker,
    url: &str,
    peer: &str,
    lines: &[(&'static str, &str)],
) -> Result<Recorded, String> {
    let headers = headers(lines);
    let path = url.strip_prefix("https://app.example").unwrap_or(url);
    let recorded = tracker.intake().record(&PixelRequest::new(path, peer.parse().ok(), &headers));
    pollster::block_on(recorded).map_err(|lost| lost.to_string())
}

/// Every network is in Lisbon.
#[derive(Debug)]
pub struct Lisbon;

impl GeoResolver for Lisbon {
    fn locate(&self, _: MaskedIp) -> Result<Option<Place>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Some(Place::new("PT".parse().ok(), "Lisbon".parse().ok())))
    }
}

/// Keeps all there is, in memory.
pub fn tracker(clock: &Clock) -> Tracker {
    build(builder(MemoryStore::new(), clock).geo(Lisbon).ceiling(Detail::Network))
}

pub fn receipt(tracker: &Tracker, id: PingId) -> Receipt {
    pollster::block_on(tracker.receipts().get(id)).unwrap().unwrap()
}

pub fn minute() -> Duration {
    Duration::from_secs(60)
}
