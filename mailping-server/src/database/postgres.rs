//! The tracker on PostgreSQL, on one server or on whichever of several is the primary, with a spool
//! in front if the settings name one: it keeps opens while the database is away, also when the
//! program starts meanwhile.

use std::error::Error;
use std::time::Duration;

use mailping_core::Tracker;
use mailping_core::store::StoreError;
use mailping_postgres::{DatabaseError, Fault, PostgresStore};
use mailping_spool::Spool;

use crate::{Settings, SettingsError};

/// How long a call of the database may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn tracker(settings: &Settings) -> Result<Tracker, Box<dyn Error>> {
    let copies = settings.own("MAILPING_COPIES").unwrap_or("1").parse();
    let copies = copies.ok().filter(|copies| (1..=16).contains(copies)).ok_or_else(|| {
        SettingsError::new("MAILPING_COPIES", "expected a number of machines from 1 to 16, such as 2")
    })?;
    let store =
        PostgresStore::connect(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let store = store.timeout(PATIENCE).require_copies(copies);
    let made = store.migrate().await;
    let Some(folder) = settings.own("MAILPING_SPOOL") else {
        made.map_err(|error| settings.refused_database(&error))?;
        return Ok(settings.tracker(store).await?);
    };
    match made {
        // The store makes its tables when the server comes.
        Err(error) if is_outage(&error) => println!("the database is away: opens are kept in {folder}"),
        made => made.map_err(|error| settings.refused_database(&error))?,
    }
    let spool = Spool::open(folder).map_err(|error| settings.refused("MAILPING_SPOOL", &error))?;
    Ok(settings.tracker(spool.before(store)).await?)
}

fn is_outage(error: &StoreError) -> bool {
    let fault = error.source().and_then(|source| source.downcast_ref()).map(DatabaseError::fault);
    fault.is_some_and(Fault::is_outage)
}
