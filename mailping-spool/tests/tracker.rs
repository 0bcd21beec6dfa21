//! A tracker with a spool: it hands over by itself, starts while the database is away, and calls
//! nothing durable that is not in the database.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod common;

use common::eventually;
use http::HeaderMap;
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::store::{OpenQuery, Store as _, StoreError};
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::{Basis, Error, Keyring, NewPing, PreparedPing, Tracker};
use mailping_spool::Spool;
use pollster::block_on;

fn tracker(keys: &Keyring, folder: &std::path::Path, database: &FaultyStore) -> Result<Tracker, Error> {
    let store = Spool::open(folder).unwrap().before(database.clone());
    let builder = Tracker::builder(keys.clone(), store).base_url("https://app.example/px").unwrap();
    block_on(builder.hit_limit(0).build())
}

fn ping(tracker: &Tracker) -> PreparedPing {
    let new = NewPing::one_to_one("invoice-42", Basis::Contract).to("ada@example.com");
    block_on(tracker.pings().create(new)).unwrap()
}

fn hit(tracker: &Tracker, ping: &PreparedPing) -> Result<Recorded, String> {
    let path = ping.pixel_url().unwrap().strip_prefix("https://app.example").unwrap();
    let headers = HeaderMap::new();
    let request = PixelRequest::new(path, "192.0.2.7".parse().ok(), &headers);
    block_on(tracker.intake().record(&request)).map_err(|lost| lost.to_string())
}

fn opens(database: &FaultyStore, ping: &PreparedPing) -> usize {
    block_on(database.memory().opens(&OpenQuery::oldest(ping.id(), 1_000))).unwrap().items.len()
}

#[test]
fn what_is_in_the_spool_alone_is_answered_and_counted_as_spooled() {
    let (folder, database) = (tempfile::tempdir().unwrap(), FaultyStore::default());
    let keys = Keyring::generate().unwrap();
    let tracker = tracker(&keys, folder.path(), &database).unwrap();
    let ping = ping(&tracker);
    assert_eq!(hit(&tracker, &ping), Ok(Recorded::Durable));
    database.fault(Fault::RecordFails);
    for _ in 0..20 {
        assert_eq!(hit(&tracker, &ping), Ok(Recorded::Spooled));
    }
    let health = tracker.intake().health();
    assert_eq!((health.durable, health.spooled, health.late, health.spool.unwrap().waiting), (1, 20, 0, 20));
    assert!(!health.store_failing, "nothing waits in memory");
    database.fault(Fault::None);
    eventually("the tracker hands over by itself", || tracker.intake().health().spool.unwrap().waiting == 0);
    assert_eq!(opens(&database, &ping), 21);
    eventually("it goes straight again", || hit(&tracker, &ping) == Ok(Recorded::Durable));
    assert_eq!(tracker.intake().health().spooled, 20);
}

#[test]
fn without_a_spool_health_has_none() {
    let keys = Keyring::generate().unwrap();
    let builder = Tracker::builder(keys, FaultyStore::default()).base_url("https://app.example/px").unwrap();
    assert_eq!(block_on(builder.build()).unwrap().intake().health().spool, None);
}

#[test]
fn a_start_while_the_database_is_away_serves_from_the_spool() {
    let (folder, database) = (tempfile::tempdir().unwrap(), FaultyStore::default());
    let keys = Keyring::generate().unwrap();
    let sent = ping(&tracker(&keys, folder.path(), &database).unwrap());
    eventually("the tracker before has let the folder go", || Spool::open(folder.path()).is_ok());
    database.fault(Fault::Down);
    let tracker = tracker(&keys, folder.path(), &database).unwrap();
    for _ in 0..10 {
        assert_eq!(hit(&tracker, &sent), Ok(Recorded::Spooled));
    }
    let new = NewPing::one_to_one("invoice-43", Basis::Contract).to("bob@example.com");
    assert!(block_on(tracker.pings().create(new)).unwrap_err().is_unavailable());
    database.fault(Fault::None);
    eventually("all is handed over", || tracker.intake().health().spool.unwrap().waiting == 0);
    assert_eq!(opens(&database, &sent), 10);
    ping(&tracker);
}

#[test]
fn keys_that_turn_out_wrong_when_the_database_comes_make_no_ping_and_forget_no_objection() {
    let (folder, database) = (tempfile::tempdir().unwrap(), FaultyStore::default());
    let right = Keyring::generate().unwrap();
    block_on(tracker(&right, folder.path(), &database).unwrap().people().object("ada@example.com")).unwrap();
    eventually("the tracker before has let the folder go", || Spool::open(folder.path()).is_ok());
    let wrong = Keyring::generate().unwrap();
    let refused = tracker(&wrong, folder.path(), &database).unwrap_err();
    assert!(refused.to_string().contains("is not the key"), "with the database there it ends at once");
    eventually("the folder is free", || Spool::open(folder.path()).is_ok());
    database.fault(Fault::Down);
    let tracker = tracker(&wrong, folder.path(), &database).unwrap();
    database.fault(Fault::None);
    let new = || NewPing::one_to_one("invoice-43", Basis::Contract).to("ada@example.com");
    let error = block_on(tracker.pings().create(new())).unwrap_err();
    assert!(
        matches!(&error, Error::Store(StoreError::Incompatible { reason }) if reason.contains("bring that one back")),
        "{error}"
    );
    assert!(block_on(tracker.people().object("bob@example.com")).is_err());
    assert!(block_on(tracker.people().erase_recipient("ada@example.com")).is_err());
}

#[test]
fn a_refused_open_holds_up_no_other_hit() {
    let (folder, database) = (tempfile::tempdir().unwrap(), FaultyStore::default());
    let keys = Keyring::generate().unwrap();
    let tracker = tracker(&keys, folder.path(), &database).unwrap();
    let ping = ping(&tracker);
    database.refuse_next();
    assert_eq!(hit(&tracker, &ping), Ok(Recorded::Spooled));
    for _ in 0..10 {
        assert!(matches!(hit(&tracker, &ping), Ok(Recorded::Spooled | Recorded::Durable)));
    }
    eventually("it is set aside", || tracker.intake().health().spool.unwrap().set_aside == 1);
    eventually("nothing waits", || tracker.intake().health().spool.unwrap().waiting == 0);
    assert_eq!(opens(&database, &ping), 10);
}
