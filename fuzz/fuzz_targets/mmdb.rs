//! Databases of places and of network numbers, damaged in any way: an error or an answer, never a
//! panic.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use mailping_core::fetcher::Classifier;
use mailping_core::geo::{GeoResolver, MaxMind};
use mailping_core::testing::fetchers::{FetchSignals, SinceSent, classify};

const NETWORKS: [&str; 5] =
    ["192.0.2.0/24", "203.0.113.0/24", "0.0.0.0/24", "2001:db8::/48", "ffff:ffff:ffff::/48"];

fuzz_target!(|data: &[u8]| {
    let networks = NETWORKS.map(|text| text.parse().expect("a masked network"));
    if let Ok(places) = MaxMind::from_bytes(data) {
        for network in networks {
            let _ = places.locate(network);
        }
    }
    if let Ok(classifier) = Classifier::default().asn(data.to_vec()) {
        for network in networks {
            let late = SinceSent::After(Duration::from_secs(7_200));
            let _ = classify(&classifier, &FetchSignals::new(), Some(network), late);
        }
    }
});
