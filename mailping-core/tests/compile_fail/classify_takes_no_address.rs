// errors: E0308
// The judge of fetchers takes a masked network, never an address.
use mailping_core::fetcher::{Classifier, FetchSignals, SinceSent};

fn judge(raw: std::net::IpAddr) {
    let _ = Classifier::default().classify(&FetchSignals::new(), Some(raw), SinceSent::Before);
}

fn main() {}
