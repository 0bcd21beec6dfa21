//! Whether a connection is a session of the server's for as long as it lives, or a pooler such as
//! PgBouncer gives it another one for each transaction.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, Postgres, Transaction};

use crate::failure::Result;

/// How often two connections are asked which sessions they have.
const LOOKS: usize = 4;

/// Whose the server's sessions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// Each belongs to one connection: statements are prepared once, and kept.
    Own,
    /// Transactions of many connections follow each other on each. A statement that was prepared on
    /// one is not there on the next, or is another one of the same name; so none has a name, and
    /// each is prepared and run in one transaction.
    Shared,
}

impl Sessions {
    /// Looks by statements that are not prepared: two connections that live at once have one
    /// session in turn, or one of them has two.
    pub(crate) async fn of(pool: &PgPool) -> Result<Self> {
        let options = pool.connect_options();
        let mut one = PgConnection::connect_with(&options).await?;
        let mut other = PgConnection::connect_with(&options).await?;
        let (first, second) = (session(&mut one).await?, session(&mut other).await?);
        let mut is_shared = first == second;
        for _ in 1..LOOKS {
            is_shared |= session(&mut one).await? != first || session(&mut other).await? != second;
        }
        // Without this a server logs two lost connections.
        let _ = (one.close().await, other.close().await);
        if !is_shared {
            return Ok(Self::Own);
        }
        tracing::info!("a pooler shares the server's sessions by transaction: no statement is kept prepared");
        Ok(Self::Shared)
    }
}

async fn session(connection: &mut PgConnection) -> Result<i32> {
    use sqlx::Row as _;
    let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

/// A connection that one statement runs on.
pub(crate) enum Reader {
    Own(PoolConnection<Postgres>),
    Transaction(Transaction<'static, Postgres>),
}

impl Reader {
    pub(crate) async fn of(pool: &PgPool, sessions: Sessions) -> Result<Self> {
        Ok(match sessions {
            Sessions::Own => Self::Own(pool.acquire().await?),
            Sessions::Shared => Self::Transaction(pool.begin().await?),
        })
    }

    /// One whose statement is planned for the tables as they are now. A plan that is kept from when
    /// they were small reads all of them for each page, and so does one that takes what a growing
    /// table has not been analysed for to be few rows, and sorts them: an index gives their order.
    pub(crate) async fn planned_now(pool: &PgPool) -> Result<Self> {
        const BEGIN: &str = "BEGIN READ ONLY;
            SET LOCAL plan_cache_mode = force_custom_plan;
            SET LOCAL enable_bitmapscan = off;
            SET LOCAL jit = off";
        Ok(Self::Transaction(pool.begin_with(BEGIN).await?))
    }
}

impl Deref for Reader {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}
