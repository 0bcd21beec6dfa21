//! The tracker on the database that the settings name.

use std::error::Error;

use mailping_core::Tracker;
use mailping_sqlite::SqliteStore;

use crate::Settings;

#[cfg(feature = "postgres")]
mod postgres;

/// An SQLite file, or a PostgreSQL server.
pub(crate) async fn tracker(settings: &Settings) -> Result<Tracker, Box<dyn Error>> {
    #[cfg(feature = "postgres")]
    if settings.is_postgres() {
        return postgres::tracker(settings).await;
    }
    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    Ok(settings.tracker(store).await?)
}
