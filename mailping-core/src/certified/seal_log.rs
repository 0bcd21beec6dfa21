//! How a tracker seals: with which key, how often, and who outside is shown the log.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::issue::{LogKey, Outside};
use super::sealer::Lost;
use crate::Error;

/// How a tracker seals: see [`TrackerBuilder::seal`](crate::TrackerBuilder::seal).
///
/// ```no_run
/// use mailping_core::certified::{LogKey, SealLog};
/// let key: LogKey = std::env::var("LOG_KEY")?.parse()?;
/// let log = SealLog::new(key, "/var/lib/app/last_head");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct SealLog {
    pub(super) key: LogKey,
    pub(super) old_key: Option<LogKey>,
    pub(super) last_head: PathBuf,
    pub(super) lost: Option<Lost>,
    pub(super) every: Duration,
    grace: Duration,
    pub(super) outside: Vec<Arc<dyn Outside>>,
}

const DEFAULT_EVERY: Duration = Duration::from_secs(3_600);
const MIN_EVERY: Duration = Duration::from_secs(1);

impl SealLog {
    /// Seals every hour, and signs with this key. The last signed head is kept in the file
    /// `last_head` too. Keep that file apart from the database and its backups: a log that does not
    /// go on from it, since an older state of the database was brought back, is never signed.
    /// Instances on one database have a file each, and each takes in what another one has signed as
    /// it sees it: one that is off sees nothing, so that what it signs later is held against an
    /// older head.
    pub fn new(key: LogKey, last_head: impl AsRef<Path>) -> Self {
        let last_head = last_head.as_ref().to_owned();
        Self {
            key,
            old_key: None,
            last_head,
            lost: None,
            every: DEFAULT_EVERY,
            grace: Duration::ZERO,
            outside: Vec::new(),
        }
    }

    /// How often a seal is made: every hour without this call, at least a second. The same in all
    /// instances on one database.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = Duration::from_secs(interval.max(MIN_EVERY).as_secs());
        self
    }

    /// How long after `record_until` a ping ends: as long as a seal takes, [`every`](Self::every),
    /// without this call, and never sooner. An open that comes after the end is dropped, so set it
    /// to the longest time for which an edge node, or another instance that has a spool, may be cut
    /// off and still deliver; and keep pings longer than that after `record_until`, or they are
    /// purged before their receipts are final. This process's own spool is waited for in any case.
    /// The same in all instances on one database.
    pub fn grace(mut self, late: Duration) -> Self {
        self.grace = late;
        self
    }

    pub(super) fn late(&self) -> Duration {
        self.grace.max(self.every)
    }

    /// Takes over from this key, of the same origin: the next seal says so, and is signed by it.
    /// From then on it is not needed any more.
    pub fn taking_over_from(mut self, old_key: LogKey) -> Self {
        self.old_key = Some(old_key);
        self
    }

    /// Begins a new log in a database whose newer state is lost for good, so that what was signed
    /// last is not in it any more. `head` is that last signed head, the text of its file; the file
    /// that [`new`](Self::new) was given must be another one, which is not there yet. The new log
    /// is named `<name>/anew/<size>/<root in hexadecimal>`, after the head, which is signed with
    /// the same key: publish its [public key](super::Seals::public_key) too. All that the database
    /// holds of pings is in its first seal. Once it has begun, the same call goes on with it: keep
    /// calling this. See [the guide](crate::guide::certified#after-a-loss).
    ///
    /// # Errors
    /// [`Error::Log`] if the head is not signed with this key. Sealing fails if the log in the
    /// database does go on from the head.
    pub fn after_loss(mut self, head: &str) -> Result<Self, Error> {
        let (key, lost) = Lost::after(&self.key, head).ok_or(Error::Log { problem: NO_HEAD })?;
        (self.key, self.lost, self.old_key) = (key, Some(lost), None);
        Ok(self)
    }

    /// Shows the signed head to an outside party, at most once a day; call this again for more of
    /// them. A stamp is in all receipts from then on, a witness's signature in those alone that are
    /// made before the next seal, whose head is another one. Each party is called on a thread of
    /// its own without an async runtime, and nothing waits for it: see [`Outside`].
    pub fn show_to(mut self, party: impl Outside + 'static) -> Self {
        self.outside.push(Arc::new(party));
        self
    }
}

const NO_HEAD: &str = "expected the last head of the log that is lost, signed with its newest key";

/// Shows the public half of the key.
impl fmt::Debug for SealLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealLog").field("key", &self.key).field("every", &self.every).finish_non_exhaustive()
    }
}
