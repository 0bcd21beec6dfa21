//! A request by somebody who may see something.

use http::StatusCode;
use mailping_core::receipts::PingQuery;
use mailping_core::store::StoreError;
use mailping_core::{Error, PingId, Tracker};

use crate::access::{Grant, Scope};
use crate::answer::Answer;
use crate::page::Page;
use crate::request::Call;

pub(crate) struct Visit<'a> {
    pub(crate) page: &'a Page,
    pub(crate) call: &'a Call<'a>,
    pub(crate) grant: &'a Grant,
    pub(crate) scope: Scope,
}

impl Visit<'_> {
    pub(crate) fn tracker(&self) -> &Tracker {
        &self.page.tracker
    }

    /// Whether the reader may see and change a ping; not one that there is not, if they may see
    /// only some.
    pub(crate) async fn holds(&self, id: PingId) -> Result<bool, Error> {
        if self.scope == Scope::All {
            return Ok(true);
        }
        let ping = self.tracker().pings().get(id).await?;
        Ok(ping.is_some_and(|ping| self.scope.holds(ping.ping().owner.as_deref())))
    }

    /// The newest pings that the reader may see.
    pub(crate) fn newest(&self, limit: usize) -> PingQuery {
        let mut query = PingQuery::newest(limit);
        query.owner = self.scope.owner().map(str::to_owned);
        query
    }

    /// Refuses who may not see everything: what concerns recipients or the tracker concerns all
    /// owners.
    pub(crate) fn needs_all(&self) -> Result<(), Answer> {
        if self.scope == Scope::All { Ok(()) } else { Err(Answer::forbidden()) }
    }

    #[cfg(feature = "prometheus")]
    pub(crate) fn metrics(&self) -> Result<Answer, Answer> {
        self.needs_all()?;
        if !self.call.reads() {
            return Err(Answer::not_allowed("GET, HEAD"));
        }
        Ok(crate::metrics::answer(&self.tracker().intake().health()))
    }
}

/// What the store did not do, to a program.
pub(crate) fn failed(error: &Error) -> Answer {
    tracing::error!(?error, "the store failed");
    let message = match error {
        Error::Store(StoreError::Corrupt { .. }) => {
            "the database is damaged and did not carry it out: see the log"
        }
        _ => "the store did not carry it out; try again",
    };
    Answer::error(StatusCode::SERVICE_UNAVAILABLE, "store", None, message)
}
