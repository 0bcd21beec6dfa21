//! Certified receipts from a file: verified by both verifiers, through erasures, kills and two
//! processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests stand outside of #[test] functions"
)]

mod common;

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::{given, process};
use mailping_core::certified::{Certified, LogKey, PublicKey, SealLog, StatementKind, Verifier};
use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{Attempt, Recorded, Store};
use mailping_core::{Basis, Keyring, NewPing, PingId, Timestamp, Tracker};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

const BEGUN: u64 = 1_795_428_000;
const HOUR: u64 = 3_600;

/// A tracker that seals, with a clock that stands still, and another handle to its file.
struct Office {
    folder: tempfile::TempDir,
    tracker: Tracker,
    store: SqliteStore,
    now: Arc<AtomicU64>,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let (store, now) = (SqliteStore::open(&file).unwrap(), Arc::new(AtomicU64::new(BEGUN)));
        let clock = Arc::clone(&now);
        let clock = move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst));
        let key = LogKey::generate("example.com/receipts").unwrap();
        let builder = Tracker::builder(Keyring::generate().unwrap(), SqliteStore::open(&file).unwrap());
        let builder = builder.base_url("https://app.example/px").unwrap().clock(clock);
        let tracker = block_on(builder.seal(SealLog::new(key, folder.path().join("head"))).build()).unwrap();
        Self { folder, tracker, store, now }
    }

    fn key(&self) -> PublicKey {
        self.tracker.seals().unwrap().public_key().clone()
    }

    fn created(&self, n: u64) -> PingId {
        let new = NewPing::one_to_one(format!("reference-{n:06}-of-a-person"), Basis::Contract);
        let new = new.to(format!("ada-{n}@example.com")).message_digest([7; 32]).attachment_digest([8; 32]);
        let sent = block_on(self.tracker.pings().create(new)).unwrap();
        assert_eq!(sent.key_header().unwrap().0, "Mailping-Key");
        sent.id()
    }

    fn opened(&self, ping: PingId, n: u64) {
        let at = Timestamp::from_unix_millis(self.now.load(Ordering::SeqCst).cast_signed() * 1_000);
        let open = opened(ping, n, at);
        let written = block_on(self.store.record(&[open], &[], Attempt::First)).unwrap();
        assert_eq!(written, [Recorded::Durable]);
    }

    fn hours(&self, hours: u64) {
        for _ in 0..hours {
            self.now.fetch_add(HOUR, Ordering::SeqCst);
            block_on(self.tracker.seals().unwrap().seal()).unwrap();
        }
    }

    fn receipt(&self, ping: PingId) -> String {
        block_on(self.tracker.receipts().certified(ping)).unwrap().expect("a receipt")
    }

    fn certified(&self, ping: PingId) -> Certified {
        Verifier::new(self.key()).verify(&self.receipt(ping)).unwrap()
    }
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

#[test]
#[ignore = "needs python3 and openssl"]
fn both_verifiers_accept_what_is_sealed_interim_and_final() {
    let office = Office::new();
    let (one, other) = (office.created(1), office.created(2));
    office.opened(one, 1);
    office.hours(1);
    office.opened(one, 2);
    office.hours(2);
    let check = |ping, is_final| {
        let certified = office.certified(ping);
        assert_eq!(certified.is_final(), is_final);
        let file = office.folder.path().join("receipt.txt");
        std::fs::write(&file, office.receipt(ping)).unwrap();
        let (accepted, printed) = python(&office.key(), &file);
        assert!(accepted && printed == format!("{certified}\n"), "{printed}");
    };
    check(one, false);
    block_on(office.tracker.pings().withdraw(one)).unwrap();
    block_on(office.tracker.people().object("ada-2@example.com")).unwrap();
    office.hours(4);
    check(one, true);
    check(other, true);
    let header = block_on(office.tracker.pings().get(one)).unwrap().unwrap();
    assert_eq!(header.key_header().unwrap().1, office.certified(one).header());
    let page = office.certified(other).to_string();
    assert!(page.contains("ended: objection\n") && page.contains("; recipient "), "{page}");
}

/// All runs of 16 bytes in the folder's files.
fn runs(folder: &Path) -> HashSet<[u8; 16]> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let contents: Vec<Vec<u8>> = files.map(|path| std::fs::read(path).unwrap()).collect();
    contents.iter().flat_map(|content| content.windows(16).map(start_of)).collect()
}

fn start_of(bytes: &[u8]) -> [u8; 16] {
    *bytes.first_chunk().unwrap()
}

#[test]
fn after_an_erasure_nothing_of_a_tag_is_left_and_other_receipts_verify() {
    const PINGS: u64 = 90;
    let office = Office::new();
    let pings: Vec<PingId> = (0..PINGS).map(|n| office.created(n)).collect();
    for round in 0..4 {
        pings.iter().enumerate().for_each(|(n, ping)| office.opened(*ping, round * 1_000 + n as u64));
        office.hours(1);
    }
    let connection = Connection::open(office.folder.path().join("mailping.db")).unwrap();
    let nonce = |ping: &PingId| -> [u8; 32] {
        let find = "SELECT nonce FROM nonces WHERE n = (SELECT nonce FROM sealed_pings WHERE ping = ?1)";
        connection.query_row(find, [ping.as_bytes()], |row| row.get(0)).unwrap()
    };
    let nonces: Vec<[u8; 32]> = pings.iter().map(nonce).collect();
    let found = runs(office.folder.path());
    assert!(nonces.iter().all(|nonce| found.contains(&start_of(nonce))));
    // Some are in a seal that is closed, and some of an open one.
    pings.iter().for_each(|ping| office.opened(*ping, 9_999));
    let gone = |n: usize| n % 3 != 1;
    for (n, ping) in pings.iter().enumerate().filter(|(n, _)| gone(*n)) {
        if n % 2 == 0 {
            block_on(office.tracker.people().erase(*ping)).unwrap();
        } else {
            block_on(office.tracker.people().erase_recipient(&format!("ada-{n}@example.com"))).unwrap();
        }
    }
    office.hours(2);
    drop(connection);
    let found = runs(office.folder.path());
    for (n, (ping, nonce)) in pings.iter().zip(&nonces).enumerate() {
        assert_eq!(found.contains(&start_of(nonce)), !gone(n), "the nonce of ping {n}");
        if gone(n) {
            assert_eq!(block_on(office.tracker.receipts().certified(*ping)).unwrap(), None);
        } else {
            assert_eq!(opens_in(&office.certified(*ping)).len(), 5);
        }
    }
    // Of what is moved about SQLite may leave a copy, as of any other row: few, and none behind a
    // rewrite.
    let strays = || {
        let gone = (0..).zip(&pings).filter(|(n, _)| gone(*n));
        let found = runs(office.folder.path());
        let texts = gone.map(|(n, ping)| (format!("reference-{n:06}-of-a-person"), ping));
        let starts = texts.flat_map(|(text, ping)| [start_of(text.as_bytes()), *ping.as_bytes()]);
        starts.filter(|start| found.contains(start)).count()
    };
    assert!(strays() * 20 <= pings.len() + 40, "{} strays", strays());
    block_on(office.store.rewrite()).unwrap();
    assert_eq!(strays(), 0);
}

#[test]
fn what_is_sealed_is_saved_from_a_damaged_file() {
    let office = Office::new();
    let ping = office.created(1);
    office.opened(ping, 1);
    office.hours(3);
    let (from, to) = (office.folder.path().join("mailping.db"), office.folder.path().join("saved.db"));
    SqliteStore::recover(from, &to).unwrap();
    let rows = |file: &Path, table: &str| -> Vec<Vec<rusqlite::types::Value>> {
        let connection = Connection::open(file).unwrap();
        let mut find = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let count = find.column_count();
        let rows = find.query_map((), |row| (0..count).map(|column| row.get(column)).collect()).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for table in ["ledger", "nonces", "sealed_pings", "statements", "seals", "seal_leaves"] {
        let saved = rows(&to, table);
        assert!(!saved.is_empty(), "{table}");
        assert_eq!(saved, rows(&office.folder.path().join("mailping.db"), table), "{table}");
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// A tracker that seals each second, with a file of its own for the head; its keys stand in the
/// folder.
fn tracker(folder: &Path, head: u64) -> Tracker {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let keys = Keyring::from_text(&text("keys")).unwrap();
    let log = SealLog::new(text("log-key").parse().unwrap(), folder.join(format!("head-{head}")));
    let store = SqliteStore::open(folder.join("mailping.db")).unwrap();
    let builder = Tracker::builder(keys, store).base_url("https://app.example/px").unwrap();
    block_on(builder.seal(log.every(Duration::from_secs(1))).build()).unwrap()
}

/// Makes pings, records opens and seals all at once, and says what was answered, until it is
/// killed.
#[test]
#[ignore = "run as a process by every_answered_open_is_sealed_once_through_kill_9"]
fn a_sealing_process() {
    let Some((file, number)) = given() else { return };
    let folder = file.parent().unwrap();
    let tracker = tracker(folder, number % 2);
    tracker.intake().start();
    let store = SqliteStore::open(&file).unwrap();
    let say = |text: String| {
        println!("\n{text}");
        std::io::stdout().flush().unwrap();
    };
    for round in 0.. {
        let new = NewPing::one_to_one("invoice-42", Basis::Contract);
        let ping = block_on(tracker.pings().create(new)).unwrap().id();
        for n in 0..20_u64 {
            let batch: Vec<Open> =
                (0..5).map(|k| opened(ping, (number << 32) + (round << 16) + n * 5 + k, now())).collect();
            let written = block_on(store.record(&batch, &[], Attempt::First)).unwrap();
            assert!(written.iter().all(|answer| *answer == Recorded::Durable));
            batch.iter().for_each(|open| say(format!("answered {ping} {}", open.id)));
        }
    }
}

/// Two processes on one file, killed again and again. `MAILPING_KILLS` says how often (3 without
/// it).
#[test]
fn every_answered_open_is_sealed_once_through_kill_9() {
    let rounds: u64 = std::env::var("MAILPING_KILLS").map_or(3, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let log_key = LogKey::generate("example.com/receipts").unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("keys", Keyring::generate().unwrap().secret_text());
    write("log-key", log_key.secret_text());
    let file = folder.path().join("mailping.db");
    drop(SqliteStore::open(&file).unwrap());
    let mut answered = BTreeMap::<PingId, Vec<String>>::new();
    for round in 0..rounds {
        let processes: Vec<_> = (0..2)
            .map(|n| {
                let mut killed = process("a_sealing_process", &file, round * 2 + n)
                    .stderr(Stdio::inherit())
                    .spawn()
                    .unwrap();
                let (says, heard) = mpsc::channel();
                let lines = BufReader::new(killed.stdout.take().unwrap()).lines().map(Result::unwrap);
                let reader = std::thread::spawn(move || {
                    for line in lines {
                        let line = line.strip_prefix("answered ").and_then(|line| line.split_once(' '));
                        if let Some((ping, open)) = line {
                            says.send((ping.parse::<PingId>().unwrap(), open.to_owned())).unwrap();
                        }
                    }
                });
                (killed, reader, heard)
            })
            .collect();
        for (mut killed, reader, heard) in processes {
            let (ping, open) = heard.recv_timeout(Duration::from_secs(30)).unwrap();
            answered.entry(ping).or_default().push(open);
            // Seals are made meanwhile, one a second.
            std::thread::sleep(Duration::from_millis(round * 137 % 1_100));
            killed.kill().unwrap();
            killed.wait().unwrap();
            reader.join().unwrap();
            heard.iter().for_each(|(ping, open)| answered.entry(ping).or_default().push(open));
        }
    }
    // A rest.
    let tracker = tracker(folder.path(), 0);
    let seals = tracker.seals().unwrap();
    let (count, begun) = (block_on(seals.count()).unwrap(), Instant::now());
    while block_on(seals.count()).unwrap() < count + 3 {
        block_on(seals.seal()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is sealed");
        std::thread::sleep(Duration::from_millis(100));
    }
    let count = block_on(seals.count()).unwrap();
    let connection = Connection::open(&file).unwrap();
    let one = |question: &str| -> i64 { connection.query_row(question, (), |row| row.get(0)).unwrap() };
    let unsealed = format!(
        "SELECT count(*) FROM opens AS o JOIN pings AS p ON p.n = o.ping WHERE NOT EXISTS
            (SELECT 1 FROM statements WHERE ping = p.id AND name = lower(hex(o.id)) AND seal < {count})"
    );
    assert_eq!(one(&unsealed), 0, "all that is kept is sealed");
    assert_eq!(
        one("SELECT count(*) FROM opens"),
        one("SELECT count(*) FROM statements WHERE name <> 'created'")
    );
    let verifier = Verifier::new(log_key.public().clone());
    let (mut opens, each) = (0, answered.len() / 100 + 1);
    for (n, (ping, answered)) in answered.iter().enumerate() {
        opens += answered.len();
        let mut find = connection.prepare_cached("SELECT name FROM statements WHERE ping = ?1").unwrap();
        let found = find.query_map([ping.as_bytes()], |row| row.get::<_, String>(0)).unwrap();
        let found: HashSet<String> = found.map(Result::unwrap).collect();
        let missing = answered.iter().find(|open| !found.contains(*open));
        assert_eq!(missing, None, "of ping {ping}");
        // A few hundred milliseconds each, without optimisation.
        if n % each == 0 {
            let receipt = block_on(tracker.receipts().certified(*ping)).unwrap().expect("a receipt");
            let sealed = opens_in(&verifier.verify(&receipt).unwrap());
            assert_eq!(sealed.len(), found.len() - 1);
        }
    }
    println!("{rounds} rounds: {opens} answered opens, {count} seals");
    assert!(opens as u64 > rounds && count >= 3);
}
