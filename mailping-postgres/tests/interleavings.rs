//! What happens when a batch or a new ping meets the end of a ping, step by step: a third
//! connection holds one of the two in the middle of its transaction, the other one is begun and
//! seen to wait, and then the first goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::{SENT, database, open, ping, ping_id, pool, store};
use mailping_core::Timestamp;
use mailping_core::pings::Status;
use mailping_core::store::{
    Attempt, Deleted, KeyFingerprint, ObjectionScope, OpenQuery, RecipientHash, RecipientHashes, Recorded,
    Store as _, StoreError,
};
use mailping_postgres::PostgresStore;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::task::JoinHandle;

struct Scene {
    pool: PgPool,
    store: PostgresStore,
}

impl Scene {
    async fn set(name: &str) -> Self {
        let url = database(name).await;
        let store = store(&pool(&url, 4).await);
        store.migrate().await.unwrap();
        Self { pool: pool(&url, 2).await, store }
    }

    /// A transaction that holds what this statement changes until it is rolled back.
    async fn holding(&self, statement: &'static str) -> Transaction<'static, Postgres> {
        let mut transaction = self.pool.begin().await.unwrap();
        sqlx::raw_sql(statement).execute(&mut *transaction).await.unwrap();
        transaction
    }

    /// Starts a call of the store, and sees that it is one of `waiting` that wait for a lock.
    async fn begins<T: Send + 'static>(
        &self,
        waiting: i64,
        call: impl AsyncFnOnceSend<T>,
    ) -> JoinHandle<Result<T, StoreError>> {
        let call = tokio::spawn(call.call(self.store.clone()));
        let begun = Instant::now();
        loop {
            let found: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one(&self.pool)
            .await
            .unwrap();
            if found == waiting {
                return call;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{found} wait, not {waiting}");
            assert!(!call.is_finished(), "it did not wait");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn orphans(&self) -> i64 {
        let orphans = "SELECT count(*) FROM mailping.opens WHERE ping NOT IN (SELECT id FROM mailping.pings)";
        sqlx::query_scalar(orphans).fetch_one(&self.pool).await.unwrap()
    }

    /// A batch of one open of ping 1, stopped in the middle: its open is being written by another
    /// transaction.
    async fn batch_under_way(
        &self,
    ) -> (Transaction<'static, Postgres>, JoinHandle<Result<Vec<Recorded>, StoreError>>) {
        self.store.insert_ping(&ping(1), Some(&ada())).await.unwrap();
        let first = open(ping_id(1), 1);
        let mut held = self.pool.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO mailping.opens (ping, id, at, evidence, xact, place, rules_version, time_step, fetcher, verdict)
             VALUES ($1::uuid, $2, $3, 0, 0, 0, 0, 0, 0, 0)",
        )
        .bind(ping_id(1).to_string())
        .bind(i64::from_be_bytes(*first.id.as_bytes()) ^ i64::MIN)
        .bind(first.at.unix_millis())
        .execute(&mut *held)
        .await
        .unwrap();
        let batch = self.begins(1, |store: PostgresStore| async move {
            store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await
        });
        (held, batch.await)
    }
}

/// A call of a store that can be sent to another thread.
trait AsyncFnOnceSend<T> {
    fn call(self, store: PostgresStore) -> impl Future<Output = Result<T, StoreError>> + Send + 'static;
}

impl<T, C, F> AsyncFnOnceSend<T> for C
where
    C: FnOnce(PostgresStore) -> F,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    fn call(self, store: PostgresStore) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        self(store)
    }
}

fn ada() -> RecipientHashes {
    recipient([7; 32])
}

fn bob() -> RecipientHashes {
    recipient([8; 32])
}

fn recipient(hash: [u8; 32]) -> RecipientHashes {
    let hash = RecipientHash::from_parts(KeyFingerprint::from_bits(1).unwrap(), hash);
    RecipientHashes::from_parts(hash, Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn an_erasure_waits_for_the_batch_under_way_and_takes_its_opens() {
    let scene = Scene::set("batch_then_erase").await;
    let (held, batch) = scene.batch_under_way().await;
    let erasure = scene.begins(2, |store: PostgresStore| async move { store.erase(ping_id(1)).await }).await;
    held.rollback().await.unwrap();
    assert_eq!(batch.await.unwrap().unwrap(), [Recorded::Durable]);
    assert_eq!(erasure.await.unwrap().unwrap(), Some(Deleted::new(1, 1)));
    assert_eq!(scene.orphans().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_batch_waits_for_the_erasure_under_way_and_is_filtered() {
    let scene = Scene::set("erase_then_batch").await;
    scene.store.insert_ping(&ping(1), None).await.unwrap();
    let held = scene.holding("SELECT * FROM mailping.pings FOR SHARE").await;
    let erasure = scene.begins(1, |store: PostgresStore| async move { store.erase(ping_id(1)).await }).await;
    let record =
        |store: PostgresStore| async move { store.record(&[open(ping_id(1), 1)], &[], Attempt::First).await };
    let batch = scene.begins(2, record).await;
    held.rollback().await.unwrap();
    assert_eq!(erasure.await.unwrap().unwrap(), Some(Deleted::new(1, 0)));
    assert_eq!(batch.await.unwrap().unwrap(), [Recorded::Filtered]);
    assert_eq!(scene.orphans().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_withdrawal_waits_for_the_batch_under_way_so_that_none_comes_after_it() {
    let scene = Scene::set("batch_then_withdraw").await;
    let (held, batch) = scene.batch_under_way().await;
    let withdrawal =
        scene.begins(2, |store: PostgresStore| async move { store.withdraw(ping_id(1)).await }).await;
    held.rollback().await.unwrap();
    assert!(withdrawal.await.unwrap().unwrap());
    assert_eq!(
        scene.store.opens(&OpenQuery::oldest(ping_id(1), 9)).await.unwrap().items.len(),
        1,
        "written before the answer"
    );
    assert_eq!(batch.await.unwrap().unwrap(), [Recorded::Durable]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn an_objection_waits_for_the_batch_under_way_so_that_none_comes_after_it() {
    let scene = Scene::set("batch_then_objection").await;
    let (held, batch) = scene.batch_under_way().await;
    let objection =
        scene.begins(2, |store: PostgresStore| async move { store.object_by_ping(ping_id(1)).await }).await;
    held.rollback().await.unwrap();
    objection.await.unwrap().unwrap();
    assert_eq!(
        scene.store.opens(&OpenQuery::oldest(ping_id(1), 9)).await.unwrap().items.len(),
        1,
        "written before the answer"
    );
    assert_eq!(batch.await.unwrap().unwrap(), [Recorded::Durable]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn an_objection_that_is_kept_already_waits_for_no_batch() {
    let scene = Scene::set("objection_again").await;
    scene.store.insert_ping(&ping(2), None).await.unwrap();
    scene.store.insert_ping(&ping(3), Some(&bob())).await.unwrap();
    for n in [2, 3] {
        scene.store.object_by_ping(ping_id(n)).await.unwrap();
    }
    let (held, batch) = scene.batch_under_way().await;
    for n in [2, 3, 4] {
        let again = tokio::time::timeout(Duration::from_secs(5), scene.store.object_by_ping(ping_id(n)));
        again.await.expect("it waits for nothing").unwrap();
    }
    held.rollback().await.unwrap();
    assert_eq!(batch.await.unwrap().unwrap(), [Recorded::Durable]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn an_objection_by_an_ended_ping_ends_the_live_ones_of_its_recipient() {
    let scene = Scene::set("objection_by_ended").await;
    for n in [1, 2] {
        scene.store.insert_ping(&ping(n), Some(&bob())).await.unwrap();
    }
    let status = async |n| scene.store.ping(ping_id(n)).await.unwrap().unwrap().status;
    scene.store.withdraw(ping_id(1)).await.unwrap();
    scene.store.object_by_ping(ping_id(1)).await.unwrap();
    assert!(scene.store.objection(&bob()).await.unwrap().is_some());
    assert_eq!(status(2).await, Status::Withdrawn);
    // As a ping that was kept under an older key may have escaped.
    sqlx::raw_sql("UPDATE mailping.pings SET status = 0 WHERE id = (SELECT id FROM mailping.pings ORDER BY id DESC LIMIT 1)")
        .execute(&scene.pool)
        .await
        .unwrap();
    assert_eq!(status(2).await, Status::Live);
    scene.store.object_by_ping(ping_id(1)).await.unwrap();
    assert_eq!(status(2).await, Status::Withdrawn);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_purge_waits_for_the_batch_under_way_and_takes_its_opens() {
    let scene = Scene::set("batch_then_purge").await;
    let (held, batch) = scene.batch_under_way().await;
    let far = Timestamp::from_unix_millis(SENT * 2);
    let purge = scene.begins(2, move |store: PostgresStore| async move { store.purge(far, 100).await }).await;
    held.rollback().await.unwrap();
    assert_eq!(batch.await.unwrap().unwrap(), [Recorded::Durable]);
    assert_eq!(purge.await.unwrap().unwrap(), Deleted::new(1, 1));
    assert_eq!(scene.orphans().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn an_objection_waits_for_the_ping_under_way_and_withdraws_it() {
    let scene = Scene::set("ping_then_objection").await;
    let held = scene.ping_being_written().await;
    let insert = |store: PostgresStore| async move { store.insert_ping(&ping(1), Some(&ada())).await };
    let insert = scene.begins(1, insert).await;
    let objection = scene
        .begins(2, |store: PostgresStore| async move { store.object(&ada(), ObjectionScope::Opens).await })
        .await;
    held.rollback().await.unwrap();
    assert_eq!(insert.await.unwrap().unwrap(), Status::Live);
    objection.await.unwrap().unwrap();
    let kept = scene.store.ping(ping_id(1)).await.unwrap().unwrap();
    assert_eq!(kept.status, Status::Withdrawn);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_ping_waits_for_the_objection_under_way_and_is_untracked() {
    let scene = Scene::set("objection_then_ping").await;
    let held =
        scene.holding("INSERT INTO mailping.objections VALUES (1, decode(repeat('07', 32), 'hex'))").await;
    let objection = scene
        .begins(1, |store: PostgresStore| async move { store.object(&ada(), ObjectionScope::Opens).await })
        .await;
    let insert = |store: PostgresStore| async move { store.insert_ping(&ping(1), Some(&ada())).await };
    let insert = scene.begins(2, insert).await;
    held.rollback().await.unwrap();
    objection.await.unwrap().unwrap();
    assert_eq!(insert.await.unwrap().unwrap(), Status::Untracked);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn batches_do_not_wait_for_each_other() {
    let scene = Scene::set("batch_beside_batch").await;
    let (held, batch) = scene.batch_under_way().await;
    assert_eq!(
        scene.store.record(&[open(ping_id(1), 2)], &[], Attempt::First).await.unwrap(),
        [Recorded::Durable]
    );
    scene.store.insert_ping(&ping(2), None).await.unwrap();
    held.rollback().await.unwrap();
    assert_eq!(batch.await.unwrap().unwrap(), [Recorded::Durable]);
}

impl Scene {
    /// A transaction that is writing ping 1, so that another one waits for it in the middle of its
    /// own.
    async fn ping_being_written(&self) -> Transaction<'static, Postgres> {
        let mut held = self.pool.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO mailping.pings (id, record_until, keep_until, sent_at, status, detail, time_step, purpose, reference, basis)
             VALUES ($1::uuid, 0, 0, 0, 0, 0, 0, 0, '', '')",
        )
        .bind(ping_id(1).to_string())
        .execute(&mut *held)
        .await
        .unwrap();
        held
    }
}
