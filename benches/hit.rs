//! The way of one hit in its parts and as a whole, without a store: time and allocations of each.
//!
//! `cargo bench -p mailping-benches --bench hit`; set `MAILPING_GEO` to city databases for places
//! of the real world.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]
#![allow(clippy::expect_used, reason = "a bench that cannot start has nothing better to do")]

#[path = "allocations.rs"]
mod allocations;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use allocations::print_allocations;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue};
use mailping_benches::{forged, geo};
use mailping_core::fetcher::Classifier;
use mailping_core::geo::GeoResolver;
use mailping_core::intake::{MaskedIp, PixelRequest};
use mailping_core::receipts::OpenId;
use mailping_core::testing::fetchers::{self, FetchSignals, SinceSent};
use mailping_core::{Basis, ClientIp, Detail, Keyring, MemoryStore, NewPing, Tracker};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const GMAIL: &str =
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

fn tracker(client_ip: ClientIp) -> Tracker {
    let builder = Tracker::builder(Keyring::generate().expect("random bytes"), MemoryStore::new());
    let builder =
        builder.base_url("https://app.example/px").expect("a URL").geo(geo().expect("city databases"));
    pollster::block_on(builder.client_ip(client_ip).ceiling(Detail::Network).build()).expect("a tracker")
}

fn new_ping() -> NewPing {
    NewPing::one_to_one("invoice-42", Basis::Contract).sent_at(SystemTime::now() - Duration::from_secs(7_200))
}

/// Addresses all over the public space, in an order without a pattern.
fn address(n: u32) -> Ipv4Addr {
    let bits = n.wrapping_mul(2_654_435_761);
    Ipv4Addr::new(1 + (bits >> 24) as u8 % 222, (bits >> 16) as u8, (bits >> 8) as u8, bits as u8)
}

fn hit(criterion: &mut Criterion) {
    let tracker = tracker(ClientIp::peer());
    let ping = pollster::block_on(tracker.pings().create(new_ping())).expect("a ping");
    let url = ping.pixel_url().expect("a live ping");
    let browser =
        headers(&[("user-agent", FIREFOX), ("accept", "image/avif,image/webp,*/*"), ("host", "app.example")]);
    let now = SystemTime::now();
    let open_id = OpenId::from_bytes([7; 8]);
    let peer = Some(IpAddr::from([81, 2, 69, 142]));
    let hot = PixelRequest::new(url, peer, &browser);
    let wrong = forged(url);
    let wrong = PixelRequest::new(&wrong, peer, &browser);

    print_allocations("observe, hot address", || tracker.intake().observe(&hot, now, open_id));
    print_allocations("observe, forged token", || tracker.intake().observe(&wrong, now, open_id));
    criterion.bench_function("token issue", |bencher| {
        bencher.iter(|| pollster::block_on(tracker.pings().create(new_ping())).map(|ping| ping.id()));
    });
    criterion.bench_function("observe, forged token (verify alone)", |bencher| {
        bencher.iter(|| tracker.intake().observe(black_box(&wrong), now, open_id));
    });
    criterion.bench_function("observe, hot address", |bencher| {
        bencher.iter(|| tracker.intake().observe(black_box(&hot), now, open_id));
    });
    let mut n = 0;
    criterion.bench_function("observe, random addresses", |bencher| {
        bencher.iter(|| {
            n += 1;
            let request = PixelRequest::new(url, Some(address(n).into()), &browser);
            tracker.intake().observe(black_box(&request), now, open_id)
        });
    });
}

fn client_address(criterion: &mut Criterion) {
    let trusted = "10.0.0.0/8, 192.168.0.0/16";
    let peer = Some(IpAddr::from([10, 0, 0, 1]));
    let chain = headers(&[
        ("user-agent", FIREFOX),
        ("x-forwarded-for", "6.6.6.6, 198.51.100.77, 10.9.9.9"),
        ("forwarded", "for=6.6.6.6, for=198.51.100.77;proto=https, for=\"10.9.9.9:1234\""),
    ]);
    for (name, client_ip) in [
        ("observe by X-Forwarded-For", ClientIp::x_forwarded_for(trusted).expect("networks")),
        ("observe by Forwarded", ClientIp::forwarded(trusted).expect("networks")),
    ] {
        let tracker = tracker(client_ip);
        let ping = pollster::block_on(tracker.pings().create(new_ping())).expect("a ping");
        let request = PixelRequest::new(ping.pixel_url().expect("a live ping"), peer, &chain);
        let (now, open_id) = (SystemTime::now(), OpenId::from_bytes([7; 8]));
        print_allocations(name, || tracker.intake().observe(&request, now, open_id));
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| tracker.intake().observe(black_box(&request), now, open_id));
        });
    }
}

fn classify(criterion: &mut Criterion) {
    let classifier = Classifier::default();
    let late = SinceSent::After(Duration::from_secs(7_200));
    let google: MaskedIp = "66.249.84.0/24".parse().expect("a network");
    let home: MaskedIp = "198.51.100.0/24".parse().expect("a network");
    for (name, agent, network) in
        [("classify a browser", FIREFOX, home), ("classify Gmail's proxy", GMAIL, google)]
    {
        let headers = headers(&[("user-agent", agent)]);
        print_allocations(name, || {
            fetchers::classify(&classifier, &FetchSignals::from_headers(&headers), Some(network), late)
        });
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let signals = FetchSignals::from_headers(&headers);
                fetchers::classify(&classifier, black_box(&signals), Some(network), late)
            });
        });
    }
}

fn locate(criterion: &mut Criterion) {
    let places = geo().expect("city databases");
    let network = |n| format!("{}/24", Ipv4Addr::from_bits(address(n).to_bits() & !0xff)).parse::<MaskedIp>();
    let networks: Vec<MaskedIp> = (0..65_536).filter_map(|n| network(n).ok()).collect();
    let hot: MaskedIp = "198.51.100.0/24".parse().expect("a network");
    print_allocations("locate, hot", || places.locate(hot));
    criterion.bench_function("locate, hot", |bencher| bencher.iter(|| places.locate(black_box(hot))));
    let mut turn = networks.iter().copied().cycle();
    criterion.bench_function("locate, random", |bencher| {
        bencher.iter(|| turn.next().map(|network| places.locate(network)))
    });
}

criterion_group!(benches, hit, client_address, classify, locate);
criterion_main!(benches);
