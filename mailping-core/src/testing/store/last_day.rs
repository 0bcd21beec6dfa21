//! The one value that is kept at the detail `last_day`.

use super::harness::{DAY, Harness, RECORDED, SENT, open, opens, ping, ping_id, time};
use crate::store::Attempt;
use crate::store::Recorded::{Durable, Filtered};
use crate::{LastDay, PingId, Timestamp};

/// Midnight of the `n`th day after the pings are sent.
fn day(n: i64) -> Timestamp {
    time((SENT / DAY + n) * DAY)
}

async fn kept(harness: &Harness, id: PingId) -> Option<Timestamp> {
    harness.found(id).await.last_day
}

pub(super) async fn the_last_day_is_the_latest_in_any_order(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    assert_eq!(kept(&harness, one).await, None);
    let first = [LastDay::new(one, day(3)), LastDay::new(two, day(1))];
    assert_eq!(harness.raises(&first).await, [Durable, Durable]);
    let second = [LastDay::new(one, day(2)), LastDay::new(two, day(4))];
    assert_eq!(harness.raises(&second).await, [Durable, Durable], "an earlier day is kept in the later one");
    assert_eq!((kept(&harness, one).await, kept(&harness, two).await), (Some(day(3)), Some(day(4))));
    harness.raises(&[LastDay::new(one, day(5)), LastDay::new(one, day(1))]).await;
    assert_eq!(kept(&harness, one).await, Some(day(5)));
    let listed = harness.pings(&crate::store::PingQuery::newest(9)).await.unwrap().items;
    assert_eq!(listed.iter().map(|kept| kept.last_day).collect::<Vec<_>>(), [Some(day(4)), Some(day(5))]);
    assert_eq!(harness.all_opens(one).await, [], "and no open tells the count");
}

pub(super) async fn the_last_day_is_raised_for_recording_pings_alone(harness: Harness) {
    let (withdrawn, expiring) = (harness.given_ping(1).await, ping(2));
    harness.given(&expiring).await;
    harness.raises(&[LastDay::new(withdrawn, day(1))]).await;
    assert!(harness.withdraw(withdrawn).await.unwrap());
    let until = RECORDED / DAY;
    let none = [
        LastDay::new(withdrawn, day(2)),
        LastDay::new(expiring.id, day(until)),
        LastDay::new(ping_id(3), day(1)),
    ];
    assert_eq!(harness.raises(&none).await, [Filtered; 3]);
    assert_eq!(kept(&harness, withdrawn).await, Some(day(1)));
    assert_eq!(kept(&harness, expiring.id).await, None, "the day ends after the ping's end");
    assert!(harness.ping(ping_id(3)).await.unwrap().is_none(), "no ping comes of a day");
    harness.raises(&[LastDay::new(expiring.id, day(until - 1))]).await;
    assert_eq!(kept(&harness, expiring.id).await, Some(day(until - 1)));
}

pub(super) async fn opens_and_last_days_go_together(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    let batch = [open(one, 1), open(ping_id(3), 1)];
    let days = [LastDay::new(ping_id(4), day(1)), LastDay::new(two, day(1))];
    let written = harness.answered(&batch, &days, Attempt::First).await;
    assert_eq!(written, [Durable, Filtered, Filtered, Durable]);
    assert_eq!(harness.answered(&batch, &days, Attempt::Repeat).await, written);
    assert_eq!(harness.all_opens(one).await, opens(one, [1]));
    assert_eq!(kept(&harness, two).await, Some(day(1)));
}
