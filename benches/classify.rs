//! Judging one fetch with all of Apple's list loaded: time and allocations; and the list itself:
//! time to load, memory, look-up.
//!
//! `cargo bench -p mailping-benches --bench classify`; `MAILPING_RELAY_LIST` names the operator's
//! CSV. Without it a list of the same size and shape is made: 287,000 rows in the same six blocks
//! of IPv6 and as many networks of IPv4 as the relay has.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]
#![allow(clippy::expect_used, reason = "a bench that cannot start has nothing better to do")]

#[path = "allocations.rs"]
mod allocations;

use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::time::Duration;

use allocations::{print_allocated, print_allocations};
use criterion::{Criterion, criterion_group, criterion_main};
use mailping_core::fetcher::{Classifier, Network, networks_from_lines};
use mailping_core::intake::MaskedIp;
use mailping_core::testing::fetchers::{FetchSignals, SinceSent, classify};

const AGENTS: [(&str, &str); 6] = [
    (
        "chrome",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (
        "Safari of a telephone",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
    ),
    (
        "Gmail's proxy",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    ),
    ("Apple's prefetch", "Mozilla/5.0"),
    (
        "Outlook, 200 bytes",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; .NET4.0C; .NET4.0E; .NET CLR 2.0.50727; .NET CLR 3.0.30729; .NET CLR 3.5.30729; Microsoft Outlook 16.0.5056; ms-office; MSOffice 16)",
    ),
];

/// Rows as the operator writes them: pairs and single addresses of IPv4, /64 of IPv6.
fn made_list() -> String {
    let mut rows = String::with_capacity(13 << 20);
    let mut row = |network: std::fmt::Arguments<'_>| {
        writeln!(rows, "{network},DE,DE-BE,Berlin,").expect("a String takes all");
    };
    // 646 networks of /24: one in four wholly the relay's.
    for at in 0..646_u32 {
        let (high, low) = (224 + at / 256, at % 256);
        let pairs = if at % 4 == 0 { 128 } else { 64 };
        (0..pairs).for_each(|pair| row(format_args!("172.{high}.{low}.{}/31", pair * 2)));
    }
    // 3,708 networks of /48 in the six blocks.
    for at in 0..3_708_u32 {
        let block =
            ["2a02:26f7", "2a04:4e41", "2606:54c0", "2606:54c3", "2a09:bac2", "2a09:bac3"][at as usize % 6];
        (0..63).for_each(|part| row(format_args!("{block}:{:x}:{part:x}::/64", at / 6 * 4)));
    }
    rows
}

fn list(criterion: &mut Criterion) {
    let text = match std::env::var("MAILPING_RELAY_LIST") {
        Ok(path) => fs::read_to_string(path).expect("MAILPING_RELAY_LIST names Apple's CSV"),
        Err(_) => made_list(),
    };
    println!("list: {} rows, {} bytes of text", text.lines().count(), text.len());
    let read = || networks_from_lines(text.as_bytes()).expect("a list of networks");
    print_allocated("the list alone", read);
    print_allocated("a classifier with it", || Classifier::default().networks(Network::PrivateRelay, read()));
    let classifier = Classifier::default().networks(Network::PrivateRelay, read());
    println!("its look-up tables: {} bytes", classifier.table_bytes());

    let mut group = criterion.benchmark_group("list");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("read all rows", |bencher| bencher.iter(read));
    let list = read();
    group.bench_function("put into a classifier", |bencher| {
        bencher.iter(|| Classifier::default().networks(Network::PrivateRelay, list.clone()));
    });
    group.finish();

    let late = SinceSent::After(Duration::from_secs(7_200));
    let none = FetchSignals::new();
    // No agent to read: what is left is the look-up and what follows from it.
    for (name, network) in
        [("no network", ""), ("an IPv4 network", "172.225.10.0/24"), ("an IPv6 network", "2a02:26f7:b0::/48")]
    {
        let network: Option<MaskedIp> = network.parse().ok();
        criterion.bench_function(&format!("look up {name}, without an agent"), |bencher| {
            bencher.iter(|| classify(&classifier, black_box(&none), black_box(network), late));
        });
    }
    // All over the list and outside of it, so that no branch is foreseen.
    let spread: Vec<MaskedIp> = (0..65_536_u32)
        .filter_map(|at| {
            let bits = at.wrapping_mul(2_654_435_761);
            format!("172.{}.{}.0/24", 200 + bits % 56, bits >> 24).parse().ok()
        })
        .collect();
    let mut turn = spread.iter().copied().cycle();
    criterion.bench_function("look up random networks, without an agent", |bencher| {
        bencher.iter(|| classify(&classifier, black_box(&none), turn.next(), late));
    });
    let network: Option<MaskedIp> = "172.225.10.0/24".parse().ok();
    for (name, agent) in AGENTS {
        let signals = FetchSignals::new().user_agent(agent.as_bytes());
        print_allocations(name, || classify(&classifier, &signals, network, late));
        criterion.bench_function(&format!("classify {name}"), |bencher| {
            bencher.iter(|| classify(&classifier, black_box(&signals), black_box(network), late));
        });
    }
}

criterion_group!(benches, list);
criterion_main!(benches);
