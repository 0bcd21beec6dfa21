//! What `record` keeps and answers.

use super::harness::{Harness, open, opens, ping, ping_id};
use crate::fetcher::{Fetcher, Verdict};
use crate::store::Recorded::{Durable, Filtered};

pub(super) async fn an_open_recorded_twice_is_one(harness: Harness) {
    let id = harness.given_ping(1).await;
    let first = opens(id, 0..3);
    harness.keeps(&first).await;
    harness.keeps_again(&first).await;
    harness.keeps_again(&opens(id, 1..5)).await;
    assert_eq!(harness.all_opens(id).await, opens(id, 0..5));
    // The first one stays, whatever comes as the same open later.
    let mut other = open(id, 0);
    (other.fetcher, other.verdict) = (Fetcher::GmailProxy, Verdict::Uncertain);
    harness.keeps_again(&[other]).await;
    assert_eq!(harness.all_opens(id).await, opens(id, 0..5));
}

pub(super) async fn an_open_repeated_in_a_batch_is_one(harness: Harness) {
    let id = harness.given_ping(1).await;
    harness.keeps_again(&opens(id, [3, 3, 4, 3])).await;
    assert_eq!(harness.all_opens(id).await, opens(id, [3, 4]));
}

pub(super) async fn one_id_under_two_pings_is_two_opens(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    harness.keeps(&[open(one, 5), open(two, 5)]).await;
    assert_eq!(harness.all_opens(one).await, opens(one, [5]));
    assert_eq!(harness.all_opens(two).await, opens(two, [5]));
}

pub(super) async fn answers_come_in_the_order_of_the_batch(harness: Harness) {
    let (live, withdrawn, unknown) = (harness.given_ping(1).await, harness.given_ping(2).await, ping_id(3));
    assert!(harness.withdraw(withdrawn).await.unwrap());
    // Not sorted by ping, and a ping comes back after others.
    let pings = [withdrawn, live, unknown, live, live, withdrawn, unknown, live];
    let batch: Vec<_> = pings.into_iter().zip(0..).map(|(id, n)| open(id, n)).collect();
    let answers = harness.recorded(&batch).await;
    assert_eq!(answers, [Filtered, Durable, Filtered, Durable, Durable, Filtered, Filtered, Durable]);
    assert_eq!(harness.all_opens(live).await, opens(live, [1, 3, 4, 7]));
    assert_eq!(harness.all_opens(withdrawn).await, []);
    assert_eq!(harness.all_opens(unknown).await, []);
}

pub(super) async fn an_empty_batch_is_answered_with_nothing(harness: Harness) {
    assert_eq!(harness.recorded(&[]).await, []);
    assert_eq!(harness.repeated(&[]).await, []);
}

pub(super) async fn an_open_of_an_unknown_ping_is_filtered_for_good(harness: Harness) {
    harness.filters(&opens(ping_id(1), 0..3)).await;
    harness.given(&ping(1)).await;
    assert_eq!(harness.all_opens(ping_id(1)).await, []);
}
