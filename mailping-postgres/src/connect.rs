//! A store from a URL, for an app that has no pool of sqlx's, or whose database is one of several
//! servers.

use mailping_core::store::StoreError;

use crate::PostgresStore;
use crate::addresses;
use crate::primary::Primary;
use crate::runtime::Runtime;
use crate::servers::Servers;

impl PostgresStore {
    /// A store on connections of its own, from a URL such as
    /// `postgres://user:password@host:5432/database`, in the schema `mailping`: for an app that has
    /// no pool of this sqlx, or whose primary moves. It has ten connections at most. As with
    /// [`PostgresStore::new`] it connects to nothing yet.
    ///
    /// A URL may name several servers, as libpq writes them:
    /// `postgres://user:password@host1:5432,host2:5432/database?target_session_attrs=read-write`,
    /// or `?host=host1,host2&port=5432`. The store asks all of them at once who is the primary, and
    /// stays there. It asks again when a connection breaks or the server turns out to be read-only,
    /// when a call takes long, and every ten seconds: with a pause between two searches that grows
    /// to a second, and one search at a time however many calls wait. If two servers take writes it
    /// uses the one that was promoted last, and it never goes back to one of an older timeline.
    ///
    /// Of other parameters it reads those that sqlx knows, such as `sslmode`, `sslrootcert`,
    /// `application_name` and `options`. Any other is refused, since sqlx would log its value.
    ///
    /// A call under way when the primary is lost fails; the next one waits up to ten seconds for
    /// the new one, or for the store's [timeout](Self::timeout).
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if it is no such URL, if it asks for a server that is not the
    /// primary, or outside of a tokio runtime. The error does not repeat the URL, which holds a
    /// password.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        let addresses = addresses::parse(url)?;
        // A pool cannot be made outside of a runtime.
        Runtime::current()?;
        Self::on(Servers::Primary(Primary::of(addresses)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_is_taken_and_nothing_connects_yet() {
        for url in [
            "postgres://u:secret@db.invalid:5432/app",
            "postgresql://db.invalid/app",
            "postgres://u:secret@db1.invalid:1,db2.invalid:2/app?target_session_attrs=read-write",
        ] {
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
