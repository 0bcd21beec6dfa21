//! Edge nodes: programs near the readers that answer pixels, keep what may be kept of each hit on
//! their own disk, and send it to the centre, which has the database.
//!
//! Here is what both ends speak; the guide of `mailping-edge`, which has the edge's end, shows how
//! to run them. The centre is any app whose tracker
//! [accepts edges](crate::TrackerBuilder::accept_edges).
//!
//! # What is sent
//! One `POST` to `…/edges` below the centre's base URL, of at most [`Batch::MAX_BYTES`]: a line
//! that says who sends it, for which database, how much it is, its SHA-256 and a MAC over all of
//! that, then an open or a last day a [line](crate::store::line). No address, agent or recipient
//! has a place in it.
//!
//! ```text
//! mailping-batch 1 fra 0 1795428120250 a1b2c3d4e5f60718 1 341 <SHA-256> <MAC>
//! 5f1c… open {"ping":"…","id":"…","at":1795428120000,…}
//! ```
//!
//! The MAC is HMAC-SHA256 under a key that the edge has to itself, derived from the keyring; the
//! first line names the key, so that keys rotate as they do for tokens. The answer, one line, has a
//! letter for each record: `k` that it is kept, now or before, `f` that its ping does not record,
//! so that the edge drops it, `r` that the centre refuses it alone. It is signed too, and belongs
//! to one batch: nothing else makes an edge drop anything.
//!
//! # What is taken
//! The centre believes an edge's judgement and nothing that it can look up itself. The ping must
//! record, at the open's own time: an erased, withdrawn, objected or expired one gains nothing. No
//! more is kept than the ping's row and the centre's ceiling and mask permit, and no place of a
//! fetcher that has none. An open from before its message was sent is uncertain and has no place,
//! as here. A time is refused if it is more than ten minutes ahead, or before the ping can have
//! been made: a message is planned a year ahead at most. While an edge's own clock is that far
//! ahead, nothing of it is taken, and its opens wait there.
//!
//! A batch that comes again changes nothing, since an open is known by its ping, time and id; so
//! there is no window in which it must arrive, and an edge that was cut off for a week still
//! delivers. If the centre seals, what comes after a ping's end was sealed is filtered: the guide
//! of `mailping-edge` says how to wait for it.

mod answer;
mod batch;
mod head;
mod taking;

pub use self::answer::{Answer, Outcome};
pub use self::batch::Batch;
pub use self::taking::EdgeBatch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::detail::Precision;
use crate::keyring::EdgeName;
use crate::store::Store;
use crate::{PingId, StoreError};

/// Of so many pings it is remembered what may be kept, some 3 MB of memory.
const MAX_PINGS: usize = 65_536;

/// The edges that a centre accepts, and what it remembers of their pings.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    accepted: Vec<EdgeName>,
    /// What a ping permits never changes.
    precisions: Mutex<HashMap<PingId, Precision>>,
    has_told_stranger: AtomicBool,
}

impl Edges {
    pub(crate) fn new(accepted: Vec<EdgeName>) -> Self {
        Self { accepted, ..Self::default() }
    }

    /// Whether any is accepted: without one there is no route for them.
    pub(crate) const fn is_open(&self) -> bool {
        !self.accepted.is_empty()
    }

    fn accepts(&self, name: &EdgeName) -> bool {
        self.accepted.contains(name)
    }

    /// How much of an open of a ping may be kept; `None` if there is no such ping.
    async fn precision(&self, ping: PingId, store: &dyn Store) -> Result<Option<Precision>, StoreError> {
        let precisions = || self.precisions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = precisions().get(&ping) {
            return Ok(Some(*known));
        }
        let Some(row) = store.ping(ping).await? else { return Ok(None) };
        let precision = Precision { detail: row.detail, step: row.time_step };
        let mut precisions = precisions();
        if precisions.len() >= MAX_PINGS {
            precisions.clear();
        }
        precisions.insert(ping, precision);
        Ok(Some(precision))
    }

    /// Says once that somebody is not let in: whoever is outside could fill a log.
    fn note_stranger(&self) {
        if !self.has_told_stranger.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a batch was refused: it is not from an edge that is accepted, or not signed with keys of this keyring"
            );
        }
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
