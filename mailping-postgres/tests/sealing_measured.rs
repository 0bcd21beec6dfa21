//! What sealing costs: processor time a hit, the server's among it, and hits beside a large seal.
//! The figures count in release alone: `.ci/full sealing` asks for 100,000 opens; without it a few
//! run, so that this does not rot.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use mailping_core::certified::{LogKey, SealLog};
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::{Basis, Keyring, NewPing, Tracker};
use mailping_fixture_postgres::Server;
use pollster::block_on;
use tokio::runtime::Runtime;

const PINGS: usize = 1_000;
const BEGUN: u64 = 1_795_428_000;

/// How many opens; 2,000 unless somebody measures.
fn opens() -> usize {
    std::env::var("MAILPING_OPENS").map_or(2_000, |opens| opens.parse().unwrap())
}

struct Office {
    tracker: Tracker,
    _runtime: Runtime,
    server: Server,
    _folder: tempfile::TempDir,
    paths: Vec<String>,
    now: Arc<AtomicU64>,
}

impl Office {
    fn new(seals: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicU64::new(BEGUN));
        let clock = Arc::clone(&now);
        let clock = move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst));
        let (server, runtime) = (Server::start_with(&[]), Runtime::new().unwrap());
        let store = runtime.block_on(async {
            let store = common::store(&common::pool(&server.url("postgres"), 8).await);
            store.migrate().await.unwrap();
            store
        });
        let builder =
            Tracker::builder(Keyring::generate().unwrap(), store).base_url("https://app.example/px");
        let mut builder = builder.unwrap().clock(clock).hit_limit(0).burst(0, Duration::ZERO);
        if seals {
            let key = LogKey::generate("example.com/receipts").unwrap();
            builder = builder.seal(SealLog::new(key, folder.path().join("head")));
        }
        let tracker = block_on(builder.build()).unwrap();
        let path = |n| {
            let new = NewPing::one_to_one(format!("invoice-{n}"), Basis::Contract);
            let sent = block_on(tracker.pings().create(new)).unwrap();
            sent.pixel_url().unwrap().strip_prefix("https://app.example").unwrap().to_owned()
        };
        let paths = (0..PINGS).map(path).collect();
        Self { tracker, _runtime: runtime, server, _folder: folder, paths, now }
    }

    /// So many hits at once, each waited for.
    fn hit(&self, first: usize, at_once: usize) {
        let headers = http::HeaderMap::new();
        let peer = Some("192.0.2.7".parse().unwrap());
        let waiting: Vec<_> = (first..first + at_once)
            .map(|n| {
                let path = &self.paths[n * 701 % PINGS];
                self.tracker.intake().record(&PixelRequest::new(path, peer, &headers))
            })
            .collect();
        waiting.into_iter().for_each(|one| assert_eq!(block_on(one).unwrap(), Recorded::Durable));
    }

    fn seal(&self) {
        self.now.fetch_add(3_600, Ordering::SeqCst);
        block_on(self.tracker.seals().unwrap().seal()).unwrap();
    }
}

/// The processor time of this process and of the server with all of its own, in microseconds.
fn cpu(server: &Server) -> f64 {
    let fields = |process: &str| -> Option<Vec<u64>> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        Some(fields.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
    };
    let pid = std::fs::read_to_string(server.data().join("postmaster.pid")).unwrap();
    let pid: u64 = pid.lines().next().unwrap().parse().unwrap();
    let sum = |fields: Vec<u64>, to: usize| fields[11..to].iter().sum::<u64>();
    // Of those that have ended, their parent knows.
    let mut ticks = sum(fields("self").unwrap(), 13) + sum(fields(&pid.to_string()).unwrap(), 15);
    for process in std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name()) {
        let fields = fields(process.to_str().unwrap()).filter(|fields| fields[1] == pid);
        ticks += fields.map_or(0, |fields| sum(fields, 13));
    }
    ticks as f64 * 10_000.0
}

fn quantile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part) as usize]
}

#[test]
#[ignore = "needs PostgreSQL"]
fn processor_time_a_hit_with_and_without_sealing() {
    for (name, at_once, share) in [("lone hits", 1, 5), ("64 at once", 64, 1)] {
        let count = opens() / share / at_once;
        let [plain, sealed] = [false, true].map(|seals| {
            let office = Office::new(seals);
            office.hit(0, 64);
            let begun = cpu(&office.server);
            (0..count).for_each(|n| office.hit(n * at_once, at_once));
            let hits = (cpu(&office.server) - begun) / (count * at_once) as f64;
            if seals {
                office.seal();
            }
            (hits, (cpu(&office.server) - begun) / (count * at_once) as f64)
        });
        println!(
            "{name}, {} hits: {:.1} µs a hit without sealing; with it {:.1} µs, and {:.1} µs with its seal",
            count * at_once,
            plain.1,
            sealed.0,
            sealed.1
        );
    }
}

#[test]
#[ignore = "needs PostgreSQL"]
fn hits_beside_a_large_seal() {
    let office = Office::new(true);
    let lone = |stop: &dyn Fn(usize) -> bool| {
        let mut times = Vec::new();
        while !stop(times.len()) {
            let begun = Instant::now();
            office.hit(times.len(), 1);
            times.push(begun.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
        times
    };
    let mut alone = lone(&|count| count >= opens().min(2_000));
    (0..opens() / 250).for_each(|n| office.hit(n * 250, 250));
    let is_sealed = AtomicBool::new(false);
    let (mut beside, took) = std::thread::scope(|scope| {
        let sealer = scope.spawn(|| {
            let begun = Instant::now();
            office.seal();
            is_sealed.store(true, Ordering::SeqCst);
            begun.elapsed()
        });
        (lone(&|_| is_sealed.load(Ordering::SeqCst)), sealer.join().unwrap())
    });
    let [alone_99, beside_99] = [&mut alone, &mut beside].map(|times| quantile(times, 0.99));
    println!(
        "{} opens sealed in {took:.2?}; a lone hit p50 {:.2?}, p99 {alone_99:.2?}; beside it p50 {:.2?}, p99 {beside_99:.2?}, max {:.2?} of {}",
        opens(),
        quantile(&mut alone, 0.5),
        quantile(&mut beside, 0.5),
        quantile(&mut beside, 1.0),
        beside.len()
    );
    let receipt = block_on(async {
        let page = office.tracker.receipts().list(&mailping_core::receipts::PingQuery::newest(1)).await;
        office.tracker.receipts().certified(page.unwrap().items[0].ping.id).await
    });
    assert!(receipt.unwrap().is_some());
    if std::env::var_os("MAILPING_OPENS").is_some() {
        assert!(beside_99 <= alone_99 * 10, "{beside_99:?} beside {alone_99:?}");
    }
}
