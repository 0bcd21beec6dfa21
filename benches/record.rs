//! What one hit costs until its open is kept, on each store, alone and with many waiting.
//!
//! `cargo bench -p mailping-benches --bench record`

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]
#![allow(clippy::expect_used, reason = "a bench that cannot start has nothing better to do")]

use std::net::IpAddr;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::HeaderMap;
use mailping_core::intake::PixelRequest;
use mailping_core::store::Store;
use mailping_core::{Basis, Keyring, MemoryStore, NewPing, Tracker};
use mailping_sqlite::SqliteStore;

const AT_ONCE: usize = 1_000;
const PINGS: usize = 10_000;

fn bench(criterion: &mut Criterion, name: &str, store: impl Store) {
    let builder = Tracker::builder(Keyring::generate().expect("random bytes"), store);
    let builder =
        builder.base_url("https://app.example/px").expect("a URL").hit_limit(0).burst(0, Duration::ZERO);
    let tracker = pollster::block_on(builder.build()).expect("a tracker");
    let urls: Vec<String> = (0..PINGS)
        .filter_map(|n| {
            let new = NewPing::one_to_one(format!("invoice-{n}"), Basis::Contract);
            pollster::block_on(tracker.pings().create(new)).ok()?.pixel_url().map(str::to_owned)
        })
        .collect();
    let headers = HeaderMap::new();
    let peer = Some(IpAddr::from([198, 51, 100, 7]));
    let mut turn = (0..).map(|n: usize| &urls[n.wrapping_mul(7_919) % urls.len()]);
    let mut next = || {
        tracker.intake().record(&PixelRequest::new(turn.next().map_or("", String::as_str), peer, &headers))
    };

    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    group.bench_function("a lone hit", |bencher| bencher.iter(|| pollster::block_on(next())));
    group.throughput(Throughput::Elements(AT_ONCE as u64));
    group.bench_function("1,000 hits at once", |bencher| {
        bencher.iter(|| {
            let waiting: Vec<_> = (0..AT_ONCE).map(|_| next()).collect();
            waiting.into_iter().map(pollster::block_on).filter(Result::is_ok).count()
        });
    });
    group.finish();
}

fn stores(criterion: &mut Criterion) {
    bench(criterion, "record, memory", MemoryStore::new());
    let folder = tempfile::tempdir().expect("a folder");
    bench(criterion, "record, SQLite", SqliteStore::open(folder.path().join("bench.db")).expect("a store"));
}

criterion_group!(benches, stores);
criterion_main!(benches);
