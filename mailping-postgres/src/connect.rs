//! A store from a URL, for an app that has no pool of sqlx's.

use mailping_core::store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgPool};

use crate::PostgresStore;
use crate::runtime::Runtime;

impl PostgresStore {
    /// A store on a pool of its own, from a URL such as
    /// `postgres://user:password@host:5432/database`, in the schema `mailping`: for an app that has
    /// no pool of this sqlx. The pool has ten connections at most. As with [`PostgresStore::new`]
    /// it connects to nothing yet.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if it is no such URL, or outside of a tokio runtime. The error
    /// does not repeat the URL, which holds a password.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let options = scheme.filter(|scheme| matches!(*scheme, "postgres" | "postgresql"));
        let options: Option<PgConnectOptions> = options.and_then(|_| url.parse().ok());
        let options = options.ok_or_else(|| StoreError::Incompatible {
            reason: "the database must be a URL such as postgres://user:password@host:5432/database"
                .to_owned(),
        })?;
        // A pool cannot be made outside of a runtime.
        Runtime::current()?;
        Self::new(PgPool::connect_lazy_with(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_is_taken_and_nothing_connects_yet() {
        for url in ["postgres://u:secret@db.invalid:5432/app", "postgresql://db.invalid/app"] {
            let store = PostgresStore::connect(url).unwrap();
            assert!(!format!("{store:?}").contains("secret"));
        }
    }

    #[tokio::test]
    async fn what_is_no_url_is_refused_without_being_repeated() {
        for url in
            ["", "secret", "mysql://u:secret@h/db", "postgres://u:secret@h:port/db", "postgres://[secret"]
        {
            let error = PostgresStore::connect(url).unwrap_err();
            assert!(matches!(error, StoreError::Incompatible { .. }), "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn outside_of_a_runtime_it_is_refused() {
        let error = PostgresStore::connect("postgres://h/db").unwrap_err();
        assert!(matches!(error, StoreError::Incompatible { .. }));
    }
}
