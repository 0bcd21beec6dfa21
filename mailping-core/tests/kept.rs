//! What is kept of a hit: no more than its ping's detail, the ceiling and the reader's signals
//! allow, and nothing of the address.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use common::*;
use mailping_core::intake::{Observation, PixelRequest, Recorded};
use mailping_core::pings::{Status, TimeStep};
use mailping_core::receipts::{OpenId, StepTime};
use mailping_core::{ClientIp, Detail, MemoryStore, State, Tracker};
use proptest::prelude::*;

#[test]
fn a_proxy_has_no_place_and_a_browser_has_its_city_and_network() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let ping = ping(&tracker, new_ping());
    let url = ping.pixel_url().unwrap();
    clock.advance(minute());
    assert_eq!(hit(&tracker, url, "66.249.84.1", &[("user-agent", GMAIL)]), Ok(Recorded::Durable));
    clock.advance(minute());
    assert_eq!(hit(&tracker, url, "198.51.100.7", &[("user-agent", FIREFOX)]), Ok(Recorded::Durable));
    let receipt = receipt(&tracker, ping.id());
    let json = serde_json::to_value(&receipt).unwrap();
    assert_eq!(json["state"], "opened");
    assert_eq!((json["fetches"].as_u64(), json["human_opens"].as_u64()), (Some(2), Some(2)));
    assert_eq!(json["first_human_open"], "2026-11-23T10:01:00.000Z");
    assert_eq!(json["last_human_open"], "2026-11-23T10:02:00.000Z");
    let [proxy, browser] = json["opens"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!((&proxy["fetcher"], &proxy["provider"]), (&"gmail_proxy".into(), &"gmail".into()));
    assert_eq!((&proxy["network"], &proxy["city"]), (&"66.249.84.0/24".into(), &serde_json::Value::Null));
    assert_eq!((&browser["fetcher"], &browser["verdict"]), (&"browser".into(), &"human".into()));
    assert_eq!(
        (&browser["network"], &browser["city"], &browser["country"]),
        (&"198.51.100.0/24".into(), &"Lisbon".into(), &"PT".into())
    );
    assert_eq!(json["next"], serde_json::Value::Null);
}

#[test]
fn each_detail_keeps_what_it_says_and_no_more() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    for detail in [Detail::Opens, Detail::Country, Detail::City, Detail::Network] {
        let ping = ping(&tracker, new_ping().detail(detail));
        clock.advance(minute());
        hit(&tracker, ping.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", FIREFOX)]).unwrap();
        let receipt = receipt(&tracker, ping.id());
        let [open] = receipt.opens.as_slice() else { panic!("{detail}") };
        assert_eq!(open.country.is_some(), detail >= Detail::Country, "{detail}");
        assert_eq!(open.city.is_some(), detail >= Detail::City, "{detail}");
        assert_eq!(open.network.is_some(), detail >= Detail::Network, "{detail}");
    }
}

#[test]
fn detail_none_makes_a_ping_without_a_pixel() {
    let tracker = tracker(&Clock::new());
    let ping = ping(&tracker, new_ping().detail(Detail::None));
    assert_eq!((ping.status(), ping.pixel_url(), ping.img_tag().as_str()), (Status::Untracked, None, ""));
}

#[test]
fn last_day_keeps_the_day_of_the_latest_person_and_no_open() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let ping = ping(&tracker, new_ping().detail(Detail::LastDay));
    let url = ping.pixel_url().unwrap();
    clock.advance(minute());
    hit(&tracker, url, "198.51.100.7", &[("user-agent", "curl/8.5.0")]).unwrap();
    assert_eq!(receipt(&tracker, ping.id()).summary.state, State::NoFetch, "a machine leaves no day");
    hit(&tracker, url, "198.51.100.7", &[("user-agent", FIREFOX)]).unwrap();
    let receipt = receipt(&tracker, ping.id());
    assert_eq!(receipt.summary.last_human_open.unwrap().to_string(), "2026-11-23");
    assert_eq!((receipt.summary.state, receipt.summary.fetches, receipt.opens.len()), (State::Opened, 0, 0));
}

#[test]
fn times_in_json_have_the_digits_of_their_step_and_read_back() {
    for (step, sent, opened) in [
        (TimeStep::Day, "2026-11-23T10:00:00.000Z", "2026-11-23"),
        (TimeStep::Hour, "2026-11-23T10:00:00.000Z", "2026-11-23T10:00Z"),
        (TimeStep::Exact, "2026-11-23T10:00:00.000Z", "2026-11-23T10:01:00.000Z"),
    ] {
        let clock = Clock::new();
        let tracker = tracker(&clock);
        let ping = ping(&tracker, new_ping().time_step(step));
        clock.advance(minute());
        hit(&tracker, ping.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", FIREFOX)]).unwrap();
        let receipt = receipt(&tracker, ping.id());
        let json = serde_json::to_value(&receipt).unwrap();
        assert_eq!(json["ping"]["sent_at"], sent);
        for field in [&json["opens"][0]["at"], &json["first_human_open"], &json["last_human_open"]] {
            assert_eq!(field, opened);
            let read: StepTime = serde_json::from_value(field.clone()).unwrap();
            assert_eq!(Some(read), receipt.summary.first_human_open);
            assert_eq!(
                (read, read.step(), read.start()),
                (receipt.opens[0].time(), step, receipt.opens[0].at)
            );
        }
    }
}

#[test]
fn a_place_is_what_is_kept_of_it() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let places = [Detail::Opens, Detail::Country, Detail::City].map(|detail| {
        let ping = ping(&tracker, new_ping().detail(detail));
        clock.advance(minute());
        hit(&tracker, ping.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", FIREFOX)]).unwrap();
        receipt(&tracker, ping.id()).opens[0].place().map(|place| place.to_string())
    });
    assert_eq!(places, [None, Some("PT".to_owned()), Some("Lisbon, PT".to_owned())]);
}

#[test]
fn the_ceiling_also_acts_on_pings_made_before_it() {
    let clock = Clock::new();
    let keys = mailping_core::Keyring::generate().unwrap();
    let with = |ceiling, step| {
        let clock = clock.clone();
        let builder = Tracker::builder(keys.clone(), MemoryStore::new()).base_url(BASE).unwrap();
        build(builder.ceiling(ceiling).time_step_ceiling(step).geo(Lisbon).clock(move || clock.now()))
    };
    let made = ping(&with(Detail::Network, TimeStep::Exact), new_ping());
    let headers = headers(&[("user-agent", FIREFOX)]);
    let request = PixelRequest::new(made.pixel_url().unwrap(), "198.51.100.7".parse().ok(), &headers);
    let now = clock.now() + minute();
    let observe = |tracker: &Tracker| tracker.intake().observe(&request, now, OpenId::from_bytes([1; 8]));
    let Some(Observation::Open(open)) = observe(&with(Detail::Country, TimeStep::Hour)) else { panic!() };
    assert_eq!((open.country.is_some(), &open.city, open.network), (true, &None, None));
    assert_eq!((open.time().to_string().as_str(), open.time_step), ("2026-11-23T10:00Z", TimeStep::Hour));
    assert_eq!(observe(&with(Detail::None, TimeStep::Exact)), None);
    assert_eq!(observe(&tracker(&clock)), None, "signed with another key");
}

#[test]
fn a_wider_network_than_the_default_has_no_place() {
    let kept = |(v4_prefix, v6_prefix)| {
        let clock = Clock::new();
        let builder = builder(MemoryStore::new(), &clock).geo(Lisbon).ceiling(Detail::Network);
        let tracker = build(builder.mask(v4_prefix, v6_prefix).unwrap());
        let sent = ping(&tracker, new_ping());
        clock.advance(minute());
        hit(&tracker, sent.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", FIREFOX)]).unwrap();
        let open = receipt(&tracker, sent.id()).opens[0].clone();
        (open.network.unwrap().to_string(), open.country.is_some() || open.city.is_some())
    };
    assert_eq!(kept((24, 48)), ("198.51.100.0/24".to_owned(), true));
    assert_eq!(kept((16, 32)), ("198.51.0.0/16".to_owned(), false));
    assert_eq!(kept((23, 48)), ("198.51.100.0/23".to_owned(), false));
}

/// What is left of a fetch from Lisbon with these signals: its number of opens, and whether they
/// have a place.
fn left(gpc: Detail, dnt: Detail, signals: &[(&'static str, &str)]) -> (u64, bool) {
    let clock = Clock::new();
    let builder = builder(MemoryStore::new(), &clock).geo(Lisbon).ceiling(Detail::Network);
    let tracker = build(builder.gpc_ceiling(gpc).dnt_ceiling(dnt));
    let sent = ping(&tracker, new_ping());
    clock.advance(minute());
    let headers = [&[("user-agent", FIREFOX)], signals].concat();
    hit(&tracker, sent.pixel_url().unwrap(), "198.51.100.7", &headers).unwrap();
    let receipt = receipt(&tracker, sent.id());
    assert_eq!(
        tracker.intake().health().dropped.signal,
        1 - receipt.summary.fetches,
        "what is dropped is counted"
    );
    let place = |open: &mailping_core::receipts::Open| {
        open.country.is_some() || open.city.is_some() || open.network.is_some()
    };
    (receipt.summary.fetches, receipt.opens.iter().any(place))
}

#[test]
fn a_signal_is_ignored_narrows_to_opens_or_drops() {
    const DROP: Detail = Detail::None;
    const NARROW: Detail = Detail::Opens;
    const IGNORE: Detail = Detail::Network;
    let (whole, narrowed, nothing) = ((1, true), (1, false), (0, false));
    let (gpc, dnt) = (("sec-gpc", "1"), ("dnt", "1"));
    for (policies, signals, expected) in [
        ((DROP, NARROW), &[][..], whole),
        ((DROP, NARROW), &[("sec-gpc", "0"), ("dnt", "0")], whole),
        ((DROP, DROP), &[("sec-gpc", "true"), ("dnt", "")], whole),
        ((IGNORE, DROP), &[gpc], whole),
        ((NARROW, DROP), &[gpc], narrowed),
        ((DROP, IGNORE), &[gpc], nothing),
        ((DROP, IGNORE), &[dnt], whole),
        ((DROP, NARROW), &[dnt], narrowed),
        ((IGNORE, DROP), &[dnt], nothing),
        ((IGNORE, NARROW), &[gpc, dnt], narrowed),
        ((NARROW, IGNORE), &[gpc, dnt], narrowed),
        ((NARROW, NARROW), &[gpc, dnt], narrowed),
        ((NARROW, DROP), &[gpc, dnt], nothing),
        ((DROP, NARROW), &[gpc, dnt], nothing),
        ((IGNORE, IGNORE), &[gpc, dnt], whole),
    ] {
        assert_eq!(left(policies.0, policies.1, signals), expected, "{policies:?} {signals:?}");
    }
}

#[test]
fn global_privacy_control_drops_and_do_not_track_narrows_by_default() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let sent = ping(&tracker, new_ping());
    let fetch = |signal| {
        clock.advance(minute());
        hit(&tracker, sent.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", FIREFOX), signal])
    };
    assert_eq!(fetch(("sec-gpc", "1")), Ok(Recorded::Filtered));
    assert_eq!(fetch(("dnt", "1")), Ok(Recorded::Durable));
    let receipt = receipt(&tracker, sent.id());
    let [open] = receipt.opens.as_slice() else { panic!("{receipt:?}") };
    assert_eq!((&open.country, &open.city, &open.network), (&None, &None, &None));
}

#[test]
fn a_client_address_header_is_read_from_a_trusted_proxy_only() {
    let clock = Clock::new();
    let tracker = build(
        builder(MemoryStore::new(), &clock)
            .ceiling(Detail::Network)
            .client_ip(ClientIp::x_forwarded_for("10.0.0.0/8").unwrap()),
    );
    let ping = ping(&tracker, new_ping());
    let url = ping.pixel_url().unwrap();
    hit(&tracker, url, "10.0.0.1", &[("x-forwarded-for", "198.51.100.7")]).unwrap();
    clock.advance(minute());
    hit(&tracker, url, "192.0.2.1", &[("x-forwarded-for", "198.51.100.7")]).unwrap();
    let networks: Vec<_> =
        receipt(&tracker, ping.id()).opens.iter().map(|open| open.network.unwrap().to_string()).collect();
    assert_eq!(networks, ["198.51.100.0/24", "192.0.2.0/24"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn addresses_that_differ_in_masked_bits_give_the_identical_open(
        host in 0..=255_u8, other in 0..=255_u8, low: u64, lower: u64, zone in "[a-z0-9.]{1,12}"
    ) {
        let clock = Clock::new();
        let builder = builder(MemoryStore::new(), &clock).geo(Lisbon).ceiling(Detail::Network);
        let tracker = build(builder.client_ip(ClientIp::x_forwarded_for("127.0.0.1").unwrap()));
        let sent = ping(&tracker, new_ping());
        let headers = headers(&[("user-agent", FIREFOX)]);
        let open = |peer: std::net::IpAddr| {
            let request = PixelRequest::new(sent.pixel_url().unwrap(), Some(peer), &headers);
            tracker.intake().observe(&request, clock.now(), OpenId::from_bytes([0; 8]))
        };
        let v4 = |host| format!("203.0.113.{host}").parse().unwrap();
        let mapped = |host| format!("::ffff:203.0.113.{host}").parse().unwrap();
        let six_to_four = |host: u8, low: u64| format!("2002:cb00:71{host:02x}:{:x}::{:x}", low as u16, low >> 48).parse().unwrap();
        let v6 = |low: u64| format!("2001:db8:7:{:x}::{:x}", low as u16, low >> 48).parse().unwrap();
        prop_assert_eq!(open(v4(host)), open(v4(other)));
        prop_assert_eq!(open(v4(host)), open(mapped(other)));
        prop_assert_eq!(open(six_to_four(host, low)), open(six_to_four(other, lower)));
        prop_assert_eq!(open(v6(low)), open(v6(lower)));

        // As a proxy passes them on: with a zone, and mapped with one.
        let named = |address: String| {
            let headers = common::headers(&[("user-agent", FIREFOX), ("x-forwarded-for", &address)]);
            let request = PixelRequest::new(sent.pixel_url().unwrap(), "127.0.0.1".parse().ok(), &headers);
            tracker.intake().observe(&request, clock.now(), OpenId::from_bytes([0; 8]))
        };
        let (v4, v6): (std::net::IpAddr, std::net::IpAddr) = (v4(host), v6(low));
        prop_assert_eq!(named(format!("{v6}%{zone}")), open(v6));
        prop_assert_eq!(named(format!("[2001:db8:7::1%25{zone}]:443")), open(v6));
        prop_assert_eq!(named(format!("::ffff:203.0.113.{other}%{zone}")), open(v4));
        prop_assert!(open(v4).is_some() && open(v4) != open(v6));
    }
}
