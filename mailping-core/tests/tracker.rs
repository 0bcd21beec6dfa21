//! From a ping to its receipt on the memory store: what is kept of a hit, and what never reaches the store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::Duration;

use common::*;
use mailping_core::geo::{GeoError, GeoResolver, Place};
use mailping_core::testing::faulty::FaultyStore;
use mailping_core::{
    BuildError, ClientIp, Detail, Hit, MaskedIp, MemoryStore, NewPing, Observation, OpenId, PingId,
    PixelRequest, Receipt, Recorded, SignalPolicy, State, Status, TimeStep, Tracker,
};
use proptest::prelude::*;

/// Every network is in Lisbon.
#[derive(Debug)]
struct Lisbon;

impl GeoResolver for Lisbon {
    fn locate(&self, _: MaskedIp) -> Result<Option<Place>, GeoError> {
        Ok(Some(Place::new("PT".parse().ok(), "Lisbon".parse().ok())))
    }
}

fn tracker(clock: &Clock) -> Tracker {
    build(builder(MemoryStore::new(), clock).geo(Lisbon).ceiling(Detail::Network))
}

fn receipt(tracker: &Tracker, id: PingId) -> Receipt {
    pollster::block_on(tracker.receipt(id)).unwrap().unwrap()
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

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
    assert_eq!(json["first_human_open"], "2026-11-23T10:01:00Z");
    assert_eq!(json["last_human_open"], "2026-11-23T10:02:00Z");
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
    assert_eq!(receipt.summary.last_human_open.unwrap().to_string(), "2026-11-23T00:00:00Z");
    assert_eq!((receipt.summary.state, receipt.summary.fetches, receipt.opens.len()), (State::Opened, 0, 0));
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
    let hit = Hit { request: &request, now: clock.now() + minute(), open_id: OpenId::from_bytes([1; 8]) };
    let Some(Observation::Open(open)) = with(Detail::Country, TimeStep::Hour).observe(hit) else { panic!() };
    assert_eq!((open.country.is_some(), open.city, open.network), (true, None, None));
    assert_eq!((open.at.to_string().as_str(), open.time_step), ("2026-11-23T10:00:00Z", TimeStep::Hour));
    assert_eq!(with(Detail::None, TimeStep::Exact).observe(hit), None);
    assert_eq!(tracker(&clock).observe(hit), None, "signed with another key");
}

/// What is left of a fetch from Lisbon with these signals: its number of opens, and whether they have a place.
fn left(gpc: SignalPolicy, dnt: SignalPolicy, signals: &[(&'static str, &str)]) -> (u64, bool) {
    let clock = Clock::new();
    let builder = builder(MemoryStore::new(), &clock).geo(Lisbon).ceiling(Detail::Network);
    let tracker = build(builder.on_gpc(gpc).on_dnt(dnt));
    let sent = ping(&tracker, new_ping());
    clock.advance(minute());
    let headers = [&[("user-agent", FIREFOX)], signals].concat();
    hit(&tracker, sent.pixel_url().unwrap(), "198.51.100.7", &headers).unwrap();
    let receipt = receipt(&tracker, sent.id());
    assert_eq!(tracker.health().dropped.signal, 1 - receipt.summary.fetches, "what is dropped is counted");
    let place =
        |open: &mailping_core::Open| open.country.is_some() || open.city.is_some() || open.network.is_some();
    (receipt.summary.fetches, receipt.opens.iter().any(place))
}

#[test]
fn a_signal_is_ignored_narrows_to_opens_or_drops() {
    use SignalPolicy::{Drop, Ignore, Narrow};
    let (whole, narrowed, nothing) = ((1, true), (1, false), (0, false));
    let (gpc, dnt) = (("sec-gpc", "1"), ("dnt", "1"));
    for (policies, signals, expected) in [
        ((Drop, Narrow), &[][..], whole),
        ((Drop, Narrow), &[("sec-gpc", "0"), ("dnt", "0")], whole),
        ((Drop, Drop), &[("sec-gpc", "true"), ("dnt", "")], whole),
        ((Ignore, Drop), &[gpc], whole),
        ((Narrow, Drop), &[gpc], narrowed),
        ((Drop, Ignore), &[gpc], nothing),
        ((Drop, Ignore), &[dnt], whole),
        ((Drop, Narrow), &[dnt], narrowed),
        ((Ignore, Drop), &[dnt], nothing),
        ((Ignore, Narrow), &[gpc, dnt], narrowed),
        ((Narrow, Ignore), &[gpc, dnt], narrowed),
        ((Narrow, Narrow), &[gpc, dnt], narrowed),
        ((Narrow, Drop), &[gpc, dnt], nothing),
        ((Drop, Narrow), &[gpc, dnt], nothing),
        ((Ignore, Ignore), &[gpc, dnt], whole),
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
fn dead_pings_gain_nothing_from_mail_already_sent() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let new = || ping(&tracker, new_ping().to("ada@example.com").record_for(minute()));
    let (withdrawn, erased, expired) = (new(), new(), new());
    assert!(pollster::block_on(tracker.withdraw(withdrawn.id())).unwrap());
    assert!(pollster::block_on(tracker.erase(erased.id())).unwrap().is_some());
    for dead in [&withdrawn, &erased] {
        assert_eq!(hit(&tracker, dead.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Filtered));
    }
    let objected = new();
    pollster::block_on(tracker.object("ADA@Example.com")).unwrap();
    assert_eq!(hit(&tracker, objected.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Filtered));
    assert_eq!(receipt(&tracker, objected.id()).summary.ping.status, Status::Withdrawn);
    assert_eq!(new().status(), Status::Untracked);
    let other = ping(&tracker, new_ping().to("bob@example.com").record_for(minute()));
    clock.advance(minute());
    assert_eq!(hit(&tracker, other.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Filtered));
    assert_eq!(receipt(&tracker, other.id()).summary.ping.status, Status::Expired);
    drop(expired);
}

#[test]
fn an_opt_out_link_objects_and_a_pixel_url_cannot() {
    let tracker = tracker(&Clock::new());
    let sent = ping(&tracker, new_ping().to("ada@example.com"));
    let pixel = sent.pixel_url().unwrap().trim_end_matches(".gif");
    pollster::block_on(tracker.object_by_token(&format!("{pixel}/opt-out"))).unwrap();
    assert_eq!(receipt(&tracker, sent.id()).summary.ping.status, Status::Live);
    pollster::block_on(tracker.object_by_token(sent.opt_out_url())).unwrap();
    assert_eq!(receipt(&tracker, sent.id()).summary.ping.status, Status::Withdrawn);
    assert_eq!(ping(&tracker, new_ping().to("Ada@example.com")).status(), Status::Untracked);
    let anonymous = ping(&tracker, new_ping());
    pollster::block_on(tracker.object_by_token(anonymous.opt_out_url())).unwrap();
    assert_eq!(receipt(&tracker, anonymous.id()).summary.ping.status, Status::Withdrawn);
}

#[test]
fn export_and_erasure_find_all_of_a_person_and_nobody_else() {
    let tracker = tracker(&Clock::new());
    let ada =
        [ping(&tracker, new_ping().to("ada@example.com")), ping(&tracker, new_ping().to("ADA@example.com"))];
    let bob = ping(&tracker, new_ping().to("bob@example.com"));
    for sent in [&ada[0], &ada[1], &bob] {
        hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    }
    let export = pollster::block_on(tracker.export_recipient("ada@example.com")).unwrap();
    assert_eq!((export.pings.len(), export.objected), (2, false));
    assert_eq!(export.pings[0].opens.len(), 1);
    let erased = pollster::block_on(tracker.erase_recipient("ada@example.com")).unwrap();
    assert_eq!((erased.pings, erased.opens), (2, 2));
    assert_eq!(receipt(&tracker, bob.id()).summary.fetches, 1);
    assert!(pollster::block_on(tracker.export_recipient("nobody")).is_err());
}

#[test]
fn ten_thousand_hits_on_one_url_store_the_limit_and_count_the_rest() {
    let tracker = tracker(&Clock::new());
    let ping = ping(&tracker, new_ping());
    for _ in 0..10_000 {
        hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    }
    assert_eq!(receipt(&tracker, ping.id()).summary.fetches, 100);
    assert_eq!(tracker.health().dropped.hit_limit, 9_900);
}

#[test]
fn a_burst_from_one_network_becomes_uncertain_without_a_place() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let pings: Vec<_> = (0..25).map(|_| ping(&tracker, new_ping())).collect();
    clock.advance(minute());
    let fetch = |agent| {
        for ping in &pings {
            hit(&tracker, ping.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", agent)]).unwrap();
        }
    };
    fetch(FIREFOX);
    let first = receipt(&tracker, pings[0].id());
    assert_eq!(first.summary.state, State::Opened, "forward only");
    let last = receipt(&tracker, pings[24].id());
    assert_eq!(last.summary.state, State::Uncertain);
    assert!(last.opens[0].city.is_none());
    assert!(serde_json::to_string(&last).unwrap().contains("net:burst"));
}

#[test]
fn a_clock_that_steps_back_loses_and_purges_nothing() {
    let (store, clock) = (FaultyStore::default(), Clock::new());
    let every = Duration::from_millis(5);
    let tracker = build(builder(store.clone(), &clock).purge_every(every).hit_limit(3));
    let sent = ping(&tracker, new_ping());
    let fetch = || hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[("user-agent", FIREFOX)]);
    clock.advance(minute());
    assert_eq!(fetch(), Ok(Recorded::Durable));
    // By a year: before the sending, and before what is kept.
    clock.set("2025-11-23T10:00:00Z");
    assert_eq!(fetch(), Ok(Recorded::Durable));
    let early = ping(&tracker, new_ping());
    assert_eq!(hit(&tracker, early.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    clock.set("2026-11-23T10:05:00Z");
    assert_eq!(fetch(), Ok(Recorded::Durable));
    assert_eq!(fetch(), Ok(Recorded::Durable), "an hour's hits before the step do not count now");
    let begun = std::time::Instant::now();
    while tracker.health().purged_pings == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "what was kept for 90 days of 2025 is due");
        std::thread::yield_now();
    }
    assert!(pollster::block_on(tracker.receipt(early.id())).unwrap().is_none());
    let summary = receipt(&tracker, sent.id()).summary;
    assert_eq!((summary.fetches, summary.state), (4, State::Opened));
    assert_eq!(tracker.health().purged_pings, 1);
}

#[test]
fn yahoo_trying_again_counts_once_and_is_kept_each_time() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let ping = ping(&tracker, new_ping());
    clock.advance(minute());
    let agent = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html";
    for _ in 0..4 {
        hit(&tracker, ping.pixel_url().unwrap(), "98.138.20.5", &[("user-agent", agent)]).unwrap();
        clock.advance(Duration::from_secs(5));
    }
    let summary = receipt(&tracker, ping.id()).summary;
    assert_eq!((summary.fetches, summary.human_opens), (4, 1));
}

#[test]
fn a_missing_peer_address_is_counted_and_the_open_is_kept() {
    let tracker = tracker(&Clock::new());
    let ping = ping(&tracker, new_ping());
    assert_eq!(
        hit(&tracker, ping.pixel_url().unwrap(), "none", &[("user-agent", FIREFOX)]),
        Ok(Recorded::Durable)
    );
    assert_eq!(tracker.health().no_peer_address, 1);
    assert_eq!(receipt(&tracker, ping.id()).opens[0].network, None);
}

#[test]
fn opens_and_pings_are_paged() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let pings: Vec<_> = (0..5)
        .map(|n| {
            clock.advance(minute());
            ping(
                &tracker,
                NewPing::one_to_one(format!("invoice-{n}"), mailping_core::Basis::Contract).owner("billing"),
            )
        })
        .collect();
    let query = mailping_core::PingQuery::newest(2).owner("billing");
    let page = pollster::block_on(tracker.receipts(&query)).unwrap();
    assert_eq!(
        page.iter().map(|receipt| receipt.ping.id).collect::<Vec<_>>(),
        [pings[4].id(), pings[3].id()]
    );
    let page = pollster::block_on(tracker.receipts(&query.after(pings[3].id()))).unwrap();
    assert_eq!(page[0].ping.id, pings[2].id());
    for _ in 0..5 {
        clock.advance(minute());
        hit(&tracker, pings[0].pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = pollster::block_on(tracker.receipt_page(pings[0].id(), after, 2)).unwrap().unwrap();
        assert_eq!(page.summary.fetches, 5, "the sums are those of all opens");
        seen.extend(page.opens.iter().map(|open| open.at));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(seen.len() == 5 && seen.is_sorted());
}

#[test]
fn a_keyring_that_would_forget_objections_is_refused() {
    let store = FaultyStore::default();
    let clock = Clock::new();
    let old = mailping_core::Keyring::generate().unwrap();
    let with =
        |keys| pollster::block_on(Tracker::builder(keys, store.clone()).base_url(BASE).unwrap().build());
    let tracker = with(old.clone()).unwrap();
    let sent = ping(&tracker, new_ping().to("ada@example.com"));
    pollster::block_on(tracker.object_by_token(sent.opt_out_url())).unwrap();
    let newer = mailping_core::Keyring::generate().unwrap().secret_text().replacen("0:", "1:", 1);
    let error = with(newer.parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("key 0"), "{error}");
    let both = with(format!("{newer},{}", old.secret_text()).parse().unwrap()).unwrap();
    assert_eq!(ping(&both, new_ping().to("ada@example.com")).status(), Status::Untracked);
    assert!(with(newer.parse().unwrap()).is_ok(), "what matched was moved to the newest key");
    let other = mailping_core::Keyring::generate().unwrap().secret_text().replacen("0:", "1:", 1);
    let error = with(other.parse().unwrap()).unwrap_err();
    assert!(
        matches!(error, BuildError::KeyDiffers { .. }),
        "another secret under a number that was used: {error}"
    );
    drop(clock);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn forged_token_never_reaches_the_store(text in "[A-Za-z0-9_-]{0,60}", bit in 0..240_usize, cut in 0..40_usize) {
        let store = FaultyStore::default();
        let tracker = build(builder(store.clone(), &Clock::new()));
        let sent = ping(&tracker, new_ping());
        let url = sent.pixel_url().unwrap();
        let token = url.rsplit('/').next().unwrap().trim_end_matches(".gif");
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut flipped = token.as_bytes().to_vec();
        let sextet = alphabet.iter().position(|c| *c == flipped[bit / 6]).unwrap() ^ (1 << (bit % 6));
        flipped[bit / 6] = alphabet[sextet];
        let flipped = String::from_utf8(flipped).unwrap();
        for forged in [text.as_str(), &flipped, &token[..cut], "%FF", "", ".gif"] {
            prop_assert_eq!(hit(&tracker, &format!("/px/{forged}.gif"), "192.0.2.7", &[]), Ok(Recorded::Filtered));
        }
        prop_assert_eq!(store.records(), 0);
        prop_assert_eq!(tracker.health().dropped.bad_token, 6);
    }

    #[test]
    fn addresses_that_differ_in_masked_bits_give_the_identical_open(
        host in 0..=255_u8, other in 0..=255_u8, low: u64, lower: u64, zone in "[a-z0-9.]{1,12}"
    ) {
        let clock = Clock::new();
        let trusted = "127.0.0.1".parse().unwrap();
        let builder = builder(MemoryStore::new(), &clock).geo(Lisbon).ceiling(Detail::Network);
        let tracker = build(builder.client_ip(ClientIp::x_forwarded_for(trusted)));
        let sent = ping(&tracker, new_ping());
        let headers = headers(&[("user-agent", FIREFOX)]);
        let open = |peer: std::net::IpAddr| {
            let request = PixelRequest::new(sent.pixel_url().unwrap(), Some(peer), &headers);
            tracker.observe(Hit { request: &request, now: clock.now(), open_id: OpenId::from_bytes([0; 8]) })
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
            tracker.observe(Hit { request: &request, now: clock.now(), open_id: OpenId::from_bytes([0; 8]) })
        };
        let (v4, v6): (std::net::IpAddr, std::net::IpAddr) = (v4(host), v6(low));
        prop_assert_eq!(named(format!("{v6}%{zone}")), open(v6));
        prop_assert_eq!(named(format!("[2001:db8:7::1%25{zone}]:443")), open(v6));
        prop_assert_eq!(named(format!("::ffff:203.0.113.{other}%{zone}")), open(v4));
        prop_assert!(open(v4).is_some() && open(v4) != open(v6));
    }
}

#[test]
fn a_client_address_header_is_read_from_a_trusted_proxy_only() {
    let clock = Clock::new();
    let trusted = "10.0.0.0/8".parse().unwrap();
    let tracker = build(
        builder(MemoryStore::new(), &clock)
            .ceiling(Detail::Network)
            .client_ip(ClientIp::x_forwarded_for(trusted)),
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
