//! What a database must do for mailping: few methods, each with its guarantee, none with a default.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::keyring::KeyFingerprint;
use crate::text::{ParseError, decimal, text};
use crate::{LastDay, Open, OpenId, Ping, PingId, RecipientHash, RecipientHashes, Status, Timestamp};

/// A place to keep pings, opens and objections.
///
/// All methods may be called at once and from several processes on one database. "Durable" means: the change survives
/// `kill -9` and power loss once the method has returned `Ok`. A future that is dropped half-way leaves the change made whole or not at all.
/// A store that needs an async runtime captures its handle when it is made: the tracker calls [`Store::record`] and
/// [`Store::purge`] from a thread of its own, without a runtime.
///
/// The promises are checked by `mailping_core::testing::store`, to be run on every store.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Keeps each open of a ping that [records](Ping::records) in the open's time step, and raises the last day of each ping that
    /// records in that day. Durable, in one transaction.
    ///
    /// It answers for each open of `opens`, in order, whether its ping records ([`Written::Kept`], also for an open that was
    /// kept before: the same ping id and open id are one open) or not. A ping that is erased, withdrawn or objected to
    /// while this runs gains nothing: either this is seen first and the erasure takes it away, or it is filtered.
    ///
    /// Called by one thread of each tracker, which it may block; also by those that serve requests where the store
    /// [never waits](Store::may_wait).
    async fn record(&self, opens: &[Open], last_days: &[LastDay]) -> Result<Vec<Written>, StoreError>;

    /// Keeps a new ping with its recipient. Durable. Where the recipient has objected, under any of the keys, the ping is
    /// kept as [`Status::Untracked`]; the status kept is returned. What is found under an older key is moved to the newest.
    /// An objection that comes at the same time finds the ping or is found by it. A ping whose id is kept already is refused:
    /// writing it again could revive a withdrawn one.
    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError>;

    /// The ping of an id, with its last day.
    async fn ping(&self, id: PingId) -> Result<Option<KeptPing>, StoreError>;

    /// Pings by id from the newest, those older than `after`, at most `limit`.
    async fn pings(&self, query: &PingQuery) -> Result<Vec<KeptPing>, StoreError>;

    /// The opens of a ping by time, then id, those after `after`, at most `limit`.
    async fn opens(
        &self,
        ping: PingId,
        after: Option<OpenCursor>,
        limit: usize,
    ) -> Result<Vec<Open>, StoreError>;

    /// Sets a live ping's status to withdrawn. Durable. `false` where there is no such ping; `true` also where it was
    /// withdrawn before.
    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError>;

    /// Deletes a ping with its opens, beyond recovery from the database's own files as far as the database can.
    /// Durable. `None` where there is no such ping.
    async fn erase(&self, id: PingId) -> Result<Option<Erased>, StoreError>;

    /// Keeps the objection of a recipient and withdraws all of its live pings. Durable. What is found under an older key is
    /// moved to the newest.
    async fn object(&self, recipient: &RecipientHashes) -> Result<(), StoreError>;

    /// The objection of whoever a ping was sent to: as [`Store::object`] where the ping has a recipient, as
    /// [`Store::withdraw`] where it has none, nothing where there is no such ping. Durable.
    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError>;

    /// Deletes all pings of a recipient with their opens, as [`Store::erase`]. Durable. The objection stays.
    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Erased, StoreError>;

    /// Whether the recipient has objected.
    async fn has_objected(&self, recipient: &RecipientHashes) -> Result<bool, StoreError>;

    /// The ids of a recipient's pings, under any of its keys, from the newest, those older than `after`, at most `limit`.
    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Vec<KeptPing>, StoreError>;

    /// The keys that recipient hashes are kept under, each once, so that none of them is dropped or exchanged unnoticed.
    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError>;

    /// Deletes at most `limit` rows of pings and opens whose ping's `keep_until` is not after `now`. Durable. It returns
    /// how many: fewer than `limit` means that nothing is left.
    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Erased, StoreError>;

    /// Whether [`Store::record`] can wait: for a disk, a network, or a lock that is held while another call waits. It always
    /// says the same. Where `false`, the thread that serves a request writes its open itself, since handing it to another one
    /// would cost more than the write.
    fn may_wait(&self) -> bool;

    /// What the store has answered for on disk and has still to hand over to the database behind it: [`Backlog::default`] where there is
    /// nothing behind it. It must not wait for anything.
    fn backlog(&self) -> Backlog;
}

/// What became of one open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an open is kept or it is not")]
pub enum Written {
    /// It is on disk, now or since an earlier call.
    Kept,
    /// Its ping records no opens.
    Filtered,
}

/// What waits on disk in front of a database: kept, and not yet to be found by a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Backlog {
    /// How many opens and last days wait.
    pub waiting: u64,
    /// For how long there has been something that waits, since the store was made at the most.
    pub oldest: Option<Duration>,
}

impl Backlog {
    /// So many that wait, the oldest for so long.
    #[must_use]
    pub const fn new(waiting: u64, oldest: Option<Duration>) -> Self {
        Self { waiting, oldest }
    }
}

/// A ping as kept, with its last day.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptPing {
    /// The ping.
    pub ping: Ping,
    /// At the detail `last_day`: the day of the latest fetch that a person caused.
    pub last_day: Option<Timestamp>,
}

impl KeptPing {
    /// A ping and its last day.
    #[must_use]
    pub const fn new(ping: Ping, last_day: Option<Timestamp>) -> Self {
        Self { ping, last_day }
    }
}

/// Which pings to list.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PingQuery {
    /// Only those of this owner.
    pub owner: Option<String>,
    /// Only those of this reference.
    pub reference: Option<String>,
    /// Only those older than this one, the last of the page before.
    pub after: Option<PingId>,
    /// At most so many.
    pub limit: usize,
}

impl PingQuery {
    /// The newest `limit` pings.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Only those of this owner.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Only those of this reference.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Only those older than this one, the last of the page before.
    #[must_use]
    pub fn after(mut self, id: PingId) -> Self {
        self.after = Some(id);
        self
    }
}

/// Shows neither owner nor reference.
impl fmt::Debug for PingQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PingQuery")
            .field("after", &self.after)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// A place in a ping's opens: after the open of this time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct OpenCursor {
    /// The time of the last open of the page before.
    pub at: Timestamp,
    /// Its id.
    pub id: OpenId,
}

impl OpenCursor {
    /// The place after the open of this time and id.
    #[must_use]
    pub const fn new(at: Timestamp, id: OpenId) -> Self {
        Self { at, id }
    }
}

impl fmt::Display for OpenCursor {
    /// The time in milliseconds and the id in hex, joined by a dash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.unix_millis(), self.id)
    }
}

const OPEN_CURSOR: &str = "the `next` of the page before";

impl std::str::FromStr for OpenCursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = ParseError::new(OPEN_CURSOR);
        let (at, id) = text.split_once('-').ok_or(refused)?;
        let at = decimal(at).and_then(|at| i64::try_from(at).ok()).ok_or(refused)?;
        Ok(Self::new(Timestamp::from_unix_millis(at), id.parse().map_err(|_| refused)?))
    }
}

text!(OpenCursor, expected: OPEN_CURSOR, pattern: "^[0-9]{1,15}-[0-9a-f]{16}$");

/// How much was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Erased {
    /// Pings.
    pub pings: u64,
    /// Opens.
    pub opens: u64,
}

impl Erased {
    /// So many pings and opens.
    #[must_use]
    pub const fn new(pings: u64, opens: u64) -> Self {
        Self { pings, opens }
    }
}

/// Why a store could not do it. It never holds an address, an agent or a recipient.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database did not answer, or refused: worth trying again.
    #[error("the store did not carry it out")]
    Unavailable {
        /// The database's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database is not one that this version can use: no retry helps.
    #[error("the store cannot be used: {reason}")]
    Incompatible {
        /// What was found, and what to do.
        reason: String,
    },
    /// A row holds what no version of mailping has written.
    #[error("the store holds a broken row: {what}")]
    Corrupt {
        /// Which column, never its value.
        what: &'static str,
    },
}

impl StoreError {
    /// A database's own error.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}

/// The recipient hash that a store writes, and all that it matches.
impl RecipientHashes {
    /// All hashes, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &RecipientHash> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}
