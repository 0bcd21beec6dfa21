//! What the database refuses of one open costs that open.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{database, open, ping, ping_id, pool, store};
use http::HeaderMap;
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::store::{Attempt, OpenQuery, Store as _, StoreError};
use mailping_core::{Basis, Keyring, NewPing, PreparedPing, Tracker};
use mailping_postgres::{DatabaseError, Fault};
use sqlx::PgPool;

/// Refuses the opens of pings called `refused`, by a trigger and by a constraint.
const RULES: [&str; 2] = [
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM mailping.pings WHERE id = NEW.ping AND reference = 'refused') THEN
            RAISE EXCEPTION 'not this one';
        END IF;
        RETURN NEW;
     END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON mailping.opens FOR EACH ROW EXECUTE FUNCTION refuse();",
    "CREATE FUNCTION is_taken(uuid) RETURNS boolean LANGUAGE sql STABLE AS
        $$ SELECT reference <> 'refused' FROM mailping.pings WHERE id = $1 $$;
     ALTER TABLE mailping.opens ADD CONSTRAINT taken CHECK (is_taken(ping));",
];

const DAMAGED: &str = "the database is damaged, or refuses this open";

async fn hit(tracker: &Tracker, ping: &PreparedPing) -> Result<Recorded, String> {
    let path = ping.pixel_url().unwrap().strip_prefix("https://app.example").unwrap();
    let headers = HeaderMap::new();
    let recorded = tracker.intake().record(&PixelRequest::new(path, "192.0.2.7".parse().ok(), &headers));
    recorded.await.map_err(|lost| lost.to_string())
}

async fn count(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM mailping.opens").fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn one_open_that_the_database_refuses_is_counted_and_all_others_are_written() {
    for (n, rule) in RULES.into_iter().enumerate() {
        let url = database(&format!("refused_{n}")).await;
        let (pool, store) = (pool(&url, 2).await, store(&pool(&url, 4).await));
        store.migrate().await.unwrap();
        sqlx::raw_sql(rule).execute(&pool).await.unwrap();
        let builder = Tracker::builder(Keyring::generate().unwrap(), store).hit_limit(0);
        let builder = builder.deadline(Duration::from_secs(60)).base_url("https://app.example/px").unwrap();
        let tracker = builder.build().await.unwrap();
        let make = |reference| tracker.pings().create(NewPing::one_to_one(reference, Basis::Contract));
        let (good, bad) = (make("taken").await.unwrap(), make("refused").await.unwrap());
        // All at once, so that they share batches.
        let hits: Vec<_> = (0..200).map(|n| (n == 77, if n == 77 { &bad } else { &good })).collect();
        let headers = HeaderMap::new();
        let url = |ping: &PreparedPing| {
            ping.pixel_url().unwrap().strip_prefix("https://app.example").unwrap().to_owned()
        };
        let waiting: Vec<_> = hits
            .iter()
            .map(|(is_bad, ping)| {
                let path = url(ping);
                (
                    *is_bad,
                    tracker.intake().record(&PixelRequest::new(&path, "192.0.2.7".parse().ok(), &headers)),
                )
            })
            .collect();
        for (is_bad, recording) in waiting {
            let expected = if is_bad { Err(DAMAGED.to_owned()) } else { Ok(Recorded::Durable) };
            assert_eq!(recording.await.map_err(|lost| lost.to_string()), expected);
        }
        let health = tracker.intake().health();
        assert_eq!((health.durable, health.dropped.damaged, health.queue_depth), (199, 1, 0));
        assert_eq!(count(&pool).await, 199);
        assert_eq!(hit(&tracker, &good).await, Ok(Recorded::Durable), "hits after it are in time");
        assert!(!tracker.intake().health().store_failing);
        tracker.intake().close(Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_refusal_is_told_apart_from_an_outage_and_repeats_no_value() {
    let url = database("refusal").await;
    let (pool, store) = (pool(&url, 2).await, store(&pool(&url, 4).await));
    store.migrate().await.unwrap();
    sqlx::raw_sql(RULES[0]).execute(&pool).await.unwrap();
    let mut refused = ping(1);
    refused.reference = "refused".to_owned();
    store.insert_ping(&refused, None).await.unwrap();
    let error = store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await.unwrap_err();
    let StoreError::Refused { source } = &error else { panic!("{error:?}") };
    let source: &DatabaseError = source.downcast_ref().unwrap();
    assert_eq!((source.fault(), source.sqlstate()), (Fault::Refused, Some("P0001")));
    assert!(!format!("{error:?} {error} {source}").contains("not this one"));
    assert!(store.opens(&OpenQuery::oldest(ping_id(1), 9)).await.unwrap().items.is_empty());
}
