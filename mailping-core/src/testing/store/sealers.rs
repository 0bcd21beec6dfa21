//! A whole sealer on a store: what it makes must verify, whatever comes in between.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use pollster::block_on;

use super::harness::{Harness, RECORDED, SENT, open, opens, ping, ping_id, recipient, time};
use crate::certified::{Certified, Digests, LogKey, SealLog, Sealer, StatementKind, Verifier};
use crate::store::{Milestone, MilestoneKind, ObjectionScope, Store};
use crate::{Error, Keyring, LastDay, MemoryStore, Ping, PingId};

const HOUR: i64 = 3_600_000;
const EVERY: Duration = Duration::from_secs(3_600);

/// Sealers of one log, with a clock.
struct Office {
    store: Arc<dyn Store>,
    folder: PathBuf,
    keys: Keyring,
    secret: String,
    now: Arc<AtomicI64>,
}

impl Office {
    /// `None` if the store cannot seal.
    fn new(store: Arc<dyn Store>) -> Option<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        store.sealing()?;
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("mailping-heads-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let secret = LogKey::generate("example.com/receipts").unwrap().secret_text();
        let (keys, now) = (Keyring::generate().unwrap(), Arc::new(AtomicI64::new(SENT)));
        Some(Self { store, folder, keys, secret, now })
    }

    /// Another program with this log, whose file has this name.
    fn sealer(&self, file: &str) -> Sealer {
        self.sealer_on(Arc::clone(&self.store), file)
    }

    fn sealer_on(&self, store: Arc<dyn Store>, file: &str) -> Sealer {
        let log = SealLog::new(self.secret.parse().unwrap(), self.folder.join(file)).every(EVERY);
        let now = Arc::clone(&self.now);
        let clock = Arc::new(move || time(now.load(Ordering::SeqCst)));
        Sealer::new(log, store, self.keys.clone(), clock).unwrap()
    }

    fn wait(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    async fn created(&self, sealer: &Sealer, ping: &Ping) -> PingId {
        let now = time(self.now.load(Ordering::SeqCst));
        sealer.create(ping, None, &Digests::default(), now).await.unwrap();
        ping.id
    }

    /// What a stranger makes of the receipt.
    async fn certified(&self, sealer: &Sealer, ping: PingId) -> Certified {
        let receipt = sealer.receipt(ping).await.unwrap().expect("a receipt");
        let key: LogKey = self.secret.parse().unwrap();
        Verifier::new(key.public().clone()).verify(&receipt).unwrap()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// How often each kind is there.
fn kinds(certified: &Certified) -> BTreeMap<StatementKind, usize> {
    let mut kinds = BTreeMap::new();
    certified.statements().for_each(|(one, _)| *kinds.entry(one.kind()).or_default() += 1);
    kinds
}

fn count_opens(certified: &Certified) -> usize {
    kinds(certified).get(&StatementKind::Open).copied().unwrap_or(0)
}

pub(super) async fn what_is_kept_is_certified_until_it_ends(harness: Harness) {
    let Some(office) = Office::new(harness.store()) else { return };
    let sealer = office.sealer("head");
    // Made without sealing, it stays without.
    let unsealed = harness.given_ping(9).await;
    let id = office.created(&sealer, &ping(1)).await;
    let mut days = ping(2);
    days.detail = crate::Detail::LastDay;
    let days = office.created(&sealer, &days).await;
    let mut hours = ping(3);
    hours.time_step = crate::TimeStep::Hour;
    let hours = office.created(&sealer, &hours).await;
    let ada = recipient(1, &[5]);
    harness.keeps(&opens(id, 1..3)).await;
    harness.keeps(&opens(unsealed, 1..3)).await;
    harness
        .reach(&Milestone {
            reply_code: Some(250),
            ..Milestone::new(id, MilestoneKind::Accepted, time(SENT + 5))
        })
        .await
        .unwrap();
    let day = time(SENT / 86_400_000 * 86_400_000);
    harness.raises(&[LastDay::new(days, day)]).await;
    assert_eq!(sealer.receipt(id).await.unwrap(), None, "nothing is sealed yet");
    office.wait(HOUR + 1);
    let mut hour = open(hours, 1);
    (hour.at, hour.time_step) = (time(SENT + HOUR), crate::TimeStep::Hour);
    harness.keeps(&[hour]).await;
    sealer.work().await.unwrap();
    let interim = office.certified(&sealer, id).await;
    assert!(!interim.is_final());
    let expected = [(StatementKind::Created, 1), (StatementKind::HandedOver, 1), (StatementKind::Open, 2)];
    assert_eq!(kinds(&interim), expected.into());
    assert_eq!(count_opens(&office.certified(&sealer, hours).await), 0, "its hour has not ended");
    assert_eq!(sealer.receipt(unsealed).await.unwrap(), None);
    office.wait(HOUR);
    sealer.work().await.unwrap();
    assert_eq!(count_opens(&office.certified(&sealer, hours).await), 1);
    // It ends, and another log key is told at once that nothing comes any more.
    harness.keeps(&[open(id, 9)]).await;
    harness.withdraw(id).await.unwrap();
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    for _ in 0..3 {
        sealer.work().await.unwrap();
        office.wait(HOUR);
    }
    let ended = office.certified(&sealer, id).await;
    assert!(ended.is_final() && count_opens(&ended) == 3, "{ended}");
    assert!(ended.to_string().contains("ended: withdrawn\n"));
    let finals = async || {
        let mut all = Vec::new();
        for seal in 0..sealer.count().await.unwrap() {
            all.extend(sealer.store().unwrap().ended_in(seal, None, 99).await.unwrap().items);
        }
        all
    };
    assert_eq!(finals().await, [id]);
    office.wait(RECORDED);
    for _ in 0..30 {
        sealer.work().await.unwrap();
        office.wait(HOUR);
    }
    for (id, kind) in [(days, StatementKind::LastDay), (hours, StatementKind::Open)] {
        let ended = office.certified(&sealer, id).await;
        assert!(ended.is_final() && ended.to_string().contains("ended: record_until\n"), "{ended}");
        let expected = [(StatementKind::Created, 1), (kind, 1), (StatementKind::Ended, 1)];
        assert_eq!(kinds(&ended), expected.into());
        harness.filters(&[open(id, 1)]).await;
    }
    assert_eq!(finals().await.len(), 3);
}

pub(super) async fn two_sealers_make_one_log(harness: Harness) {
    const PINGS: u32 = 12;
    const ROUNDS: u32 = 12;
    let Some(office) = Office::new(harness.store()) else { return };
    let office = Arc::new(office);
    let first = office.sealer("first");
    for n in 0..PINGS {
        office.created(&first, &ping(n)).await;
    }
    let workers: Vec<_> = ["one", "two"]
        .map(|file| {
            let office = Arc::clone(&office);
            harness.aside(move |_| {
                let sealer = office.sealer(file);
                for _ in 0..ROUNDS * 2 {
                    block_on(sealer.work()).unwrap();
                    office.wait(HOUR / 2);
                }
            })
        })
        .into();
    for round in 0..ROUNDS {
        let batch: Vec<_> = (0..PINGS).map(|n| open(ping_id(n), round + 1)).collect();
        harness.keeps(&batch).await;
    }
    for worker in workers {
        worker.await;
    }
    for _ in 0..3 {
        office.wait(HOUR * 2);
        first.work().await.unwrap();
    }
    for n in 0..PINGS {
        let certified = office.certified(&first, ping_id(n)).await;
        assert_eq!(count_opens(&certified), ROUNDS as usize, "each open is in one seal");
    }
    // Each has seen a head, and the log goes on from all of them.
    let key: LogKey = office.secret.parse().unwrap();
    let mut verifier = Verifier::new(key.public().clone());
    let head = first.head().await.unwrap().unwrap();
    verifier = verifier.earlier(&head);
    let receipt = first.receipt(ping_id(0)).await.unwrap().unwrap();
    assert!(verifier.verify(&receipt).is_ok());
    for file in ["one", "two"] {
        office.sealer(file).work().await.unwrap();
    }
}

pub(super) async fn a_sealer_that_is_killed_is_followed_by_the_next(harness: Harness) {
    let Some(office) = Office::new(harness.store()) else { return };
    let mut count = 0;
    let id = office.created(&office.sealer("head"), &ping(1)).await;
    for round in 0..40 {
        harness.keeps(&opens(id, count..count + 3)).await;
        count += 3;
        office.wait(HOUR / 3);
        office.sealer("head").work_for(round % 7).await.unwrap();
    }
    office.wait(HOUR * 2);
    let sealer = office.sealer("head");
    sealer.work().await.unwrap();
    assert_eq!(count_opens(&office.certified(&sealer, id).await), count as usize);
}

pub(super) async fn an_erasure_during_a_seal_leaves_the_others_sound(harness: Harness) {
    let Some(office) = Office::new(harness.store()) else { return };
    let mut kept = Vec::new();
    for steps in 0..8 {
        let sealer = office.sealer("head");
        let [stays, goes] = [2 * steps, 2 * steps + 1].map(|n| ping(n as u32));
        for ping in [&stays, &goes] {
            office.created(&sealer, ping).await;
            harness.keeps(&[open(ping.id, 1)]).await;
        }
        office.wait(HOUR + 1_000);
        sealer.work_for(steps).await.unwrap();
        harness.erase(goes.id).await.unwrap();
        sealer.work().await.unwrap();
        assert_eq!(sealer.receipt(goes.id).await.unwrap(), None);
        kept.push(stays.id);
        for id in &kept {
            assert_eq!(count_opens(&office.certified(&sealer, *id).await), 1, "after {steps} steps");
        }
    }
}

pub(super) async fn what_commits_late_is_in_the_next_seal(harness: Harness) {
    let Some(office) = Office::new(harness.store()) else { return };
    let sealer = office.sealer("head");
    let id = office.created(&sealer, &ping(1)).await;
    harness.keeps(&[open(id, 1)]).await;
    office.wait(HOUR);
    sealer.work().await.unwrap();
    // From before the seal, and kept after it.
    harness.keeps(&[open(id, 2)]).await;
    office.wait(HOUR);
    sealer.work().await.unwrap();
    let certified = office.certified(&sealer, id).await;
    let by: Vec<_> = certified.statements().map(|(_, by)| by.unix_millis() - SENT).collect();
    assert_eq!(by, [HOUR, HOUR, 2 * HOUR]);
    // A machine whose clock is behind makes its ping in the seal that is filled.
    let behind = time(SENT + 7);
    sealer.create(&ping(2), None, &Digests::default(), behind).await.unwrap();
    office.wait(HOUR);
    sealer.work().await.unwrap();
    let certified = office.certified(&sealer, ping_id(2)).await;
    assert_eq!(certified.statements().next().unwrap().0.time().start(), time(SENT + 2 * HOUR));
}

/// A restored backup, or a server that took over too early.
pub(super) async fn a_log_that_lost_what_was_signed_is_not_continued(harness: Harness) {
    let Some(office) = Office::new(harness.store()) else { return };
    let lost = office.sealer_on(Arc::new(MemoryStore::new()), "head");
    office.created(&lost, &ping(1)).await;
    for _ in 0..3 {
        office.wait(HOUR);
        lost.work().await.unwrap();
    }
    assert_eq!(lost.count().await.unwrap(), 3);
    let sealer = office.sealer("head");
    let id = office.created(&sealer, &ping(1)).await;
    for _ in 0..5 {
        office.wait(HOUR);
        assert!(matches!(sealer.work().await, Err(Error::Log { .. })));
    }
    assert_eq!((sealer.head().await.unwrap(), sealer.receipt(id).await.unwrap()), (None, None));
}

/// It goes on as a new log, under a name that says so, with all that the database holds.
pub(super) async fn a_restored_backup_goes_on_as_a_new_log(harness: Harness) {
    let Some(office) = Office::new(harness.store()) else { return };
    let sealer = office.sealer("head");
    let mut hours = ping(2);
    hours.time_step = crate::TimeStep::Hour;
    let ids = [ping(1), hours, ping(3)];
    for ping in &ids {
        office.created(&sealer, ping).await;
    }
    let [one, hours, ended] = [1, 2, 3].map(ping_id);
    harness.keeps(&opens(one, 0..2)).await;
    harness.withdraw(ended).await.unwrap();
    for _ in 0..3 {
        office.wait(HOUR);
        sealer.work().await.unwrap();
    }
    assert!(office.certified(&sealer, ended).await.is_final());
    // What the lost state had signed beyond it.
    let lost = office.sealer_on(Arc::new(MemoryStore::new()), "lost");
    office.created(&lost, &ping(1)).await;
    for _ in 0..5 {
        office.wait(HOUR);
        lost.work().await.unwrap();
    }
    let head = std::fs::read_to_string(office.folder.join("lost")).unwrap();
    let key: LogKey = office.secret.parse().unwrap();
    let now = Arc::clone(&office.now);
    let anew = |file: &str, head: &str| {
        let (log, now) = (SealLog::new(key.clone(), office.folder.join(file)).every(EVERY), Arc::clone(&now));
        let clock = Arc::new(move || time(now.load(Ordering::SeqCst)));
        let log = log.after_loss(head).unwrap();
        Sealer::new(log, Arc::clone(&office.store), office.keys.clone(), clock).unwrap()
    };
    let is_refused = async |sealer: &Sealer| matches!(sealer.work().await, Err(Error::Log { .. }));
    assert!(is_refused(&office.sealer("lost")).await, "it is not continued");
    let older = std::fs::read_to_string(office.folder.join("head")).unwrap();
    assert!(is_refused(&anew("new", &older)).await, "that head is not lost");
    assert!(is_refused(&anew("head", &head)).await, "the file is the old log's");
    let foreign = LogKey::generate("example.com/receipts").unwrap();
    let other = |key| SealLog::new(key, office.folder.join("new")).after_loss(&head).is_err();
    assert!(other(foreign), "whoever begins it must have the key");
    // Of an hour that has not ended, and of one that is not news yet.
    let mut late = open(hours, 1);
    let start = office.now.load(Ordering::SeqCst) / HOUR * HOUR;
    (late.at, late.time_step) = (time(start), crate::TimeStep::Hour);
    harness.keeps(&[late, open(one, 7)]).await;

    let sealer = anew("new", &head);
    assert!(sealer.check().await.is_ok());
    for _ in 0..40 {
        sealer.work().await.unwrap();
        office.wait(HOUR);
    }
    let verifier = || Verifier::new(sealer.public_key().clone());
    let certified = async |ping| {
        let receipt = sealer.receipt(ping).await.unwrap().expect("a receipt");
        assert!(Verifier::new(key.public().clone()).verify(&receipt).is_err(), "it is another log");
        assert!(verifier().earlier(&head).verify(&receipt).is_err());
        verifier().verify(&receipt).unwrap()
    };
    let name = sealer.public_key().name();
    let (size, root) = name.strip_prefix("example.com/receipts/anew/").unwrap().split_once('/').unwrap();
    assert!(size == "5" && root.len() == 64, "{name}");
    let text = certified(one).await.to_string();
    assert!(text.contains(&format!("in the log\n    {name}\n")), "{text}");
    assert_eq!(count_opens(&certified(one).await), 3);
    assert_eq!(count_opens(&certified(hours).await), 1);
    assert!(certified(ended).await.is_final());
    // The same setting goes on with it; without it, and with the old name, nothing is signed.
    let again = anew("new", &head);
    let before = sealer.count().await.unwrap();
    again.work().await.unwrap();
    assert_eq!(again.count().await.unwrap(), before + 1);
    assert!(is_refused(&office.sealer("lost")).await);
    // And it can be lost too.
    let mut newer = again.head().await.unwrap().unwrap();
    let lines: Vec<&str> = newer.lines().collect();
    let text = format!("{}\n999\n{}\n", lines[0], lines[2]);
    newer = key.named(lines[0]).unwrap().sign(&text);
    let third = anew("third", &newer);
    third.work().await.unwrap();
    office.wait(HOUR);
    third.work().await.unwrap();
    let receipt = third.receipt(one).await.unwrap().expect("a receipt");
    assert!(receipt.contains("\n    example.com/receipts/anew/999/"));
    assert!(Verifier::new(third.public_key().clone()).verify(&receipt).is_ok());
}

/// Each instance holds the log against what another one has signed too.
pub(super) async fn a_log_is_not_continued_by_an_instance_that_only_looked(harness: Harness) {
    let Some(office) = Office::new(harness.store()) else { return };
    let lost = Arc::new(MemoryStore::new());
    let signs = office.sealer_on(Arc::clone(&lost) as Arc<dyn Store>, "signs");
    let looks = office.sealer_on(lost, "looks");
    office.created(&signs, &ping(1)).await;
    for _ in 0..3 {
        office.wait(HOUR);
        signs.work().await.unwrap();
        looks.work().await.unwrap();
    }
    assert_eq!(looks.head().await.unwrap(), signs.head().await.unwrap());
    // The database is that of before, and the one that signed is gone.
    let sealer = office.sealer("looks");
    office.created(&sealer, &ping(1)).await;
    for _ in 0..5 {
        office.wait(HOUR);
        assert!(matches!(sealer.work().await, Err(Error::Log { .. })));
    }
    assert_eq!(sealer.head().await.unwrap(), None);
}
