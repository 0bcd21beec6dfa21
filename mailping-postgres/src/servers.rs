//! Where a call goes: into the app's own pool, or to whichever server is the primary.

use std::sync::Arc;

use sqlx::PgPool;

use crate::failure::Result;
use crate::primary::Primary;

/// What a store was made on.
#[derive(Clone)]
pub(crate) enum Servers {
    /// The app's pool: whoever gave it knows where it leads.
    Pool(PgPool),
    Primary(Arc<Primary>),
}

impl Servers {
    /// Does the work with a pool of the server that is the primary now.
    pub(crate) async fn run<T, W>(&self, work: impl FnOnce(PgPool) -> W) -> Result<T>
    where
        W: Future<Output = Result<T>>,
    {
        match self {
            Self::Pool(pool) => work(pool.clone()).await,
            Self::Primary(primary) => primary.run(work).await,
        }
    }
}
