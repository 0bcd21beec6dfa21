//! How a tracker seals: with which key, how often, and who outside is shown the log.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::issue::{LogKey, Outside};

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

    /// Shows the signed head to an outside party, at most once a day; call this again for more of
    /// them. A stamp is in all receipts from then on, a witness's signature in those alone that are
    /// made before the next seal, whose head is another one. Parties are called on a thread without
    /// an async runtime, and without a time-out: see [`Outside`].
    pub fn show_to(mut self, party: impl Outside + 'static) -> Self {
        self.outside.push(Arc::new(party));
        self
    }
}

/// Shows the public half of the key.
impl fmt::Debug for SealLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealLog").field("key", &self.key).field("every", &self.every).finish_non_exhaustive()
    }
}
