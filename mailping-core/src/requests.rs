//! What recipients and senders may ask a tracker for: to stop, to forget, to tell.

use serde::Serialize;

use crate::reading::{PAGE, Step};
use crate::receipt::Receipt;
use crate::recipient::{Recipient, RecipientError};
use crate::store::{Erased, StoreError};
use crate::token::Label;
use crate::{PingId, RecipientHashes, Tracker, links};

/// What recipients and senders may ask for.
impl Tracker {
    /// Ends recording for a ping, also from mail already sent; what is kept stays. `false` where there is no such ping.
    ///
    /// # Errors
    /// Where the store did not carry it out.
    pub async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        self.0.store.withdraw(id).await
    }

    /// Deletes a ping with all that is kept of it. `None` where there is no such ping. Hits on its pixel leave nothing from then on.
    ///
    /// # Errors
    /// Where the store did not carry it out.
    pub async fn erase(&self, id: PingId) -> Result<Option<Erased>, StoreError> {
        self.0.store.erase(id).await
    }

    /// Keeps the objection of a recipient: none of their pings gains opens from now on, and new ones are untracked.
    /// It survives erasure.
    ///
    /// # Errors
    /// [`RecipientRequestError`]: no address, or the store did not carry it out.
    pub async fn object(&self, address: &str) -> Result<(), RecipientRequestError> {
        Ok(self.0.store.object(&self.recipient(address).await?).await?)
    }

    /// Keeps the objection of whoever holds a message's opt-out link. `path` is the path of the
    /// request as it came, however the link was spelled on its way. The
    /// answer is the same whether there is such a ping or not. A pixel's token is none: a logged
    /// pixel URL cannot object.
    ///
    /// # Errors
    /// If the store did not carry it out.
    pub async fn object_by_link(&self, path: &str) -> Result<Objection, StoreError> {
        let Some(token) = links::token(path, Label::OptOut, &self.0.observer.keys) else {
            return Ok(Objection::DamagedLink);
        };
        self.0.store.object_by_ping(token.ping).await?;
        Ok(Objection::Kept)
    }

    /// Whether a path holds the token of an opt-out link of ours. It says nothing about any ping
    /// and reads nothing.
    pub(crate) fn is_opt_out_link(&self, path: &str) -> bool {
        links::token(path, Label::OptOut, &self.0.observer.keys).is_some()
    }

    /// Deletes all pings of a recipient with all that is kept of them. An objection stays.
    ///
    /// # Errors
    /// [`RecipientRequestError`]: no address, or the store did not carry it out.
    pub async fn erase_recipient(&self, address: &str) -> Result<Erased, RecipientRequestError> {
        Ok(self.0.store.erase_recipient(&self.recipient(address).await?).await?)
    }

    /// All that is kept of a recipient: what, why, on which basis, how long.
    ///
    /// # Errors
    /// [`RecipientRequestError`]: no address, or the store cannot be read.
    pub async fn export_recipient(&self, address: &str) -> Result<RecipientExport, RecipientRequestError> {
        let hashes = self.recipient(address).await?;
        let mut export = RecipientExport {
            objected: self.0.store.has_objected(&hashes).await?,
            ..RecipientExport::default()
        };
        let mut after = None;
        loop {
            let page = self.0.store.pings_of(&hashes, after, PAGE).await?;
            export.unreadable += page.unreadable;
            let mut opens = Vec::new();
            let each = |step: Step<'_>| match step {
                Step::Open(open) => opens.push(open.clone()),
                Step::End(summary) => {
                    let opens = std::mem::take(&mut opens);
                    export.pings.push(Receipt { summary: *summary, opens, next: None });
                }
            };
            self.sum_up_each(page.pings, each).await?;
            after = page.next;
            if after.is_none() {
                return Ok(export);
            }
        }
    }

    async fn recipient(&self, address: &str) -> Result<RecipientHashes, RecipientRequestError> {
        Ok(self.hashes(&Recipient::parse(address)?).await?)
    }
}

/// What became of the objection of whoever holds an opt-out link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use = "an objection that was not kept must not be confirmed"]
pub enum Objection {
    /// It is kept, durably; if the ping was erased before, there is nobody left whom it could be
    /// kept for, and nothing to record.
    Kept,
    /// Nothing was changed: the link's token is incomplete, changed or not ours. Say so to whoever
    /// sent it.
    DamagedLink,
}

/// All that is kept of a recipient. It serialises to JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RecipientExport {
    /// Whether the recipient's objection is kept.
    pub objected: bool,
    /// The receipts of their pings with all opens, from the newest.
    pub pings: Vec<Receipt>,
    /// Pings of theirs whose rows are damaged and cannot be exported.
    pub unreadable: u64,
}

/// Why what was asked for a recipient was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientRequestError {
    /// The address is none.
    #[error(transparent)]
    Recipient(#[from] RecipientError),
    /// The store did not carry it out.
    #[error(transparent)]
    Store(#[from] StoreError),
}
