//! Objections, erasure by recipient, and the change of keys.

use std::collections::BTreeSet;

use super::rig::{Rig, ids, key, key_of, open, opens, ping, ping_id, recipient};
use crate::Status;
use crate::store::{Erased, KeyFingerprint};

pub(super) async fn a_ping_found_under_an_older_key_follows_the_objection(rig: Rig) {
    let (before, after, both) = (recipient(b'a', &[1]), recipient(b'a', &[2]), recipient(b'a', &[2, 1]));
    rig.given_ping_to(1, &before).await;
    rig.given_ping_to(2, &after).await;
    rig.object_by_ping(ping(2).id).await.unwrap();
    assert_eq!(rig.status(ping(1).id).await, Status::Live, "nothing has shown yet that both are one person");
    assert_eq!(rig.given_ping_to(3, &both).await, Status::Untracked);
    assert_eq!(rig.status(ping(1).id).await, Status::Withdrawn);
}

pub(super) async fn an_objection_holds_for_its_recipient_alone(rig: Rig) {
    let (ada, bob) = (recipient(b'a', &[1]), recipient(b'b', &[1]));
    assert_eq!(rig.given_ping_to(1, &ada).await, Status::Live);
    assert_eq!(rig.given_ping_to(2, &bob).await, Status::Live);
    rig.given_ping(3).await;
    rig.object(&ada).await.unwrap();
    assert!(rig.has_objected(&ada).await.unwrap());
    assert!(!rig.has_objected(&bob).await.unwrap());
    assert_eq!(rig.status(ping_id(2)).await, Status::Live);
    assert_eq!(rig.status(ping_id(3)).await, Status::Live);
    assert_eq!(rig.given_ping_to(4, &bob).await, Status::Live);
    // The same bytes under another key are another recipient's.
    let other = crate::RecipientHash::from_parts(key(2), *ada.newest.hash());
    let other = crate::RecipientHashes { newest: other, older: Vec::new() };
    assert!(!rig.has_objected(&other).await.unwrap());
    assert_eq!(rig.given_ping_to(5, &other).await, Status::Live);
}

pub(super) async fn an_objection_outlives_erasure(rig: Rig) {
    let ada = recipient(b'a', &[1]);
    rig.given_ping_to(1, &ada).await;
    rig.object(&ada).await.unwrap();
    assert_eq!(rig.erase_recipient(&ada).await.unwrap(), Erased::new(1, 0));
    assert!(rig.has_objected(&ada).await.unwrap());
    assert_eq!(rig.given_ping_to(2, &ada).await, Status::Untracked);
    assert_eq!(rig.erase(ping_id(2)).await.unwrap(), Some(Erased::new(1, 0)));
    assert_eq!(rig.given_ping_to(3, &ada).await, Status::Untracked);
}

pub(super) async fn an_objection_by_ping_is_that_of_its_recipient(rig: Rig) {
    let (ada, bob) = (recipient(b'a', &[1]), recipient(b'b', &[1]));
    rig.given_ping_to(1, &ada).await;
    rig.given_ping_to(2, &ada).await;
    rig.given_ping_to(3, &bob).await;
    rig.object_by_ping(ping_id(1)).await.unwrap();
    assert!(rig.has_objected(&ada).await.unwrap());
    assert_eq!(rig.status(ping_id(2)).await, Status::Withdrawn);
    assert_eq!(rig.status(ping_id(3)).await, Status::Live);
    assert_eq!(rig.given_ping_to(4, &ada).await, Status::Untracked);
    rig.filters(&[open(ping_id(1), 0), open(ping_id(2), 0)]).await;
}

pub(super) async fn an_objection_by_ping_without_recipient_withdraws_it_alone(rig: Rig) {
    let (one, two) = (rig.given_ping(1).await, rig.given_ping(2).await);
    rig.object_by_ping(one).await.unwrap();
    rig.object_by_ping(one).await.unwrap();
    assert_eq!(rig.status(one).await, Status::Withdrawn);
    assert_eq!(rig.status(two).await, Status::Live);
    assert_eq!(rig.recipient_keys().await.unwrap(), []);
}

pub(super) async fn what_is_kept_under_an_older_key_is_found(rig: Rig) {
    // Pings and objections from before two changes of the key.
    let (ada, bob, eve) = (b'a', b'b', b'e');
    rig.given_ping_to(1, &recipient(ada, &[1])).await;
    rig.keeps(&[open(ping_id(1), 0)]).await;
    rig.given_ping_to(2, &recipient(ada, &[2])).await;
    rig.object(&recipient(bob, &[1])).await.unwrap();
    rig.given_ping_to(3, &recipient(eve, &[1])).await;
    let keys = [3, 2, 1];
    assert_eq!(ids(&rig.pings_of(&recipient(ada, &keys), None, 9).await.unwrap().pings), [2, 1].map(ping_id));
    assert!(rig.has_objected(&recipient(bob, &keys)).await.unwrap());
    assert_eq!(rig.given_ping_to(4, &recipient(bob, &keys)).await, Status::Untracked);
    rig.object(&recipient(eve, &keys)).await.unwrap();
    assert_eq!(rig.status(ping_id(3)).await, Status::Withdrawn);
    assert_eq!(rig.erase_recipient(&recipient(ada, &keys)).await.unwrap(), Erased::new(2, 1));
    assert_eq!(rig.all_pings().await, [4, 3].map(ping_id));
}

pub(super) async fn what_is_found_under_an_older_key_moves_to_the_newest(rig: Rig) {
    let (ada, bob) = (b'a', b'b');
    rig.given_ping_to(1, &recipient(ada, &[1])).await;
    rig.object(&recipient(bob, &[1])).await.unwrap();
    rig.given_ping_to(2, &recipient(ada, &[2, 1])).await;
    rig.object(&recipient(bob, &[2, 1])).await.unwrap();
    assert_eq!(rig.recipient_keys().await.unwrap(), [key(2)], "the old key may be dropped now");
    let (ada, bob) = (recipient(ada, &[2]), recipient(bob, &[2]));
    assert_eq!(ids(&rig.pings_of(&ada, None, 9).await.unwrap().pings), [2, 1].map(ping_id));
    assert!(rig.has_objected(&bob).await.unwrap());
    assert_eq!(rig.given_ping_to(3, &bob).await, Status::Untracked);
}

pub(super) async fn the_keys_of_pings_and_of_objections_are_told(rig: Rig) {
    rig.given_ping(1).await;
    rig.given_ping_to(2, &recipient(b'a', &[0])).await;
    rig.given_ping_to(3, &recipient(b'b', &[63])).await;
    rig.given_ping_to(4, &recipient(b'c', &[63])).await;
    rig.object(&recipient(b'd', &[7])).await.unwrap();
    rig.object(&recipient(b'e', &[0])).await.unwrap();
    let keys = rig.recipient_keys().await.unwrap();
    assert_eq!(keys.len(), 3, "each once");
    let keys: BTreeSet<KeyFingerprint> = keys.into_iter().collect();
    assert_eq!(keys, [0, 7, 63].map(key).into());
    rig.erase(ping_id(3)).await.unwrap();
    rig.erase_recipient(&recipient(b'c', &[63])).await.unwrap();
    let keys: BTreeSet<KeyFingerprint> = rig.recipient_keys().await.unwrap().into_iter().collect();
    assert_eq!(keys, [0, 7].map(key).into());
}

pub(super) async fn another_secret_under_the_same_number_is_another_key(rig: Rig) {
    let hash = |secret| crate::RecipientHash::from_parts(key_of(63, secret), [b'a'; 32]);
    let hashes = |secret| crate::RecipientHashes { newest: hash(secret), older: Vec::new() };
    rig.given_ping_to(1, &hashes(true)).await;
    rig.object(&hashes(false)).await.unwrap();
    let keys: BTreeSet<KeyFingerprint> = rig.recipient_keys().await.unwrap().into_iter().collect();
    assert_eq!(keys, [true, false].map(|secret| key_of(63, secret)).into());
    assert!(!rig.has_objected(&hashes(true)).await.unwrap());
    assert_eq!(rig.status(ping_id(1)).await, Status::Live);
}

pub(super) async fn pings_of_a_recipient_come_from_the_newest_page_by_page(rig: Rig) {
    // Written alternately by instances of which one does not have the newer key yet.
    for n in 0..10 {
        rig.given_ping_to(n, &recipient(b'a', if n % 3 == 0 { &[2] } else { &[1] })).await;
        rig.given_ping_to(100 + n, &recipient(b'b', &[2, 1])).await;
    }
    rig.keeps(&opens(ping(4).id, 0..2)).await;
    let ada = recipient(b'a', &[2, 1]);
    for size in [1, 3, 10, 50] {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = rig.pings_of(&ada, after, size).await.unwrap();
            assert!(page.pings.len() <= size, "at most the limit");
            pages.extend(ids(&page.pings));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(ping_id), "in pages of {size}");
    }
    assert_eq!(rig.pings_of(&ada, None, 0).await.unwrap().pings, []);
}
