//! Whether the schema was looked at since the store was made: before the first call that reaches
//! the database, whenever that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::copies::Copies;
use crate::failure::Result;
use crate::migrate;
use crate::schema::Schema;
use crate::sessions::Sessions;

/// Shared by all clones of a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ready(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_made: AtomicBool,
    migrates: AtomicBool,
    shares_sessions: AtomicBool,
    /// Held by the one who looks.
    looks: Mutex<()>,
}

impl Ready {
    /// The store may bring the schema to its version, now or when the database comes.
    pub(crate) fn want_migration(&self) {
        self.0.migrates.store(true, Ordering::Release);
        self.0.is_made.store(false, Ordering::Release);
    }

    /// Looks at the sessions, the schema and the role's rights unless that has been done, and
    /// brings the schema to this version if that is wanted. It tells whose the sessions are.
    pub(crate) async fn make(&self, pool: &PgPool, schema: &Schema, copies: Copies) -> Result<Sessions> {
        if let Some(sessions) = self.made() {
            return Ok(sessions);
        }
        let _looks = self.0.looks.lock().await;
        if let Some(sessions) = self.made() {
            return Ok(sessions);
        }
        let sessions = Sessions::of(pool).await?;
        let schema = &schema.clone().on(sessions);
        if self.0.migrates.load(Ordering::Acquire) {
            migrate::migrate(pool, schema).await?;
        } else {
            migrate::check(pool, schema).await?;
        }
        copies.check_rights(pool, schema).await?;
        self.0.shares_sessions.store(sessions == Sessions::Shared, Ordering::Release);
        self.0.is_made.store(true, Ordering::Release);
        Ok(sessions)
    }

    fn made(&self) -> Option<Sessions> {
        let is_made = self.0.is_made.load(Ordering::Acquire);
        let is_shared = self.0.shares_sessions.load(Ordering::Acquire);
        is_made.then_some(if is_shared { Sessions::Shared } else { Sessions::Own })
    }
}
