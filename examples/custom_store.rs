//! A store of your own: this one times what it writes to another; the guide "Write a store" has one
//! from the ground up. It needs keys: `export MAILPING_KEYS="0:$(openssl rand -base64 32)"`.

use std::{error::Error, net::SocketAddr, time::Instant};

use async_trait::async_trait;
use mailping_axum::{Basis, Keyring, NewPing, PingId, Timestamp, Tracker, store::*};
use mailping_sqlite::SqliteStore;

type Answered<T> = Result<T, StoreError>;

#[derive(Debug)]
struct Timed(SqliteStore);

#[async_trait]
#[rustfmt::skip]
impl Store for Timed {
    async fn record(&self, opens: &[Open], days: &[LastDay], attempt: Attempt) -> Answered<Vec<Recorded>> {
        let begun = Instant::now();
        let written = self.0.record(opens, days, attempt).await?;
        println!("{} opens took {:?}", written.len(), begun.elapsed());
        Ok(written)
    }
    async fn reach(&self, milestone: &Milestone) -> Answered<Recorded> { self.0.reach(milestone).await }
    async fn insert_ping(&self, ping: &Ping, to: Option<&RecipientHashes>) -> Answered<Status> { self.0.insert_ping(ping, to).await }
    async fn ping(&self, id: PingId) -> Answered<Option<Ping>> { self.0.ping(id).await }
    async fn pings(&self, query: &PingQuery) -> Answered<Page<Ping>> { self.0.pings(query).await }
    async fn opens(&self, query: &OpenQuery) -> Answered<Page<Open, OpenCursor>> { self.0.opens(query).await }
    async fn opens_of(&self, ids: &[PingId], limit: usize) -> Answered<Vec<Page<Open, OpenCursor>>> { self.0.opens_of(ids, limit).await }
    async fn mark(&self) -> Answered<Mark> { self.0.mark().await }
    async fn news(&self, since: &Mark, limit: usize) -> Answered<Page<Observation, Mark>> { self.0.news(since, limit).await }
    async fn withdraw(&self, id: PingId) -> Answered<bool> { self.0.withdraw(id).await }
    async fn erase(&self, id: PingId) -> Answered<Option<Deleted>> { self.0.erase(id).await }
    async fn object(&self, to: &RecipientHashes, scope: ObjectionScope) -> Answered<()> { self.0.object(to, scope).await }
    async fn object_by_ping(&self, id: PingId) -> Answered<()> { self.0.object_by_ping(id).await }
    async fn erase_recipient(&self, to: &RecipientHashes) -> Answered<Deleted> { self.0.erase_recipient(to).await }
    async fn objection(&self, to: &RecipientHashes) -> Answered<Option<ObjectionScope>> { self.0.objection(to).await }
    async fn pings_of(&self, to: &RecipientHashes, after: Option<PingId>, limit: usize) -> Answered<Page<Ping>> { self.0.pings_of(to, after, limit).await }
    async fn recipient_keys(&self) -> Answered<Vec<KeyFingerprint>> { self.0.recipient_keys().await }
    async fn purge(&self, now: Timestamp, limit: usize) -> Answered<Deleted> { self.0.purge(now, limit).await }
    async fn identity(&self) -> Answered<DatabaseId> { self.0.identity().await }
    fn spool(&self) -> Option<&dyn Spooling> { self.0.spool() }
    fn sealing(&self) -> Option<&dyn Sealing> { self.0.sealing() }
    fn copies(&self) -> usize { self.0.copies() }
    async fn close(&self) { self.0.close().await }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Timed(SqliteStore::open("mailping.db")?);
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;
    let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await?;
    println!("paste into the mail: {}", ping.img_tag());
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or("127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = mailping_axum::routes::<()>(tracker).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}
