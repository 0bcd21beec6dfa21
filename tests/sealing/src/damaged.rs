//! What cannot be read of a ping.

use mailping_core::store::{Store, StoreError};
use mailping_core::{Error, PingId};

use crate::{Office, opens_in};

/// A ping whose nonce is damaged and one of which a statement is keep no other from being sealed,
/// and have no certified receipt.
pub async fn damaged_pings_are_passed_over_and_all_others_are_sealed<S: Store + 'static>(
    office: &Office<S>,
    damage_nonce: impl AsyncFn(PingId),
    damage_statement: impl AsyncFn(PingId),
) {
    let mut pings = Vec::new();
    for n in 0..8 {
        pings.push(office.created(n).await);
    }
    let passed_over = || office.tracker.intake().health().sealing.unwrap().passed_over;
    let damaged = [pings[2], pings[5]];
    damage_nonce(damaged[0]).await;
    damage_statement(damaged[1]).await;
    for round in 0..3 {
        for ping in &pings {
            office.opened(*ping, round).await;
        }
        office.hours(1).await;
    }
    assert_eq!(office.tracker.seals().unwrap().count().await.unwrap(), 3);
    assert_eq!(passed_over(), 2);
    // An end of theirs keeps no other from ending.
    for ping in damaged.into_iter().chain([pings[6]]) {
        assert!(office.tracker.pings().withdraw(ping).await.unwrap());
    }
    office.hours(3).await;
    for ping in &pings {
        if damaged.contains(ping) {
            let refused = office.tracker.receipts().certified(*ping).await.unwrap_err();
            assert!(matches!(refused, Error::Store(StoreError::Corrupt { .. })), "{refused}");
            continue;
        }
        let certified = office.certified(*ping).await;
        assert_eq!((opens_in(&certified).len(), certified.is_final()), (3, *ping == pings[6]));
    }
    assert_eq!(passed_over(), 2, "each is counted once");
}
