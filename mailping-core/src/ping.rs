//! A ping: one tracked message to one recipient, as a store keeps it.

use std::fmt;

use serde::Serialize;

use crate::delivery::Milestone;
use crate::named::named;
use crate::{Basis, Detail, EprivacyGround, MessageKind, PingId, Purpose, TimeStep, Timestamp};

named! {
    /// Whether a ping gains opens.
    pub enum Status ("a status", else Unknown) {
        /// It does.
        Live = 0, "live";
        /// No more: it was withdrawn, or its recipient objected.
        Withdrawn = 1, "withdrawn";
        /// No more: its `record_until` has passed. Never stored; it follows from the time.
        Expired = 2, "expired";
        /// It never did: the recipient had objected, or nothing may be kept.
        Untracked = 3, "untracked";
        /// Nothing is kept of it any more: its recipient has objected to everything.
        Closed = 4, "closed";
        /// It does not: a newer version has given it a status that this one does not know.
        Unknown = 255, "unknown";
    }
}

/// One tracked message, as it is kept. The recipient is not in it: a store keeps the recipient's
/// keyed hash beside it.
///
/// A store makes one with [`Ping::stored`] and the fields. Its `Debug` shows neither reference nor
/// owner: they are kept, but never logged.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Ping {
    /// Its id.
    pub id: PingId,
    /// The app's name for the message.
    pub reference: String,
    /// The app's sender or tenant key.
    pub owner: Option<String>,
    /// One message for one person, or one of many.
    pub purpose: Purpose,
    /// The stated legal basis.
    pub basis: Basis,
    /// The stated ePrivacy ground.
    pub eprivacy: Option<EprivacyGround>,
    /// The kind of message.
    pub kind: Option<MessageKind>,
    /// How much of an open is kept at most.
    pub detail: Detail,
    /// How exactly times are kept at most.
    pub time_step: TimeStep,
    /// When the message is sent.
    pub sent_at: Timestamp,
    /// Opens from this time on are not recorded.
    pub record_until: Timestamp,
    /// From this time on the ping and its opens are purged.
    pub keep_until: Timestamp,
    /// Whether it gains opens.
    pub status: Status,
    /// Who asks the recipient to confirm receipt, in words for the page that asks; nobody asks if
    /// there are none.
    pub asked_by: Option<String>,
    /// Whether that page shows the reference.
    pub shows_reference: bool,
    /// At the detail `last_day`: the day of the latest fetch that a person caused. A receipt shows
    /// it as its last open.
    #[serde(skip)]
    pub last_day: Option<Timestamp>,
    /// What is known of its way to the recipient, each kind once, in any order. A receipt shows
    /// them.
    #[serde(skip)]
    pub milestones: Vec<Milestone>,
}

impl Ping {
    /// A ping for a store to fill in: the id, reference, basis and status as kept, everything else
    /// at its default.
    #[must_use]
    pub fn stored(id: PingId, reference: String, basis: Basis, status: Status) -> Self {
        let sent_at = id.sent_at();
        Self {
            id,
            reference,
            owner: None,
            purpose: Purpose::default(),
            basis,
            eprivacy: None,
            kind: None,
            detail: Detail::None,
            time_step: TimeStep::Day,
            sent_at,
            record_until: sent_at,
            keep_until: sent_at,
            status,
            asked_by: None,
            shows_reference: false,
            last_day: None,
            milestones: Vec::new(),
        }
    }

    /// Whether an open in the time step that starts at `at` is recorded: the status is live, and
    /// the step ends no later than `record_until`. So a step that grew after the ping was made
    /// records nothing past that end.
    #[must_use]
    pub fn records(&self, at: Timestamp, step: TimeStep) -> bool {
        self.status == Status::Live && self.record_until.unix_millis() - at.unix_millis() >= step.millis()
    }

    /// The status at a time: a live ping whose `record_until` has come is expired.
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        if self.status == Status::Live && now >= self.record_until {
            self.status = Status::Expired;
        }
        self
    }
}

impl fmt::Debug for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ping").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}
