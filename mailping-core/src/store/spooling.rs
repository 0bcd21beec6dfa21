//! What stands in front of a database and keeps opens on this machine's disk while that is away.

use std::time::Duration;

use serde::Serialize;

use super::StoreError;

/// A spool in front of a database, as the tracker sees it: [`Store::spool`](super::Store::spool).
pub trait Spooling: Send + Sync {
    /// What waits. It must not wait for anything itself.
    fn backlog(&self) -> Backlog;

    /// Whether the database is away, as far as is known: then nothing but opens is brought to it,
    /// so that no hit waits for it.
    fn is_away(&self) -> bool;

    /// Hands one batch over to the database, takes off what that has, and says whether more waits.
    /// It does nothing if nothing waits and the database is known to be there. The tracker calls it
    /// again and again, from a thread of its own that it may block; after an error, which means
    /// that the database is away, with a growing pause.
    fn hand_over(&self) -> Result<bool, StoreError>;
}

/// What waits on disk in front of a database, not yet to be found by a receipt, and what could not
/// be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Backlog {
    /// How many opens and last days wait.
    pub waiting: u64,
    /// How long the oldest of them has waited, but for those in files that the disk refuses for a
    /// while, which are `unreadable`; in seconds in JSON.
    #[serde(rename = "oldest_s", serialize_with = "crate::health::seconds")]
    #[cfg_attr(feature = "utoipa", schema(value_type = Option<f64>))]
    pub oldest: Option<Duration>,
    /// Places that cannot be read: what stood there is lost, unless it is a whole file that the
    /// disk refuses for a while.
    pub unreadable: u64,
    /// Records of a newer version, which wait for it.
    pub newer: u64,
    /// Records that were set aside: the database refused them alone and they wait for a person, or
    /// they are for another database and wait for it.
    pub set_aside: u64,
    /// Records that were handed over since this process began and that the database filtered: their
    /// pings had ended, or a restored backup does not know them.
    pub filtered: u64,
}

impl Backlog {
    /// So many that wait, the oldest for so long.
    #[must_use]
    pub const fn new(waiting: u64, oldest: Option<Duration>) -> Self {
        Self { waiting, oldest, unreadable: 0, newer: 0, set_aside: 0, filtered: 0 }
    }
}
