//! The life of a ping: its end, what recipients ask for, its pages and keys, and what never reaches
//! the store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::Duration;

use common::*;
use mailping_core::intake::Recorded;
use mailping_core::pings::Status;
use mailping_core::testing::faulty::FaultyStore;
use mailping_core::{NewPing, Tracker};
use proptest::prelude::*;

#[test]
fn dead_pings_gain_nothing_from_mail_already_sent() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let new = || ping(&tracker, new_ping().to("ada@example.com").record_for(minute()));
    let (withdrawn, erased, expired) = (new(), new(), new());
    assert!(pollster::block_on(tracker.pings().withdraw(withdrawn.id())).unwrap());
    assert!(pollster::block_on(tracker.people().erase(erased.id())).unwrap().is_some());
    for dead in [&withdrawn, &erased] {
        assert_eq!(hit(&tracker, dead.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Filtered));
    }
    let objected = new();
    pollster::block_on(tracker.people().object("ADA@Example.com")).unwrap();
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
fn whoever_shows_receipts_learns_how_the_tracker_was_built() {
    let keys = mailping_core::Keyring::generate().unwrap();
    let builder = Tracker::builder(keys, mailping_core::MemoryStore::new());
    let builder = builder.base_url("https://app.example/px/").unwrap();
    let builder = builder.ceiling(mailping_core::Detail::Country).repeat_window(minute());
    let tracker = pollster::block_on(builder.build()).unwrap();
    assert_eq!(tracker.pings().base_url(), "https://app.example/px");
    assert_eq!(tracker.pings().ceiling(), mailping_core::Detail::Country);
    assert_eq!(tracker.receipts().repeat_window(), minute());
}

#[test]
fn an_opt_out_link_objects_and_a_pixel_url_cannot() {
    let tracker = tracker(&Clock::new());
    let sent = ping(&tracker, new_ping().to("ada@example.com"));
    let pixel = sent.pixel_url().unwrap().trim_end_matches(".gif");
    let object = |link: &str| match pollster::block_on(tracker.people().object_by_link(link)) {
        Ok(()) => "kept",
        Err(error) if error.is_invalid() => "damaged",
        Err(error) => panic!("{error}"),
    };
    assert_eq!(object(&format!("{pixel}/opt-out")), "damaged");
    assert_eq!(receipt(&tracker, sent.id()).summary.ping.status, Status::Live);
    assert_eq!(object(sent.opt_out_url()), "kept");
    assert_eq!(receipt(&tracker, sent.id()).summary.ping.status, Status::Withdrawn);
    assert_eq!(ping(&tracker, new_ping().to("Ada@example.com")).status(), Status::Untracked);
    let anonymous = ping(&tracker, new_ping());
    assert_eq!(object(anonymous.opt_out_url()), "kept");
    assert_eq!(receipt(&tracker, anonymous.id()).summary.ping.status, Status::Withdrawn);
    assert!(pollster::block_on(tracker.people().erase(anonymous.id())).unwrap().is_some());
    assert_eq!(object(anonymous.opt_out_url()), "kept", "the answer does not tell whether there is a ping");
}

/// What mail programs do to a link, in one place with the adapters' table: whatever identifies the
/// token works, the rest is refused.
#[test]
fn a_damaged_opt_out_link_is_never_confirmed_and_a_touched_one_works() {
    let tracker = tracker(&Clock::new());
    let sent = || ping(&tracker, new_ping().to("ada@example.com"));
    let object = |link: &str| match pollster::block_on(tracker.people().object_by_link(link)) {
        Ok(()) => "kept",
        Err(error) if error.is_invalid() => "damaged",
        Err(error) => panic!("{error}"),
    };
    let lost = sent();
    let token = lost.opt_out_url().rsplit('/').nth(1).unwrap().to_owned();
    for damaged in [&token[..47], &token[1..], &token.replacen(&token[20..21], "", 1), "", &token[..24]] {
        assert_eq!(object(&format!("/px/{damaged}/opt-out")), "damaged", "{damaged}");
    }
    assert_eq!(receipt(&tracker, lost.id()).summary.ping.status, Status::Live);
    assert_eq!(sent().status(), Status::Live);
    for (from, to) in [
        ("/opt-out", "/opt%2Dout"),
        ("/opt-out", "=/opt-out"),
        ("/opt-out", "/OPT-OUT/"),
        ("/opt-out", "/opt-out%3E"),
    ] {
        let touched = ping(&tracker, new_ping());
        let link = touched.opt_out_url().replace(from, to);
        assert_eq!(object(&link), "kept", "{to}");
        assert_eq!(receipt(&tracker, touched.id()).summary.ping.status, Status::Withdrawn, "{to}");
    }
    let upper = ping(&tracker, new_ping());
    assert_eq!(object(&upper.opt_out_url().to_ascii_uppercase()), "kept");
    assert_eq!(receipt(&tracker, upper.id()).summary.ping.status, Status::Withdrawn);
}

#[test]
fn an_objection_under_any_spelling_of_an_address_is_one_to_that_address() {
    for spelling in [
        "mailto:ADA@example.com?subject=stop",
        "'ada@example.com'",
        "(ada@example.com)",
        "Ada Lovelace <ada@example.com>",
        "\u{200b}ada@exam\u{ad}ple.com\u{3002}",
        "\u{ff41}da\u{ff20}example.com",
        "\"ada\"@example.com.",
    ] {
        let tracker = tracker(&Clock::new());
        pollster::block_on(tracker.people().object(spelling)).unwrap();
        assert_eq!(
            ping(&tracker, new_ping().to("ada@example.com")).status(),
            Status::Untracked,
            "{spelling}"
        );
        assert_eq!(ping(&tracker, new_ping().to("bob@example.com")).status(), Status::Live, "{spelling}");
    }
    let tracker = tracker(&Clock::new());
    for bad in ["grace@example..com", "grace@b@example.com", "grace@example.com, bob@example.com", "grace"] {
        let error = pollster::block_on(tracker.people().object(bad)).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("grace"), "{error:?}");
    }
    assert_eq!(ping(&tracker, new_ping().to("ada@example.com")).status(), Status::Live);
    pollster::block_on(tracker.people().object("\"odd user\"@example.com")).unwrap();
    assert_eq!(ping(&tracker, new_ping().to("\"Odd User\"@example.com")).status(), Status::Untracked);
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
    let export = pollster::block_on(tracker.people().export("ada@example.com")).unwrap();
    assert_eq!((export.pings.len(), export.objected), (2, false));
    assert_eq!(export.pings[0].opens.len(), 1);
    let erased = pollster::block_on(tracker.people().erase_recipient("ada@example.com")).unwrap();
    assert_eq!((erased.pings, erased.opens), (2, 2));
    assert_eq!(receipt(&tracker, bob.id()).summary.fetches, 1);
    assert!(pollster::block_on(tracker.people().export("nobody")).is_err());
}

#[test]
fn a_missing_peer_address_is_counted_and_the_open_is_kept() {
    let tracker = tracker(&Clock::new());
    let ping = ping(&tracker, new_ping());
    assert_eq!(
        hit(&tracker, ping.pixel_url().unwrap(), "none", &[("user-agent", FIREFOX)]),
        Ok(Recorded::Durable)
    );
    assert_eq!(tracker.intake().health().no_peer_address, 1);
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
    let query = mailping_core::receipts::PingQuery::newest(2).owner("billing");
    let page = pollster::block_on(tracker.receipts().list(&query)).unwrap();
    assert_eq!(
        page.items.iter().map(|receipt| receipt.ping.id).collect::<Vec<_>>(),
        [pings[4].id(), pings[3].id()]
    );
    assert_eq!(page.next, Some(pings[3].id()));
    let page = pollster::block_on(tracker.receipts().list(&query.after(pings[3].id()))).unwrap();
    assert_eq!(page.items[0].ping.id, pings[2].id());
    for _ in 0..5 {
        clock.advance(minute());
        hit(&tracker, pings[0].pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let query = mailping_core::receipts::OpenQuery::oldest(pings[0].id(), 2).after(after);
        let page = pollster::block_on(tracker.receipts().page(&query)).unwrap().unwrap();
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
    pollster::block_on(tracker.people().object_by_link(sent.opt_out_url())).unwrap();
    let newer = mailping_core::Keyring::generate().unwrap().secret_text().replacen("0:", "1:", 1);
    let error = with(newer.parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("key 0"), "{error}");
    let both = with(format!("{newer},{}", old.secret_text()).parse().unwrap()).unwrap();
    assert_eq!(ping(&both, new_ping().to("ada@example.com")).status(), Status::Untracked);
    assert!(with(newer.parse().unwrap()).is_ok(), "what matched was moved to the newest key");
    let other = mailping_core::Keyring::generate().unwrap().secret_text().replacen("0:", "1:", 1);
    let error = with(other.parse().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("key 1 of the keyring is not the key 1") && error.field() == Some("keys"),
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
        prop_assert_eq!(tracker.intake().health().dropped.bad_token, 6);
    }
}

#[test]
fn a_ping_whose_time_is_over_is_made_as_it_is_read_later() {
    let tracker = tracker(&Clock::new());
    let day = Duration::from_secs(86_400);
    for (age, status) in [(day, Status::Live), (2_000 * day, Status::Expired)] {
        let made = ping(&tracker, new_ping().sent_at(Clock::new().now() - age));
        let read = pollster::block_on(tracker.pings().get(made.id())).unwrap().unwrap();
        assert_eq!(made.status(), status);
        assert_eq!(made.pixel_url().is_some(), status == Status::Live);
        assert!(made == read, "the same as read later");
    }
}

#[test]
fn debug_shows_the_size_of_the_network_tables_and_not_all_of_them() {
    let networks = (0..200_u8).map(|n| std::net::IpAddr::from([10, n, 1, 0]).into());
    let classifier = mailping_core::fetcher::Classifier::default().own_networks(networks);
    let builder = builder(FaultyStore::default(), &Clock::new()).classifier(classifier.clone());
    let observer = mailping_core::observe::Observer::new(mailping_core::Keyring::generate().unwrap());
    let observer = observer.classifier(classifier.clone());
    for shown in [format!("{classifier:?}"), format!("{builder:?}"), format!("{observer:?}")] {
        assert!(shown.len() < 1_000, "{} characters: {shown:.1000}", shown.len());
    }
    let shown = format!("{:?}", build(builder));
    assert!(shown.len() < 1_500, "{} characters: {shown:.1500}", shown.len());
}
