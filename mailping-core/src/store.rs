//! What a database must do for mailping: few methods, each with its guarantee, none with a default.

mod attempt;
mod code_names;
mod database_id;
mod deleted;
mod error;
#[cfg(feature = "lines")]
pub mod line;
mod mark;
mod objection;
mod opens;
mod page;
mod pings;
mod recorded;
mod sealing;
mod spooling;

use std::fmt;

use async_trait::async_trait;

pub use self::attempt::Attempt;
pub use self::code_names::code_names;
pub use self::database_id::DatabaseId;
pub use self::deleted::Deleted;
pub use self::error::StoreError;
pub use self::mark::Mark;
pub use self::objection::ObjectionScope;
pub use self::opens::{OpenCursor, OpenQuery};
pub use self::page::Page;
pub use self::pings::PingQuery;
pub use self::recorded::Recorded;
pub use self::sealing::{
    Anew, EndReason, Ending, Entered, Ledger, NewStatement, PingSecret, PingStatements, SealRow, SealedPing,
    Sealing, StampRow, Step,
};
pub use self::spooling::{Backlog, Spooling};
pub use crate::keyring::KeyFingerprint;
pub use crate::milestone::{Milestone, MilestoneKind, StatusCode};
pub use crate::observe::Observation;
pub use crate::open::{LastDay, Open};
pub use crate::ping::{Ping, Status};
pub use crate::recipient::{RecipientHash, RecipientHashes};
use crate::{PingId, Timestamp};

/// A place to keep pings, opens and objections.
///
/// All methods may be called at once and from several processes on one database. "Durable" means:
/// the change survives `kill -9` and power loss once the method has returned `Ok`. A future that is
/// dropped half-way leaves the change made whole or not at all. A store that needs an async runtime
/// captures its handle when it is made: the tracker calls [`Store::record`] and [`Store::purge`]
/// from a thread of its own, without a runtime.
///
/// A row that cannot be read costs that row alone: lists leave it out and count it, and the log
/// names its ping. A code that this version does not know, since a newer one has written it, is no
/// damage: `from_code` reads it as `unknown`.
///
/// The promises are checked by `mailping_core::testing::store`, to be run on every store.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Keeps each open of a ping that [records](Ping::records) in the open's time step, and raises
    /// the last day of each ping that records in that day. Durable, in one transaction.
    ///
    /// It answers for each open and then for each last day, in order, whether its ping records
    /// ([`Recorded::Durable`], also if it was kept before) or not. A ping that is erased, withdrawn
    /// or objected to while this runs gains nothing: either this comes first and the erasure takes
    /// it away, or it is filtered.
    ///
    /// The same open twice is one: ping id, time and open id are its key. It has to be looked for
    /// only if `attempt` is [`Attempt::Repeat`]; the opens of a first attempt all differ and are
    /// new.
    ///
    /// Called by one thread of each tracker, which it may block.
    async fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Vec<Recorded>, StoreError>;

    /// Keeps a milestone of a ping that [takes](Ping::takes) it, and that has no `last` seal if it
    /// is sealed. Durable, in one transaction.
    /// [`Recorded::Durable`] if it is kept, or if one of its kind was kept before, which stays as
    /// it is; [`Recorded::Filtered`] if its ping does not take it, or there is none. A ping that is
    /// erased or objected to meanwhile is treated as in [`Store::record`]. Milestones come in any
    /// order.
    async fn reach(&self, milestone: &Milestone) -> Result<Recorded, StoreError>;

    /// Keeps a new ping with its recipient. Durable. If the recipient has objected, under any of
    /// the keys, the ping is kept as its [scope](ObjectionScope::status_of_new) says,
    /// [`Status::Untracked`] or [`Status::Closed`]; the status kept is returned. What is
    /// found under an older key is moved to the newest. An objection that comes at the same time
    /// finds the ping or is found by it. A ping whose id is kept already is refused: writing it
    /// again could revive a withdrawn one.
    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError>;

    /// The ping of an id, with its last day and its milestones; [`StoreError::Corrupt`] if its row
    /// cannot be read.
    async fn ping(&self, id: PingId) -> Result<Option<Ping>, StoreError>;

    /// Pings by id from the newest, those older than `after`, at most `limit`.
    async fn pings(&self, query: &PingQuery) -> Result<Page<Ping>, StoreError>;

    /// One page of a ping's opens, by time, then id, in one direction from a cursor. It reads what
    /// it returns and no more. An unknown ping has an empty page.
    async fn opens(&self, query: &OpenQuery) -> Result<Page<Open, OpenCursor>, StoreError>;

    /// The first `limit` opens of each of these pings, the oldest first, in one statement: a page
    /// for each ping, in their order.
    async fn opens_of(
        &self,
        pings: &[PingId],
        limit: usize,
    ) -> Result<Vec<Page<Open, OpenCursor>>, StoreError>;

    /// The mark of now: [`Store::news`] after it are the opens, last days and milestones that are
    /// kept from now on.
    async fn mark(&self) -> Result<Mark, StoreError>;

    /// What was kept since a mark and is still there, at most `limit`. Its `next` is the mark to
    /// ask with next: one if anything was read, also if nothing of that is there any more. Asked
    /// again and again, it hands out each open, each raise of a last day and each milestone once,
    /// in an order of the store's own, and skips none: also not one whose transaction began before
    /// the mark and committed after it. A last day that was raised again meanwhile comes once, as
    /// the latest. Nothing new is an empty list.
    ///
    /// A mark belongs to one database: [`StoreError::UnknownMark`] if it comes from another, or
    /// from a later state than the one that a backup has brought back. Once the restored database
    /// has kept as much again, such a mark passes over some of it: begin with a new one after a
    /// restore.
    async fn news(&self, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>, StoreError>;

    /// Sets a live ping's status to withdrawn. Durable. `false` if there is no such ping; `true`
    /// also if it was withdrawn before.
    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError>;

    /// Deletes a ping with its opens and milestones, beyond recovery from the database's own files
    /// as far as the database can. Durable. `None` if there is no such ping.
    async fn erase(&self, id: PingId) -> Result<Option<Deleted>, StoreError>;

    /// Keeps the objection of a recipient. Durable. One to opens withdraws all of its live pings;
    /// one to everything closes all of its pings that are live, withdrawn or untracked, and is
    /// never narrowed. What is found under an older key is moved to the newest.
    async fn object(&self, recipient: &RecipientHashes, scope: ObjectionScope) -> Result<(), StoreError>;

    /// The objection to opens of whoever a ping was sent to: as [`Store::object`] if the ping has a
    /// recipient, as [`Store::withdraw`] if it has none, nothing if there is no such ping. Durable.
    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError>;

    /// Deletes all pings of a recipient with all that is kept of them, as [`Store::erase`].
    /// Durable. The objection stays.
    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Deleted, StoreError>;

    /// How far the recipient has objected, the widest under any of its keys; `None` if not at all.
    async fn objection(&self, recipient: &RecipientHashes) -> Result<Option<ObjectionScope>, StoreError>;

    /// A recipient's pings, under any of its keys, from the newest, those older than `after`, at
    /// most `limit`.
    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<Ping>, StoreError>;

    /// The keys that recipient hashes and [secrets of sealed pings](PingSecret) are kept under,
    /// each once, so that none of them is dropped or exchanged unnoticed.
    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError>;

    /// Deletes at most `limit` rows of pings and opens whose ping's `keep_until` is not after
    /// `now`; the few milestones of a ping go with it, and are not counted. Durable. It returns how
    /// many: fewer than `limit` means that nothing is left but what it had to pass over because it
    /// is damaged.
    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Deleted, StoreError>;

    /// Which database it is: drawn when its tables are made, and the same forever.
    async fn identity(&self) -> Result<DatabaseId, StoreError>;

    /// What keeps opens on this machine's disk while the database behind it is away; `None` for a
    /// database itself. It always says the same, and waits for nothing.
    fn spool(&self) -> Option<&dyn Spooling>;

    /// What keeps what is sealed, so that receipts can be certified; `None` if this store cannot.
    /// It always says the same, and waits for nothing.
    fn sealing(&self) -> Option<&dyn Sealing>;

    /// On how many machines' disks a change is when it is answered, at the least: 1 for a database
    /// on one machine, 0 if it is in memory alone. It always says the same, and waits for nothing.
    fn copies(&self) -> usize;

    /// Leaves the database as whoever opens it next should find it, when its tracker is
    /// [closed](crate::intake::Intake::close): nothing, unless there is a log to be emptied. The
    /// store can be used afterwards. One around another store hands it on.
    async fn close(&self) {}
}

/// The recipient hash that a store writes, and all that it matches.
impl RecipientHashes {
    /// All hashes, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &RecipientHash> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}
