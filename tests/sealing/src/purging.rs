//! A purge takes what was sealed in small steps, as it takes opens.

use mailping_core::Timestamp;
use mailping_core::store::Store;

use crate::Office;

/// A step deletes the statements of the opens that it deletes, and no ping is left behind.
pub async fn a_step_of_a_purge_takes_statements_with_their_opens<S: Store + 'static>(office: &Office<S>) {
    let ping = office.created(1).await;
    for n in 0..20 {
        office.opened(ping, n).await;
    }
    office.hours(2).await;
    let due: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    let statements = async || office.store.sealing().unwrap().statements_of(ping).await.unwrap().len();
    let before = statements().await;
    let step = office.store.purge(due, 5).await.unwrap();
    assert_eq!((step.opens, before - statements().await), (5, 5));
    while office.store.ping(ping).await.unwrap().is_some() {
        office.store.purge(due, 5).await.unwrap();
    }
    assert_eq!(statements().await, 0);
}
