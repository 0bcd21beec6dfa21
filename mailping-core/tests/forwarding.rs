//! A reverse proxy whose header is not trusted shows in the health, without any address being kept.

mod common;

use common::*;
use mailping_core::ClientIp;
use mailping_core::testing::faulty::FaultyStore;

#[test]
fn a_forwarding_header_that_is_not_read_is_counted() {
    let xff = || ClientIp::x_forwarded_for("10.0.0.0/8").unwrap();
    let header = [("x-forwarded-for", "203.0.113.77")];
    for (client_ip, peer, headers, counted) in [
        (ClientIp::peer(), "192.0.2.7", &header[..], 1),
        (ClientIp::peer(), "192.0.2.7", &[("forwarded", "for=203.0.113.77")], 1),
        (ClientIp::peer(), "192.0.2.7", &[], 0),
        (xff(), "192.0.2.7", &header, 1),
        (xff(), "10.0.0.7", &header, 0),
        (xff(), "10.0.0.7", &[], 0),
    ] {
        let tracker = build(builder(FaultyStore::default(), &Clock::new()).client_ip(client_ip.clone()));
        let ping = ping(&tracker, new_ping());
        hit(&tracker, ping.pixel_url().unwrap(), peer, headers).unwrap();
        assert_eq!(tracker.intake().health().forwarding_ignored, counted, "{client_ip:?} {peer} {headers:?}");
    }
}

/// A client that resets its connection before the server accepts it has no address: that says
/// nothing about the proxy.
#[test]
fn a_client_that_has_gone_counts_as_one_without_an_address() {
    let trusted = || ClientIp::x_forwarded_for("10.0.0.0/8").unwrap();
    for client_ip in [ClientIp::peer(), trusted()] {
        let tracker = build(builder(FaultyStore::default(), &Clock::new()).client_ip(client_ip));
        let ping = ping(&tracker, new_ping());
        hit(&tracker, ping.pixel_url().unwrap(), "none", &[("x-forwarded-for", "203.0.113.77")]).unwrap();
        let health = tracker.intake().health();
        assert_eq!((health.no_peer_address, health.forwarding_ignored), (1, 0));
    }
}
