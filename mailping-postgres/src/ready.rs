//! Whether the schema was looked at since the store was made: before the first call that reaches
//! the database, whenever that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::PgPool;

use crate::failure::Result;
use crate::migrate;
use crate::schema::Schema;

/// Shared by all clones of a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ready(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_made: AtomicBool,
    migrates: AtomicBool,
}

impl Ready {
    /// The store may bring the schema to its version, now or when the database comes.
    pub(crate) fn want_migration(&self) {
        self.0.migrates.store(true, Ordering::Release);
        self.0.is_made.store(false, Ordering::Release);
    }

    /// Looks at the schema unless that has been done, and brings it to this version if that is
    /// wanted.
    pub(crate) async fn make(&self, pool: &PgPool, schema: &Schema) -> Result<()> {
        if self.0.is_made.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.0.migrates.load(Ordering::Acquire) {
            migrate::migrate(pool, schema).await?;
        } else {
            migrate::check(pool, schema).await?;
        }
        self.0.is_made.store(true, Ordering::Release);
        Ok(())
    }
}
