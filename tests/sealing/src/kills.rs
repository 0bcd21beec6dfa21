//! Processes on one database, killed again and again; and what must be sealed of what they
//! answered.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use mailping_core::certified::{LogKey, Seals, Verifier};
use mailping_core::receipts::PingQuery;
use mailping_core::store::{OpenQuery, Store};
use mailping_core::{Keyring, PingId};
use tempfile::TempDir;

use crate::{opens_in, process};

/// The ids of the opens that were answered, by ping.
pub type Answered = BTreeMap<PingId, Vec<String>>;

/// Two processes on one database, killed again and again.
#[derive(Debug)]
pub struct Kills {
    folder: TempDir,
    log_key: LogKey,
    rounds: u64,
}

impl Kills {
    /// As many rounds as `MAILPING_KILLS` says: 3 without it.
    pub fn from_env() -> Self {
        let rounds = std::env::var("MAILPING_KILLS").map_or(3, |rounds| rounds.parse().unwrap());
        let log_key = LogKey::generate("example.com/receipts").unwrap();
        let kills = Self { folder: tempfile::tempdir().unwrap(), log_key, rounds };
        kills.write("keys", &Keyring::generate().unwrap().secret_text());
        kills.write("log-key", &kills.log_key.secret_text());
        kills
    }

    /// The folder that all processes share.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the processes a text in their folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), text).unwrap();
    }

    /// Starts two processes and kills them, round by round; gives what they answered.
    pub fn happen(&self) -> Answered {
        let mut answered = Answered::new();
        for round in 0..self.rounds {
            let processes = [0, 1].map(|n| {
                let mut killed = process::spawn(self.folder(), round * 2 + n);
                let (says, heard) = mpsc::channel();
                let lines = BufReader::new(killed.stdout.take().unwrap()).lines().map(Result::unwrap);
                let reader = std::thread::spawn(move || {
                    lines
                        .filter_map(|line| process::answered(&line))
                        .for_each(|open| says.send(open).unwrap());
                });
                (killed, reader, heard)
            });
            for (mut killed, reader, heard) in processes {
                let (ping, open) = heard.recv_timeout(Duration::from_secs(60)).unwrap();
                answered.entry(ping).or_default().push(open);
                // Seals are made meanwhile, one a second.
                std::thread::sleep(Duration::from_millis(round * 137 % 1_100));
                killed.kill().unwrap();
                killed.wait().unwrap();
                reader.join().unwrap();
                heard.iter().for_each(|(ping, open)| answered.entry(ping).or_default().push(open));
            }
        }
        answered
    }

    /// After a rest, each answered open is kept and each open that is kept is in one closed seal,
    /// once. The receipts of at most `receipts` pings, at even distances, are verified: each takes
    /// a few hundred milliseconds without optimisation. It opens the store twice.
    pub async fn leave_each_open_sealed_once<S: Store + 'static>(
        &self,
        answered: &Answered,
        store: impl Fn() -> S,
        receipts: usize,
    ) {
        let (tracker, store) = (process::tracker(self.folder(), 0, store()).await, store());
        let seals = tracker.seals().unwrap();
        rest(seals).await;
        let count = seals.count().await.unwrap();
        let (kept, sealed) = (kept(&store).await, sealed(&store, count).await);
        for (ping, kept) in &kept {
            assert_eq!(sealed.get(ping), Some(kept), "all that is kept of ping {ping} is sealed");
            assert!(kept.is_sorted_by(|one, next| one < next), "once: {kept:?}");
        }
        assert_eq!(sealed.len(), kept.len(), "and nothing else");
        for (ping, answered) in answered {
            let missing = answered.iter().find(|open| kept[ping].binary_search(open).is_err());
            assert_eq!(missing, None, "of ping {ping}");
        }
        let verifier = Verifier::new(self.log_key.public().clone());
        for ping in answered.keys().step_by(answered.len().div_ceil(receipts)) {
            let receipt = tracker.receipts().certified(*ping).await.unwrap().expect("a receipt");
            let mut sealed = opens_in(&verifier.verify(&receipt).unwrap());
            sealed.push(CREATED.to_owned());
            sealed.sort();
            assert_eq!(sealed, kept[ping], "in the receipt of ping {ping}");
        }
        let opens = answered.values().map(Vec::len).sum::<usize>();
        println!("{} rounds: {opens} answered opens, {count} seals", self.rounds);
        assert!(opens as u64 > self.rounds && count >= 3);
    }
}

/// The statement that is no open.
const CREATED: &str = "created";

/// Until three more seals are closed.
async fn rest(seals: Seals<'_>) {
    let (count, begun) = (seals.count().await.unwrap(), Instant::now());
    while seals.count().await.unwrap() < count + 3 {
        seals.seal().await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is sealed");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What must be sealed of each ping, sorted: that it was created, and its opens by id.
async fn kept(store: &impl Store) -> BTreeMap<PingId, Vec<String>> {
    let mut kept = BTreeMap::new();
    for ping in store.pings(&PingQuery::newest(usize::MAX)).await.unwrap().items {
        let opens = store.opens(&OpenQuery::oldest(ping.id, usize::MAX)).await.unwrap().items;
        let mut names: Vec<String> = opens.iter().map(|open| open.id.to_string()).collect();
        names.push(CREATED.to_owned());
        names.sort();
        kept.insert(ping.id, names);
    }
    kept
}

/// What is in the closed seals of each ping, sorted, if nothing waits for the next one.
async fn sealed(store: &impl Store, count: u64) -> BTreeMap<PingId, Vec<String>> {
    let (mut sealed, sealing) = (BTreeMap::<PingId, Vec<String>>::new(), store.sealing().unwrap());
    for seal in 0..=count {
        let page = sealing.statements_in(seal, None, usize::MAX).await.unwrap();
        assert!(seal < count || page.items.is_empty(), "an open waits for the next seal");
        for ping in page.items {
            let names = ping.lines.iter().map(|line| {
                let id = line.split("; ").find_map(|field| field.strip_prefix("id "));
                id.unwrap_or(CREATED).to_owned()
            });
            sealed.entry(ping.ping).or_default().extend(names);
        }
    }
    sealed.values_mut().for_each(|names| names.sort());
    sealed
}
