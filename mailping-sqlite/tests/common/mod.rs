//! Pings and opens made of numbers, and this test binary run again as a process of its own.
#![allow(unreachable_pub, dead_code, reason = "each test uses a part of what all share")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::pings::{Ping, Status, TimeStep};
use mailping_core::receipts::{Open, OpenId, PingQuery};
use mailping_core::store::{Attempt, OpenQuery, Recorded, Store};
use mailping_core::{Basis, Detail, PingId, Timestamp};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

const SENT: u64 = 1_795_428_000_000;

pub fn time(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(millis).unwrap())
}

/// Ids in time order of sending.
pub fn ping_id(n: u64) -> PingId {
    let spread = u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    PingId::from_bytes(((u128::from(SENT + n) << 80) | spread).to_be_bytes())
}

pub fn ping(n: u64) -> Ping {
    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let mut ping = Ping::stored(ping_id(n), format!("invoice-{n}"), basis, Status::Live);
    (ping.detail, ping.time_step) = (Detail::Network, TimeStep::Exact);
    ping.record_until = time(SENT + n + 1_000_000_000);
    ping.keep_until = time(SENT + n + 3_000_000_000);
    ping
}

pub fn open(ping: PingId, n: u64) -> Open {
    let id = OpenId::from_bytes(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let mut open = Open::new(ping, id, time(SENT + n), Fetcher::Browser, Verdict::Human);
    open.network = Some("192.0.2.0/24".parse().unwrap());
    open.country = Some("PT".parse().unwrap());
    open.city = Some("Lisbon".parse().unwrap());
    open
}

pub fn insert(store: &SqliteStore, ping: &Ping) {
    assert_eq!(block_on(store.insert_ping(ping, None)).unwrap(), ping.status);
}

pub fn record(store: &SqliteStore, opens: &[Open]) {
    let written = block_on(store.record(opens, &[], Attempt::Repeat)).unwrap();
    assert!(written.iter().all(|written| *written == Recorded::Durable));
}

pub fn count_opens(store: &SqliteStore, id: PingId) -> usize {
    block_on(store.opens(&OpenQuery::oldest(id, usize::MAX))).unwrap().items.len()
}

pub fn all_pings(store: &SqliteStore) -> Vec<PingId> {
    let pings = block_on(store.pings(&PingQuery::newest(usize::MAX))).unwrap();
    pings.items.iter().map(|ping| ping.id).collect()
}

/// This binary again, to run the ignored test `name` alone, with the file and a number in its
/// environment.
pub fn process(name: &str, file: &Path, number: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env("MAILPING_TEST_FILE", file)
        .env("MAILPING_TEST_NUMBER", number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What [`process`] was given; `None` if somebody runs the ignored test by hand.
pub fn given() -> Option<(std::path::PathBuf, u64)> {
    let file = std::env::var_os("MAILPING_TEST_FILE")?;
    let number = std::env::var("MAILPING_TEST_NUMBER").ok()?.parse().ok()?;
    Some((file.into(), number))
}

/// Of the database, in bytes.
pub const PAGE: usize = 4_096;

/// Overwrites some of the pages on which rows of a table or an index stand.
pub fn spoil(file: &Path, name: &str, is_spoilt: impl Fn(usize) -> bool) {
    let raw = Connection::open(file).unwrap();
    let mut find = raw.prepare("SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf'").unwrap();
    let pages = find.query_map([name], |row| row.get::<_, u32>(0)).unwrap();
    let pages: Vec<u32> = pages.map(|page| page.unwrap()).collect();
    drop(find);
    drop(raw);
    // In place, since a store may have it open.
    let mut bytes = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    for (_, page) in pages.iter().enumerate().filter(|(n, _)| is_spoilt(*n)) {
        bytes.seek(SeekFrom::Start(u64::from(page - 1) * PAGE as u64)).unwrap();
        bytes.write_all(&[0xa5; PAGE]).unwrap();
    }
}

/// Commits something, so that a store that runs reads its pages again.
pub fn let_reread(file: &Path) {
    Connection::open(file).unwrap().execute("UPDATE about SET one = one", ()).unwrap();
}

/// Lets the last page of a table or an index be bad, which takes new rows.
pub fn spoil_last(file: &Path, name: &str) {
    let leaves = leaves(file, name);
    spoil(file, name, |n| n + 1 == leaves);
}

/// How many pages with rows a table or an index has.
pub fn leaves(file: &Path, name: &str) -> usize {
    let count = "SELECT count(*) FROM dbstat WHERE name = ?1 AND pagetype = 'leaf'";
    let raw = Connection::open(file).unwrap();
    raw.query_row(count, [name], |row| row.get::<_, u32>(0)).unwrap() as usize
}

/// Waits until the index has all opens, which it gets when no hits have come for a second or two.
pub fn wait_for_index(file: &Path) {
    wait_until(file, "SELECT indexed_to >= (SELECT max(seq) FROM opens) FROM about");
}

/// Waits until a question to the file is answered with yes.
pub fn wait_until(file: &Path, question: &str) {
    let raw = Connection::open(file).unwrap();
    let begun = std::time::Instant::now();
    while !raw.query_row(question, (), |row| row.get::<_, bool>(0)).unwrap() {
        assert!(begun.elapsed().as_secs() < 60, "never yes: {question}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
