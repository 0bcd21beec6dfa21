//! A ping that is withdrawn, erased, objected to or expired gains no opens.

use super::harness::{DAY, Harness, open, opens, ping, recipient, time};
use crate::store::ObjectionScope;
use crate::store::Recorded::{Durable, Filtered};
use crate::{LastDay, Status, TimeStep};

pub(super) async fn a_withdrawn_ping_gains_no_opens_and_keeps_those_it_has(harness: Harness) {
    let id = harness.given_ping(1).await;
    harness.keeps(&opens(id, 0..3)).await;
    assert!(harness.withdraw(id).await.unwrap());
    assert_eq!(harness.status(id).await, Status::Withdrawn);
    harness.filters(&opens(id, 3..6)).await;
    assert_eq!(harness.all_opens(id).await, opens(id, 0..3));
}

pub(super) async fn a_withdrawn_ping_is_not_revived_by_inserting_it_again(harness: Harness) {
    let id = harness.given_ping(1).await;
    assert!(harness.withdraw(id).await.unwrap());
    assert!(harness.insert_ping(&ping(1), None).await.is_err());
    assert_eq!(harness.status(id).await, Status::Withdrawn);
    harness.filters(&opens(id, 0..3)).await;
}

pub(super) async fn an_erased_ping_gains_no_opens(harness: Harness) {
    let id = harness.given_ping(1).await;
    harness.keeps(&opens(id, 0..3)).await;
    assert!(harness.erase(id).await.unwrap().is_some());
    harness.filters(&opens(id, 0..6)).await;
    assert_eq!(harness.all_opens(id).await, []);
}

pub(super) async fn a_ping_objected_to_gains_no_opens(harness: Harness) {
    let ada = recipient(b'a', &[1]);
    let (one, two, three) = (ping(1).id, ping(2).id, ping(3).id);
    for n in 1..=3 {
        assert_eq!(harness.given_ping_to(n, &ada).await, Status::Live);
    }
    harness.keeps(&[open(one, 0), open(two, 0), open(three, 0)]).await;
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    harness.filters(&[open(one, 1), open(two, 1), open(three, 1)]).await;
    assert_eq!(harness.all_opens(two).await, opens(two, [0]));
    assert_eq!(harness.status(three).await, Status::Withdrawn);
}

pub(super) async fn an_untracked_ping_gains_no_opens(harness: Harness) {
    let mut untracked = ping(1);
    untracked.status = Status::Untracked;
    harness.given(&untracked).await;
    harness.filters(&[open(untracked.id, 0)]).await;
    assert!(harness.withdraw(untracked.id).await.unwrap(), "there is such a ping");
    assert_eq!(harness.status(untracked.id).await, Status::Untracked, "only a live ping is withdrawn");
}

/// Such as a newer version beside this one has given it.
pub(super) async fn a_ping_of_unknown_status_gains_no_opens(harness: Harness) {
    let mut unknown = ping(1);
    unknown.status = Status::Unknown;
    harness.given(&unknown).await;
    harness.filters(&[open(unknown.id, 0)]).await;
    assert_eq!(
        harness.raises(&[LastDay::new(unknown.id, time(super::harness::SENT / DAY * DAY))]).await,
        [Filtered]
    );
    assert!(harness.withdraw(unknown.id).await.unwrap(), "there is such a ping");
    assert_eq!(harness.status(unknown.id).await, Status::Unknown, "only a live ping is withdrawn");
    assert!(harness.all_opens(unknown.id).await.is_empty());
}

/// The store knows no clock here: a batch that an outage held up for months is kept, were its opens
/// in time.
pub(super) async fn expiry_compares_the_opens_own_time(harness: Harness) {
    let mut ping = ping(1);
    ping.record_until = time(ping.sent_at.unix_millis() + 1_000);
    harness.given(&ping).await;
    let batch = opens(ping.id, [998, 999, 1_000, 1_001, 5]);
    assert_eq!(harness.recorded(&batch).await, [Durable, Durable, Filtered, Filtered, Durable]);
    assert_eq!(harness.all_opens(ping.id).await, opens(ping.id, [5, 998, 999]));
    assert_eq!(
        harness.status(ping.id).await,
        Status::Live,
        "expiry follows from the time and is never stored"
    );
}

/// The ceiling of the time step can be lowered while a message is on its way; `record_until` is not
/// moved by that.
pub(super) async fn a_time_step_that_ends_after_record_until_is_not_recorded(harness: Harness) {
    const HOUR: i64 = 3_600_000;
    let midnight = super::harness::SENT / DAY * DAY + 2 * DAY;
    let mut ping = ping(1);
    ping.record_until = time(midnight + HOUR);
    harness.given(&ping).await;
    let in_step = |n: u32, millis, step| {
        let mut open = open(ping.id, n);
        (open.at, open.time_step) = (time(millis), step);
        open
    };
    let batch = [
        in_step(1, midnight - DAY, TimeStep::Day),
        in_step(2, midnight, TimeStep::Day),
        in_step(3, midnight, TimeStep::Hour),
        in_step(4, midnight + HOUR, TimeStep::Hour),
        in_step(5, midnight + HOUR - 1, TimeStep::Exact),
        in_step(6, midnight + HOUR / 2, TimeStep::Hour),
    ];
    assert_eq!(harness.recorded(&batch).await, [Durable, Filtered, Durable, Filtered, Durable, Filtered]);
    let days = [LastDay::new(ping.id, time(midnight - DAY)), LastDay::new(ping.id, time(midnight))];
    assert_eq!(harness.raises(&days).await, [Durable, Filtered]);
    assert_eq!(harness.found(ping.id).await.last_day, Some(time(midnight - DAY)));
}

pub(super) async fn withdrawing_tells_whether_there_is_such_a_ping(harness: Harness) {
    let id = harness.given_ping(1).await;
    assert!(!harness.withdraw(ping(2).id).await.unwrap());
    assert!(harness.withdraw(id).await.unwrap());
    assert!(harness.withdraw(id).await.unwrap(), "a second time there still is such a ping");
    assert_eq!(harness.status(id).await, Status::Withdrawn);
}

pub(super) async fn an_objection_before_the_ping_makes_it_untracked(harness: Harness) {
    let ada = recipient(b'a', &[1]);
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    assert_eq!(harness.given_ping_to(1, &ada).await, Status::Untracked, "told to whoever makes the ping");
    assert_eq!(harness.status(ping(1).id).await, Status::Untracked, "and kept");
    harness.filters(&[open(ping(1).id, 0)]).await;
}

pub(super) async fn an_objection_after_the_ping_withdraws_it(harness: Harness) {
    let ada = recipient(b'a', &[1]);
    assert_eq!(harness.given_ping_to(1, &ada).await, Status::Live);
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    assert_eq!(harness.status(ping(1).id).await, Status::Withdrawn);
    harness.filters(&[open(ping(1).id, 0)]).await;
}
