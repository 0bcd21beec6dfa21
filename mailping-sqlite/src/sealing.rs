//! Which call of sealing runs where.

use async_trait::async_trait;
use mailping_core::pings::Ping;
use mailping_core::store::{
    Ending, Entered, Ledger, NewStatement, Page, PingSecret, PingStatements, RecipientHashes, SealRow,
    SealedPing, Sealing, StampRow, Step, StoreError,
};
use mailping_core::{PingId, Timestamp};

use crate::{SqliteStore, ledger};

#[async_trait]
impl Sealing for SqliteStore {
    async fn insert_sealed(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
        secret: &PingSecret,
        created: &NewStatement,
    ) -> Result<Entered, StoreError> {
        let (ping, recipient, secret, created) = (ping.clone(), recipient.cloned(), *secret, created.clone());
        self.write(move |change| ledger::insert_sealed(change, &ping, recipient.as_ref(), &secret, &created))
            .await
    }

    async fn ledger(&self) -> Result<Ledger, StoreError> {
        self.reads.call(ledger::ledger).await
    }

    async fn step(&self, from: u64, step: &Step) -> Result<bool, StoreError> {
        let (step, rows) = (step.clone(), step.statements.len() + step.leaves.len());
        let stepped = self.write(move |change| ledger::step(change, from, &step)).await;
        self.upkeep.moved(rows).await;
        stepped
    }

    async fn sealed(&self, pings: &[PingId]) -> Result<Vec<Option<SealedPing>>, StoreError> {
        let pings = pings.to_vec();
        self.reads.call(move |connection| ledger::sealed(connection, &pings)).await
    }

    async fn ending(&self, until: Timestamp, limit: usize) -> Result<Vec<Ending>, StoreError> {
        self.reads.call(move |connection| ledger::ending(connection, until, limit)).await
    }

    async fn latest(&self, seal: u64) -> Result<Option<Timestamp>, StoreError> {
        self.reads.call(move |connection| ledger::latest(connection, seal)).await
    }

    async fn statements_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingStatements>, StoreError> {
        self.reads.call(move |connection| ledger::statements_in(connection, seal, after, limit)).await
    }

    async fn pings_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError> {
        self.reads.call(move |connection| ledger::pings_in(connection, seal, after, limit)).await
    }

    async fn oldest(&self) -> Result<Option<u64>, StoreError> {
        self.reads.call(ledger::oldest).await
    }

    async fn statement(&self, ping: PingId, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.reads.call(move |connection| ledger::statement(connection, ping, &name)).await
    }

    async fn statements_of(&self, ping: PingId) -> Result<Vec<(u64, String)>, StoreError> {
        self.reads.call(move |connection| ledger::statements_of(connection, ping)).await
    }

    async fn ended_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError> {
        self.reads.call(move |connection| ledger::ended_in(connection, seal, after, limit)).await
    }

    async fn seals(&self, from: u64, limit: usize) -> Result<Vec<SealRow>, StoreError> {
        self.reads.call(move |connection| ledger::seals(connection, from, limit)).await
    }

    async fn leaves(&self, seal: u64, part: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.reads.call(move |connection| ledger::leaves(connection, seal, part)).await
    }

    async fn stamps(&self) -> Result<Vec<StampRow>, StoreError> {
        self.reads.call(ledger::stamps).await
    }
}
