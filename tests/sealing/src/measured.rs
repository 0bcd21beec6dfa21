//! What sealing costs: processor time a hit, and hits beside a large seal. The figures count in
//! release alone; without `MAILPING_OPENS` a few opens run, so that this does not rot.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mailping_core::certified::{LogKey, SealLog};
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::receipts::PingQuery;
use mailping_core::store::Store;
use mailping_core::{Basis, Keyring, NewPing, Tracker};
use pollster::block_on;
use tempfile::TempDir;

use crate::Clock;

const PINGS: usize = 1_000;

/// A store that is measured, with what it needs while it is used.
pub trait Measured {
    /// The store.
    type Store: Store + 'static;

    /// Starts one that is empty.
    fn start() -> Self;

    /// A handle to it.
    fn store(&self) -> Self::Store;

    /// The processor time that it and this process have used, in microseconds.
    fn processor_time(&self) -> f64;
}

/// Prints what a hit costs with sealing and without it.
pub fn processor_time_a_hit_with_and_without_sealing<M: Measured>() {
    for (name, at_once, share) in [("lone hits", 1, 5), ("64 at once", 64, 1)] {
        let count = opens() / share / at_once;
        let [plain, sealed] = [false, true].map(|seals| {
            let measured = M::start();
            let office = Office::new(measured.store(), seals);
            office.hit(0, 64);
            let begun = measured.processor_time();
            let a_hit = || (measured.processor_time() - begun) / (count * at_once) as f64;
            (0..count).for_each(|n| office.hit(n * at_once, at_once));
            let hits = a_hit();
            if seals {
                office.seal();
            }
            (hits, a_hit())
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

/// Prints how long lone hits take, alone and while all opens are sealed; with `MAILPING_OPENS`
/// the p99 beside a seal is at most ten times that of hits alone.
pub fn hits_beside_a_large_seal<M: Measured>() {
    let measured = M::start();
    let office = Office::new(measured.store(), true);
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
        let page = office.tracker.receipts().list(&PingQuery::newest(1)).await;
        office.tracker.receipts().certified(page.unwrap().items[0].ping.id).await
    });
    assert!(receipt.unwrap().is_some());
    if std::env::var_os("MAILPING_OPENS").is_some() {
        assert!(beside_99 <= alone_99 * 10, "{beside_99:?} beside {alone_99:?}");
    }
}

/// How many opens; 2,000 unless somebody measures.
fn opens() -> usize {
    std::env::var("MAILPING_OPENS").map_or(2_000, |opens| opens.parse().unwrap())
}

/// A tracker without limits on hits, and the paths of its pixels.
struct Office {
    tracker: Tracker,
    paths: Vec<String>,
    clock: Clock,
    _folder: TempDir,
}

impl Office {
    fn new(store: impl Store + 'static, seals: bool) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let reads = clock.clone();
        let builder =
            Tracker::builder(Keyring::generate().unwrap(), store).base_url("https://app.example/px");
        let builder = builder.unwrap().clock(move || reads.now());
        let mut builder = builder.hit_limit(0).burst(0, Duration::ZERO);
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
        Self { tracker, paths, clock, _folder: folder }
    }

    /// So many hits at once; waits until each is durable.
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
        self.clock.pass_an_hour();
        block_on(self.tracker.seals().unwrap().seal()).unwrap();
    }
}

fn quantile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part) as usize]
}

/// The numbers of a process in `/proc/PID/stat`, from its state on; `None` if there is no such
/// process.
pub fn stat(process: &str) -> Option<Vec<u64>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

/// The microseconds of processor time that are in these fields of [`stat`].
pub fn micros(fields: &[u64]) -> f64 {
    fields.iter().sum::<u64>() as f64 * 10_000.0
}
