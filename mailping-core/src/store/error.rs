//! Why a store could not do it.

use std::fmt;

use crate::error::with_sources;

/// Why a store could not do it. It never holds an address, an agent or a recipient.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database did not answer, or refused: worth trying again.
    #[error("the store could not do this")]
    Unavailable {
        /// The database's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database takes others and refuses this: a constraint, a trigger or a limit of it forbids
    /// a value. No retry helps. A batch that fails so is halved until what is refused stands alone.
    #[error("the database refused this")]
    Refused {
        /// The database's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database is not one that this version can use: no retry helps.
    #[error("the store cannot be used: {reason}")]
    Incompatible {
        /// What was found, and what to do.
        reason: String,
    },
    /// A mark of another database, or of a state of this one that is not there any more: begin anew
    /// with [`Store::mark`](super::Store::mark).
    #[error("the mark is not from this database: start from a new one")]
    UnknownMark,
    /// A row holds what no version of mailping has written.
    #[error("the store holds a broken row: {what}")]
    Corrupt {
        /// Which column, never its value.
        what: &'static str,
    },
}

impl StoreError {
    /// A database's own error.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }

    /// What went wrong and all that caused it, in one line for a log. An error that repeats its
    /// source is not repeated.
    #[must_use]
    pub fn with_sources(&self) -> String {
        with_sources(self)
    }
}

/// As a `main` that returns it prints it.
impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_sources(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the line: {0}")]
    struct Line(#[source] std::io::Error);

    #[test]
    fn every_source_is_named_once() {
        let refused = std::io::Error::other("refused");
        let error = StoreError::unavailable(std::io::Error::other(Line(refused)));
        assert_eq!(error.with_sources(), "the store could not do this: the line: refused");
    }
}
