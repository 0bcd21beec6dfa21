//! A ping: one tracked message to one recipient, as a store keeps it.

use std::fmt;

use serde::Serialize;

use crate::milestone::{Milestone, MilestoneKind};
use crate::named::named;
use crate::{Basis, Detail, EprivacyGround, MessageKind, PingId, Purpose, TimeStep, Timestamp};

named! {
    /// Whether a ping gains opens.
    pub enum Status ("a status", else Unknown) {
        /// It does.
        Live = 0, "live";
        /// No more: it was withdrawn, or its recipient objected.
        Withdrawn = 1, "withdrawn";
        /// No more: its `record_until` has passed. It follows from the time, and is stored only if
        /// that end was sealed.
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

    /// Whether a milestone is kept of it: not once its recipient has objected to everything. A
    /// confirmation needs a ping that asks for one, and a time step that ends no later than
    /// `record_until`. A withdrawn or untracked ping takes one: it is the recipient's own act.
    #[must_use]
    pub fn takes(&self, milestone: &Milestone) -> bool {
        let is_open = matches!(self.status, Status::Live | Status::Withdrawn | Status::Untracked);
        let in_time =
            self.record_until.unix_millis() - milestone.at.unix_millis() >= milestone.time_step.millis();
        is_open && (milestone.kind != MilestoneKind::Confirmed || self.asked_by.is_some() && in_time)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_confirmation_needs_a_ping_that_asks_and_a_step_in_time() {
        let mut ping =
            Ping::stored(PingId::from_bytes([7; 16]), "x".to_owned(), Basis::Contract, Status::Live);
        ping.record_until = time("2026-11-23T12:00:00Z");
        let mut confirmed =
            Milestone::new(ping.id, MilestoneKind::Confirmed, time("2026-11-23T11:59:59.999Z"));
        assert!(!ping.takes(&confirmed), "nobody asked");
        ping.asked_by = Some("Bob".to_owned());
        assert!(ping.takes(&confirmed));
        confirmed.at = ping.record_until;
        assert!(!ping.takes(&confirmed), "too late");
        let bounce = Milestone { kind: MilestoneKind::Failed, ..confirmed };
        assert!(ping.takes(&bounce), "a server's word is not bound to that time");
        (confirmed.at, confirmed.time_step) = (time("2026-11-23T11:00:00Z"), TimeStep::Hour);
        assert!(ping.takes(&confirmed));
        (confirmed.at, confirmed.time_step) = (time("2026-11-23T00:00:00Z"), TimeStep::Day);
        assert!(!ping.takes(&confirmed), "the day ends after the end");
        confirmed.time_step = TimeStep::Exact;
        for (status, takes) in [
            (Status::Withdrawn, true),
            (Status::Untracked, true),
            (Status::Closed, false),
            (Status::Unknown, false),
            (Status::Expired, false),
        ] {
            ping.status = status;
            assert_eq!((ping.takes(&confirmed), ping.takes(&bounce)), (takes, takes), "{status}");
        }
    }
}
