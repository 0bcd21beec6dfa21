//! From errors of sqlx to those of the store trait, without their texts: PostgreSQL repeats values
//! in messages and details.

use std::fmt;

use mailping_core::store::StoreError;

/// A [`StoreError`] that `?` makes of an error of sqlx. It exists inside this crate only.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) StoreError);

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn incompatible(reason: impl Into<String>) -> Self {
        Self(StoreError::Incompatible { reason: reason.into() })
    }

    pub(crate) const fn corrupt(what: &'static str) -> Self {
        Self(StoreError::Corrupt { what })
    }

    pub(crate) fn fault(fault: Fault) -> Self {
        Self(StoreError::unavailable(DatabaseError { fault, sqlstate: None }))
    }

    pub(crate) fn database_fault(&self) -> Option<Fault> {
        let StoreError::Unavailable { source } = &self.0 else { return None };
        source.downcast_ref().map(DatabaseError::fault)
    }

    pub(crate) fn is_outage(&self) -> bool {
        self.database_fault().is_some_and(Fault::is_outage)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let error = DatabaseError::from(error);
        match (error.fault, error.sqlstate()) {
            (_, Some("XX001" | "XX002")) => Self::corrupt("a page of a table or an index is damaged"),
            (Fault::Refused, _) => Self(StoreError::Refused { source: error.into() }),
            _ => Self(StoreError::unavailable(error)),
        }
    }
}

/// Why PostgreSQL did not carry it out: the source of a [`StoreError::Unavailable`] or
/// [`StoreError::Refused`] of this crate.
///
/// It keeps the kind of fault and PostgreSQL's code. It keeps no message, since the server's
/// messages repeat values, names of users and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseError {
    fault: Fault,
    sqlstate: Option<String>,
}

impl DatabaseError {
    /// What kind of fault it was.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// PostgreSQL's code of five characters, where the server answered.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        self.sqlstate.as_deref()
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sqlstate {
            Some(code) => write!(f, "{} (SQLSTATE {code})", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for DatabaseError {}

/// The kinds of faults, as far as they ask for different deeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No server, or the connection broke.
    #[error("the database server cannot be reached, or the connection to it broke")]
    Unreachable,
    /// The server is starting, stopping or in recovery.
    #[error("the database server is starting or stopping")]
    Restarting,
    /// Wrong user, password or rule of access.
    #[error(
        "the database server refused the user, the password or, by a rule of access (pg_hba.conf), the connection, \
         perhaps because TLS is required"
    )]
    Login,
    /// There is no such database.
    #[error("the server has no database of this name")]
    NoDatabase,
    /// TLS could not be agreed upon, or the server's certificate is not trusted.
    #[error(
        "no TLS connection could be made to the database server: check whether it offers TLS, its certificate, and \
         `sslmode` and `sslrootcert` of the URL"
    )]
    Tls,
    /// All connections of the pool are in use, or no new one could be made: a pool tries again
    /// until its time is over.
    #[error("no connection of the pool became free in time, or the server cannot be reached")]
    PoolExhausted,
    /// The pool was closed.
    #[error("the connection pool is closed")]
    PoolClosed,
    /// The tables are missing, or are not as this version and this server need them.
    #[error(
        "the tables are missing, of an older version, or were restored from another server: call \
         `PostgresStore::migrate` first"
    )]
    NotMigrated,
    /// The role has no right to do it.
    #[error(
        "the database role lacks a right on the schema or its tables; to make them it needs CREATE on the database, \
         unless another role calls `PostgresStore::migrate`"
    )]
    Denied,
    /// A pooler refuses what sqlx tells it when it connects, or hands the session's prepared
    /// statements to others although the store has not seen it share sessions.
    #[error(
        "a pooler between mailping and the server refuses the session or loses its statements: set \
         `ignore_startup_parameters = extra_float_digits` in PgBouncer, and `max_prepared_statements` (1.21 or newer) or \
         `pool_mode = session`"
    )]
    Pooler,
    /// A pooler lets nobody in with these settings, or shares sessions by statement.
    #[error(
        "a pooler between mailping and the server refuses the connection: check the user, the password, the database \
         and whether TLS is required, here and in the pooler's settings, and that `pool_mode` is not `statement`"
    )]
    PoolerSettings,
    /// A read-only server, such as a standby.
    #[error("the database is read-only: connect to the primary server")]
    ReadOnly,
    /// None of the servers that the URL names takes writes.
    #[error("none of the database servers is a primary that can be reached")]
    NoPrimary,
    /// Fewer machines have it on disk than [`require_copies`](crate::PostgresStore::require_copies)
    /// asks for.
    #[error("too few standbys have it on disk yet, or it is not known of them")]
    TooFewCopies,
    /// Disk, memory or connections are used up.
    #[error("the database server is out of disk, memory or connections")]
    Exhausted,
    /// It took longer than the store waits.
    #[error("the database did not answer in time")]
    TimedOut,
    /// The tokio runtime that the store was made in has ended, or the call panicked.
    #[error("the runtime of the store has ended")]
    RuntimeEnded,
    /// A constraint, a trigger or a limit of the database forbids a value. It may take others.
    #[error("a constraint, a trigger or a limit of the database forbids it")]
    Refused,
    /// Anything else.
    #[error("the database refused this")]
    Other,
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        let sqlstate = error.as_database_error().and_then(|error| Some(error.code()?.into_owned()));
        // A code is five letters and digits; anything else did not come from PostgreSQL.
        let sqlstate =
            sqlstate.filter(|code| code.len() == 5 && code.bytes().all(|b| b.is_ascii_alphanumeric()));
        let fault = match (&error, &sqlstate) {
            (sqlx::Error::Database(error), Some(code)) if code == "08P01" => {
                Fault::of_pooler(error.message())
            }
            (_, Some(code)) => Fault::of(code),
            // rustls says so of a certificate that it does not trust.
            (sqlx::Error::Io(error), _) if error.kind() == std::io::ErrorKind::InvalidData => Fault::Tls,
            (sqlx::Error::Io(_), _) => Fault::Unreachable,
            (sqlx::Error::Tls(_), _) => Fault::Tls,
            (sqlx::Error::PoolTimedOut, _) => Fault::PoolExhausted,
            (sqlx::Error::PoolClosed, _) => Fault::PoolClosed,
            _ => Fault::Other,
        };
        Self { fault, sqlstate }
    }
}

impl Fault {
    /// Whether the server is away, or on its way: it will be there again without anybody changing a
    /// setting.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Restarting
                | Self::PoolExhausted
                | Self::ReadOnly
                | Self::NoPrimary
                | Self::TooFewCopies
                | Self::Exhausted
                | Self::TimedOut
        )
    }

    /// PgBouncer has one code, 08P01, for nearly all that it says itself, and for what a server has
    /// answered to it. What is none of these passes: it stops, or has no server or connection left.
    fn of_pooler(message: &str) -> Self {
        const SESSIONS: [&str; 2] = ["startup parameter", "prepared statement"];
        const SETTINGS: [&str; 16] = [
            "authentication failed",
            "authentication mechanism",
            "no authentication method",
            "no such user",
            "no such database",
            "does not exist",
            "no pg_hba.conf entry",
            "login rejected",
            "not allowed",
            "disallowed",
            "SSL required",
            "bouncer config error",
            "password type",
            "empty password",
            "server signature",
            "too long",
        ];
        let says = |one: &&str| message.contains(*one);
        if SESSIONS.iter().any(says) {
            Self::Pooler
        } else if SETTINGS.iter().any(says) {
            Self::PoolerSettings
        } else {
            Self::Unreachable
        }
    }

    /// By the tables of PostgreSQL's manual, appendix A.
    fn of(code: &str) -> Self {
        match code {
            "57P01" | "57P02" | "57P03" => Self::Restarting,
            // An idle session was ended.
            "57P05" => Self::Unreachable,
            "57014" | "55P03" | "25P03" | "25P04" => Self::TimedOut,
            // The second one ends the sessions of a database that is dropped.
            "3D000" | "57P04" => Self::NoDatabase,
            "42P01" | "3F000" => Self::NotMigrated,
            "42501" => Self::Denied,
            // The second one is of functions that a standby does not run.
            "25006" | "55000" => Self::ReadOnly,
            // A trigger's or a rule's own error.
            "P0001" => Self::Refused,
            // A prepared statement that exists already, or does not.
            "42P05" | "26000" => Self::Pooler,
            _ => match code.get(..2) {
                Some("08") => Self::Unreachable,
                Some("28") => Self::Login,
                Some("53") => Self::Exhausted,
                // Data, integrity, WITH CHECK OPTION, limits of a row, and errors inside a trigger.
                Some("22" | "23" | "44" | "54" | "09" | "27" | "38" | "39") => Self::Refused,
                _ => Self::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_by_its_value_is_no_outage() {
        for code in ["22001", "22021", "23502", "23505", "23514", "44000", "54000", "P0001"] {
            assert_eq!(Fault::of(code), Fault::Refused, "{code}");
        }
        for code in ["40001", "40P01", "42P01", "42601", "53100", "57014", "P0002", "08006"] {
            assert_ne!(Fault::of(code), Fault::Refused, "{code}: all of a batch meets it, or it passes");
        }
        assert!(!Fault::Refused.is_outage());
    }

    #[test]
    fn a_session_that_was_ended_is_made_anew_unless_its_database_is_gone() {
        for code in ["57P01", "57P02", "57P05", "25P03", "25P04", "08006"] {
            assert!(Fault::of(code).is_outage(), "{code}");
        }
        assert_eq!(Fault::of("57P04"), Fault::NoDatabase);
    }

    #[test]
    fn what_a_pooler_says_of_wrong_settings_is_no_outage() {
        for message in [
            "password authentication failed",
            "SASL authentication failed",
            "certificate authentication failed",
            "no such user",
            "no such database: nothing",
            "database \"nothing\" does not exist",
            "bouncer config error",
            "transaction blocks not allowed in statement pooling mode",
            "login rejected",
            "SSL required",
            "server login failed: wrong password type",
            "server login has been failing, cached error: role \"nobody\" does not exist (server_login_retry)",
        ] {
            let fault = Fault::of_pooler(message);
            assert!(fault == Fault::PoolerSettings && !fault.is_outage(), "{message}");
        }
        for message in [
            "server login has been failing, try again later (server_login_retry)",
            "server login has been failing, cached error: connect failed (server_login_retry)",
            "the database system is starting up",
            "client_login_timeout (server down)",
            "query_wait_timeout",
            "no more connections allowed (max_client_conn)",
            "client connections exceeded (max_db_client_connections)",
            "server conn crashed?",
            "server shutting down",
            "pooler is shutting down",
            "bouncer resources exhaustion",
            "a message of a newer version",
        ] {
            assert!(Fault::of_pooler(message).is_outage(), "{message}");
        }
        assert_eq!(Fault::of_pooler("unsupported startup parameter: extra_float_digits"), Fault::Pooler);
    }

    #[test]
    fn a_pooler_that_loses_prepared_statements_is_named_in_one_line() {
        for code in ["42P05", "26000"] {
            let error = DatabaseError { fault: Fault::of(code), sqlstate: Some(code.to_owned()) };
            let text = error.to_string();
            assert!(text.contains("max_prepared_statements") && !text.contains('\n'), "{text}");
            assert!(!error.fault().is_outage(), "nobody waits for it to pass");
        }
    }
}
