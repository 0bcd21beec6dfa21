//! The door of whoever cares for the log: its key, its head, and what has become final.

use super::note::PublicKey;
use super::sealer::SealingThread;
use crate::store::Page;
use crate::{Error, PingId, Tracker};

/// The log of what is sealed: see [`Tracker::seals`].
#[derive(Debug, Clone, Copy)]
pub struct Seals<'a>(&'a SealingThread);

impl Tracker {
    /// The log of what is sealed; `None` for a tracker that was built without
    /// [`seal`](crate::TrackerBuilder::seal).
    #[must_use]
    pub fn seals(&self) -> Option<Seals<'_>> {
        self.0.sealing.as_ref().map(Seals)
    }
}

impl<'a> Seals<'a> {
    /// The log's public key, whose name is its origin. Publish it where the readers of receipts
    /// find it without you; the routes have it too, at `/log-key` below the base URL.
    #[must_use]
    pub fn public_key(self) -> &'a PublicKey {
        self.0.sealer.public_key()
    }

    /// Seals what is to be sealed now. The thread of the [intake](Tracker::intake) does it by
    /// itself; call it in a program that has none. Once a day it waits for outside parties too, for
    /// at most 30 seconds: what they answer later is taken in by the next call.
    ///
    /// # Errors
    /// [`Error::is_unavailable`] if the store did not answer: call it again. [`Error::Log`] if the
    /// log must not be continued as it is; [`Error::File`] if the file of its last head cannot be
    /// read or written.
    pub async fn seal(self) -> Result<(), Error> {
        self.0.sealer.work_and_wait().await
    }

    /// The signed head of the log, for whoever wants to keep one; `None` before the first seal.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn head(self) -> Result<Option<String>, Error> {
        self.0.sealer.head().await
    }

    /// How many seals the signed head has.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn count(self) -> Result<u64, Error> {
        self.0.sealer.count().await
    }

    /// The pings whose receipts became final with the seal of this number, by id, those after
    /// `after`, at most 1,000: keep their [certified
    /// receipts](crate::receipts::Receipts::certified) if you need them, before `keep_until`
    /// deletes what they are made of.
    ///
    /// Ask for each seal below [`count`](Self::count) once:
    ///
    /// ```
    /// # use mailping_core::{Error, Tracker};
    /// # async fn keep(tracker: &Tracker, kept: &mut u64) -> Result<(), Error> {
    /// # let Some(seals) = tracker.seals() else { return Ok(()) };
    /// while *kept < seals.count().await? {
    ///     let mut after = None;
    ///     loop {
    ///         let page = seals.finals(*kept, after).await?;
    ///         for ping in page.items {
    ///             let receipt = tracker.receipts().certified(ping).await?;
    ///             // Keep it.
    /// #           let _ = receipt;
    ///         }
    ///         after = page.next;
    ///         if after.is_none() { break }
    ///     }
    ///     *kept += 1;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn finals(self, seal: u64, after: Option<PingId>) -> Result<Page<PingId>, Error> {
        Ok(self.0.sealer.store()?.ended_in(seal, after, crate::receipts::MAX_PAGE).await?)
    }

    /// Why nothing is sealed at the moment; `None` if all is well. The log says so too.
    #[must_use]
    pub fn failure(self) -> Option<String> {
        self.0.failure()
    }
}
