//! A tracker with a clock in the test's hand, and a store that fails or hangs when told to.
#![allow(unreachable_pub, dead_code, reason = "each test uses a part of what all share")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::HeaderMap;
use mailping_core::store::{KeptPing, Written};
use mailping_core::{
    Backlog, Basis, Erased, KeyFingerprint, Keyring, LastDay, MemoryStore, NewPing, Open, OpenCursor, Ping,
    PingId, PingQuery, PixelRequest, PreparedPing, RecipientHashes, RecordError, Recorded, Status, Store,
    StoreError, Timestamp, Tracker, TrackerBuilder,
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
    pollster::block_on(tracker.ping(new)).unwrap()
}

pub fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect()
}

/// Fetches a pixel by its URL.
pub fn hit(
    tracker: &Tracker,
    url: &str,
    peer: &str,
    lines: &[(&'static str, &str)],
) -> Result<Recorded, RecordError> {
    let headers = headers(lines);
    let path = url.strip_prefix("https://app.example").unwrap_or(url);
    pollster::block_on(tracker.record(&PixelRequest::new(path, peer.parse().ok(), &headers)))
}

/// A memory store whose `record` fails or hangs when told to, and that counts calls.
#[derive(Debug, Clone)]
pub struct Faulty(Arc<Inner>);

impl Default for Faulty {
    fn default() -> Self {
        Self(Arc::new(Inner { may_wait: AtomicBool::new(true), ..Inner::default() }))
    }
}

#[derive(Debug, Default)]
struct Inner {
    store: MemoryStore,
    failing: AtomicBool,
    panicking: AtomicBool,
    hanging: Mutex<bool>,
    released: Condvar,
    calls: AtomicUsize,
    may_wait: AtomicBool,
}

impl Faulty {
    pub fn fail(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    pub fn panic(&self, panicking: bool) {
        self.0.panicking.store(panicking, Ordering::SeqCst);
    }

    pub fn hang(&self, hanging: bool) {
        *self.0.hanging.lock().unwrap() = hanging;
        self.0.released.notify_all();
    }

    /// From now on it says that it never waits, so that hits are written where they come in.
    pub fn never_waits(self) -> Self {
        self.0.may_wait.store(false, Ordering::SeqCst);
        self
    }

    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Store for Faulty {
    async fn record(&self, opens: &[Open], last_days: &[LastDay]) -> Result<Vec<Written>, StoreError> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        {
            let mut hanging = self.0.hanging.lock().unwrap();
            while *hanging {
                hanging = self.0.released.wait(hanging).unwrap();
            }
        }
        assert!(!self.0.panicking.load(Ordering::SeqCst), "told to panic");
        if self.0.failing.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("disk full"));
        }
        self.0.store.record(opens, last_days).await
    }

    async fn insert_ping(&self, ping: &Ping, to: Option<&RecipientHashes>) -> Result<Status, StoreError> {
        self.0.store.insert_ping(ping, to).await
    }

    async fn ping(&self, id: PingId) -> Result<Option<KeptPing>, StoreError> {
        self.0.store.ping(id).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<Vec<KeptPing>, StoreError> {
        self.0.store.pings(query).await
    }

    async fn opens(
        &self,
        ping: PingId,
        after: Option<OpenCursor>,
        limit: usize,
    ) -> Result<Vec<Open>, StoreError> {
        self.0.store.opens(ping, after, limit).await
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        self.0.store.withdraw(id).await
    }

    async fn erase(&self, id: PingId) -> Result<Option<Erased>, StoreError> {
        self.0.store.erase(id).await
    }

    async fn object(&self, recipient: &RecipientHashes) -> Result<(), StoreError> {
        self.0.store.object(recipient).await
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        self.0.store.object_by_ping(id).await
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Erased, StoreError> {
        self.0.store.erase_recipient(recipient).await
    }

    async fn has_objected(&self, recipient: &RecipientHashes) -> Result<bool, StoreError> {
        self.0.store.has_objected(recipient).await
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Vec<KeptPing>, StoreError> {
        self.0.store.pings_of(recipient, after, limit).await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        self.0.store.recipient_keys().await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Erased, StoreError> {
        self.0.store.purge(now, limit).await
    }

    fn may_wait(&self) -> bool {
        self.0.may_wait.load(Ordering::SeqCst)
    }

    fn backlog(&self) -> Backlog {
        self.0.store.backlog()
    }
}
