//! Erasing and purging.

use super::harness::{Harness, KEPT, SENT, opens, ping, ping_id, recipient, time};
use crate::Timestamp;
use crate::store::Deleted;

/// When pings 0 to `n` are due.
fn due(n: u32) -> Timestamp {
    time(SENT + i64::from(n) + KEPT)
}

pub(super) async fn erasing_takes_a_ping_with_its_opens_and_counts_them(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    harness.keeps(&opens(one, 0..1_500)).await;
    harness.keeps(&opens(two, 0..3)).await;
    assert_eq!(harness.erase(one).await.unwrap(), Some(Deleted::new(1, 1_500)));
    assert_eq!(harness.erase(one).await.unwrap(), None);
    assert_eq!(harness.ping(one).await.unwrap(), None);
    assert_eq!(harness.all_opens(one).await, []);
    assert_eq!(harness.all_opens(two).await, opens(two, 0..3));
    assert_eq!(harness.all_pings().await, [two]);
}

pub(super) async fn erasing_a_recipient_takes_all_of_their_pings(harness: Harness) {
    let (ada, bob) = (recipient(b'a', &[1]), recipient(b'b', &[1]));
    for n in 0..20 {
        harness.given_ping_to(n, if n % 2 == 0 { &ada } else { &bob }).await;
        harness.keeps(&opens(ping_id(n), 0..n)).await;
    }
    let sum = (0..20).filter(|n| n % 2 == 0).sum();
    assert_eq!(harness.erase_recipient(&ada).await.unwrap(), Deleted::new(10, sum));
    assert_eq!(harness.pings_of(&ada, None, 99).await.unwrap().items, []);
    assert_eq!(harness.pings_of(&bob, None, 99).await.unwrap().items.len(), 10);
    for n in 0..20 {
        let left = harness.all_opens(ping_id(n)).await.len();
        assert_eq!(left, if n % 2 == 0 { 0 } else { n as usize });
    }
    assert_eq!(harness.objection(&ada).await.unwrap(), None, "an erasure is no objection");
    assert_eq!(harness.erase_recipient(&ada).await.unwrap(), Deleted::default());
}

pub(super) async fn purging_takes_what_is_due_and_nothing_else(harness: Harness) {
    for n in 0..6 {
        harness.given_ping(n).await;
        harness.keeps(&opens(ping_id(n), 0..2)).await;
    }
    let mut untracked = ping(6);
    (untracked.status, untracked.keep_until) = (crate::Status::Untracked, due(0));
    harness.given(&untracked).await;
    assert_eq!(harness.purge(time(due(0).unix_millis() - 1), 99).await.unwrap(), Deleted::default());
    assert_eq!(harness.purge(due(2), 99).await.unwrap(), Deleted::new(4, 6), "0, 1, 2 and the untracked one");
    assert_eq!(harness.all_pings().await, [5, 4, 3].map(ping_id));
    assert_eq!(harness.all_opens(ping_id(2)).await, []);
    assert_eq!(harness.all_opens(ping_id(3)).await, opens(ping_id(3), 0..2));
    harness.filters(&opens(ping_id(2), 5..6)).await;
    assert_eq!(harness.purge(due(2), 99).await.unwrap(), Deleted::default());
}

pub(super) async fn purging_takes_at_most_the_limit_and_leaves_no_open_without_its_ping(harness: Harness) {
    for n in 0..5 {
        harness.given_ping(n).await;
        harness.keeps(&opens(ping_id(n), 0..n * 5)).await;
    }
    assert_eq!(harness.purge(due(3), 0).await.unwrap(), Deleted::default());
    let (mut sum, mut steps) = (Deleted::default(), 0);
    loop {
        let step = harness.purge(due(3), 7).await.unwrap();
        assert!(step.pings + step.opens <= 7, "at most the limit, opens and pings together");
        sum = Deleted::new(sum.pings + step.pings, sum.opens + step.opens);
        for n in 0..4 {
            let there = harness.ping(ping_id(n)).await.unwrap().is_some();
            assert!(there || harness.all_opens(ping_id(n)).await.is_empty(), "no open without its ping");
        }
        steps += 1;
        if step.pings + step.opens < 7 {
            break;
        }
        assert!(steps < 50, "it comes to an end");
    }
    assert_eq!(sum, Deleted::new(4, 30), "each row is counted once");
    assert_eq!(harness.all_pings().await, [ping_id(4)]);
    assert_eq!(harness.all_opens(ping_id(4)).await.len(), 20);
}

pub(super) async fn purging_ends_with_fewer_than_the_limit(harness: Harness) {
    harness.given_ping(0).await;
    harness.keeps(&opens(ping_id(0), 0..9)).await;
    // Nine opens and a ping are exactly the limit, so that only the next call can tell that nothing
    // is left.
    assert_eq!(harness.purge(due(0), 10).await.unwrap(), Deleted::new(1, 9));
    assert_eq!(harness.purge(due(0), 10).await.unwrap(), Deleted::default());
    harness.given_ping(1).await;
    harness.keeps(&opens(ping_id(1), 0..9)).await;
    assert_eq!(harness.purge(due(1), 9).await.unwrap(), Deleted::new(0, 9));
    assert!(harness.ping(ping_id(1)).await.unwrap().is_some());
    assert_eq!(harness.purge(due(1), 9).await.unwrap(), Deleted::new(1, 0));
}
