//! From SQLite's errors to those of the store trait.

use mailping_core::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// A [`StoreError`] that `?` makes of an error of rusqlite. It exists inside this crate only.
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

    /// Whether a page or a value is damaged, so that others may be read all the same.
    pub(crate) const fn is_corrupt(&self) -> bool {
        matches!(self.0, StoreError::Corrupt { .. })
    }
}

/// What was read; `None`, and counted, if it is damaged.
pub(crate) fn readable<T>(
    read: std::result::Result<T, impl Into<Failure>>,
    unreadable: &mut u64,
) -> Result<Option<T>> {
    match read.map_err(Into::into) {
        Err(failure) if failure.is_corrupt() => {
            *unreadable += 1;
            Ok(None)
        }
        read => read.map(Some),
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

/// The message of an SQLite error names tables and files; values are always bound, so that none can
/// stand in it.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match (error.sqlite_error_code(), &error) {
            (Some(ErrorCode::DatabaseCorrupt), _)
            | (_, Error::InvalidColumnType(..) | Error::FromSqlConversionFailure(..))
            | (_, Error::IntegralValueOutOfRange(..) | Error::Utf8Error(..)) => {
                Self::corrupt("the database file is damaged")
            }
            // A statement of ours that SQLite does not understand.
            (Some(ErrorCode::Unknown), _) | (_, Error::SqlInputError { .. }) => Self::corrupt("the schema"),
            (Some(ErrorCode::NotADatabase), _) => {
                Self::incompatible("the file is not an SQLite database: give the store a file of its own")
            }
            (Some(ErrorCode::ReadOnly), _) => Self::incompatible(
                "the database is read-only: the file and its folder must be writable by this process",
            ),
            // A check, a key or somebody's trigger: other rows are taken.
            (Some(ErrorCode::ConstraintViolation), _) => Self(StoreError::Refused { source: error.into() }),
            _ => Self(StoreError::unavailable(error)),
        }
    }
}
