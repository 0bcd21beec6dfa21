//! A tracker with one ping, on which every target works through the public way of a hit.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use mailping_core::geo::{GeoResolver, Place};
use mailping_core::{Basis, ClientIp, Detail, Keyring, MemoryStore, NewPing, Tracker};
use mailping_core::intake::{MaskedIp, Observation, PixelRequest};
use mailping_core::receipts::{Open, OpenId};

/// Knows a place for every network, so that a place given wrongly shows.
#[derive(Debug)]
struct Anywhere;

impl GeoResolver for Anywhere {
    fn locate(&self, _: MaskedIp) -> Result<Option<Place>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Some(Place::new("PT".parse().ok(), "Lisbon".parse().ok())))
    }
}

/// A tracker that keeps all it may, and the path of its only pixel.
#[derive(Debug)]
pub struct Subject {
    tracker: Tracker,
    /// Where the ping's pixel is fetched from.
    pub path: String,
    sent: SystemTime,
}

impl Subject {
    /// With addresses found this way.
    #[must_use]
    pub fn new(client_ip: ClientIp) -> Self {
        let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        // A new key each time: an earlier run's corpus holds tokens that were good under its own.
        let keys = Keyring::generate().expect("random bytes");
        let builder =
            Tracker::builder(keys, MemoryStore::new()).base_url("https://app.example/px").expect("a URL");
        let builder = builder.client_ip(client_ip).ceiling(Detail::Network).geo(Anywhere).clock(move || sent);
        let tracker = pollster::block_on(builder.build()).expect("a tracker");
        let ping = NewPing::one_to_one("a", Basis::Contract).detail(Detail::Network).sent_at(sent);
        let ping = pollster::block_on(tracker.pings().create(ping)).expect("a ping");
        let path =
            ping.pixel_url().expect("a live ping").trim_start_matches("https://app.example").to_owned();
        Self { tracker, path, sent }
    }

    /// Whether a recipient's address is taken; what the refusal says if it is not.
    pub fn address(&self, text: &str) -> Result<(), String> {
        let asked = pollster::block_on(self.tracker.people().has_objected(text));
        asked.map(drop).map_err(|refused| format!("{refused:?} {refused}"))
    }

    /// What the tracker makes of a request so many seconds after the message was sent.
    #[must_use]
    pub fn observe(
        &self,
        path: &str,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
        seconds: u64,
    ) -> Option<Open> {
        let request = PixelRequest::new(path, peer, headers);
        let now = self.sent + Duration::from_secs(seconds);
        match self.tracker.intake().observe(&request, now, OpenId::from_bytes([7; 8]))? {
            Observation::Open(open) => Some(open),
            other => panic!("the ping's detail is network: {other:?}"),
        }
    }
}

/// Headers of one name, one for each line of `text`; lines that no HTTP library lets through are
/// left out.
#[must_use]
pub fn headers(name: &'static str, text: &[u8]) -> HeaderMap {
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    lines.map(|value| (HeaderName::from_static(name), value)).collect()
}

/// Tries a header that carries addresses: it counts only if the peer is trusted, and nothing finer
/// than the mask comes out.
pub fn try_forwarding(trusting: &Subject, name: &'static str, text: &[u8]) {
    let headers = headers(name, text);
    let stranger: IpAddr = [9, 9, 9, 9].into();
    let open = trusting.observe(&trusting.path, Some(stranger), &headers, 7_200).expect("a live ping");
    assert_eq!(open.network, "9.9.9.0/24".parse().ok(), "the header of a stranger was believed");
    for peer in [Some(IpAddr::from([10, 0, 0, 1])), None] {
        let open = trusting.observe(&trusting.path, peer, &headers, 7_200).expect("a live ping");
        if let Some(network) = open.network {
            assert!(MaskedIp::from_network(network.network()).is_ok(), "finer than the mask");
        }
    }
}
