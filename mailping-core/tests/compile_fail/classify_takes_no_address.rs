// errors: E0308
// The judge of fetchers takes a masked network, never an address.
use mailping_core::fetcher::Classifier;
use mailping_core::testing::fetchers::{FetchSignals, SinceSent, classify};

fn judge(raw: std::net::IpAddr) {
    let _ = classify(&Classifier::default(), &FetchSignals::new(), Some(raw), SinceSent::Before);
}

fn main() {}
