//! The one handle that an app holds, with a door for each kind of caller.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::acceptances::Acceptances;
use crate::key_check::KeyCheck;
use crate::limiter::HitLimiter;
use crate::notification::Rules;
use crate::observe::Observer;
use crate::opt_out::Languages;
use crate::queue::Queue;
use crate::recipient::Recipient;
use crate::refusals::Refusals;
use crate::sequences::Sequences;
use crate::store::Store;
use crate::{Error, RecipientHashes, Timestamp};

/// The handle that an app holds. Cheap to clone: all clones are one tracker.
///
/// Each kind of caller has a door: the server that answers pixels the [intake](Self::intake),
/// whoever sends the [pings](Self::pings), whoever reads the [receipts](Self::receipts), and the
/// recipients' rights the [people](Self::people). A program uses the doors that it needs: one that
/// only sends or only reads starts no thread.
#[derive(Clone)]
pub struct Tracker(pub(crate) Arc<Inner>);

/// What all doors share.
pub(crate) struct Inner {
    pub(crate) observer: Observer,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) base_url: String,
    pub(crate) limiter: Arc<HitLimiter>,
    pub(crate) sequences: Sequences,
    pub(crate) acceptances: Acceptances,
    pub(crate) repeat_window: Duration,
    pub(crate) notification_rules: Rules,
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) key_check: Arc<KeyCheck>,
    pub(crate) refusals: Refusals,
    pub(crate) languages: Languages,
    #[cfg(feature = "edges")]
    pub(crate) edges: crate::edge::Edges,
    #[cfg(feature = "certified")]
    pub(crate) sealing: Option<crate::certified::SealingThread>,
}

impl Tracker {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Inner {
    /// The path of the base URL, without a slash at its end.
    pub(crate) fn base_path(&self) -> &str {
        let (_, rest) = self.base_url.split_once("://").unwrap_or_default();
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }

    /// Has an end sealed at once, if anything is sealed.
    pub(crate) fn note_end(&self) {
        #[cfg(feature = "certified")]
        if let Some(sealing) = &self.sealing {
            sealing.nudge();
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)().into()
    }

    /// No hash is made with keys that have not been looked at: with wrong ones objections would be
    /// forgotten.
    pub(crate) async fn hashes(&self, recipient: &Recipient) -> Result<RecipientHashes, Error> {
        self.observer.keys.whole()?;
        self.key_check.pass(&*self.store).await?;
        Ok(RecipientHashes::of(recipient, &self.observer.keys))
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("base_url", &self.base_url)
            .field("observer", &self.observer)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
