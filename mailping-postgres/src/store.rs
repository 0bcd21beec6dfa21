//! The store: which call holds the gate how.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{
    Answer, Attempt, DatabaseId, Erased, KeptPing, Mark, Milestone, News, ObjectionScope, OpenPage,
    OpenQuery, PingPage, PingQuery, Purged, Spooling, Store, StoreError, Written,
};
use mailping_core::store::{KeyFingerprint, RecipientHashes};
use mailping_core::{PingId, Timestamp};
use sqlx::{PgPool, Postgres, Transaction};

use crate::failure::Result as Outcome;
use crate::gate::{self, Gate};
use crate::ready::Ready;
use crate::record::Columns;
use crate::runtime::Runtime;
use crate::schema::Schema;
use crate::{changes, migrate, milestones, news, purge, reads, record};

/// How long a call may take unless you say otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A [`Store`] in a PostgreSQL database, on the app's own pool.
///
/// Every call runs on the runtime that the store was made in, so that the tracker's thread can wait
/// for it. A call whose future is dropped goes on to its end.
#[derive(Clone)]
pub struct PostgresStore {
    runtime: Runtime,
    database: Database,
}

/// What a call takes with it onto the runtime.
#[derive(Clone)]
struct Database {
    pool: PgPool,
    schema: Schema,
    timeout: Duration,
    ready: Ready,
}

impl PostgresStore {
    /// A store on this pool, in the schema `mailping`. It connects to nothing yet; call
    /// [`PostgresStore::migrate`] next.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] outside of a tokio runtime.
    pub fn new(pool: PgPool) -> Result<Self, StoreError> {
        let schema = Schema::parse("mailping")?;
        Ok(Self {
            runtime: Runtime::current()?,
            database: Database { pool, schema, timeout: TIMEOUT, ready: Ready::default() },
        })
    }

    /// Sets the name of the schema that holds the tables: lower-case letters, digits and
    /// underscores.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] for any other name.
    pub fn schema(mut self, name: &str) -> Result<Self, StoreError> {
        self.database.schema = Schema::parse(name)?;
        Ok(self)
    }

    /// Sets how long a call may take, the wait for a connection included, before it fails: 30
    /// seconds without this. It is no shorter than a millisecond.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.database.timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        self
    }

    /// Makes the tables, or brings them to this version. Any number of instances may do so at once;
    /// if nothing is to be done it only reads.
    ///
    /// If the database is away, the store does it as soon as it comes, before its first call:
    /// behind a spool a program can start without its database.
    /// [`Fault::is_outage`](crate::Fault::is_outage) tells such an error from others.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if the schema is of a newer version or holds something else, if
    /// the database is not in UTF-8 or older than PostgreSQL 13. It is left as it was.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        /// A step over many rows may take its time.
        const PATIENCE: Duration = Duration::from_secs(86_400);
        let Database { pool, schema, ready, .. } = self.database.clone();
        ready.want_migration();
        self.runtime.run(PATIENCE, async move { ready.make(&pool, &schema).await }).await
    }

    async fn run<T, W>(&self, work: impl FnOnce(Database) -> W + Send + 'static) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Future<Output = Outcome<T>> + Send + 'static,
    {
        let database = self.database.clone();
        let timeout = database.timeout;
        let Database { pool, schema, ready, .. } = database.clone();
        let work = async move {
            ready.make(&pool, &schema).await?;
            work(database).await
        };
        self.runtime.run(timeout, work).await
    }
}

/// Shows the schema's name, and nothing of the connection.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("schema", &self.database.schema.name()).finish_non_exhaustive()
    }
}

impl Database {
    async fn begin(&self, gate: Gate) -> Outcome<Transaction<'static, Postgres>> {
        gate::begin(&self.pool, &self.schema, gate, self.timeout.as_millis()).await
    }

    async fn record(self, columns: Columns, last_days: Vec<LastDay>, attempt: Attempt) -> Outcome<Written> {
        let mut transaction = self.begin(Gate::Shared).await?;
        let opens = record::opens(&mut transaction, &self.schema, &columns, attempt).await?;
        let last_days = match last_days.as_slice() {
            [] => Vec::new(),
            days => record::last_days(&mut transaction, &self.schema, days, columns.len()).await?,
        };
        if attempt == Attempt::Repeat {
            record::write_something(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(Written::new(opens, last_days))
    }

    async fn insert_ping(self, ping: Ping, recipient: Option<RecipientHashes>) -> Outcome<Status> {
        let mut transaction = self.begin(Gate::Shared).await?;
        if let Some(recipient) = &recipient
            && changes::is_kept_under_older(&mut transaction, &self.schema, recipient).await?
        {
            transaction.rollback().await?;
            transaction = self.begin(Gate::Alone).await?;
            changes::unify(&mut transaction, &self.schema, recipient).await?;
        }
        let newest = recipient.as_ref().map(|recipient| &recipient.newest);
        let status = changes::insert_ping(&mut transaction, &self.schema, &ping, newest).await?;
        transaction.commit().await?;
        Ok(status)
    }

    async fn purge(self, now: Timestamp, limit: usize) -> Outcome<Purged> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // Two purgers would delete the same rows, and wait for each other.
        let mut transaction = self.begin(Gate::Shared).await?;
        gate::lock(&mut transaction, &self.schema, "purge").await?;
        let mut erased = purge::opens(&mut transaction, &self.schema, now, limit).await?;
        transaction.commit().await?;
        let left = limit.saturating_sub_unsigned(erased.opens);
        if left > 0 {
            let mut transaction = self.begin(Gate::Alone).await?;
            // Opens that have come meanwhile go first, so that a step that deletes less than it may
            // has left nothing.
            let late = purge::opens(&mut transaction, &self.schema, now, left).await?.opens;
            let left = left.saturating_sub_unsigned(late);
            erased.opens += late;
            erased.pings = purge::pings(&mut transaction, &self.schema, now, left).await?.pings;
            transaction.commit().await?;
        }
        // A row is deleted by its place: what cannot be read is deleted like the others.
        Ok(Purged::new(erased.pings, erased.opens))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Written, StoreError> {
        if opens.is_empty() && last_days.is_empty() {
            return Ok(Written::default());
        }
        let (columns, last_days) = (Columns::of(opens), last_days.to_vec());
        self.run(move |database| database.record(columns, last_days, attempt)).await
    }

    async fn reach(&self, milestone: &Milestone) -> Result<Answer, StoreError> {
        let milestone = *milestone;
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Shared).await?;
            let answer = milestones::reach(&mut transaction, &d.schema, &milestone).await?;
            if answer == Answer::Kept {
                // One that is there already may not be on a second machine yet.
                record::write_something(&mut transaction).await?;
            }
            transaction.commit().await?;
            Ok(answer)
        })
        .await
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        let (ping, recipient) = (ping.clone(), recipient.cloned());
        self.run(move |database| database.insert_ping(ping, recipient)).await
    }

    async fn ping(&self, id: PingId) -> Result<Option<KeptPing>, StoreError> {
        self.run(move |d| async move { reads::ping(&d.pool, &d.schema, id).await }).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<PingPage, StoreError> {
        let query = query.clone();
        self.run(move |d| async move { reads::pings(&d.pool, &d.schema, query).await }).await
    }

    async fn opens(&self, query: &OpenQuery) -> Result<OpenPage, StoreError> {
        let query = *query;
        self.run(move |d| async move { reads::opens(&d.pool, &d.schema, query).await }).await
    }

    async fn opens_of(&self, pings: &[PingId], limit: usize) -> Result<Vec<OpenPage>, StoreError> {
        let pings = pings.to_vec();
        self.run(move |d| async move { reads::opens_of(&d.pool, &d.schema, pings, limit).await }).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.run(move |d| async move { news::mark(&d.pool, &d.schema).await }).await
    }

    async fn news(&self, since: &Mark, limit: usize) -> Result<News, StoreError> {
        let since = since.clone();
        self.run(move |d| async move { news::news(&d.pool, &d.schema, since, limit).await }).await
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Alone).await?;
            let found = changes::withdraw(&mut transaction, &d.schema, id).await?;
            transaction.commit().await?;
            Ok(found)
        })
        .await
    }

    async fn erase(&self, id: PingId) -> Result<Option<Erased>, StoreError> {
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Alone).await?;
            let erased = changes::erase(&mut transaction, &d.schema, id).await?;
            transaction.commit().await?;
            Ok(erased)
        })
        .await
    }

    async fn object(&self, recipient: &RecipientHashes, scope: ObjectionScope) -> Result<(), StoreError> {
        let recipient = recipient.clone();
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Alone).await?;
            changes::unify(&mut transaction, &d.schema, &recipient).await?;
            changes::object(&mut transaction, &d.schema, &recipient.newest, scope).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        self.run(move |d| async move {
            // Whoever holds one link may send it again and again: then it reads, and no batch waits
            // for it.
            if !reads::may_object(&d.pool, &d.schema, id).await? {
                return Ok(());
            }
            let mut transaction = d.begin(Gate::Alone).await?;
            changes::object_by_ping(&mut transaction, &d.schema, id).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Erased, StoreError> {
        let recipient = recipient.clone();
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Alone).await?;
            changes::unify(&mut transaction, &d.schema, &recipient).await?;
            let erased = changes::erase_recipient(&mut transaction, &d.schema, &recipient.newest).await?;
            transaction.commit().await?;
            Ok(erased)
        })
        .await
    }

    async fn objection(&self, recipient: &RecipientHashes) -> Result<Option<ObjectionScope>, StoreError> {
        let recipient = recipient.clone();
        self.run(move |d| async move { reads::objection(&d.pool, &d.schema, recipient).await }).await
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<PingPage, StoreError> {
        let recipient = recipient.clone();
        self.run(move |d| async move { reads::pings_of(&d.pool, &d.schema, recipient, after, limit).await })
            .await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        self.run(move |d| async move { reads::recipient_keys(&d.pool, &d.schema).await }).await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreError> {
        self.run(move |database| database.purge(now, limit)).await
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.run(move |d| async move { migrate::identity(&d.pool, &d.schema).await }).await
    }

    fn spool(&self) -> Option<&dyn Spooling> {
        None
    }
}
