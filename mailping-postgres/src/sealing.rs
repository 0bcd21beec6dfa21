//! Which call of sealing runs in which transaction.

use async_trait::async_trait;
use mailping_core::pings::Ping;
use mailping_core::store::{
    Ending, Entered, Ledger, NewStatement, Page, PingSecret, PingStatements, RecipientHashes, SealRow,
    SealedPing, Sealing, StampRow, Step, StoreError,
};
use mailping_core::{PingId, Timestamp};

use crate::failure::Result as Outcome;
use crate::store::{Database, PostgresStore};
use crate::{changes, ledger, sealed};

impl Database {
    async fn insert_sealed(
        self,
        ping: Ping,
        recipient: Option<RecipientHashes>,
        secret: PingSecret,
        created: NewStatement,
    ) -> Outcome<Entered> {
        let mut transaction = self.begin_insert(recipient.as_ref()).await?;
        let now = ledger::ledger_of_new_ping(&mut transaction, &self.schema).await?;
        if created.ends <= now.closed_to {
            transaction.rollback().await?;
            return Ok(Entered::Closed(now.closed_to));
        }
        let newest = recipient.as_ref().map(|recipient| &recipient.newest);
        let status = changes::insert_ping(&mut transaction, &self.schema, &ping, newest).await?;
        let created = NewStatement { seal: now.next, ..created };
        ledger::enter(&mut transaction, &self.schema, &ping, status, &secret, created).await?;
        self.commit(transaction).await?;
        Ok(Entered::Kept(status))
    }

    /// Only what so many machines have is told: a head that was signed beyond it would be lost with
    /// the primary. A step whose commit too few have confirmed is seen here by the next turn.
    async fn ledger(self) -> Outcome<Ledger> {
        let ledger = ledger::ledger(&mut *self.schema.reader(&self.pool).await?, &self.schema).await?;
        self.copies.confirm(&self.pool, &self.schema).await?;
        Ok(ledger)
    }

    async fn step(self, from: u64, step: Step) -> Outcome<bool> {
        let mut transaction = self.begin(ledger::gate_of(&step)).await?;
        if !ledger::step(&mut transaction, &self.schema, from, &step).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        self.commit(transaction).await?;
        Ok(true)
    }
}

#[async_trait]
impl Sealing for PostgresStore {
    async fn insert_sealed(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
        secret: &PingSecret,
        created: &NewStatement,
    ) -> Result<Entered, StoreError> {
        let (ping, recipient, secret, created) = (ping.clone(), recipient.cloned(), *secret, created.clone());
        self.run(move |database| database.insert_sealed(ping, recipient, secret, created)).await
    }

    async fn ledger(&self) -> Result<Ledger, StoreError> {
        self.run(Database::ledger).await
    }

    async fn step(&self, from: u64, step: &Step) -> Result<bool, StoreError> {
        let step = step.clone();
        self.run(move |database| database.step(from, step)).await
    }

    async fn sealed(&self, pings: &[PingId]) -> Result<Vec<Option<SealedPing>>, StoreError> {
        let pings = pings.to_vec();
        self.run(move |d| async move { sealed::sealed(&d.pool, &d.schema, pings).await }).await
    }

    async fn ending(&self, until: Timestamp, limit: usize) -> Result<Vec<Ending>, StoreError> {
        self.run(move |d| async move { sealed::ending(&d.pool, &d.schema, until, limit).await }).await
    }

    async fn latest(&self, seal: u64) -> Result<Option<Timestamp>, StoreError> {
        self.run(move |d| async move { sealed::latest(&d.pool, &d.schema, seal).await }).await
    }

    async fn statements_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingStatements>, StoreError> {
        self.run(move |d| async move { sealed::statements_in(&d.pool, &d.schema, seal, after, limit).await })
            .await
    }

    async fn pings_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError> {
        self.run(move |d| async move { sealed::pings_in(&d.pool, &d.schema, seal, after, limit).await }).await
    }

    async fn oldest(&self) -> Result<Option<u64>, StoreError> {
        self.run(move |d| async move { sealed::oldest(&d.pool, &d.schema).await }).await
    }

    async fn statement(&self, ping: PingId, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.run(move |d| async move { sealed::statement(&d.pool, &d.schema, ping, name).await }).await
    }

    async fn statements_of(&self, ping: PingId) -> Result<Vec<(u64, String)>, StoreError> {
        self.run(move |d| async move { sealed::statements_of(&d.pool, &d.schema, ping).await }).await
    }

    async fn ended_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError> {
        self.run(move |d| async move { sealed::ended_in(&d.pool, &d.schema, seal, after, limit).await }).await
    }

    async fn seals(&self, from: u64, limit: usize) -> Result<Vec<SealRow>, StoreError> {
        self.run(move |d| async move { sealed::seals(&d.pool, &d.schema, from, limit).await }).await
    }

    async fn leaves(&self, seal: u64, part: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(move |d| async move { sealed::leaves(&d.pool, &d.schema, seal, part).await }).await
    }

    async fn stamps(&self) -> Result<Vec<StampRow>, StoreError> {
        self.run(move |d| async move { sealed::stamps(&d.pool, &d.schema).await }).await
    }
}
