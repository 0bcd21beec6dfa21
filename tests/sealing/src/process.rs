//! A process that makes pings, records opens and seals all at once, until it is killed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use mailping_core::certified::SealLog;
use mailping_core::receipts::Open;
use mailping_core::store::{Attempt, Recorded, Store};
use mailping_core::{Basis, Keyring, NewPing, PingId, Tracker};

use crate::office::open;

const FOLDER: &str = "MAILPING_TEST_FOLDER";
const NUMBER: &str = "MAILPING_TEST_NUMBER";

/// One of the processes that [`Kills`](crate::Kills) starts: the test binary again, to run the
/// ignored test `a_sealing_process` alone.
#[derive(Debug)]
pub struct Process {
    folder: PathBuf,
    number: u64,
}

impl Process {
    /// What this process was started as; `None` if somebody runs the ignored test by hand.
    pub fn given() -> Option<Self> {
        let folder = std::env::var_os(FOLDER)?.into();
        Some(Self { folder, number: std::env::var(NUMBER).ok()?.parse().ok()? })
    }

    /// The folder that all of them share.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes pings, records opens and seals all at once, and says what was answered, until it is
    /// killed. It opens the store twice.
    pub async fn works_until_it_is_killed<S: Store + 'static>(&self, store: impl Fn() -> S) {
        let tracker = tracker(&self.folder, self.number % 2, store()).await;
        tracker.intake().start();
        let store = store();
        for round in 0.. {
            let new = NewPing::one_to_one("invoice-42", Basis::Contract);
            let ping = tracker.pings().create(new).await.unwrap().id();
            for n in 0..20_u64 {
                let number = |k| (self.number << 32) + (round << 16) + n * 5 + k;
                let batch: Vec<Open> =
                    (0..5).map(|k| open(ping, number(k), SystemTime::now().into())).collect();
                let written = store.record(&batch, &[], Attempt::First).await.unwrap();
                assert!(written.iter().all(|answer| *answer == Recorded::Durable));
                for open in batch {
                    println!("\nanswered {ping} {}", open.id);
                    std::io::stdout().flush().unwrap();
                }
            }
        }
    }
}

/// Starts a process.
pub(crate) fn spawn(folder: &Path, number: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["a_sealing_process", "--exact", "--ignored", "--nocapture"]);
    command.env(FOLDER, folder).env(NUMBER, number.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The ping and the id of the open that a process says was answered in this line.
pub(crate) fn answered(line: &str) -> Option<(PingId, String)> {
    let (ping, open) = line.strip_prefix("answered ")?.split_once(' ')?;
    Some((ping.parse().unwrap(), open.to_owned()))
}

/// A tracker that seals each second, with a file of its own for the head; its keys are in the
/// folder.
pub(crate) async fn tracker(folder: &Path, head: u64, store: impl Store + 'static) -> Tracker {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let keys = Keyring::from_text(&text("keys")).unwrap();
    let log = SealLog::new(text("log-key").parse().unwrap(), folder.join(format!("head-{head}")));
    let builder = Tracker::builder(keys, store).base_url("https://app.example/px").unwrap();
    builder.seal(log.every(Duration::from_secs(1))).build().await.unwrap()
}
