//! What the suite for stores does not show: key changes, outside parties, the cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::*;
use crate::certified::{Digests, LogKey, Verifier};
use crate::fetcher::Verdict;
use crate::store::Step;
use crate::testing::faulty::{Fault, FaultyStore};
use crate::{Basis, MemoryStore, Ping, PingId, Status};

const HOUR: i64 = 3_600_000;
const SENT: i64 = 1_795_428_000_000;

fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(super) struct Fixture {
    folder: std::path::PathBuf,
    store: Arc<dyn Store>,
    keys: Keyring,
    pub(super) now: Arc<AtomicI64>,
}

impl Fixture {
    pub(super) fn new(name: &str) -> Self {
        Self::on(name, Arc::new(MemoryStore::new()))
    }

    fn on(name: &str, store: Arc<dyn Store>) -> Self {
        let folder = std::env::temp_dir().join(format!("mailping-sealer-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (keys, now) = (Keyring::generate().unwrap(), Arc::new(AtomicI64::new(SENT)));
        Self { folder, store, keys, now }
    }

    pub(super) fn sealer(&self, with: impl FnOnce(SealLog) -> SealLog, key: LogKey) -> Sealer {
        self.sealer_at("head", with, key)
    }

    /// The sealer of another instance, whose file has this name. A clock below zero panics.
    fn sealer_at(&self, file: &str, with: impl FnOnce(SealLog) -> SealLog, key: LogKey) -> Sealer {
        let now = Arc::clone(&self.now);
        let clock = Arc::new(move || match now.load(Ordering::SeqCst) {
            ..0 => panic!("no time"),
            now => time(now),
        });
        let log = with(SealLog::new(key, self.folder.join(file)).every(Duration::from_secs(3_600)));
        Sealer::new(log, Arc::clone(&self.store), self.keys.clone(), clock).unwrap()
    }

    pub(super) fn created(&self, sealer: &Sealer, n: u8) -> PingId {
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

pub(super) fn key(seed: u8) -> LogKey {
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
    fixture.now.fetch_add(HOUR, Ordering::SeqCst);
    pollster::block_on(sealer.work_and_wait()).unwrap();
    let head = pollster::block_on(sealer.head()).unwrap().unwrap();
    assert_eq!(head.matches("\n\u{2014} ").count(), 2, "{head}");
    let receipt = pollster::block_on(sealer.receipt(id)).unwrap().unwrap();
    assert!(receipt.contains("\u{2014} witness.example/w1 "));
    fixture.hours(&sealer, 23);
    assert_eq!(party.0.load(Ordering::SeqCst), 1);
    fixture.hours(&sealer, 2);
    eventually(|| party.0.load(Ordering::SeqCst) == 2);
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

#[test]
fn a_party_that_panics_keeps_nobody_from_sealing() {
    struct Panicking;
    #[async_trait::async_trait]
    impl crate::certified::Outside for Panicking {
        async fn show(
            &self,
            _: &str,
        ) -> Result<crate::certified::Seen, Box<dyn std::error::Error + Send + Sync>> {
            panic!("there is no reactor running")
        }
    }
    let fixture = Fixture::new("panicking");
    let party = Arc::new(Party(0.into()));
    let shown = Arc::clone(&party);
    let sealer = fixture.sealer(|log| log.show_to(Panicking).show_to(shown), key(1));
    fixture.created(&sealer, 1);
    fixture.hours(&sealer, 30);
    assert_eq!(pollster::block_on(sealer.count()).unwrap(), 30);
    // The next one is asked all the same.
    eventually(|| party.0.load(Ordering::SeqCst) == 2);
}

/// It answers when the test lets it.
#[derive(Default)]
struct Slow {
    asked: std::sync::atomic::AtomicUsize,
    may_answer: Mutex<bool>,
    changed: std::sync::Condvar,
}

#[async_trait::async_trait]
impl crate::certified::Outside for Arc<Slow> {
    async fn show(
        &self,
        note: &str,
    ) -> Result<crate::certified::Seen, Box<dyn std::error::Error + Send + Sync>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        drop(self.changed.wait_while(self.may_answer.lock().unwrap(), |may| !*may).unwrap());
        Arc::new(Party(0.into())).show(note).await
    }
}

fn eventually(what: impl Fn() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while !what() {
        assert!(std::time::Instant::now() < end, "it has not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_party_that_does_not_answer_keeps_nobody_from_sealing_and_is_told() {
    let fixture = Fixture::new("hanging");
    let (slow, quick) = (Arc::new(Slow::default()), Arc::new(Party(0.into())));
    let (hangs, answers) = (Arc::clone(&slow), Arc::clone(&quick));
    let sealer = fixture.sealer(|log| log.show_to(hangs).show_to(answers), key(1));
    let id = fixture.created(&sealer, 1);
    let work = || pollster::block_on(sealer.work()).unwrap();
    for hour in 1..=50 {
        fixture.now.fetch_add(HOUR, Ordering::SeqCst);
        work();
        // Its day comes three times; the other one is asked all the same.
        eventually(|| quick.0.load(Ordering::SeqCst) == 1 + (hour - 1) / 24);
    }
    assert_eq!(pollster::block_on(sealer.count()).unwrap(), 50);
    assert!(sealer.unanswered().is_some_and(|since| since > Duration::ZERO));
    assert_eq!(slow.asked.load(Ordering::SeqCst), 1, "one at a time");
    pollster::block_on(sealer.outside.answered(Duration::from_millis(20)));
    // It comes too late for the head that it was shown: a signature is dropped, and it is asked
    // again the next day.
    *slow.may_answer.lock().unwrap() = true;
    slow.changed.notify_all();
    eventually(|| sealer.unanswered().is_none());
    fixture.hours(&sealer, 23);
    eventually(|| slow.asked.load(Ordering::SeqCst) == 2 && sealer.unanswered().is_none());
    work();
    let head = pollster::block_on(sealer.head()).unwrap().unwrap();
    assert_eq!(head.matches("\n\u{2014} ").count(), 3, "{head}");
    assert!(pollster::block_on(sealer.receipt(id)).unwrap().is_some());
}

#[test]
fn a_late_answer_is_kept_while_its_head_is_the_last() {
    let fixture = Fixture::new("late");
    let slow = Arc::new(Slow::default());
    let hangs = Arc::clone(&slow);
    let sealer = fixture.sealer(|log| log.show_to(hangs), key(1));
    fixture.created(&sealer, 1);
    fixture.hours(&sealer, 1);
    let signatures = || {
        pollster::block_on(sealer.work()).unwrap();
        pollster::block_on(sealer.head()).unwrap().unwrap().matches("\n\u{2014} ").count()
    };
    assert_eq!(signatures(), 1);
    *slow.may_answer.lock().unwrap() = true;
    slow.changed.notify_all();
    eventually(|| signatures() == 2);
}

#[test]
fn an_instance_that_was_off_until_its_head_was_cut_off_goes_on() {
    let fixture = Fixture::new("off");
    let (one, two) =
        (fixture.sealer_at("one", |log| log, key(1)), fixture.sealer_at("two", |log| log, key(1)));
    let ping = fixture.created(&one, 1);
    fixture.hours(&one, 5);
    pollster::block_on(two.work()).unwrap();
    let head = |file| std::fs::read_to_string(fixture.folder.join(file)).unwrap();
    assert_eq!(head("one"), head("two"), "whoever signed it");
    pollster::block_on(fixture.store.erase(ping)).unwrap();
    fixture.hours(&one, 300);
    assert!(pollster::block_on(one.store().unwrap().seals(0, 1)).unwrap()[0].number > 5, "cut off");
    // One is gone for good; two seals alone, also after a restart.
    fixture.hours(&two, 2);
    assert_eq!(pollster::block_on(two.count()).unwrap(), 307);
    fixture.hours(&fixture.sealer_at("two", |log| log, key(1)), 1);
    // A head of another log does not pass for an old one.
    let other = LogKey::generate("example.com/other").unwrap();
    let foreign = head("one").replace("example.com/receipts", other.public().name());
    std::fs::write(fixture.folder.join("three"), foreign.replace("\n305\n", "\n5\n")).unwrap();
    fixture.now.fetch_add(HOUR, Ordering::SeqCst);
    let three = fixture.sealer_at("three", |log| log, key(1));
    assert!(matches!(pollster::block_on(three.work()), Err(Error::Log { .. })));
}

#[test]
fn a_ping_whose_key_is_missing_is_given_without_its_header() {
    let mut fixture = Fixture::new("no-key");
    let sealer = fixture.sealer(|log| log, key(1));
    let id = fixture.created(&sealer, 1);
    assert!(pollster::block_on(sealer.header(id)).unwrap().is_some());
    fixture.keys = Keyring::generate().unwrap();
    assert_eq!(pollster::block_on(fixture.sealer(|log| log, key(1)).header(id)).unwrap(), None);
}

#[test]
fn a_ping_ends_after_the_grace() {
    for (grace, last) in [(0, 1), (1, 1), (30, 30)] {
        let fixture = Fixture::new(&format!("grace-{grace}"));
        let sealer = fixture.sealer(|log| log.grace(Duration::from_secs(grace * 3_600)), key(1));
        let id = fixture.created(&sealer, 1);
        let status = || pollster::block_on(fixture.store.ping(id)).unwrap().unwrap().status;
        fixture.hours(&sealer, 24 + usize::try_from(last).unwrap() - 1);
        assert_eq!(status(), Status::Live, "{grace}");
        fixture.hours(&sealer, 1);
        assert_eq!(status(), Status::Expired, "{grace}");
    }
}

#[test]
fn a_ping_of_a_clock_that_is_ahead_is_told_until_its_time_comes() {
    let fixture = Fixture::new("ahead");
    let sealer = fixture.sealer(|log| log, key(1));
    fixture.created(&sealer, 1);
    fixture.hours(&sealer, 1);
    fixture.now.fetch_add(24 * HOUR, Ordering::SeqCst);
    fixture.created(&sealer, 2);
    fixture.now.fetch_sub(24 * HOUR, Ordering::SeqCst);
    for _ in 0..23 {
        fixture.now.fetch_add(HOUR, Ordering::SeqCst);
        assert!(matches!(pollster::block_on(sealer.work()), Err(Error::Log { .. })));
        assert_eq!(pollster::block_on(sealer.count()).unwrap(), 1);
    }
    fixture.hours(&sealer, 2);
    assert_eq!(pollster::block_on(sealer.count()).unwrap(), 2);
}

#[test]
fn a_receipt_reads_no_seals_again_while_the_head_cannot_be_written() {
    let fixture = Fixture::new("no-head");
    let sealer = fixture.sealer(|log| log, key(1));
    let id = fixture.created(&sealer, 1);
    fixture.hours(&sealer, 3);
    std::fs::remove_dir_all(&fixture.folder).unwrap();
    fixture.now.fetch_add(HOUR, Ordering::SeqCst);
    assert!(matches!(pollster::block_on(sealer.work()), Err(Error::File(_))));
    let known = sealer.remembered();
    assert_eq!((known.tree.size(), pollster::block_on(sealer.count()).unwrap()), (4, 3));
    let receipt = pollster::block_on(sealer.receipt(id)).unwrap().unwrap();
    assert!(Verifier::new(key(1).public().clone()).verify(&receipt).is_ok());
    assert!(Arc::ptr_eq(&known, &sealer.remembered()));
}

impl Fixture {
    /// So many opens of a ping, all new.
    fn opened(&self, ping: PingId, count: usize) {
        let open = |n: usize| {
            let id = crate::OpenId::from_bytes((n as u64).to_be_bytes());
            crate::Open::new(ping, id, time(SENT), crate::fetcher::Fetcher::Browser, Verdict::Human)
        };
        let opens: Vec<_> = (0..count).map(open).collect();
        pollster::block_on(self.store.record(&opens, &[], crate::store::Attempt::First)).unwrap();
    }
}

#[test]
fn news_that_is_not_sealed_is_read_in_steps_too() {
    const OPENS: usize = 40_000;
    let fixture = Fixture::new("unsealed");
    let sealer = fixture.sealer(|log| log, key(1));
    pollster::block_on(sealer.begin()).unwrap();
    let mut ping = Ping::stored(PingId::from_bytes([7; 16]), "x".to_owned(), Basis::Contract, Status::Live);
    (ping.detail, ping.record_until) = (crate::Detail::Network, time(SENT + HOUR));
    pollster::block_on(fixture.store.insert_ping(&ping, None)).unwrap();
    fixture.opened(ping.id, OPENS);
    let left = || {
        let ledger = pollster::block_on(sealer.store().unwrap().ledger()).unwrap();
        let mark = Standing::of(&ledger).unwrap().unwrap().mark;
        pollster::block_on(fixture.store.news(&mark, OPENS)).unwrap().items.len()
    };
    assert_eq!(left(), OPENS);
    let turn = pollster::block_on(sealer.turn()).unwrap();
    pollster::block_on(turn.go(&mut Feeds::default())).unwrap();
    assert!((1..OPENS).contains(&left()), "{}", left());
    pollster::block_on(sealer.work()).unwrap();
    assert_eq!(left(), 0);
}

#[test]
fn hits_that_never_end_keep_no_look_and_no_seal_from_ending() {
    let store = FaultyStore::default();
    let fixture = Fixture::on("endless", Arc::new(store.clone()));
    let sealer = fixture.sealer(|log| log, key(1));
    let ping = fixture.created(&sealer, 1);
    fixture.opened(ping, 1);
    store.fault(Fault::HitsGoOn(ping));
    // Fewer than would come if each look went on to the end of what is new.
    store.fail_after(2 * MAX_FEEDS);
    pollster::block_on(sealer.work()).unwrap();
    assert_eq!(store.records(), 2, "a look reads what there is, and nothing that comes meanwhile");
    fixture.hours(&sealer, 1);
    assert_eq!(pollster::block_on(sealer.count()).unwrap(), 1);
}

/// Opens that come into the log by more than one step.
#[test]
fn each_open_is_sealed_once_whoever_is_killed_between_two_steps_or_comes_between_them() {
    const OPENS: usize = 900;
    let fixture = Fixture::new("between");
    let (one, two) = (fixture.sealer(|log| log, key(1)), fixture.sealer_at("two", |log| log, key(1)));
    let ids = [1, 2, 3].map(|n| fixture.created(&one, n));
    ids.iter().for_each(|id| fixture.opened(*id, OPENS));
    fixture.now.fetch_add(HOUR / 2, Ordering::SeqCst);
    let turn = pollster::block_on(one.turn()).unwrap();
    let standing = turn.standing.clone().unwrap();
    let stepped = |steps, count| {
        pollster::block_on(async {
            let news = fixture.store.news(&standing.mark, count).await.unwrap();
            let statements = turn.statements(&news.items, turn.schedule(&standing)).await.unwrap();
            assert_eq!(statements.len(), count);
            turn.put_behind(steps, &standing, Step { statements, ..turn.step() }).await.unwrap()
        })
    };
    // Killed in the second step.
    assert!(stepped(0, 256) && !stepped(0, 300) && !stepped(2, 300), "by its place alone");
    assert!(stepped(1, 300));
    let late = pollster::block_on(one.turn()).unwrap();
    let due = pollster::block_on(two.turn()).unwrap();
    assert!(pollster::block_on(due.feed(&standing, &mut Feeds::default())).unwrap());
    assert!(
        pollster::block_on(late.feed(&standing, &mut Feeds::default())).unwrap(),
        "it is refused, and looks again"
    );
    fixture.hours(&one, 2);
    for id in ids {
        let receipt = pollster::block_on(one.receipt(id)).unwrap().unwrap();
        let certified = Verifier::new(key(1).public().clone()).verify(&receipt).unwrap();
        assert_eq!(certified.statements().count(), 1 + OPENS);
    }
}

#[cfg(feature = "testing")]
mod damaged {
    use super::*;
    use crate::testing::faulty::FaultyStore;

    #[test]
    fn pings_that_cannot_be_read_stand_in_nobodys_way() {
        let store = FaultyStore::default();
        let fixture = Fixture::on("damaged", Arc::new(store.clone()));
        let sealer = fixture.sealer(|log| log, key(1));
        let pings: Vec<PingId> = (1..=60).map(|n| fixture.created(&sealer, n)).collect();
        let (damaged, sound) = pings.split_at(40);
        damaged.iter().for_each(|ping| store.damage(*ping));
        fixture.hours(&sealer, 40);
        assert_eq!(pollster::block_on(sealer.count()).unwrap(), 40, "seals are closed");
        for ping in sound {
            let receipt = pollster::block_on(sealer.receipt(*ping)).unwrap().unwrap();
            assert!(Verifier::new(key(1).public().clone()).verify(&receipt).unwrap().is_final());
        }
        let version = || pollster::block_on(sealer.store().unwrap().ledger()).unwrap().version;
        let before = version();
        pollster::block_on(sealer.work()).unwrap();
        assert_eq!(version(), before, "nothing to do is no step");
    }

    #[test]
    fn a_tracker_without_the_key_of_a_sealed_ping_is_not_built() {
        let fixture = Fixture::new("keys");
        let store = FaultyStore::default();
        let built = |keys: &str| {
            let builder = crate::Tracker::builder(Keyring::from_text(keys).unwrap(), store.clone());
            let log = SealLog::new(key(1), fixture.folder.join("head"));
            pollster::block_on(builder.base_url("https://app.example/px").unwrap().seal(log).build())
        };
        let [old, new] = [(); 2].map(|()| Keyring::generate().unwrap().secret_text());
        let new = new.replacen("0:", "1:", 1);
        let new_ping = crate::NewPing::one_to_one("x", Basis::Contract);
        pollster::block_on(built(&old).unwrap().pings().create(new_ping)).unwrap();
        assert!(built(&format!("{new},{old}")).is_ok());
        assert_eq!(built(&new).unwrap_err().field(), Some("keys"));
    }
}
