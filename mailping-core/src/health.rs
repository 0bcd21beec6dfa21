//! How a tracker is doing, in numbers without anything personal.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::store::Backlog;

/// What a tracker knows of itself since it was built. Counters never go down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Health {
    /// Opens that wait to be written.
    pub queue_depth: usize,
    /// The most that may wait; beyond it opens are dropped.
    pub queue_capacity: usize,
    /// For how long the oldest of them has waited, in seconds in JSON.
    #[serde(rename = "oldest_waiting_s", serialize_with = "seconds")]
    #[cfg_attr(feature = "utoipa", schema(value_type = Option<f64>))]
    pub oldest_waiting: Option<Duration>,
    /// What a spool in front of the database holds: receipts do not show it yet. `None` without a
    /// spool.
    pub spool: Option<Backlog>,
    /// On how many machines' disks an open is when its hit counts as durable; 0 if it is in memory
    /// alone. What is spooled is on one, this machine's.
    pub copies: usize,
    /// How sealing is doing; `None` for a tracker that does not seal.
    pub sealing: Option<SealingHealth>,
    /// Whether the store refused the last batch. It is tried again until it takes it.
    pub store_failing: bool,
    /// Hits whose open was in the database, on disk, before they were answered; what edges hand
    /// over counts as hits do.
    pub durable: u64,
    /// Hits whose open was on this machine's disk, in front of a database that was away, before
    /// they were answered.
    pub spooled: u64,
    /// Hits that the store filtered: their ping was erased, withdrawn or expired, or its recipient
    /// objected.
    pub filtered: u64,
    /// Hits that were answered at the deadline, before their open was on disk.
    pub late: u64,
    /// Hits of which nothing is kept, by reason.
    pub dropped: Dropped,
    /// Hits whose peer has no address: the server does not say who connects, or the client hung up
    /// before it was accepted (actix). See [`ClientIp`](crate::ClientIp).
    pub no_peer_address: u64,
    /// Hits on links of ours below another path than the routes are mounted at, as far as the app
    /// tells: see [`Mount::stray`](crate::mount::Mount::stray). Pictures in mail already sent are
    /// broken then.
    pub stray_links: u64,
    /// Look-ups of a place that failed: the geo database is damaged.
    pub geo_errors: u64,
    /// Hits with a forwarding header, such as `X-Forwarded-For`, that was not read since the
    /// settings do not trust the peer that sent it: behind a reverse proxy, every open seems to
    /// come from the proxy then.
    pub forwarding_ignored: u64,
    /// Pings that the automatic purge deleted.
    pub purged_pings: u64,
    /// Opens that the automatic purge deleted.
    pub purged_opens: u64,
    /// Rows that are due, and that the automatic purge cannot delete because they are damaged. It
    /// may go down again.
    pub purge_passed_over: u64,
}

/// How a tracker that seals is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct SealingHealth {
    /// Whether nothing is sealed at the moment. The log says why.
    pub failing: bool,
    /// Pings of which something cannot be read, since the store is damaged there: they are left
    /// out, have no certified receipt, and are named in the log. At most 10,000 are counted.
    pub passed_over: usize,
    /// How long an outside party that was shown the log's head has not answered, in seconds in
    /// JSON; of several the longest. `None` if all have.
    #[serde(rename = "outside_unanswered_s", serialize_with = "seconds")]
    #[cfg_attr(feature = "utoipa", schema(value_type = Option<f64>))]
    pub outside_unanswered: Option<Duration>,
}

/// Hits of which nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Dropped {
    /// The token was forged, broken or of a key that is gone.
    pub bad_token: u64,
    /// The ping's detail or the tracker's ceiling keeps nothing of it.
    pub detail: u64,
    /// The reader's browser asked for it (`Sec-GPC`, `DNT`).
    pub signal: u64,
    /// The ping had its opens of this hour already, or those of this verdict's share.
    pub hit_limit: u64,
    /// The queue was full: these opens are lost. Not what an edge has and sends again.
    pub queue_full: u64,
    /// The database is damaged where they belong, or refuses them while it takes others: these
    /// opens are lost, or set aside at the edge that sent them.
    pub damaged: u64,
    /// The tracker was closed: these opens are lost.
    pub closed: u64,
    /// The operating system gave no random bytes: these opens are lost.
    pub no_random: u64,
    /// The operating system gave no thread to write with: these opens are lost.
    pub no_thread: u64,
}

pub(crate) fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_some(&duration.as_secs_f64()),
        None => serializer.serialize_none(),
    }
}
