//! Any User-Agent, with any purpose header after its first line, from every kind of network: the
//! whole way of a hit. The first byte chooses network and time.

#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use mailping_core::ClientIp;
use mailping_core::fetcher::{EvidenceSet, Verdict};
use mailping_fuzz::{Subject, headers};

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| Subject::new(ClientIp::peer()));
/// Nobody's, Gmail's proxy, Google, the relay, Yahoo, mail protection, Exchange Online, a
/// documentation network.
const PEERS: [&str; 8] = [
    "9.9.9.9",
    "66.249.84.10",
    "74.125.82.1",
    "2a02:26f7:b000::1",
    "98.139.1.1",
    "40.107.22.5",
    "40.99.10.1",
    "192.0.2.1",
];

fuzz_target!(|data: &[u8]| {
    let (choice, text) = data.split_first().unwrap_or((&0, &[]));
    let (agent, purpose) = text.split_at(text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len()));
    let peer: Option<IpAddr> = PEERS[usize::from(*choice) % 8].parse().ok();
    let mut headers = headers("user-agent", agent);
    for name in ["sec-purpose", "purpose", "x-moz", "x-purpose"] {
        if let Ok(value) = HeaderValue::from_bytes(purpose.trim_ascii()) {
            headers.insert(name, value);
        }
    }
    let open = SUBJECT.observe(&SUBJECT.path, peer, &headers, u64::from(*choice)).expect("a live ping");
    assert_eq!(EvidenceSet::from_bits(open.evidence.bits()), open.evidence);
    // I9.
    if open.country.is_some() {
        assert!(open.fetcher.is_direct() && open.verdict == Verdict::Human, "{open:?}");
        assert!(matches!(choice % 8, 0 | 7), "a known network has a place: {open:?}");
    }
    // What stands behind the first 2 KB is not read.
    if agent.len() > 2_048 {
        let cut = headers_of_start(agent);
        let short = SUBJECT.observe(&SUBJECT.path, peer, &cut(&headers), u64::from(*choice));
        assert_eq!(short, Some(open));
    }
});

/// The same headers with the agent cut to what is read.
fn headers_of_start(agent: &[u8]) -> impl Fn(&http::HeaderMap) -> http::HeaderMap {
    let start = HeaderValue::from_bytes(&agent[..2_048]).ok();
    move |all| {
        let mut all = all.clone();
        if let (Some(start), true) = (&start, all.contains_key("user-agent")) {
            all.insert("user-agent", start.clone());
        }
        all
    }
}
