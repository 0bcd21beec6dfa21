//! Objections, erasure by recipient, and the change of keys.

use std::collections::BTreeSet;

use super::harness::{Harness, ids, key, key_of, open, opens, ping, ping_id, recipient};
use crate::Status;
use crate::store::{Deleted, KeyFingerprint, ObjectionScope};

pub(super) async fn a_ping_found_under_an_older_key_follows_the_objection(harness: Harness) {
    let (before, after, both) = (recipient(b'a', &[1]), recipient(b'a', &[2]), recipient(b'a', &[2, 1]));
    harness.given_ping_to(1, &before).await;
    harness.given_ping_to(2, &after).await;
    harness.object_by_ping(ping(2).id).await.unwrap();
    assert_eq!(
        harness.status(ping(1).id).await,
        Status::Live,
        "nothing has shown yet that both are one person"
    );
    assert_eq!(harness.given_ping_to(3, &both).await, Status::Untracked);
    assert_eq!(harness.status(ping(1).id).await, Status::Withdrawn);
}

pub(super) async fn an_objection_holds_for_its_recipient_alone(harness: Harness) {
    let (ada, bob) = (recipient(b'a', &[1]), recipient(b'b', &[1]));
    assert_eq!(harness.given_ping_to(1, &ada).await, Status::Live);
    assert_eq!(harness.given_ping_to(2, &bob).await, Status::Live);
    harness.given_ping(3).await;
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    assert!(harness.objection(&ada).await.unwrap().is_some());
    assert_eq!(harness.objection(&bob).await.unwrap(), None);
    assert_eq!(harness.status(ping_id(2)).await, Status::Live);
    assert_eq!(harness.status(ping_id(3)).await, Status::Live);
    assert_eq!(harness.given_ping_to(4, &bob).await, Status::Live);
    // The same bytes under another key are another recipient's.
    let other = crate::RecipientHash::from_parts(key(2), *ada.newest.hash());
    let other = crate::RecipientHashes { newest: other, older: Vec::new() };
    assert_eq!(harness.objection(&other).await.unwrap(), None);
    assert_eq!(harness.given_ping_to(5, &other).await, Status::Live);
}

pub(super) async fn an_objection_outlives_erasure(harness: Harness) {
    let ada = recipient(b'a', &[1]);
    harness.given_ping_to(1, &ada).await;
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    assert_eq!(harness.erase_recipient(&ada).await.unwrap(), Deleted::new(1, 0));
    assert!(harness.objection(&ada).await.unwrap().is_some());
    assert_eq!(harness.given_ping_to(2, &ada).await, Status::Untracked);
    assert_eq!(harness.erase(ping_id(2)).await.unwrap(), Some(Deleted::new(1, 0)));
    assert_eq!(harness.given_ping_to(3, &ada).await, Status::Untracked);
}

pub(super) async fn an_objection_by_ping_is_that_of_its_recipient(harness: Harness) {
    let (ada, bob) = (recipient(b'a', &[1]), recipient(b'b', &[1]));
    harness.given_ping_to(1, &ada).await;
    harness.given_ping_to(2, &ada).await;
    harness.given_ping_to(3, &bob).await;
    harness.object_by_ping(ping_id(1)).await.unwrap();
    assert!(harness.objection(&ada).await.unwrap().is_some());
    assert_eq!(harness.status(ping_id(2)).await, Status::Withdrawn);
    assert_eq!(harness.status(ping_id(3)).await, Status::Live);
    assert_eq!(harness.given_ping_to(4, &ada).await, Status::Untracked);
    harness.filters(&[open(ping_id(1), 0), open(ping_id(2), 0)]).await;
}

pub(super) async fn an_objection_by_ping_without_recipient_withdraws_it_alone(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    harness.object_by_ping(one).await.unwrap();
    harness.object_by_ping(one).await.unwrap();
    assert_eq!(harness.status(one).await, Status::Withdrawn);
    assert_eq!(harness.status(two).await, Status::Live);
    assert_eq!(harness.recipient_keys().await.unwrap(), []);
}

pub(super) async fn what_is_kept_under_an_older_key_is_found(harness: Harness) {
    // Pings and objections from before two changes of the key.
    let (ada, bob, eve) = (b'a', b'b', b'e');
    harness.given_ping_to(1, &recipient(ada, &[1])).await;
    harness.keeps(&[open(ping_id(1), 0)]).await;
    harness.given_ping_to(2, &recipient(ada, &[2])).await;
    harness.object(&recipient(bob, &[1]), ObjectionScope::Opens).await.unwrap();
    harness.given_ping_to(3, &recipient(eve, &[1])).await;
    let keys = [3, 2, 1];
    assert_eq!(
        ids(&harness.pings_of(&recipient(ada, &keys), None, 9).await.unwrap().items),
        [2, 1].map(ping_id)
    );
    assert!(harness.objection(&recipient(bob, &keys)).await.unwrap().is_some());
    assert_eq!(harness.given_ping_to(4, &recipient(bob, &keys)).await, Status::Untracked);
    harness.object(&recipient(eve, &keys), ObjectionScope::Opens).await.unwrap();
    assert_eq!(harness.status(ping_id(3)).await, Status::Withdrawn);
    assert_eq!(harness.erase_recipient(&recipient(ada, &keys)).await.unwrap(), Deleted::new(2, 1));
    assert_eq!(harness.all_pings().await, [4, 3].map(ping_id));
}

pub(super) async fn what_is_found_under_an_older_key_moves_to_the_newest(harness: Harness) {
    let (ada, bob) = (b'a', b'b');
    harness.given_ping_to(1, &recipient(ada, &[1])).await;
    harness.object(&recipient(bob, &[1]), ObjectionScope::Opens).await.unwrap();
    harness.given_ping_to(2, &recipient(ada, &[2, 1])).await;
    harness.object(&recipient(bob, &[2, 1]), ObjectionScope::Opens).await.unwrap();
    assert_eq!(harness.recipient_keys().await.unwrap(), [key(2)], "the old key may be dropped now");
    let (ada, bob) = (recipient(ada, &[2]), recipient(bob, &[2]));
    assert_eq!(ids(&harness.pings_of(&ada, None, 9).await.unwrap().items), [2, 1].map(ping_id));
    assert!(harness.objection(&bob).await.unwrap().is_some());
    assert_eq!(harness.given_ping_to(3, &bob).await, Status::Untracked);
}

pub(super) async fn the_keys_of_pings_and_of_objections_are_told(harness: Harness) {
    harness.given_ping(1).await;
    harness.given_ping_to(2, &recipient(b'a', &[0])).await;
    harness.given_ping_to(3, &recipient(b'b', &[63])).await;
    harness.given_ping_to(4, &recipient(b'c', &[63])).await;
    harness.object(&recipient(b'd', &[7]), ObjectionScope::Opens).await.unwrap();
    harness.object(&recipient(b'e', &[0]), ObjectionScope::Opens).await.unwrap();
    let keys = harness.recipient_keys().await.unwrap();
    assert_eq!(keys.len(), 3, "each once");
    let keys: BTreeSet<KeyFingerprint> = keys.into_iter().collect();
    assert_eq!(keys, [0, 7, 63].map(key).into());
    harness.erase(ping_id(3)).await.unwrap();
    harness.erase_recipient(&recipient(b'c', &[63])).await.unwrap();
    let keys: BTreeSet<KeyFingerprint> = harness.recipient_keys().await.unwrap().into_iter().collect();
    assert_eq!(keys, [0, 7].map(key).into());
}

pub(super) async fn another_secret_under_the_same_number_is_another_key(harness: Harness) {
    let hash = |secret| crate::RecipientHash::from_parts(key_of(63, secret), [b'a'; 32]);
    let hashes = |secret| crate::RecipientHashes { newest: hash(secret), older: Vec::new() };
    harness.given_ping_to(1, &hashes(true)).await;
    harness.object(&hashes(false), ObjectionScope::Opens).await.unwrap();
    let keys: BTreeSet<KeyFingerprint> = harness.recipient_keys().await.unwrap().into_iter().collect();
    assert_eq!(keys, [true, false].map(|secret| key_of(63, secret)).into());
    assert_eq!(harness.objection(&hashes(true)).await.unwrap(), None);
    assert_eq!(harness.status(ping_id(1)).await, Status::Live);
}

pub(super) async fn pings_of_a_recipient_come_from_the_newest_page_by_page(harness: Harness) {
    // Written alternately by instances of which one does not have the newer key yet.
    for n in 0..10 {
        harness.given_ping_to(n, &recipient(b'a', if n % 3 == 0 { &[2] } else { &[1] })).await;
        harness.given_ping_to(100 + n, &recipient(b'b', &[2, 1])).await;
    }
    harness.keeps(&opens(ping(4).id, 0..2)).await;
    let ada = recipient(b'a', &[2, 1]);
    for size in [1, 3, 10, 50] {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = harness.pings_of(&ada, after, size).await.unwrap();
            assert!(page.items.len() <= size, "at most the limit");
            pages.extend(ids(&page.items));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(ping_id), "in pages of {size}");
    }
    assert_eq!(harness.pings_of(&ada, None, 0).await.unwrap().items, []);
}
