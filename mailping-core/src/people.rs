//! The door of the data subject: objections, erasure and export. Nothing is confirmed here that was
//! not done.

pub use crate::store::Deleted;

use serde::Serialize;

use crate::receipt::Receipt;
use crate::receipts::{MAX_PAGE, Step};
use crate::recipient::Recipient;
use crate::store::ObjectionScope;
use crate::text::ParseError;
use crate::token::Label;
use crate::tracker::{Inner, Tracker};
use crate::{Error, PingId, RecipientHashes, links};

/// Does what a recipient may ask for: see [`Tracker::people`](crate::Tracker::people).
///
/// An address is brought to one form: lower case, NFKC, the domain in its ASCII form. What people
/// paste around it is taken off: blanks, quotes, brackets, a name, a comment, `mailto:` and what
/// follows a `?`, punctuation, invisible characters. A local part is unquoted if it can be. So an
/// objection by `Ada <mailto:ADA@example.com>` finds the pings to `ada@example.com`. A text of more
/// than 2,000 bytes, of more than one address, or of anything that might be another one, is
/// refused; so is `#ada@example.com`, which may have a piece of the text around it: write
/// `"#ada"@example.com` if it is one.
///
/// No provider's own rules are known: `ada+news@`, `a.da@` and `ada@`, and `gmail.com` and
/// `googlemail.com`, are different recipients.
#[derive(Debug, Clone, Copy)]
pub struct People<'a>(&'a Inner);

impl Tracker {
    /// For the data subject: objections, erasure and export.
    #[must_use]
    pub fn people(&self) -> People<'_> {
        People(&self.0)
    }
}

impl People<'_> {
    /// Deletes a ping and everything kept for it. From then on, hits on its pixel leave nothing.
    /// `None` if there is no such ping.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn erase(self, id: PingId) -> Result<Option<Deleted>, Error> {
        Ok(self.0.store.erase(id).await?)
    }

    /// Keeps the objection of a recipient to being tracked: none of their pings gains opens from
    /// now on, and new ones are untracked. It survives erasure. What the recipient confirms by a
    /// deliberate act is still kept: see [`object_to_everything`](Self::object_to_everything).
    ///
    /// # Errors
    /// [`Error::is_invalid`] if it is no address; [`Error::is_unavailable`] if the store did not
    /// carry it out.
    pub async fn object(self, address: &str) -> Result<(), Error> {
        self.0.store.object(&self.recipient(address).await?, ObjectionScope::Opens).await?;
        self.0.note_end();
        Ok(())
    }

    /// Keeps the objection of a recipient to everything: no opens, no confirmation of receipt and
    /// nothing of what mail servers tell is kept of their pings from now on, old and new. It
    /// survives erasure. What was kept before stays until it is purged or
    /// [erased](Self::erase_recipient).
    ///
    /// # Errors
    /// [`Error::is_invalid`] if it is no address; [`Error::is_unavailable`] if the store did not
    /// carry it out.
    pub async fn object_to_everything(self, address: &str) -> Result<(), Error> {
        self.0.store.object(&self.recipient(address).await?, ObjectionScope::Everything).await?;
        self.0.note_end();
        Ok(())
    }

    /// Keeps the objection of whoever holds a message's opt-out link. `link` is the link, or the
    /// path of the request for it as it came, however mail programs have spelled it. The answer is
    /// the same whether there is such a ping or not: if it was erased before, nobody is left to
    /// keep an objection for, and nothing is recorded either. A pixel's token does not count:
    /// nobody can object with a pixel URL from a log.
    ///
    /// # Errors
    /// [`Error::is_invalid`] if the link's token is incomplete, changed or not ours: nothing was
    /// kept, so say so to whoever sent it. [`Error::is_unavailable`] if the store did not carry it
    /// out.
    pub async fn object_by_link(self, link: &str) -> Result<(), Error> {
        self.0.observer.keys.whole()?;
        let token = links::token(link, Label::OptOut, &self.0.observer.keys);
        let token = token.ok_or(ParseError::new(OPT_OUT_LINK).in_field("link"))?;
        self.0.store.object_by_ping(token.ping).await?;
        self.0.note_end();
        Ok(())
    }

    /// Whether a path holds the token of an opt-out link of ours. It says nothing about any ping
    /// and reads nothing.
    pub(crate) fn is_opt_out_link(self, path: &str) -> bool {
        links::token(path, Label::OptOut, &self.0.observer.keys).is_some()
    }

    /// Whether a recipient's objection is kept, however far it goes.
    ///
    /// # Errors
    /// [`Error::is_invalid`] if it is no address; [`Error::is_unavailable`] if the store cannot
    /// be read.
    pub async fn has_objected(self, address: &str) -> Result<bool, Error> {
        Ok(self.0.store.objection(&self.recipient(address).await?).await?.is_some())
    }

    /// Deletes all pings of a recipient and everything kept for them. An objection stays.
    ///
    /// # Errors
    /// [`Error::is_invalid`] if it is no address; [`Error::is_unavailable`] if the store did not
    /// carry it out.
    pub async fn erase_recipient(self, address: &str) -> Result<Deleted, Error> {
        Ok(self.0.store.erase_recipient(&self.recipient(address).await?).await?)
    }

    /// All that is kept of a recipient: what, why, on which basis, how long.
    ///
    /// # Errors
    /// [`Error::is_invalid`] if it is no address; [`Error::is_unavailable`] if the store cannot
    /// be read.
    pub async fn export(self, address: &str) -> Result<RecipientExport, Error> {
        let hashes = self.recipient(address).await?;
        let objection = self.0.store.objection(&hashes).await?;
        let mut export = RecipientExport {
            objected: objection.is_some(),
            objected_to_everything: objection == Some(ObjectionScope::Everything),
            ..RecipientExport::default()
        };
        let mut after = None;
        loop {
            let page = self.0.store.pings_of(&hashes, after, MAX_PAGE).await?;
            export.unreadable += page.unreadable;
            let mut opens = Vec::new();
            let each = |step: Step<'_>| match step {
                Step::Open(open) => opens.push(open.clone()),
                Step::End(summary) => {
                    let opens = std::mem::take(&mut opens);
                    export.pings.push(Receipt { summary: *summary, opens, next: None });
                }
            };
            self.0.sum_up_each(page.items, each).await?;
            after = page.next;
            if after.is_none() {
                return Ok(export);
            }
        }
    }

    async fn recipient(self, address: &str) -> Result<RecipientHashes, Error> {
        self.0.hashes(&Recipient::parse(address)?).await
    }
}

const OPT_OUT_LINK: &str = "a whole opt-out link of this service";

/// All that is kept of a recipient. It serialises to JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RecipientExport {
    /// Whether the recipient's objection is kept.
    pub objected: bool,
    /// Whether it is one to everything, confirmations and delivery reports too.
    pub objected_to_everything: bool,
    /// The receipts of their pings with all opens, from the newest.
    pub pings: Vec<Receipt>,
    /// Pings of theirs whose rows are damaged and cannot be exported.
    pub unreadable: u64,
}
