//! A small service that makes pings, takes hits and shows receipts, on axum and PostgreSQL: as many of it as one likes on one database.
//!
//! ```text
//! export MAILPING_DB=postgres://user:password@localhost/mailping
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"    # the same for all of them
//! cargo run --example receipts_postgres
//! ```
//!
//! Settings and API are those of `receipts`, but that the keys must be given, and that `MAILPING_SPOOL` names a file, one for each process, which
//! keeps opens while the database's server is away.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use mailping_core::store::StoreError;
use mailping_examples_axum::serve;
use mailping_examples_service::{Program, Service, Settings, SettingsError, start_log};
use mailping_postgres::{DatabaseError, PostgresStore};
use mailping_sqlite::Spool;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env(Program::ReceiptsPostgres)?;
    start_log(&settings.rust_log);
    settings.lines().for_each(|line| println!("{line}"));

    let store = PostgresStore::new(connect(&settings).await?)?;
    store.migrate().await.map_err(|error| settings.refused_database(&error))?;
    let tracker = match settings.own("MAILPING_SPOOL") {
        None => settings.tracker(store).await?,
        Some(file) => {
            let refused = |error: StoreError| settings.refused("MAILPING_SPOOL", &error);
            settings
                .tracker(Spool::open(file).and_then(|spool| spool.before(store)).map_err(refused)?)
                .await?
        }
    };
    serve(&settings, Service::new(&settings, tracker)).await
}

async fn connect(settings: &Settings) -> Result<PgPool, SettingsError> {
    // The error of a wrong address repeats parts of it, which can be those of a password.
    let options: PgConnectOptions = settings.database.parse().map_err(|_| {
        SettingsError::new(
            "MAILPING_DB",
            "cannot be read: expected postgres://user:password@host:port/database, special characters as %40",
        )
    })?;
    // A pool tries again and again to reach a server, and then cannot tell why it did not; one connection tells at once.
    let one = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await;
    let one =
        one.map_err(|_| SettingsError::new("MAILPING_DB", "the database server did not answer in time"))?;
    let one = one.map_err(|error| settings.refused_database(&DatabaseError::from(error)))?;
    drop(one.close().await);
    Ok(PgPoolOptions::new().acquire_timeout(PATIENCE).connect_lazy_with(options))
}
