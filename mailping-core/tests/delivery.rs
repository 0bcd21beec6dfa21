//! What mail servers told of a message, and what a receipt makes of it.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::Duration;

use common::*;
use mailping_core::pings::{SmtpReply, Status};
use mailping_core::receipts::MilestoneKind;
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::{Detail, MemoryStore, PingId, State, Tracker};
use pollster::block_on;

fn answer(tracker: &Tracker, ping: PingId, code: u16, text: &str) -> bool {
    block_on(tracker.pings().handed_over(ping, SmtpReply::new(code, text).unwrap())).unwrap()
}

fn notifications(tracker: &Tracker, ping: PingId) -> Vec<&'static str> {
    let (_, notifications) = block_on(tracker.receipts().notifications(ping)).unwrap().unwrap();
    notifications.into_iter().map(|notification| notification.name()).collect()
}

#[test]
fn a_receipt_tells_what_the_server_answered_and_keeps_codes_alone() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let [accepted, deferred, refused, unknown] = [0; 4].map(|_| ping(&tracker, new_ping()).id());
    assert!(answer(&tracker, deferred, 451, "4.7.1 <ada@example.com> greylisted by mx.example.com"));
    clock.advance(minute());
    for id in [accepted, deferred] {
        assert!(answer(&tracker, id, 250, "2.0.0 Ok: queued for ada@example.com"));
    }
    assert!(answer(&tracker, refused, 550, "5.1.1 <ada@example.com>: user unknown"));
    assert!(!answer(&tracker, PingId::from_bytes([7; 16]), 250, ""), "there is no such ping");
    let of = |id| receipt(&tracker, id).summary;
    assert_eq!(of(accepted).delivery, MilestoneKind::Accepted);
    assert_eq!(of(deferred).delivery, MilestoneKind::Accepted);
    assert_eq!(of(refused).delivery, MilestoneKind::Refused);
    assert_eq!(of(unknown).delivery, MilestoneKind::Unknown);
    let json = serde_json::to_value(receipt(&tracker, deferred)).unwrap();
    assert_eq!((&json["delivery"], &json["state"]), (&"accepted".into(), &"no_fetch".into()));
    assert!(json["confirmed_at"].is_null());
    assert_eq!(
        json["milestones"],
        serde_json::json!([
            { "kind": "deferred", "at": "2026-11-23T10:00:00.000Z", "reply_code": 451, "status_code": "4.7.1",
              "verdict": null, "evidence": [] },
            { "kind": "accepted", "at": "2026-11-23T10:01:00.000Z", "reply_code": 250, "status_code": "2.0.0",
              "verdict": null, "evidence": [] },
        ])
    );
    for id in [accepted, deferred, refused] {
        let all = format!("{:?} {}", receipt(&tracker, id), receipt(&tracker, id));
        assert!(
            !all.contains("example.com") && !all.contains("queued") && !all.contains("greylisted"),
            "{all}"
        );
    }
    assert_eq!(
        receipt(&tracker, refused).to_string(),
        "Refused by the recipient's mail server at 10:01 UTC on 2026-11-23 (5.1.1); not fetched."
    );
}

/// A message that never arrived, or whose receipt is confirmed, is not one that nobody opened.
#[test]
fn a_sender_is_told_of_what_was_not_delivered() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let [lost, retried, silent] = [0; 3].map(|_| ping(&tracker, new_ping()).id());
    answer(&tracker, lost, 550, "5.1.1");
    answer(&tracker, retried, 550, "5.7.1");
    answer(&tracker, retried, 250, "2.0.0");
    clock.advance(Duration::from_secs(4 * 86_400));
    assert_eq!(notifications(&tracker, lost), ["undelivered"]);
    assert_eq!(notifications(&tracker, retried), ["not_opened"], "it was made up for");
    assert_eq!(notifications(&tracker, silent), ["not_opened"]);
}

#[test]
fn events_tell_each_milestone_once_and_first_opens_stay_what_they_are() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let sent = ping(&tracker, new_ping().owner("billing"));
    let mut events = block_on(tracker.receipts().events()).unwrap();
    answer(&tracker, sent.id(), 250, "2.0.0");
    answer(&tracker, sent.id(), 250, "2.0.0");
    clock.advance(2 * minute());
    hit(&tracker, sent.pixel_url().unwrap(), "81.187.81.9", &[("user-agent", FIREFOX)]).unwrap();
    clock.advance(minute());
    answer(&tracker, sent.id(), 550, "5.0.0");
    let mut told = Vec::new();
    for _ in 0..3 {
        let event = block_on(events.next()).unwrap().unwrap();
        assert_eq!((event.reference.as_str(), event.owner.as_deref()), ("invoice-42", Some("billing")));
        assert!(event.id.is_ascii() && event.id.len() <= 64, "{}", event.id);
        assert!(!event.is_reopen());
        told.push((event.milestone, event.before, event.after, event.is_first_open()));
    }
    told.sort_by_key(|(milestone, ..)| milestone.map(MilestoneKind::code));
    assert_eq!(
        told,
        [
            (None, State::NoFetch, State::Opened, true),
            (Some(MilestoneKind::Refused), State::Opened, State::Opened, false),
            (Some(MilestoneKind::Accepted), State::NoFetch, State::NoFetch, false),
        ]
    );
}

#[test]
fn what_ends_a_ping_ends_what_servers_tell_of_it() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let to = |name: &str| ping(&tracker, new_ping().to(format!("{name}@example.com"))).id();
    let (erased, objected, closed) = (to("ada"), to("bob"), to("carol"));
    assert!(block_on(tracker.people().erase(erased)).unwrap().is_some());
    block_on(tracker.people().object("bob@example.com")).unwrap();
    block_on(tracker.people().object_to_everything("CAROL@example.com")).unwrap();
    assert!(!answer(&tracker, erased, 250, ""));
    assert!(answer(&tracker, objected, 250, ""), "it is the sender's own record of sending");
    assert!(!answer(&tracker, closed, 250, ""));
    assert_eq!(receipt(&tracker, closed).summary.ping.status, Status::Closed);
    let export = block_on(tracker.people().export("carol@example.com")).unwrap();
    assert!(
        export.objected && export.objected_to_everything && export.pings[0].summary.milestones.is_empty()
    );
    let export = block_on(tracker.people().export("bob@example.com")).unwrap();
    assert!(export.objected && !export.objected_to_everything);
    assert_eq!(export.pings[0].summary.milestones.len(), 1, "all that is kept of a recipient");
    let none = build(builder(MemoryStore::new(), &clock).ceiling(Detail::None));
    let untracked = ping(&none, new_ping());
    assert_eq!(untracked.status(), Status::Untracked);
    assert!(answer(&none, untracked.id(), 550, ""), "at every detail");
}

#[test]
fn a_store_that_is_down_is_told_and_the_answer_can_be_given_again() {
    let (clock, store) = (Clock::new(), FaultyStore::default());
    let tracker = build(builder(store.clone(), &clock));
    let id = ping(&tracker, new_ping()).id();
    store.fault(Fault::Down);
    let reply = SmtpReply::new(250, "2.0.0").unwrap();
    assert!(block_on(tracker.pings().handed_over(id, reply)).unwrap_err().is_unavailable());
    store.fault(Fault::None);
    assert!(block_on(tracker.pings().handed_over(id, reply)).unwrap());
    assert_eq!(receipt(&tracker, id).summary.delivery, MilestoneKind::Accepted);
}

#[cfg(feature = "reports")]
mod reports {
    use super::*;

    fn bounce(to: &str, fields: &str) -> Vec<u8> {
        format!(
            "From: MAILER-DAEMON@mx.example.com\r\nTo: {to}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=\"delivery-status\"; boundary=\"=_b\"\r\n\r\n--=_b\r\n\r\n\
             ada@example.com could not be reached\r\n--=_b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; ada@example.com\r\n{fields}\r\n--=_b--\r\n"
        )
        .into_bytes()
    }

    fn report(tracker: &Tracker, bytes: &[u8]) -> Option<PingId> {
        block_on(tracker.pings().report(bytes)).unwrap()
    }

    #[test]
    fn a_bounce_finds_its_ping_and_a_late_delay_changes_nothing() {
        let clock = Clock::new();
        let tracker = tracker(&clock);
        let sent = ping(&tracker, new_ping());
        answer(&tracker, sent.id(), 250, "2.0.0");
        let to = sent.return_path("bounces.example.com");
        assert!(to.len() < 64 + 1 + 255 && to.split('@').next().unwrap().len() <= 64, "{to}");
        let failed = bounce(&format!("<{to}>"), "Action: failed\r\nStatus: 5.2.2\r\n");
        assert_eq!(report(&tracker, &failed), Some(sent.id()));
        clock.advance(minute());
        let delayed = bounce(&to, "Action: delayed\r\nStatus: 4.4.1\r\n");
        assert_eq!(report(&tracker, &delayed), Some(sent.id()));
        let summary = receipt(&tracker, sent.id()).summary;
        assert_eq!(summary.delivery, MilestoneKind::Failed);
        assert_eq!(summary.milestones[1].status_code.unwrap().to_string(), "5.2.2");
        assert_eq!(notifications(&tracker, sent.id()), ["undelivered"]);
        // A message that is returned says which it was by its own id.
        let other = ping(&tracker, new_ping());
        let returned = bounce("bob@example.com", "Action: delivered\r\nStatus: 2.0.0\r\n");
        let id = format!(
            "\r\n--=_b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {}\r\n\r\nhello\r\n--=_b--",
            other.message_id("example.com")
        );
        let returned = String::from_utf8(returned).unwrap().replace("\r\n--=_b--", &id);
        assert_eq!(report(&tracker, returned.as_bytes()), Some(other.id()));
        assert_eq!(receipt(&tracker, other.id()).summary.delivery, MilestoneKind::Delivered);
    }

    #[test]
    fn a_forged_or_replayed_report_changes_nothing() {
        let clock = Clock::new();
        let tracker = tracker(&clock);
        let sent = ping(&tracker, new_ping().confirmable("Bob"));
        let failed = |to: &str| bounce(to, "Action: failed\r\nStatus: 5.2.2\r\n");
        let token = |url: &str| url.split('/').find(|part| part.len() >= 48).unwrap()[..48].to_owned();
        let before = receipt(&tracker, sent.id());
        let real = sent.return_path("b.example");
        let mut forged = real.clone().into_bytes();
        forged[30] = if forged[30] == b'a' { b'b' } else { b'a' };
        let other = build(builder(MemoryStore::new(), &clock));
        for to in [
            String::from_utf8(forged).unwrap(),
            real[1..].to_owned(),
            "bob@example.com".to_owned(),
            format!("{}@b.example", token(sent.pixel_url().unwrap())),
            format!("{}@b.example", token(sent.opt_out_url())),
            format!("{}@b.example", token(sent.confirm_url().unwrap())),
            ping(&other, new_ping()).return_path("b.example"),
        ] {
            assert_eq!(report(&tracker, &failed(&to)), None, "{to}");
        }
        for malformed in [&b""[..], b"To: x\r\n\r\n", &[0xff; 4_096], &failed(&real)[..120]] {
            assert_eq!(report(&tracker, malformed), None);
        }
        assert!(receipt(&tracker, sent.id()) == before);
        // The real one, again and again, is the first.
        assert_eq!(report(&tracker, &failed(&real)), Some(sent.id()));
        let once = receipt(&tracker, sent.id());
        clock.advance(minute());
        assert_eq!(report(&tracker, &failed(&real)), Some(sent.id()));
        assert!(receipt(&tracker, sent.id()) == once);
        assert!(block_on(tracker.people().erase(sent.id())).unwrap().is_some());
        assert_eq!(report(&tracker, &failed(&real)), None, "nothing is left to keep it for");
    }
}
