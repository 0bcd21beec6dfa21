//! What a database keeps so that receipts can be certified: secrets of pings, statements, seals.
//!
//! It is a ledger and understands nothing of it: texts and hashes are the core's, which makes them
//! without the database and puts them down in small steps. Two sealers on one database make one
//! log, since each step says which version of the ledger it goes on from.

use std::fmt;

use async_trait::async_trait;

use super::{KeyFingerprint, Page, StoreError};
use crate::{Ping, PingId, RecipientHashes, Status, Timestamp};

/// The part of a [`Store`](super::Store) that sealing needs: see
/// [`Store::sealing`](super::Store::sealing).
///
/// Erasing a ping, erasing its recipient and purging it delete its [`PingSecret`] and all of its
/// statements too, in the same transaction and as thoroughly as the rest. Leaves and seals stay:
/// without the secret they are noise.
#[async_trait]
pub trait Sealing: fmt::Debug + Send + Sync {
    /// As [`Store::insert_ping`](super::Store::insert_ping), and in the same transaction keeps the
    /// ping's secret, and `created` as its first statement, under the name `created`, in the seal
    /// that is filled then: [`Ledger::next`]. Keeps nothing and answers [`Entered::Closed`] if
    /// `created.ends` is not after [`Ledger::closed_to`]. A [step](Self::step) that comes at the
    /// same time finds all of it, or is found by it.
    async fn insert_sealed(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
        secret: &PingSecret,
        created: &NewStatement,
    ) -> Result<Entered, StoreError>;

    /// Where sealing stands. At first the version, the next seal and the time are 0 and the text
    /// is empty.
    async fn ledger(&self) -> Result<Ledger, StoreError>;

    /// Goes on from the version `from` of the ledger to `from + 1`, in one durable transaction;
    /// [`Step`] says with what. `false` and no change at all if the ledger has another version, or
    /// if `next` rises while a seal below it holds a statement that ends after `closed_to`.
    async fn step(&self, from: u64, step: &Step) -> Result<bool, StoreError>;

    /// What is known of each of these pings, in their order; `None` for one that is gone, or was
    /// made without sealing. [`Corrupt`](StoreError::Corrupt) if one of them cannot be read: then
    /// each is asked for by itself.
    async fn sealed(&self, pings: &[PingId]) -> Result<Vec<Option<SealedPing>>, StoreError>;

    /// Pings that have no `last` seal and shall get one, at most `limit`: those whose
    /// `record_until` is not after `until`, and whatever the time those that were closed, or were
    /// withdrawn and have no `asked_by`. A withdrawn ping that has one can still be confirmed.
    async fn ending(&self, until: Timestamp, limit: usize) -> Result<Vec<Ending>, StoreError>;

    /// When the last of the statements of a seal ends; `None` without any. It is asked before the
    /// news is read and the seal closed: a store whose [`news`](super::Store::news) waits for open
    /// transactions answers with the end of time, as long as that may hold back what was kept of a
    /// ping whose `last` seal this is.
    async fn latest(&self, seal: u64) -> Result<Option<Timestamp>, StoreError>;

    /// The statements of a seal by ping, from the lowest id after `after`: whole pings, until there
    /// are `limit` statements or more.
    async fn statements_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingStatements>, StoreError>;

    /// The pings that have statements in a seal, by id, those after `after`, at most `limit`: asked
    /// if [`statements_in`](Self::statements_in) says [`Corrupt`](StoreError::Corrupt), so read
    /// nothing but the ids. The statements of each are read by themselves then.
    async fn pings_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError>;

    /// The lowest `first` of all pings that are kept; `None` without any.
    async fn oldest(&self) -> Result<Option<u64>, StoreError>;

    /// The line of a ping's statement of this name; `None` if there is none.
    async fn statement(&self, ping: PingId, name: &str) -> Result<Option<String>, StoreError>;

    /// All statements of a ping with the number of their seal, in any order.
    async fn statements_of(&self, ping: PingId) -> Result<Vec<(u64, String)>, StoreError>;

    /// The pings whose `last` seal is this one, by id, those after `after`, at most `limit`.
    async fn ended_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError>;

    /// The seals that are kept, by number, from `from` on, at most `limit`.
    async fn seals(&self, from: u64, limit: usize) -> Result<Vec<SealRow>, StoreError>;

    /// The leaves of a part of a seal; `None` if they are not kept.
    async fn leaves(&self, seal: u64, part: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// The stamps, by the size of their heads, and those of one size as they were kept.
    async fn stamps(&self) -> Result<Vec<StampRow>, StoreError>;
}

/// What makes the entries of a ping in the log readable. Whoever deletes it makes them noise.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes one of its row")]
pub struct PingSecret {
    /// 32 random bytes.
    pub nonce: [u8; 32],
    /// The key of the keyring that goes with them.
    pub key: KeyFingerprint,
}

/// Shows nothing.
impl fmt::Debug for PingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PingSecret([redacted])")
    }
}

/// What became of a ping that shall be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it was kept or it was not")]
pub enum Entered {
    /// It is kept, with this status.
    Kept(Status),
    /// The seals up to this time are closed: try again with a statement that ends after it.
    Closed(Timestamp),
}

/// Where sealing stands: one row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Ledger {
    /// It rises by one with each step.
    pub version: u64,
    /// The number of the seal that is being filled.
    pub next: u64,
    /// Until when all seals below it are closed.
    pub closed_to: Timestamp,
    /// What the core keeps beside that: text, nothing of any ping.
    pub text: String,
}

impl Ledger {
    /// As it is kept.
    #[must_use]
    pub const fn new(version: u64, next: u64, closed_to: Timestamp, text: String) -> Self {
        Self { version, next, closed_to, text }
    }
}

/// One step of the ledger: what it is from now on, and what comes with that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Step {
    /// The ledger's [`next`](Ledger::next) from now on: as before or higher.
    pub next: u64,
    /// The ledger's [`closed_to`](Ledger::closed_to) from now on.
    pub closed_to: Timestamp,
    /// The ledger's [`text`](Ledger::text) from now on.
    pub text: String,
    /// A new log begins: done first.
    pub anew: Option<Anew>,
    /// New statements. One of a ping without a secret is left out; one whose name its ping has
    /// already changes nothing, unless it is named `last_day`: then the line and `ends` are taken.
    pub statements: Vec<NewStatement>,
    /// Pings that have ended, with their `last` seal. From now on they gain nothing, milestones
    /// included. One that is live is [`Expired`](Status::Expired), a withdrawn or untracked one
    /// keeps its status. One that is gone, or has a `last` seal, stays as it is.
    pub ended: Vec<(PingId, u64)>,
    /// A finished seal.
    pub seal: Option<SealRow>,
    /// The leaves of its parts, from part 0 on.
    pub leaves: Vec<Vec<u8>>,
    /// Stamps of a signed head, kept beside those that are there.
    pub stamps: Vec<StampRow>,
    /// Seals with their leaves below this number are deleted, and stamps of so few seals or fewer.
    pub cut: u64,
}

/// A new log begins with all that is kept: seals, leaves and stamps are deleted. All statements are
/// in seal 0, `first` is 0, and so is each `last` that there is, but what ends after `until` is in
/// the seal `later`, and with it the statement `ended` and the `last` seal of its ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the contract is these fields")]
pub struct Anew {
    /// Until when statements have ended that come first.
    pub until: Timestamp,
    /// The seal of the others.
    pub later: u64,
}

/// One statement about a ping, to be sealed.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the contract is these fields")]
pub struct NewStatement {
    /// The ping.
    pub ping: PingId,
    /// Which one it is of its ping: ASCII, at most 32 bytes.
    pub name: String,
    /// The seal that it shall be in.
    pub seal: u64,
    /// When the step of its time ends: its seal must not end before.
    pub ends: Timestamp,
    /// The line, as it is printed.
    pub line: String,
}

/// Shows no text of the app.
impl fmt::Debug for NewStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewStatement")
            .field("ping", &self.ping)
            .field("seal", &self.seal)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// What a store knows of a ping that is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the contract is these fields")]
pub struct SealedPing {
    /// Its secret.
    pub secret: PingSecret,
    /// The seal of its first statement.
    pub first: u64,
    /// The seal of its last one, once it has ended.
    pub last: Option<u64>,
}

/// The statements of a ping in one seal.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the contract is these fields")]
pub struct PingStatements {
    /// The ping.
    pub ping: PingId,
    /// Its secret.
    pub secret: PingSecret,
    /// The lines, in any order.
    pub lines: Vec<String>,
}

/// Shows no text of the app.
impl fmt::Debug for PingStatements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PingStatements").field("ping", &self.ping).finish_non_exhaustive()
    }
}

/// Why recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "they stand in sealed statements")]
pub enum EndReason {
    /// Its time had come.
    RecordUntil,
    /// The sender withdrew the message.
    Withdrawn,
    /// The recipient objected.
    Objection,
}

impl EndReason {
    /// Why a ping with this status ends; `has_objected` if an objection of its recipient is kept.
    #[must_use]
    pub const fn of(status: Status, has_objected: bool) -> Self {
        match status {
            Status::Withdrawn if !has_objected => Self::Withdrawn,
            Status::Withdrawn | Status::Closed => Self::Objection,
            _ => Self::RecordUntil,
        }
    }
}

/// A ping that shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the contract is these fields")]
pub struct Ending {
    /// The ping.
    pub ping: PingId,
    /// Why.
    pub reason: EndReason,
}

/// A seal without its leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the contract is these fields")]
pub struct SealRow {
    /// Its number.
    pub number: u64,
    /// The log's entry: a few lines of text.
    pub entry: String,
    /// The hashes of the parts of its map, one behind the other.
    pub parts: Vec<u8>,
}

/// A signed head of the log that an authority has stamped: one for each stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the contract is these fields")]
pub struct StampRow {
    /// How many seals it has.
    pub size: u64,
    /// The signed head.
    pub note: String,
    /// The token over it.
    pub token: Vec<u8>,
}
