//! One server for all tests of a file, a database for each.
#![allow(dead_code, clippy::unwrap_used, reason = "shared by files that each use a part of it")]

use std::sync::OnceLock;
use std::time::Duration;

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::{Basis, PingId, Timestamp};
use mailping_fixture_postgres::Server;
use mailping_postgres::PostgresStore;
use sqlx::postgres::{PgPool, PgPoolOptions};

static SERVER: OnceLock<Server> = OnceLock::new();

/// The address of a database on the shared server.
pub(crate) fn url(database: &str) -> String {
    SERVER.get_or_init(Server::quick).url(database)
}

/// `psql` in a database on the shared server.
pub(crate) fn psql(database: &str) -> std::process::Command {
    SERVER.get_or_init(Server::quick).psql(database)
}

/// Makes a database on the shared server and gives its address.
pub(crate) async fn database(name: &str) -> String {
    let pool = pool(&url("postgres"), 1).await;
    create(&pool, name).await;
    url(name)
}

/// Makes a database.
pub(crate) async fn create(pool: &PgPool, name: &str) {
    let text = sqlx::AssertSqlSafe(format!("CREATE DATABASE \"{name}\""));
    sqlx::raw_sql(text).execute(pool).await.unwrap();
}

pub(crate) async fn pool(url: &str, most: u32) -> PgPool {
    let options = PgPoolOptions::new().max_connections(most).acquire_timeout(Duration::from_secs(10));
    options.connect(url).await.unwrap()
}

pub(crate) fn store(pool: &PgPool) -> PostgresStore {
    PostgresStore::new(pool.clone()).unwrap()
}

/// A store on a database of its own.
pub(crate) async fn store_in(name: &str) -> PostgresStore {
    let store = store(&pool(&database(name).await, 8).await);
    store.migrate().await.unwrap();
    store
}

/// 2026-11-23T10:00:00Z.
pub(crate) const SENT: i64 = 1_795_428_000_000;
const DAY: i64 = 86_400_000;

pub(crate) fn ping_id(n: u64) -> PingId {
    let millis = u128::from(SENT.unsigned_abs());
    PingId::from_bytes(((millis << 80) | (0x7 << 76) | (0b10 << 62) | u128::from(n)).to_be_bytes())
}

/// A live ping.
pub(crate) fn ping(n: u64) -> Ping {
    let mut ping = Ping::stored(ping_id(n), format!("invoice-{n}"), Basis::Contract, Status::Live);
    ping.sent_at = Timestamp::from_unix_millis(SENT);
    ping.record_until = Timestamp::from_unix_millis(SENT + 30 * DAY);
    ping.keep_until = Timestamp::from_unix_millis(SENT + 90 * DAY);
    ping
}

/// The n-th open of a ping.
pub(crate) fn open(ping: PingId, n: u64) -> Open {
    let id = OpenId::from_bytes(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let at = Timestamp::from_unix_millis(SENT + 1_000 + i64::try_from(n).unwrap());
    Open::new(ping, id, at, Fetcher::Browser, Verdict::Human)
}
