//! A tracker that seals, with a clock that stands still, and a second handle to its store.

use std::path::Path;

use mailping_core::certified::{Certified, LogKey, PublicKey, SealLog, StatementKind, Verifier};
use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{Attempt, Recorded, Store};
use mailping_core::{Basis, Keyring, NewPing, PingId, Timestamp, Tracker};
use tempfile::TempDir;

use crate::Clock;

/// A tracker that seals, with a clock that stands still, and a second handle to its store.
#[derive(Debug)]
pub struct Office<S> {
    /// Where the signed head is, and the store if it is a file.
    pub folder: TempDir,
    /// The tracker.
    pub tracker: Tracker,
    /// Its store, for what does not come by a tracker.
    pub store: S,
    /// The tracker's clock.
    pub clock: Clock,
    keys: Keyring,
    log_key: String,
}

impl<S: Store + 'static> Office<S> {
    /// One on the store that is opened, twice, for this folder.
    pub async fn new(open: impl Fn(&Path) -> S) -> Self {
        let (folder, keys, clock) =
            (tempfile::tempdir().unwrap(), Keyring::generate().unwrap(), Clock::default());
        let log_key = LogKey::generate("example.com/receipts").unwrap().secret_text();
        let tracker = tracker(open(folder.path()), &keys, &log_key, &clock, folder.path()).await;
        let store = open(folder.path());
        Self { folder, tracker, store, clock, keys, log_key }
    }

    /// Another program with this log and its head, on another store.
    pub async fn tracker_on(&self, store: S) -> Tracker {
        tracker(store, &self.keys, &self.log_key, &self.clock, self.folder.path()).await
    }

    /// The log's public key.
    pub fn key(&self) -> PublicKey {
        self.tracker.seals().unwrap().public_key().clone()
    }

    /// The head that was signed last, as it is on the disk.
    pub fn head(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("head")).unwrap()
    }

    /// Creates ping `n`, to a recipient of its own.
    pub async fn created(&self, n: u64) -> PingId {
        let new = NewPing::one_to_one(format!("reference-{n:06}-of-a-person"), Basis::Contract);
        let new = new.to(format!("ada-{n}@example.com")).message_digest([7; 32]).attachment_digest([8; 32]);
        let sent = self.tracker.pings().create(new).await.unwrap();
        assert_eq!(sent.key_header().unwrap().0, "Mailping-Key");
        sent.id()
    }

    /// Records open `n` of a ping.
    pub async fn opened(&self, ping: PingId, n: u64) {
        let open = open(ping, n, self.clock.now().into());
        let written = self.store.record(&[open], &[], Attempt::First).await.unwrap();
        assert_eq!(written, [Recorded::Durable]);
    }

    /// Lets hours pass, and seals after each.
    pub async fn hours(&self, hours: u64) {
        for _ in 0..hours {
            self.clock.pass_an_hour();
            self.tracker.seals().unwrap().seal().await.unwrap();
        }
    }

    /// A ping's certified receipt.
    pub async fn receipt(&self, ping: PingId) -> String {
        self.tracker.receipts().certified(ping).await.unwrap().expect("a receipt")
    }

    /// What the verifier makes of it.
    pub async fn certified(&self, ping: PingId) -> Certified {
        Verifier::new(self.key()).verify(&self.receipt(ping).await).unwrap()
    }
}

async fn tracker(
    store: impl Store + 'static,
    keys: &Keyring,
    log_key: &str,
    clock: &Clock,
    folder: &Path,
) -> Tracker {
    let (clock, log) = (clock.clone(), SealLog::new(log_key.parse().unwrap(), folder.join("head")));
    let builder = Tracker::builder(keys.clone(), store).base_url("https://app.example/px").unwrap();
    builder.clock(move || clock.now()).seal(log).build().await.unwrap()
}

/// Open `n` of a ping.
pub(crate) fn open(ping: PingId, n: u64, at: Timestamp) -> Open {
    let id = OpenId::from_bytes(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let mut open = Open::new(ping, id, at, Fetcher::GmailProxy, Verdict::Human);
    open.city = "Lisbon".parse().ok();
    open
}

/// The ids of a receipt's opens.
pub fn opens_in(certified: &Certified) -> Vec<String> {
    let opens = certified.statements().filter(|(one, _)| one.kind() == StatementKind::Open);
    opens.map(|(open, _)| open.field("id").unwrap().to_owned()).collect()
}
