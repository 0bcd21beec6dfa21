//! The schema's name, and what follows from it: the statements that name its tables and the keys of
//! its advisory locks.

use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::{Query, QueryScalar};
use sqlx::{AssertSqlSafe, FromRow, Postgres, SqlSafeStr as _, SqlStr};

use crate::failure::{Failure, Result};
use crate::sessions::{Reader, Sessions};

/// The name of a PostgreSQL schema, checked: lower-case letters, digits and underscores.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    name: String,
    sessions: Sessions,
}

/// PostgreSQL cuts longer names off.
const MAX_NAME_BYTES: usize = 63;

impl Schema {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let letter = |c: char| c.is_ascii_lowercase() || c == '_';
        let plain = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
        if !plain || name.len() > MAX_NAME_BYTES || name.starts_with("pg_") {
            return Err(Failure::incompatible(
                "the schema's name must be 1 to 63 lower-case letters, digits and underscores, not begin with a digit \
                 and not with `pg_`",
            ));
        }
        Ok(Self { name: name.to_owned(), sessions: Sessions::Own })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same schema, on sessions of this kind.
    pub(crate) fn on(mut self, sessions: Sessions) -> Self {
        self.sessions = sessions;
        self
    }

    /// A connection for one statement that is no part of a transaction.
    pub(crate) async fn reader(&self, pool: &PgPool) -> Result<Reader> {
        Reader::of(pool, self.sessions).await
    }

    /// As [`Schema::reader`], for a page of what can be many rows.
    pub(crate) async fn page_reader(&self, pool: &PgPool) -> Result<Reader> {
        Reader::planned_now(pool).await
    }

    /// A statement of this crate, with `{s}` replaced by the quoted name, to be bound and run.
    pub(crate) fn query(&self, text: &str) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(self.sql(text)).persistent(self.sessions == Sessions::Own)
    }

    /// As [`Schema::query`], for one value.
    pub(crate) fn query_scalar<O>(&self, text: &str) -> QueryScalar<'static, Postgres, O, PgArguments>
    where
        (O,): for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_scalar(self.sql(text)).persistent(self.sessions == Sessions::Own)
    }

    /// The text of a statement, or of several, with `{s}` replaced by the quoted name.
    pub(crate) fn sql(&self, text: &str) -> SqlStr {
        // The name holds nothing that could end the quotes.
        AssertSqlSafe(text.replace("{s}", &format!("\"{}\"", self.name))).into_sql_str()
    }

    /// The second key of an advisory lock of this schema, the same in all versions: FNV-1a of the
    /// name and the lock's.
    pub(crate) fn lock_key(&self, lock: &str) -> i32 {
        let bytes = self.name.bytes().chain([0]).chain(lock.bytes());
        bytes
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
            .cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_need_escaping_is_refused() {
        for name in ["", "a\"b", "a b", "A", "1a", "pg_mailping", "a;b", "\u{fc}", &"a".repeat(64)] {
            assert!(Schema::parse(name).is_err(), "{name:?}");
        }
        for name in ["mailping", "_x1", &"a".repeat(63)] {
            assert!(Schema::parse(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn lock_keys_stay_the_same_between_versions() {
        let schema = Schema::parse("mailping").unwrap();
        assert_eq!((schema.lock_key("pings"), schema.lock_key("purge")), (-1_028_318_181, -308_571_819));
    }
}
