//! What the suite for stores does not show: key changes, outside parties, the cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::*;
use crate::certified::{Digests, LogKey, Verifier};
use crate::{Basis, MemoryStore, Ping, PingId, Status};

const HOUR: i64 = 3_600_000;
const SENT: i64 = 1_795_428_000_000;

fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

struct Fixture {
    folder: std::path::PathBuf,
    store: Arc<MemoryStore>,
    keys: Keyring,
    now: Arc<AtomicI64>,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mailping-sealer-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (keys, now) = (Keyring::generate().unwrap(), Arc::new(AtomicI64::new(SENT)));
        Self { folder, store: Arc::new(MemoryStore::new()), keys, now }
    }

    fn sealer(&self, with: impl FnOnce(SealLog) -> SealLog, key: LogKey) -> Sealer {
        let now = Arc::clone(&self.now);
        let clock = Arc::new(move || time(now.load(Ordering::SeqCst)));
        let log = with(SealLog::new(key, self.folder.join("head")).every(Duration::from_secs(3_600)));
        Sealer::new(log, Arc::clone(&self.store) as Arc<dyn Store>, self.keys.clone(), clock).unwrap()
    }

    fn created(&self, sealer: &Sealer, n: u8) -> PingId {
        let now = time(self.now.load(Ordering::SeqCst));
        let mut id = [n; 16];
        id[..6].copy_from_slice(&now.unix_millis().to_be_bytes()[2..]);
        let mut ping = Ping::stored(PingId::from_bytes(id), "x".to_owned(), Basis::Contract, Status::Live);
        ping.record_until = now.plus(Duration::from_secs(86_400));
        pollster::block_on(sealer.create(&ping, None, &Digests::default(), now)).unwrap();
        ping.id
    }

    fn hours(&self, sealer: &Sealer, hours: usize) {
        for _ in 0..hours {
            self.now.fetch_add(HOUR, Ordering::SeqCst);
            pollster::block_on(sealer.work()).unwrap();
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn key(seed: u8) -> LogKey {
    LogKey::from_secret("example.com/receipts", &[seed; 32]).unwrap()
}

#[test]
fn a_new_key_takes_over_with_the_next_seal() {
    let fixture = Fixture::new("rotation");
    let old = fixture.sealer(|log| log, key(1));
    let id = fixture.created(&old, 1);
    fixture.hours(&old, 2);
    let stranger = fixture.sealer(|log| log, key(2));
    assert!(matches!(pollster::block_on(stranger.work()), Err(Error::Log { .. })));
    let new = fixture.sealer(|log| log.taking_over_from(key(1)), key(2));
    fixture.hours(&new, 1);
    // From now on the new one needs the old one no more, and the old one is out.
    fixture.hours(&stranger, 2);
    assert!(matches!(pollster::block_on(old.work()), Err(Error::Log { .. })));
    let receipt = pollster::block_on(stranger.receipt(id)).unwrap().unwrap();
    for public in [key(1), key(2)] {
        assert!(Verifier::new(public.public().clone()).verify(&receipt).is_ok());
    }
    assert!(Verifier::new(key(3).public().clone()).verify(&receipt).is_err());
}

#[test]
fn what_no_kept_ping_needs_is_cut_off_and_the_rest_verifies() {
    let fixture = Fixture::new("cut");
    let sealer = fixture.sealer(|log| log, key(1));
    let first = fixture.created(&sealer, 1);
    fixture.hours(&sealer, 200);
    let second = fixture.created(&sealer, 2);
    fixture.hours(&sealer, 50);
    let count = || pollster::block_on(sealer.store().unwrap().seals(0, 999)).unwrap().len();
    assert_eq!(count(), 250, "the first ping needs them");
    pollster::block_on(fixture.store.erase(first)).unwrap();
    fixture.hours(&sealer, 24);
    assert!(count() < 75, "{}", count());
    // Another program reads what is left.
    let other = fixture.sealer(|log| log, key(1));
    for sealer in [&sealer, &other] {
        let receipt = pollster::block_on(sealer.receipt(second)).unwrap().unwrap();
        let certified = Verifier::new(key(1).public().clone()).verify(&receipt).unwrap();
        assert!(certified.is_final());
    }
}

/// It has an authority's answer to any head, and signs each.
struct Party(std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl crate::certified::Outside for Arc<Party> {
    async fn show(
        &self,
        note: &str,
    ) -> Result<crate::certified::Seen, Box<dyn std::error::Error + Send + Sync>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let witness = LogKey::from_secret("witness.example/w1", &[9; 32]).unwrap();
        let text = crate::certified::note::Note::parse(note).ok_or("no note")?.text;
        let signed = witness.sign(text);
        let line = signed.strip_prefix(text).and_then(|rest| rest.strip_prefix('\n')).ok_or("a line")?;
        Ok(crate::certified::Seen::Cosignature(line.to_owned()))
    }
}

#[test]
fn an_outside_party_is_asked_once_a_day_and_its_signature_is_in_the_head() {
    let fixture = Fixture::new("outside");
    let party = Arc::new(Party(0.into()));
    let shown = Arc::clone(&party);
    let sealer = fixture.sealer(|log| log.show_to(shown), key(1));
    let id = fixture.created(&sealer, 1);
    fixture.hours(&sealer, 1);
    let head = pollster::block_on(sealer.head()).unwrap().unwrap();
    assert_eq!(head.matches("\n\u{2014} ").count(), 2, "{head}");
    let receipt = pollster::block_on(sealer.receipt(id)).unwrap().unwrap();
    assert!(receipt.contains("\u{2014} witness.example/w1 "));
    fixture.hours(&sealer, 23);
    assert_eq!(party.0.load(Ordering::SeqCst), 1);
    fixture.hours(&sealer, 2);
    assert_eq!(party.0.load(Ordering::SeqCst), 2);
}

#[test]
fn a_clock_that_is_behind_the_last_seal_is_told() {
    let fixture = Fixture::new("clock");
    let sealer = fixture.sealer(|log| log, key(1));
    fixture.hours(&sealer, 3);
    fixture.now.fetch_sub(HOUR, Ordering::SeqCst);
    assert!(matches!(pollster::block_on(sealer.work()), Err(Error::Log { .. })));
    fixture.hours(&sealer, 2);
    assert_eq!(pollster::block_on(sealer.count()).unwrap(), 3);
}
