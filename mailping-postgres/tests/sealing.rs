//! Certified receipts from a database: verified by both verifiers, through erasures, kills, two
//! instances, a backup that is brought back and standbys that are away.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::{database, pool, store};
use mailping_core::certified::{Certified, LogKey, PublicKey, SealLog, StatementKind, Verifier};
use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{Attempt, Recorded, Store};
use mailping_core::{Basis, Error, Keyring, NewPing, PingId, Timestamp, Tracker};
use mailping_fixture_postgres::{Cluster, Server};
use mailping_postgres::PostgresStore;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::block_in_place;

const BEGUN: u64 = 1_795_428_000;
const HOUR: u64 = 3_600;

/// A tracker that seals, with a clock that stands still, and a pool on its database.
struct Office {
    folder: tempfile::TempDir,
    keys: Keyring,
    log_key: String,
    tracker: Tracker,
    store: PostgresStore,
    pool: PgPool,
    now: Arc<AtomicU64>,
}

impl Office {
    async fn new(name: &str) -> Self {
        let pool = pool(&database(name).await, 6).await;
        Self::on(pool.clone(), store(&pool)).await
    }

    async fn on(pool: PgPool, store: PostgresStore) -> Self {
        store.migrate().await.unwrap();
        let (folder, keys) = (tempfile::tempdir().unwrap(), Keyring::generate().unwrap());
        let log_key = LogKey::generate("example.com/receipts").unwrap().secret_text();
        let now = Arc::new(AtomicU64::new(BEGUN));
        let tracker = tracker_with(&store, &keys, &log_key, &now, &folder.path().join("head")).await;
        Self { folder, keys, log_key, tracker, store, pool, now }
    }

    /// Another program with this log, on another database.
    async fn tracker_on(&self, store: &PostgresStore) -> Tracker {
        tracker_with(store, &self.keys, &self.log_key, &self.now, &self.folder.path().join("head")).await
    }

    fn key(&self) -> PublicKey {
        self.tracker.seals().unwrap().public_key().clone()
    }

    async fn created(&self, n: u64) -> PingId {
        let new = NewPing::one_to_one(format!("reference-{n:06}-of-a-person"), Basis::Contract);
        let new = new.to(format!("ada-{n}@example.com")).message_digest([7; 32]).attachment_digest([8; 32]);
        let sent = self.tracker.pings().create(new).await.unwrap();
        assert_eq!(sent.key_header().unwrap().0, "Mailping-Key");
        sent.id()
    }

    async fn opened(&self, ping: PingId, n: u64) {
        let at = Timestamp::from_unix_millis(self.now.load(Ordering::SeqCst).cast_signed() * 1_000);
        let written = self.store.record(&[opened(ping, n, at)], &[], Attempt::First).await.unwrap();
        assert_eq!(written, [Recorded::Durable]);
    }

    async fn hours(&self, hours: u64) {
        for _ in 0..hours {
            self.now.fetch_add(HOUR, Ordering::SeqCst);
            self.tracker.seals().unwrap().seal().await.unwrap();
        }
    }

    async fn receipt(&self, ping: PingId) -> String {
        self.tracker.receipts().certified(ping).await.unwrap().expect("a receipt")
    }

    async fn certified(&self, ping: PingId) -> Certified {
        Verifier::new(self.key()).verify(&self.receipt(ping).await).unwrap()
    }
}

async fn tracker_with(
    store: &PostgresStore,
    keys: &Keyring,
    log_key: &str,
    now: &Arc<AtomicU64>,
    head: &Path,
) -> Tracker {
    let now = Arc::clone(now);
    let clock = move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::SeqCst));
    let builder = Tracker::builder(keys.clone(), store.clone()).base_url("https://app.example/px").unwrap();
    builder.clock(clock).seal(SealLog::new(log_key.parse().unwrap(), head)).build().await.unwrap()
}

fn opened(ping: PingId, n: u64, at: Timestamp) -> Open {
    let id = OpenId::from_bytes(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let mut open = Open::new(ping, id, at, Fetcher::GmailProxy, Verdict::Human);
    open.city = "Lisbon".parse().ok();
    open
}

fn opens_in(certified: &Certified) -> Vec<String> {
    let opens = certified.statements().filter(|(one, _)| one.kind() == StatementKind::Open);
    opens.map(|(open, _)| open.field("id").unwrap().to_owned()).collect()
}

/// What `scripts/verify_receipt.py` prints about a receipt.
fn python(key: &PublicKey, file: &Path) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/verify_receipt.py");
    let output = Command::new("python3").arg(script).arg(key.to_string()).arg(file).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, python3 and openssl"]
async fn both_verifiers_accept_what_is_sealed_interim_and_final() {
    let office = Office::new("sealing_verifiers").await;
    let (one, other) = (office.created(1).await, office.created(2).await);
    office.opened(one, 1).await;
    office.hours(1).await;
    office.opened(one, 2).await;
    office.hours(2).await;
    let check = async |ping, is_final| {
        let certified = office.certified(ping).await;
        assert_eq!(certified.is_final(), is_final);
        let file = office.folder.path().join("receipt.txt");
        std::fs::write(&file, office.receipt(ping).await).unwrap();
        let (accepted, printed) = python(&office.key(), &file);
        assert!(accepted && printed == format!("{certified}\n"), "{printed}");
    };
    check(one, false).await;
    office.tracker.pings().withdraw(one).await.unwrap();
    office.tracker.people().object("ada-2@example.com").await.unwrap();
    office.hours(4).await;
    check(one, true).await;
    check(other, true).await;
    let page = office.certified(other).await.to_string();
    assert!(page.contains("ended: objection\n") && page.contains("; recipient "), "{page}");
}

/// All rows of all tables as text, bytes as hexadecimal digits.
async fn everything(pool: &PgPool) -> String {
    let tables = "SELECT table_name::text FROM information_schema.tables
        WHERE table_schema = 'mailping' AND table_type = 'BASE TABLE'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(pool).await.unwrap();
    let mut text = String::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT t::text FROM mailping.\"{table}\" AS t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(pool).await.unwrap();
        text.extend(rows);
    }
    text
}

/// How many of these stand in any file of the folder.
fn count_in_files(folder: &Path, all: &[[u8; 32]]) -> usize {
    let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    let mut may_begin = vec![false; 1 << 16];
    let start = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    all.iter().for_each(|one| may_begin[start(one)] = true);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            // The server may delete a file meanwhile.
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            let windows = bytes.windows(32).filter(|window| may_begin[start(window)]);
            found.extend(windows.flat_map(|window| all.iter().find(|one| *one == window)).copied());
        }
    }
    found.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn after_an_erasure_nothing_of_a_tag_is_left_and_other_receipts_verify() {
    const PINGS: u64 = 30;
    let server = block_in_place(Server::quick);
    let database = pool(&server.url("postgres"), 6).await;
    let office = Office::on(database.clone(), store(&database)).await;
    let mut pings = Vec::new();
    for n in 0..PINGS {
        pings.push(office.created(n).await);
    }
    for round in 0..3 {
        for (n, ping) in pings.iter().enumerate() {
            office.opened(*ping, round * 1_000 + n as u64).await;
        }
        office.hours(1).await;
    }
    let mut nonces = Vec::new();
    for ping in &pings {
        let find = sqlx::query_scalar("SELECT nonce FROM mailping.sealed_pings WHERE ping = $1::uuid");
        let nonce: Vec<u8> = find.bind(ping.to_string()).fetch_one(&office.pool).await.unwrap();
        nonces.push(<[u8; 32]>::try_from(nonce).unwrap());
    }
    // Some are in a seal that is closed, and some of an open one.
    for ping in &pings {
        office.opened(*ping, 9_999).await;
    }
    let gone = |n: usize| n % 3 != 1;
    for (n, ping) in pings.iter().enumerate().filter(|(n, _)| gone(*n)) {
        if n % 2 == 0 {
            office.tracker.people().erase(*ping).await.unwrap();
        } else {
            office.tracker.people().erase_recipient(&format!("ada-{n}@example.com")).await.unwrap();
        }
    }
    let at_once = everything(&office.pool).await;
    office.hours(2).await;
    let later = everything(&office.pool).await;
    for text in [at_once, later] {
        for (n, (ping, nonce)) in pings.iter().zip(&nonces).enumerate() {
            let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
            let found = [ping.to_string(), nonce, format!("reference-{n:06}-of-a-person")];
            assert_eq!(found.map(|what| text.contains(&what)), [!gone(n); 3], "ping {n}");
        }
    }
    for (n, ping) in pings.iter().enumerate() {
        match gone(n) {
            true => assert_eq!(office.tracker.receipts().certified(*ping).await.unwrap(), None),
            false => assert_eq!(opens_in(&office.certified(*ping).await).len(), 4),
        }
    }
    // The files of the tables, as PRIVACY.md says.
    for statement in ["VACUUM FULL mailping.sealed_pings, mailping.statements", "CHECKPOINT"] {
        sqlx::raw_sql(statement).execute(&office.pool).await.unwrap();
    }
    let (erased, kept): (Vec<_>, Vec<_>) = (0..nonces.len()).partition(|n| gone(*n));
    let count = |which: Vec<usize>| {
        let which: Vec<[u8; 32]> = which.into_iter().map(|n| nonces[n]).collect();
        (count_in_files(&server.data().join("base"), &which), which.len())
    };
    let (kept, erased) = (count(kept), count(erased));
    assert_eq!((kept.0, erased.0), (kept.1, 0));
}

/// More transactions of others than a mark names are open, from before a ping's end until long
/// after it: what they keep from the news comes before the ping's last seal.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn what_the_news_holds_back_is_sealed_before_the_end() {
    const OPEN: usize = 18;
    let office = Office::new("sealing_held_back").await;
    let (id, other) = (office.created(1).await, office.created(2).await);
    office.opened(id, 1).await;
    office.hours(1).await;
    let others = pool(&common::url("sealing_held_back"), 20).await;
    let mut held = Vec::new();
    for _ in 0..OPEN {
        let mut one = others.begin().await.unwrap();
        sqlx::raw_sql("SELECT pg_current_xact_id()").execute(&mut *one).await.unwrap();
        held.push(one);
    }
    office.opened(id, 2).await;
    office.tracker.pings().withdraw(id).await.unwrap();
    office.hours(6).await;
    let interim = office.certified(id).await;
    assert!(!interim.is_final() && opens_in(&interim).len() == 1, "{interim}");
    for one in held {
        one.rollback().await.unwrap();
    }
    office.hours(3).await;
    let ended = office.certified(id).await;
    assert!(ended.is_final() && opens_in(&ended).len() == 2, "{ended}");
    assert!(!office.certified(other).await.is_final());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_backup_from_before_the_signed_head_is_not_continued() {
    let office = Office::new("sealing_origin").await;
    let id = office.created(1).await;
    office.opened(id, 1).await;
    office.hours(3).await;
    let copy = async |name: &str| {
        let admin = pool(&common::url("postgres"), 1).await;
        let ended =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'sealing_origin'";
        let copy = format!("CREATE DATABASE {name} TEMPLATE sealing_origin");
        let begun = Instant::now();
        loop {
            sqlx::raw_sql(ended).execute(&admin).await.unwrap();
            if sqlx::raw_sql(AssertSqlSafe(copy.clone())).execute(&admin).await.is_ok() {
                return store(&pool(&common::url(name), 4).await);
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not copied");
        }
    };
    let older = copy("sealing_older").await;
    office.hours(1).await;
    let newest = copy("sealing_newest").await;
    let head = office.folder.path().join("head");
    let signed = std::fs::read_to_string(&head).unwrap();
    office.now.fetch_add(HOUR, Ordering::SeqCst);
    let lost = office.tracker_on(&older).await;
    for _ in 0..3 {
        assert!(matches!(lost.seals().unwrap().seal().await, Err(Error::Log { .. })));
        office.now.fetch_add(HOUR, Ordering::SeqCst);
    }
    assert_eq!(std::fs::read_to_string(&head).unwrap(), signed, "nothing was signed");
    let whole = office.tracker_on(&newest).await;
    whole.seals().unwrap().seal().await.unwrap();
    assert_eq!(whole.seals().unwrap().count().await.unwrap(), 5);
    let receipt = whole.receipts().certified(id).await.unwrap().unwrap();
    assert!(Verifier::new(office.key()).verify(&receipt).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn a_head_is_signed_only_of_what_so_many_machines_have() {
    let mut cluster = block_in_place(|| {
        let cluster = Cluster::start_with(&["fsync=off", "synchronous_standby_names="]);
        cluster.wait_for_standbys(2);
        cluster
    });
    let pool = pool(&cluster.server(0).url("postgres"), 4).await;
    let strict = store(&pool).require_copies(2);
    let office = Office::on(pool, strict).await;
    let id = office.created(1).await;
    office.hours(2).await;
    let head = office.folder.path().join("head");
    let signed = std::fs::read_to_string(&head).unwrap();
    block_in_place(|| [1, 2].iter().for_each(|standby| cluster.server_mut(*standby).kill()));
    for _ in 0..4 {
        office.now.fetch_add(HOUR, Ordering::SeqCst);
        assert!(office.tracker.seals().unwrap().seal().await.is_err());
    }
    assert_eq!(std::fs::read_to_string(&head).unwrap(), signed, "nothing was signed");
    block_in_place(|| {
        [1, 2].iter().for_each(|standby| cluster.server_mut(*standby).start());
        cluster.wait_for_standbys(2);
    });
    office.hours(2).await;
    assert!(office.tracker.seals().unwrap().count().await.unwrap() >= 4);
    let receipt = office.receipt(id).await;
    assert!(Verifier::new(office.key()).verify(&receipt).is_ok());
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// A tracker that seals each second, with a file of its own for the head; its keys stand in the
/// folder.
async fn instance(folder: &Path, head: u64) -> (Tracker, PostgresStore, PgPool) {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let keys = Keyring::from_text(&text("keys")).unwrap();
    let log = SealLog::new(text("log-key").parse().unwrap(), folder.join(format!("head-{head}")));
    let pool = pool(&text("url"), 6).await;
    let store = store(&pool);
    let builder = Tracker::builder(keys, store.clone()).base_url("https://app.example/px").unwrap();
    (builder.seal(log.every(Duration::from_secs(1))).build().await.unwrap(), store, pool)
}

/// Makes pings, records opens and seals all at once, and says what was answered, until it is
/// killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run as a process by every_answered_open_is_sealed_once_through_kill_9"]
async fn a_sealing_process() {
    let Some(folder) = std::env::var_os("MAILPING_TEST_FOLDER") else { return };
    let number: u64 = std::env::var("MAILPING_TEST_NUMBER").unwrap().parse().unwrap();
    let (tracker, store, _) = instance(Path::new(&folder), number % 2).await;
    tracker.intake().start();
    let say = |text: String| {
        println!("\n{text}");
        std::io::stdout().flush().unwrap();
    };
    for round in 0.. {
        let new = NewPing::one_to_one("invoice-42", Basis::Contract);
        let ping = tracker.pings().create(new).await.unwrap().id();
        for n in 0..20_u64 {
            let batch: Vec<Open> =
                (0..5).map(|k| opened(ping, (number << 32) + (round << 16) + n * 5 + k, now())).collect();
            let written = store.record(&batch, &[], Attempt::First).await.unwrap();
            assert!(written.iter().all(|answer| *answer == Recorded::Durable));
            batch.iter().for_each(|open| say(format!("answered {ping} {}", open.id)));
        }
    }
}

/// Two instances on one database, killed again and again. `MAILPING_KILLS` says how often (3
/// without it).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn every_answered_open_is_sealed_once_through_kill_9() {
    let rounds: u64 = std::env::var("MAILPING_KILLS").map_or(3, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let log_key = LogKey::generate("example.com/receipts").unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("keys", Keyring::generate().unwrap().secret_text());
    write("log-key", log_key.secret_text());
    write("url", database("sealing_kills").await);
    store(&pool(&common::url("sealing_kills"), 2).await).migrate().await.unwrap();
    let answered = block_in_place(|| {
        let mut answered = BTreeMap::<PingId, Vec<String>>::new();
        for round in 0..rounds {
            for (mut killed, heard) in [0, 1].map(|n| process(folder.path(), round * 2 + n)) {
                let (ping, open) = heard.recv_timeout(Duration::from_secs(60)).unwrap();
                answered.entry(ping).or_default().push(open);
                // Seals are made meanwhile, one a second.
                std::thread::sleep(Duration::from_millis(round * 137 % 1_100));
                killed.kill().unwrap();
                killed.wait().unwrap();
                heard.iter().for_each(|(ping, open)| answered.entry(ping).or_default().push(open));
            }
        }
        answered
    });
    // A rest.
    let (tracker, _store, pool) = instance(folder.path(), 0).await;
    let seals = tracker.seals().unwrap();
    let (count, begun) = (seals.count().await.unwrap(), Instant::now());
    while seals.count().await.unwrap() < count + 3 {
        seals.seal().await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is sealed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let verifier = Verifier::new(log_key.public().clone());
    let mut opens = 0;
    for (ping, answered) in answered {
        let receipt = tracker.receipts().certified(ping).await.unwrap().expect("a receipt");
        let sealed = opens_in(&verifier.verify(&receipt).unwrap());
        for open in &answered {
            let times = sealed.iter().filter(|sealed| *sealed == open).count();
            assert_eq!(times, 1, "open {open} of ping {ping}");
        }
        let kept = sqlx::query_scalar("SELECT count(*) FROM mailping.opens WHERE ping = $1::uuid");
        let kept: i64 = kept.bind(ping.to_string()).fetch_one(&pool).await.unwrap();
        assert_eq!(sealed.len() as i64, kept, "all that is kept is sealed");
        opens += answered.len();
    }
    let count = seals.count().await.unwrap();
    println!("{rounds} rounds: {opens} answered opens, {count} seals");
    assert!(opens as u64 > rounds && count >= 3);
}

type Heard = mpsc::Receiver<(PingId, String)>;

/// This binary again, to run [`a_sealing_process`] alone, and what it says.
fn process(folder: &Path, number: u64) -> (std::process::Child, Heard) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["a_sealing_process", "--exact", "--ignored", "--nocapture"]);
    command.env("MAILPING_TEST_FOLDER", folder).env("MAILPING_TEST_NUMBER", number.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn().unwrap();
    let (says, heard) = mpsc::channel();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    std::thread::spawn(move || {
        for line in lines {
            let line = line.strip_prefix("answered ").and_then(|line| line.split_once(' '));
            if let Some((ping, open)) = line
                && says.send((ping.parse().unwrap(), open.to_owned())).is_err()
            {
                return;
            }
        }
    });
    (process, heard)
}
