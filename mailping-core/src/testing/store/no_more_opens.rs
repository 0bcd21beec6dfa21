//! A ping that is withdrawn, erased, objected to or expired gains no opens.

use super::rig::{DAY, Rig, open, opens, ping, recipient, time};
use crate::store::Answer::{Filtered, Kept};
use crate::{LastDay, Status, TimeStep};

pub(super) async fn a_withdrawn_ping_gains_no_opens_and_keeps_those_it_has(rig: Rig) {
    let id = rig.given_ping(1).await;
    rig.keeps(&opens(id, 0..3)).await;
    assert!(rig.withdraw(id).await.unwrap());
    assert_eq!(rig.status(id).await, Status::Withdrawn);
    rig.filters(&opens(id, 3..6)).await;
    assert_eq!(rig.all_opens(id).await, opens(id, 0..3));
}

pub(super) async fn a_withdrawn_ping_is_not_revived_by_inserting_it_again(rig: Rig) {
    let id = rig.given_ping(1).await;
    assert!(rig.withdraw(id).await.unwrap());
    assert!(rig.insert_ping(&ping(1), None).await.is_err());
    assert_eq!(rig.status(id).await, Status::Withdrawn);
    rig.filters(&opens(id, 0..3)).await;
}

pub(super) async fn an_erased_ping_gains_no_opens(rig: Rig) {
    let id = rig.given_ping(1).await;
    rig.keeps(&opens(id, 0..3)).await;
    assert!(rig.erase(id).await.unwrap().is_some());
    rig.filters(&opens(id, 0..6)).await;
    assert_eq!(rig.all_opens(id).await, []);
}

pub(super) async fn a_ping_objected_to_gains_no_opens(rig: Rig) {
    let ada = recipient(b'a', &[1]);
    let (one, two, three) = (ping(1).id, ping(2).id, ping(3).id);
    for n in 1..=3 {
        assert_eq!(rig.given_ping_to(n, &ada).await, Status::Live);
    }
    rig.keeps(&[open(one, 0), open(two, 0), open(three, 0)]).await;
    rig.object(&ada).await.unwrap();
    rig.filters(&[open(one, 1), open(two, 1), open(three, 1)]).await;
    assert_eq!(rig.all_opens(two).await, opens(two, [0]));
    assert_eq!(rig.status(three).await, Status::Withdrawn);
}

pub(super) async fn an_untracked_ping_gains_no_opens(rig: Rig) {
    let mut untracked = ping(1);
    untracked.status = Status::Untracked;
    rig.given(&untracked).await;
    rig.filters(&[open(untracked.id, 0)]).await;
    assert!(rig.withdraw(untracked.id).await.unwrap(), "there is such a ping");
    assert_eq!(rig.status(untracked.id).await, Status::Untracked, "only a live ping is withdrawn");
}

/// Such as a newer version beside this one has given it.
pub(super) async fn a_ping_of_unknown_status_gains_no_opens(rig: Rig) {
    let mut unknown = ping(1);
    unknown.status = Status::Unknown;
    rig.given(&unknown).await;
    rig.filters(&[open(unknown.id, 0)]).await;
    assert_eq!(rig.raises(&[LastDay::new(unknown.id, time(super::rig::SENT / DAY * DAY))]).await, [Filtered]);
    assert!(rig.withdraw(unknown.id).await.unwrap(), "there is such a ping");
    assert_eq!(rig.status(unknown.id).await, Status::Unknown, "only a live ping is withdrawn");
    assert!(rig.all_opens(unknown.id).await.is_empty());
}

/// The store knows no clock here: a batch that an outage held up for months is kept, were its opens in time.
pub(super) async fn expiry_compares_the_opens_own_time(rig: Rig) {
    let mut ping = ping(1);
    ping.record_until = time(ping.sent_at.unix_millis() + 1_000);
    rig.given(&ping).await;
    let batch = opens(ping.id, [998, 999, 1_000, 1_001, 5]);
    assert_eq!(rig.recorded(&batch).await, [Kept, Kept, Filtered, Filtered, Kept]);
    assert_eq!(rig.all_opens(ping.id).await, opens(ping.id, [5, 998, 999]));
    assert_eq!(rig.status(ping.id).await, Status::Live, "expiry follows from the time and is never stored");
}

/// The ceiling of the time step can be lowered while a message is on its way; `record_until` is not moved by that.
pub(super) async fn a_time_step_that_ends_after_record_until_is_not_recorded(rig: Rig) {
    const HOUR: i64 = 3_600_000;
    let midnight = super::rig::SENT / DAY * DAY + 2 * DAY;
    let mut ping = ping(1);
    ping.record_until = time(midnight + HOUR);
    rig.given(&ping).await;
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
    assert_eq!(rig.recorded(&batch).await, [Kept, Filtered, Kept, Filtered, Kept, Filtered]);
    let days = [LastDay::new(ping.id, time(midnight - DAY)), LastDay::new(ping.id, time(midnight))];
    assert_eq!(rig.raises(&days).await, [Kept, Filtered]);
    assert_eq!(rig.found(ping.id).await.last_day, Some(time(midnight - DAY)));
}

pub(super) async fn withdrawing_tells_whether_there_is_such_a_ping(rig: Rig) {
    let id = rig.given_ping(1).await;
    assert!(!rig.withdraw(ping(2).id).await.unwrap());
    assert!(rig.withdraw(id).await.unwrap());
    assert!(rig.withdraw(id).await.unwrap(), "a second time there still is such a ping");
    assert_eq!(rig.status(id).await, Status::Withdrawn);
}

pub(super) async fn an_objection_before_the_ping_makes_it_untracked(rig: Rig) {
    let ada = recipient(b'a', &[1]);
    rig.object(&ada).await.unwrap();
    assert_eq!(rig.given_ping_to(1, &ada).await, Status::Untracked, "told to whoever makes the ping");
    assert_eq!(rig.status(ping(1).id).await, Status::Untracked, "and kept");
    rig.filters(&[open(ping(1).id, 0)]).await;
}

pub(super) async fn an_objection_after_the_ping_withdraws_it(rig: Rig) {
    let ada = recipient(b'a', &[1]);
    assert_eq!(rig.given_ping_to(1, &ada).await, Status::Live);
    rig.object(&ada).await.unwrap();
    rig.object(&ada).await.unwrap();
    assert_eq!(rig.status(ping(1).id).await, Status::Withdrawn);
    rig.filters(&[open(ping(1).id, 0)]).await;
}
