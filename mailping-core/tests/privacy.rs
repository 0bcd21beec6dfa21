//! The privacy chapter says what is kept, and nothing else is.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests stands outside of #[test] functions"
)]

mod common;

use std::time::Duration;

use common::*;
use mailping_core::intake::Recorded;
use mailping_core::pings::Status;
use mailping_core::{Detail, MemoryStore};

const CHAPTER: &str = include_str!("../docs/privacy.md");

fn documented_detail(field: &str) -> Detail {
    let start = format!("| `opens.{field}` |");
    let row = CHAPTER.lines().find(|line| line.starts_with(&start));
    let row = row.unwrap_or_else(|| panic!("docs/privacy.md has no row for opens.{field}"));
    let named = row.rsplit('`').nth(1).unwrap();
    let all = [Detail::Opens, Detail::Country, Detail::City, Detail::Network];
    all.into_iter().find(|detail| detail.to_string() == named).unwrap()
}

#[test]
fn the_privacy_chapter_names_every_field_of_an_open_and_the_detail_that_allows_it() {
    for detail in [Detail::Opens, Detail::Country, Detail::City, Detail::Network] {
        let clock = Clock::new();
        let tracker = build(builder(MemoryStore::new(), &clock).geo(Lisbon).ceiling(Detail::Network));
        let sent = ping(&tracker, new_ping().detail(detail));
        clock.advance(Duration::from_secs(60));
        hit(&tracker, sent.pixel_url().unwrap(), "198.51.100.7", &[("user-agent", FIREFOX)]).unwrap();
        let receipt = pollster::block_on(tracker.receipts().get(sent.id())).unwrap().unwrap();
        let open = serde_json::to_value(&receipt.opens[0]).unwrap();
        for (field, value) in open.as_object().unwrap() {
            let allowed = documented_detail(field);
            assert!(value.is_null() || allowed <= detail, "{field} is kept at {detail}");
        }
    }
}

#[test]
fn a_thousand_hits_at_once_on_a_dead_ping_add_no_row() {
    let clock = Clock::new();
    let tracker = build(builder(MemoryStore::new(), &clock).hit_limit(0));
    let to = |name: &str| ping(&tracker, new_ping().to(format!("{name}@example.com")));
    let (objected, withdrawn, erased) = (to("ada"), to("bob"), to("carol"));
    let expired = ping(&tracker, new_ping().record_for(Duration::from_secs(1)));
    let pings = [&objected, &withdrawn, &erased, &expired];
    for sent in pings {
        assert_eq!(hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[]), Ok(Recorded::Durable));
    }
    pollster::block_on(tracker.people().object_by_link(objected.opt_out_url())).unwrap();
    assert!(pollster::block_on(tracker.pings().withdraw(withdrawn.id())).unwrap());
    assert!(pollster::block_on(tracker.people().erase(erased.id())).unwrap().is_some());
    clock.advance(Duration::from_secs(2));
    for sent in pings {
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let recorded = hit(&tracker, sent.pixel_url().unwrap(), "192.0.2.7", &[]);
                        assert_eq!(recorded, Ok(Recorded::Filtered));
                    }
                });
            }
        });
    }
    for sent in [&objected, &withdrawn, &expired] {
        let receipt = pollster::block_on(tracker.receipts().get(sent.id())).unwrap().unwrap();
        assert_eq!(receipt.summary.fetches, 1);
        assert_ne!(receipt.summary.ping.status, Status::Live);
    }
    assert!(pollster::block_on(tracker.receipts().get(erased.id())).unwrap().is_none());
    assert_eq!(tracker.intake().health().durable, 4);
}
