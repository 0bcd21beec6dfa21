//! What one instance records, the others on the database tell.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::store_in;
use http::HeaderMap;
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::{Basis, Keyring, NewPing, Tracker};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn notifications_of_one_instance_tell_what_another_has_recorded() {
    let (store, keys) = (store_in("instances").await, Keyring::generate().unwrap());
    let tracker = async || {
        let builder = Tracker::builder(keys.clone(), store.clone());
        builder.base_url("https://app.example/px").unwrap().build().await.unwrap()
    };
    let (one, other) = (tracker().await, tracker().await);
    assert_eq!(one.intake().health().copies, 1);
    let mut events = one.receipts().events().await.unwrap().every(Duration::from_millis(50));
    for n in 0..3 {
        let new = NewPing::one_to_one(format!("invoice-{n}"), Basis::Contract);
        let ping = other.pings().create(new).await.unwrap();
        let path = ping.pixel_url().unwrap().strip_prefix("https://app.example").unwrap();
        let headers = HeaderMap::new();
        let hit = PixelRequest::new(path, "192.0.2.7".parse().ok(), &headers);
        assert_eq!(other.intake().record(&hit).await.unwrap(), Recorded::Durable);
        let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
        assert_eq!(event.expect("it comes").unwrap().unwrap().ping, ping.id());
    }
}
