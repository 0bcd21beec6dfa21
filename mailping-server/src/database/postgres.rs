//! The tracker on PostgreSQL, with a spool in front if the settings name one: it keeps opens while
//! the server is away, also when the program starts meanwhile.

use std::error::Error;
use std::time::Duration;

use mailping_core::Tracker;
use mailping_core::store::StoreError;
use mailping_postgres::{DatabaseError, PostgresStore};
use mailping_spool::Spool;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};

use crate::{Settings, SettingsError};

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn tracker(settings: &Settings) -> Result<Tracker, Box<dyn Error>> {
    let options = options(settings)?;
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
        return Ok(settings.tracker(store).await?);
    };
    match store.migrate().await {
        // The store makes its tables when the server comes.
        Err(StoreError::Unavailable { .. }) if away.is_err() => {
            println!("the database is away: opens are kept in {folder}");
        }
        migrated => migrated.map_err(|error| settings.refused_database(&error))?,
    }
    let spool = Spool::open(folder).map_err(|error| settings.refused("MAILPING_SPOOL", &error))?;
    Ok(settings.tracker(spool.before(store)).await?)
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
