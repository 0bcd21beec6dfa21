//! The store: which call holds the gate how.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{
    Attempt, DatabaseId, Deleted, Mark, Milestone, ObjectionScope, Observation, OpenCursor, OpenQuery, Page,
    PingQuery, Recorded, Sealing, Spooling, Store, StoreError,
};
use mailping_core::store::{KeyFingerprint, RecipientHashes};
use mailping_core::{PingId, Timestamp};
use sqlx::{PgPool, Postgres, Transaction};

use crate::copies::Copies;
use crate::failure::Result as Outcome;
use crate::gate::{self, Gate};
use crate::ready::Ready;
use crate::record::Columns;
use crate::runtime::Runtime;
use crate::schema::Schema;
use crate::servers::Servers;
use crate::{changes, migrate, milestones, news, purge, reads, record};

/// How long a call may take unless you say otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A [`Store`] in a PostgreSQL database, on the app's own pool or on one of its own.
///
/// Every call runs on the runtime that the store was made in, so that the tracker's thread can wait
/// for it. A call whose future is dropped goes on to its end.
#[derive(Clone)]
pub struct PostgresStore {
    runtime: Runtime,
    servers: Servers,
    schema: Schema,
    timeout: Duration,
    copies: Copies,
    ready: Ready,
}

/// What a call takes with it onto the runtime.
pub(crate) struct Database {
    pub(crate) pool: PgPool,
    pub(crate) schema: Schema,
    timeout: Duration,
    pub(crate) copies: Copies,
}

impl PostgresStore {
    /// A store on this pool, in the schema `mailping`. It connects to nothing yet; call
    /// [`PostgresStore::migrate`] next.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] outside of a tokio runtime.
    pub fn new(pool: PgPool) -> Result<Self, StoreError> {
        Self::on(Servers::Pool(pool))
    }

    pub(crate) fn on(servers: Servers) -> Result<Self, StoreError> {
        Ok(Self {
            runtime: Runtime::current()?,
            servers,
            schema: Schema::parse("mailping")?,
            timeout: TIMEOUT,
            copies: Copies::ONE,
            ready: Ready::default(),
        })
    }

    /// Sets the name of the schema that holds the tables: lower-case letters, digits and
    /// underscores.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] for any other name.
    pub fn schema(mut self, name: &str) -> Result<Self, StoreError> {
        self.schema = Schema::parse(name)?;
        Ok(self)
    }

    /// Sets how long a call may take, the wait for a connection included, before it fails: 30
    /// seconds without this. It is no shorter than a millisecond.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        self
    }

    /// Sets on how many machines' disks a change must be before it is answered, the primary's among
    /// them: 1 without this, 2 for a primary and one of its standbys.
    ///
    /// PostgreSQL itself calls a commit done whose wait for a standby was cancelled, and says so in
    /// a warning that no client sees; and it does not wait at all if `synchronous_standby_names` is
    /// empty. With 2 or more the store looks by itself, once a batch: the standbys must have
    /// flushed what the primary had flushed when the commit returned. If
    /// `synchronous_standby_names` is set, the standbys that it names count, otherwise all do; each
    /// should be on a machine of its own. Until a second after the commit it looks again, then the
    /// call fails with [`Fault::TooFewCopies`](crate::Fault::TooFewCopies): opens are recorded
    /// again until they are on the disks, and a [spool] keeps them meanwhile. A ping that was made,
    /// an objection and an erasure fail so too: each may be done, and is to be repeated. A purge
    /// looks at nothing, since the next one repeats it.
    ///
    /// The role needs `pg_monitor`; without it every call fails with [`StoreError::Incompatible`],
    /// [`PostgresStore::migrate`] first.
    ///
    /// [spool]: https://docs.rs/mailping-spool
    #[must_use]
    pub fn require_copies(mut self, machines: usize) -> Self {
        self.copies = Copies::new(machines);
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
        let Self { servers, schema, copies, ready, .. } = self.clone();
        ready.want_migration();
        let make = move |pool| async move { ready.make(&pool, &schema, copies).await.map(drop) };
        self.runtime.run(PATIENCE, async move { servers.run(make).await }).await
    }

    pub(crate) async fn run<T, W>(
        &self,
        work: impl FnOnce(Database) -> W + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Future<Output = Outcome<T>> + Send + 'static,
    {
        let Self { servers, schema, timeout, copies, ready, .. } = self.clone();
        let work = move |pool| async move {
            let sessions = ready.make(&pool, &schema, copies).await?;
            let schema = schema.on(sessions);
            work(Database { pool, schema, timeout, copies }).await
        };
        self.runtime.run(timeout, async move { servers.run(work).await }).await
    }
}

/// Shows the schema's name, and nothing of the connection.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("schema", &self.schema.name()).finish_non_exhaustive()
    }
}

impl Database {
    pub(crate) async fn begin(&self, gate: Gate) -> Outcome<Transaction<'static, Postgres>> {
        gate::begin(&self.pool, &self.schema, gate, self.timeout.as_millis()).await
    }

    pub(crate) async fn commit(&self, transaction: Transaction<'static, Postgres>) -> Outcome<()> {
        self.copies.commit(&self.pool, &self.schema, transaction).await
    }

    /// Commits the end of a ping, or a milestone. It waits for the disks also if an earlier call
    /// has done it all: that one may have been answered by nobody.
    async fn commit_end(&self, mut transaction: Transaction<'static, Postgres>) -> Outcome<()> {
        gate::write_something(&mut transaction, &self.schema).await?;
        self.commit(transaction).await
    }

    async fn record(
        self,
        columns: Columns,
        last_days: Vec<LastDay>,
        attempt: Attempt,
    ) -> Outcome<Vec<Recorded>> {
        let mut transaction = self.begin(Gate::Shared).await?;
        let mut answers = record::opens(&mut transaction, &self.schema, &columns, attempt).await?;
        if !last_days.is_empty() {
            let days = record::last_days(&mut transaction, &self.schema, &last_days, columns.len()).await?;
            answers.extend(days);
        }
        if attempt == Attempt::Repeat {
            gate::write_something(&mut transaction, &self.schema).await?;
        }
        self.commit(transaction).await?;
        Ok(answers)
    }

    /// Begins a transaction for a new ping.
    pub(crate) async fn begin_insert(
        &self,
        recipient: Option<&RecipientHashes>,
    ) -> Outcome<Transaction<'static, Postgres>> {
        let mut transaction = self.begin(Gate::Shared).await?;
        if let Some(recipient) = recipient
            && changes::is_kept_under_older(&mut transaction, &self.schema, recipient).await?
        {
            transaction.rollback().await?;
            transaction = self.begin(Gate::Alone).await?;
            changes::unify(&mut transaction, &self.schema, recipient).await?;
        }
        Ok(transaction)
    }

    async fn insert_ping(self, ping: Ping, recipient: Option<RecipientHashes>) -> Outcome<Status> {
        let mut transaction = self.begin_insert(recipient.as_ref()).await?;
        let newest = recipient.as_ref().map(|recipient| &recipient.newest);
        let status = changes::insert_ping(&mut transaction, &self.schema, &ping, newest).await?;
        self.commit(transaction).await?;
        Ok(status)
    }

    async fn purge(self, now: Timestamp, limit: usize) -> Outcome<Deleted> {
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
        Ok(Deleted::new(erased.pings, erased.opens))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Vec<Recorded>, StoreError> {
        if opens.is_empty() && last_days.is_empty() {
            return Ok(Vec::new());
        }
        let (columns, last_days) = (Columns::of(opens), last_days.to_vec());
        self.run(move |database| database.record(columns, last_days, attempt)).await
    }

    async fn reach(&self, milestone: &Milestone) -> Result<Recorded, StoreError> {
        let milestone = *milestone;
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Shared).await?;
            let answer = milestones::reach(&mut transaction, &d.schema, &milestone).await?;
            match answer {
                // One that is there already may not be on a second machine yet.
                Recorded::Durable => d.commit_end(transaction).await?,
                _ => d.commit(transaction).await?,
            }
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

    async fn ping(&self, id: PingId) -> Result<Option<Ping>, StoreError> {
        self.run(move |d| async move { reads::ping(&d.pool, &d.schema, id).await }).await
    }

    async fn pings(&self, query: &PingQuery) -> Result<Page<Ping>, StoreError> {
        let query = query.clone();
        self.run(move |d| async move { reads::pings(&d.pool, &d.schema, query).await }).await
    }

    async fn opens(&self, query: &OpenQuery) -> Result<Page<Open, OpenCursor>, StoreError> {
        let query = *query;
        self.run(move |d| async move { reads::opens(&d.pool, &d.schema, query).await }).await
    }

    async fn opens_of(
        &self,
        pings: &[PingId],
        limit: usize,
    ) -> Result<Vec<Page<Open, OpenCursor>>, StoreError> {
        let pings = pings.to_vec();
        self.run(move |d| async move { reads::opens_of(&d.pool, &d.schema, pings, limit).await }).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.run(move |d| async move { news::mark(&d.pool, &d.schema).await }).await
    }

    async fn news(&self, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>, StoreError> {
        let since = since.clone();
        self.run(move |d| async move { news::news(&d.pool, &d.schema, since, limit).await }).await
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Alone).await?;
            let found = changes::withdraw(&mut transaction, &d.schema, id).await?;
            d.commit_end(transaction).await?;
            Ok(found)
        })
        .await
    }

    async fn erase(&self, id: PingId) -> Result<Option<Deleted>, StoreError> {
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Alone).await?;
            let erased = changes::erase(&mut transaction, &d.schema, id).await?;
            d.commit_end(transaction).await?;
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
            d.commit_end(transaction).await
        })
        .await
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        self.run(move |d| async move {
            // Whoever holds one link may send it again and again: then it reads, and no batch waits
            // for it.
            if !reads::may_object(&d.pool, &d.schema, id).await? {
                return d.copies.confirm(&d.pool, &d.schema).await;
            }
            let mut transaction = d.begin(Gate::Alone).await?;
            changes::object_by_ping(&mut transaction, &d.schema, id).await?;
            d.commit_end(transaction).await
        })
        .await
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Deleted, StoreError> {
        let recipient = recipient.clone();
        self.run(move |d| async move {
            let mut transaction = d.begin(Gate::Alone).await?;
            changes::unify(&mut transaction, &d.schema, &recipient).await?;
            let erased = changes::erase_recipient(&mut transaction, &d.schema, &recipient.newest).await?;
            d.commit_end(transaction).await?;
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
    ) -> Result<Page<Ping>, StoreError> {
        let recipient = recipient.clone();
        self.run(move |d| async move { reads::pings_of(&d.pool, &d.schema, recipient, after, limit).await })
            .await
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        self.run(move |d| async move { reads::recipient_keys(&d.pool, &d.schema).await }).await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Deleted, StoreError> {
        self.run(move |database| database.purge(now, limit)).await
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.run(move |d| async move { migrate::identity(&d.pool, &d.schema).await }).await
    }

    fn spool(&self) -> Option<&dyn Spooling> {
        None
    }

    fn sealing(&self) -> Option<&dyn Sealing> {
        Some(self)
    }

    fn copies(&self) -> usize {
        self.copies.count()
    }
}
