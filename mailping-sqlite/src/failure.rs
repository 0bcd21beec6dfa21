//! From SQLite's errors to those of the store trait.

use mailping_core::store::StoreError;
use rusqlite::ErrorCode;

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

    pub(crate) const fn is_corrupt(&self) -> bool {
        matches!(self.0, StoreError::Corrupt { .. })
    }
}

/// Whether a page or a value is damaged, so that others may be read all the same.
pub(crate) fn is_corrupt(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
        || matches!(
            error,
            Error::InvalidColumnType(..)
                | Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
        )
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
impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        if is_corrupt(&error) {
            return Self::corrupt("the database file is damaged");
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                Self::incompatible("the file is not an SQLite database: give the store a file of its own")
            }
            Some(ErrorCode::ReadOnly) => Self::incompatible(
                "the database is read-only: the file and its folder must be writable by this process",
            ),
            // A check, a key or somebody's trigger: other rows are taken.
            Some(ErrorCode::ConstraintViolation) => Self(StoreError::Refused { source: error.into() }),
            _ => Self(StoreError::unavailable(error)),
        }
    }
}
