//! Lifelike traffic: one million pings, nine hits in ten on the newest twentieth of them; and what
//! batches of it take.

use std::time::{Duration, Instant};

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::{PingId, Timestamp};

pub(crate) const PINGS: u64 = 1_000_000;
pub(crate) const BATCH: usize = 1_000;
/// 2026-11-23T10:00:00Z.
pub(crate) const SENT: u64 = 1_795_428_000_000;

/// In time order of sending, a thousand in each millisecond.
pub(crate) fn ping_id(n: u64) -> PingId {
    let id = (u128::from(SENT + n / 1000) << 80) | (0x7 << 76) | (0x8 << 60) | u128::from(n);
    PingId::from_bytes(id.to_be_bytes())
}

/// SplitMix64: the same sequence for all.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new() -> Self {
        Self(1)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Sorted by key, as the tracker's queue hands batches over.
    pub(crate) fn batch(&mut self) -> Vec<Open> {
        let mut batch: Vec<Open> = (0..BATCH).map(|_| self.open()).collect();
        batch.sort_unstable_by_key(|open| (open.ping, open.id));
        batch
    }

    fn open(&mut self) -> Open {
        let newest = self.below(10) < 9;
        let n = if newest { PINGS - 1 - self.below(PINGS / 20) } else { self.below(PINGS) };
        let at = Timestamp::from_unix_millis((SENT + 1_000).cast_signed());
        let id = OpenId::from_bytes(self.next().to_be_bytes());
        Open::new(ping_id(n), id, at, Fetcher::Browser, Verdict::Human)
    }
}

/// How long each of a number of batches took.
pub(crate) struct Calls(Vec<Duration>);

impl Calls {
    pub(crate) fn with_room(opens: usize) -> Self {
        Self(Vec::with_capacity(opens / BATCH))
    }

    pub(crate) fn add(&mut self, begun: Instant) {
        self.0.push(begun.elapsed());
    }

    /// Prints the rate and the times, and returns the rate: opens a second while batches were under
    /// way.
    pub(crate) fn report(mut self, what: &str) -> f64 {
        let took: Duration = self.0.iter().sum();
        let opens = self.0.len() * BATCH;
        let rate = opens as f64 / took.as_secs_f64();
        let (half, most) = percentiles(&mut self.0);
        println!("{what:9} {opens} opens: {rate:.0}/s, a batch p50 {half:.1?}, p99 {most:.1?}");
        rate
    }
}

/// The median and the 99th percentile.
pub(crate) fn percentiles(took: &mut [Duration]) -> (Duration, Duration) {
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

/// The ratio of the better of each.
pub(crate) fn ratio(of: &[f64], to: &[f64]) -> f64 {
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    best(of) / best(to)
}
