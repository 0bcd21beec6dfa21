//! A small service that makes pings, takes hits and shows receipts, on axum and PostgreSQL: as many
//! of it as one likes on one database.
//!
//! ```text
//! export MAILPING_DB=postgres://user:password@localhost/mailping
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"    # the same for all of them
//! cargo run --example receipts_postgres
//! ```
//!
//! Settings and API are those of `receipts`, but that the keys must be given, and that
//! `MAILPING_SPOOL` names a folder, one for each process, which keeps opens while the database's
//! server is away, also when the program starts meanwhile.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use mailping_core::store::StoreError;
use mailping_examples_axum::serve;
use mailping_examples_service::{Program, Service, Settings, SettingsError, start_log};
use mailping_postgres::{DatabaseError, PostgresStore};
use mailping_spool::Spool;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};

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

    let options = options(&settings)?;
    let away = look_at(&options).await;
    if let Err(fault) = &away
        && !(settings.own("MAILPING_SPOOL").is_some() && fault.fault().is_outage())
    {
        return Err(settings.refused_database(fault).into());
    }
    let pool = PgPoolOptions::new().acquire_timeout(PATIENCE).connect_lazy_with(options);
    let store = PostgresStore::new(pool)?;
    let Some(folder) = settings.own("MAILPING_SPOOL") else {
        store.migrate().await.map_err(|error| settings.refused_database(&error))?;
        let tracker = settings.tracker(store).await?;
        return serve(&settings, Service::new(&settings, tracker)).await;
    };
    match store.migrate().await {
        // The store makes its tables when the server comes.
        Err(StoreError::Unavailable { .. }) if away.is_err() => {
            println!("the database is away: opens are kept in {folder}");
        }
        migrated => migrated.map_err(|error| settings.refused_database(&error))?,
    }
    let spool = Spool::open(folder).map_err(|error| settings.refused("MAILPING_SPOOL", &error))?;
    let tracker = settings.tracker(spool.before(store)).await?;
    serve(&settings, Service::new(&settings, tracker)).await
}

fn options(settings: &Settings) -> Result<PgConnectOptions, SettingsError> {
    // The error of a wrong address repeats parts of it, which can be those of a password.
    settings.database.parse().map_err(|_| {
        SettingsError::new(
            "MAILPING_DB",
            "cannot be read: expected postgres://user:password@host:port/database, special characters as %40",
        )
    })
}

/// A pool tries again and again to reach a server, and then cannot tell why it did not; one
/// connection tells at once.
async fn look_at(options: &PgConnectOptions) -> Result<(), DatabaseError> {
    let one = tokio::time::timeout(PATIENCE, PgConnection::connect_with(options)).await;
    let one = one.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
    drop(one.close().await);
    Ok(())
}
