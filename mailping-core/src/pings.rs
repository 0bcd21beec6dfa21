//! The door of whoever sends: it makes pings, ends them, and takes pixels out of HTML. It writes no
//! opens and starts no thread.

pub use crate::basis::{EprivacyGround, MessageKind, Purpose};
pub use crate::ping::{Ping, Status};
pub use crate::smtp_reply::SmtpReply;
pub use crate::time::TimeStep;

use crate::new_ping::NewPing;
use crate::tracker::{Inner, Tracker};
use crate::{Detail, Error, PingId, PreparedPing};

/// Makes and ends pings: see [`Tracker::pings`](crate::Tracker::pings).
#[derive(Debug, Clone, Copy)]
pub struct Pings<'a>(&'a Inner);

impl Tracker {
    /// For whoever sends: makes pings, ends them, takes pixels out of HTML.
    #[must_use]
    pub fn pings(&self) -> Pings<'_> {
        Pings(&self.0)
    }
}

impl<'a> Pings<'a> {
    /// The routes' address as seen from outside, with which every pixel's URL begins.
    #[must_use]
    pub fn base_url(self) -> &'a str {
        &self.0.base_url
    }

    /// The most that is kept of any open, whatever a ping says.
    #[must_use]
    pub const fn ceiling(self) -> Detail {
        self.0.observer.ceiling.detail
    }

    pub(crate) const fn inner(self) -> &'a Inner {
        self.0
    }

    /// Makes a ping for one message to one recipient: durable once this returns.
    ///
    /// If the recipient has objected, or nothing may be kept, the ping is untracked; if it was sent
    /// so long ago that its time is over, it is expired. Either has no pixel, and sending goes on
    /// without one.
    ///
    /// # Errors
    /// [`Error::is_invalid`] if a field is wrong, which [`Error::field`] names;
    /// [`Error::is_unavailable`] if the store did not keep it.
    pub async fn create(self, new: NewPing) -> Result<PreparedPing, Error> {
        let inner = self.0;
        inner.observer.keys.whole()?;
        #[cfg(feature = "certified")]
        let digests = new.digests.clone();
        let now = inner.now();
        let (mut ping, recipient) = new.prepare(now, inner.observer.ceiling)?;
        let hashes = match &recipient {
            Some(recipient) => Some(inner.hashes(recipient).await?),
            None => None,
        };
        #[cfg(feature = "certified")]
        if let Some(sealing) = &inner.sealing {
            sealing.start_if_owed();
            let recipient = recipient.as_ref().zip(hashes.as_ref());
            let (status, header) = sealing.sealer.create(&ping, recipient, &digests, inner.now()).await?;
            ping.status = status;
            return Ok(
                PreparedPing::new(ping.at(now), &inner.base_url, &inner.observer.keys).sealed(Some(header))
            );
        }
        ping.status = inner.store.insert_ping(&ping, hashes.as_ref()).await?;
        Ok(PreparedPing::new(ping.at(now), &inner.base_url, &inner.observer.keys))
    }

    /// A ping with its pixel, as it was when it was made, or without one if it gains no opens any
    /// more. `None` if there is no such ping.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn get(self, id: PingId) -> Result<Option<PreparedPing>, Error> {
        let inner = self.0;
        inner.observer.keys.whole()?;
        let Some(ping) = inner.store.ping(id).await? else { return Ok(None) };
        let prepared = PreparedPing::new(ping.at(inner.now()), &inner.base_url, &inner.observer.keys);
        #[cfg(feature = "certified")]
        if let Some(sealing) = &inner.sealing {
            let header = sealing.sealer.header(id).await?;
            return Ok(Some(prepared.sealed(header)));
        }
        Ok(Some(prepared))
    }

    /// Ends recording for a ping, also from mail already sent; what is kept stays. `false` if there
    /// is no such ping.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn withdraw(self, id: PingId) -> Result<bool, Error> {
        let found = self.0.store.withdraw(id).await?;
        self.0.note_end();
        Ok(found)
    }

    /// The HTML without the pixels of this service, by its base URL: for replies and forwards,
    /// which quote them. Everything else stays as it is, byte for byte.
    ///
    /// They are found in any spelling of the base URL and of the token, also within the address of
    /// an image proxy or a link checker (Gmail, Yahoo, Yandex, SafeLinks, urldefense and others),
    /// and wherever a program fetches from: in any attribute, in styles, in Outlook's conditional
    /// comments and VML, in `<noscript>`. Links and visible text are left alone. An element that
    /// does more than show an image, such as a table with a background, loses the attribute only.
    #[cfg(feature = "html")]
    #[must_use]
    pub fn strip(self, html: &str) -> String {
        crate::html::without(html, &self.0.base_url)
    }
}
