//! What recipients and senders may ask a tracker for: to stop, to forget, to tell.

use serde::Serialize;

use crate::reading::{PAGE, Step};
use crate::receipt::Receipt;
use crate::recipient::{Recipient, RecipientError};
use crate::store::{Erased, StoreError};
use crate::token::{Label, Token};
use crate::{PingId, RecipientHashes, Tracker};

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
        if let Some(hashes) = self.recipient(address).await? {
            self.0.store.object(&hashes).await?;
        }
        Ok(())
    }

    /// The objection of whoever holds a message's opt-out link: `path` is the path of the request, whose last segment but
    /// `opt-out` is the token. Unknown and forged tokens do nothing, and the answer should not tell. A pixel's token is
    /// none: a logged pixel URL cannot object.
    ///
    /// # Errors
    /// Where the store did not carry it out.
    pub async fn object_by_token(&self, path: &str) -> Result<(), StoreError> {
        let path = path.strip_suffix("/opt-out").unwrap_or(path);
        let token = path.rsplit('/').next().unwrap_or(path);
        match Token::verify(token, Label::OptOut, &self.0.observer.keys) {
            Some(token) => self.0.store.object_by_ping(token.ping).await,
            None => Ok(()),
        }
    }

    /// Deletes all pings of a recipient with all that is kept of them. An objection stays.
    ///
    /// # Errors
    /// [`RecipientRequestError`]: no address, or the store did not carry it out.
    pub async fn erase_recipient(&self, address: &str) -> Result<Erased, RecipientRequestError> {
        match self.recipient(address).await? {
            Some(hashes) => Ok(self.0.store.erase_recipient(&hashes).await?),
            None => Ok(Erased::default()),
        }
    }

    /// All that is kept of a recipient: what, why, on which basis, how long.
    ///
    /// # Errors
    /// [`RecipientRequestError`]: no address, or the store cannot be read.
    pub async fn export_recipient(&self, address: &str) -> Result<RecipientExport, RecipientRequestError> {
        let Some(hashes) = self.recipient(address).await? else { return Ok(RecipientExport::default()) };
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

    async fn recipient(&self, address: &str) -> Result<Option<RecipientHashes>, RecipientRequestError> {
        Ok(self.hashes(&Recipient::parse(address)?).await?)
    }
}

/// All that is kept of a recipient. It serialises to JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
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
