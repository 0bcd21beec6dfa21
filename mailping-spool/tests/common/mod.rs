//! Pings and opens made of numbers, and a spool before a store that breaks when it is told to.
#![allow(unreachable_pub, dead_code, reason = "each test uses a part of what all share")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::pings::{Ping, Status, TimeStep};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{
    Attempt, KeyFingerprint, OpenQuery, RecipientHash, RecipientHashes, Recorded, Store,
};
use mailping_core::testing::faulty::FaultyStore;
use mailping_core::{Basis, Detail, PingId, Timestamp};
use mailping_spool::{Spool, SpooledStore};
use pollster::block_on;

const SENT: u64 = 1_795_428_000_000;

pub fn time(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(millis).unwrap())
}

pub fn ping_id(n: u64) -> PingId {
    let spread = u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    PingId::from_bytes(((u128::from(SENT + n) << 80) | spread).to_be_bytes())
}

pub fn ping(n: u64) -> Ping {
    let mut ping = Ping::stored(ping_id(n), format!("invoice-{n}"), Basis::Contract, Status::Live);
    (ping.detail, ping.time_step) = (Detail::Network, TimeStep::Exact);
    ping.record_until = time(SENT + n + 1_000_000_000);
    ping.keep_until = time(SENT + n + 3_000_000_000);
    ping
}

pub fn recipient(n: u64) -> RecipientHashes {
    let hash =
        RecipientHash::from_parts(KeyFingerprint::from_bits(1).unwrap(), [u8::try_from(n).unwrap(); 32]);
    RecipientHashes::from_parts(hash, Vec::new())
}

/// The n-th open, of one of three pings, in one of the time steps.
pub fn open(n: u64) -> Open {
    let id = OpenId::from_bytes(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let mut open = Open::new(ping_id(n % 3), id, time(SENT + n), Fetcher::Browser, Verdict::Human);
    open.time_step = TimeStep::ALL[(n % 5 % 3) as usize];
    open.network = Some("192.0.2.0/24".parse().unwrap());
    open.country = Some("PT".parse().unwrap());
    open.city = Some(format!("City-{n}-of-a-person").parse().unwrap());
    open
}

pub fn opens(numbers: std::ops::Range<u64>) -> Vec<Open> {
    numbers.map(open).collect()
}

/// Three pings in a database, and a spool before it.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub database: FaultyStore,
    pub store: SpooledStore,
}

impl Fixture {
    pub fn new() -> Self {
        let (folder, database) = (tempfile::tempdir().unwrap(), FaultyStore::default());
        insert_pings(&database);
        let store = spooled(&folder.path().join("spool"), &database);
        Self { folder, database, store }
    }

    pub fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// Records opens that must all be answered so.
    pub fn records(&self, opens: &[Open], answer: Recorded) {
        let written = block_on(self.store.record(opens, &[], Attempt::First)).unwrap();
        assert_eq!(written, vec![answer; opens.len()]);
    }

    /// As another process that begins with what this one has left.
    pub fn restarted(self) -> Self {
        let Self { folder, database, store } = self;
        drop(store);
        let store = spooled(&folder.path().join("spool"), &database);
        Self { folder, database, store }
    }

    pub fn waiting(&self) -> u64 {
        self.store.spool().unwrap().backlog().waiting
    }

    /// Hands over until nothing waits.
    pub fn hands_over_all(&self) {
        let begun = Instant::now();
        while self.store.spool().unwrap().hand_over().unwrap() {
            assert!(begun.elapsed() < Duration::from_secs(60), "there is always more");
        }
        assert_eq!(self.waiting(), 0);
    }

    /// The opens that the database has, which must be those that were made with these numbers.
    pub fn kept(&self) -> BTreeSet<u64> {
        kept(&self.database)
    }
}

pub fn insert_pings(database: &FaultyStore) {
    for n in 0..3 {
        block_on(database.insert_ping(&ping(n), Some(&recipient(n)))).unwrap();
    }
}

pub fn spooled(folder: &Path, database: &FaultyStore) -> SpooledStore {
    Spool::open(folder).unwrap().before(database.clone())
}

/// The numbers of all opens in a database, each of which must be as it was made and stand once, at
/// its ping.
pub fn kept(database: &FaultyStore) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    for n in 0..3 {
        let page = block_on(database.memory().opens(&OpenQuery::oldest(ping_id(n), usize::MAX))).unwrap();
        for found in page.items {
            let number = u64::try_from(found.at.unix_millis()).unwrap() - SENT;
            assert_eq!(found, open(number), "as it was made, at its ping");
            assert!(numbers.insert(number), "each once");
        }
    }
    numbers
}

/// The files of a spool with this ending.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
