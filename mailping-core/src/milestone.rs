//! A milestone: one thing that became known of a message on its way, once of each kind.

mod status_code;

pub use self::status_code::StatusCode;

use serde::{Serialize, Serializer};

use crate::fetcher::{EvidenceSet, Verdict};
use crate::named::named;
use crate::{PingId, StepTime, TimeStep, Timestamp};

named! {
    /// What became known of a message on its way. Of the kinds that a mail server tells, a later
    /// one says more than those before it, in whatever order they came: a late `delayed` takes
    /// nothing from `failed` or `delivered`.
    pub enum MilestoneKind ("a milestone", else Unknown) {
        /// Nothing, or what only a newer version knows.
        Unknown = 0, "unknown";
        /// The recipient's mail server asked to try again later.
        Deferred = 10, "deferred";
        /// The recipient's mail server refused it for good.
        Refused = 20, "refused";
        /// The recipient's mail server took it.
        Accepted = 30, "accepted";
        /// A mail server reports that it still tries.
        Delayed = 40, "delayed";
        /// A mail server reports that it gave up.
        Failed = 50, "failed";
        /// A mail server reports that it is in the mailbox.
        Delivered = 60, "delivered";
        /// Whoever had the message pressed the button that confirms its receipt.
        Confirmed = 100, "confirmed";
    }
}

/// What is kept of a milestone of a ping. Of each kind there is one, the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Milestone {
    /// The ping.
    pub ping: PingId,
    /// What became known.
    pub kind: MilestoneKind,
    /// When it was told here: the start of its time step.
    pub at: Timestamp,
    /// How exactly the time is kept. What a mail server tells is kept exactly, as the sent time is;
    /// a confirmation as an open would be.
    pub time_step: TimeStep,
    /// The reply code of a server that took, deferred or refused the message.
    pub reply_code: Option<u16>,
    /// The enhanced status code, if the server gave one.
    pub status_code: Option<StatusCode>,
    /// Of a confirmation: whether a person caused it, as far as the request shows.
    pub verdict: Option<Verdict>,
    /// The reasons for the verdict.
    pub evidence: EvidenceSet,
    /// The version of the rules that judged it; 0 without a verdict.
    pub rules_version: u16,
}

impl Milestone {
    /// A milestone of which nothing but its kind and exact time is known yet.
    #[must_use]
    pub const fn new(ping: PingId, kind: MilestoneKind, at: Timestamp) -> Self {
        Self {
            ping,
            kind,
            at,
            time_step: TimeStep::Exact,
            reply_code: None,
            status_code: None,
            verdict: None,
            evidence: EvidenceSet::EMPTY,
            rules_version: 0,
        }
    }

    /// When, in the time step that it is kept in: what to show to people.
    #[must_use]
    pub fn time(&self) -> StepTime {
        StepTime::new(self.at, self.time_step)
    }
}

/// A milestone as it is shown: without its ping, which stands around it, and with its time in its
/// step.
#[derive(Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema), schema(as = Milestone))]
struct Shown {
    /// What became known.
    kind: MilestoneKind,
    /// When, in the time step that it is kept in.
    at: StepTime,
    /// The reply code of the recipient's mail server.
    reply_code: Option<u16>,
    /// The enhanced status code, if the server gave one.
    status_code: Option<StatusCode>,
    /// Of a confirmation: whether a person caused it.
    verdict: Option<Verdict>,
    /// The reasons of the verdict.
    evidence: EvidenceSet,
}

/// As an object without the ping, `at` in its [step](StepTime).
impl Serialize for Milestone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = Shown {
            kind: self.kind,
            at: self.time(),
            reply_code: self.reply_code,
            status_code: self.status_code,
            verdict: self.verdict,
            evidence: self.evidence,
        };
        shown.serialize(serializer)
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::PartialSchema for Milestone {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        Shown::schema()
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::ToSchema for Milestone {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        Shown::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They stand in stored rows: never change one.
    #[test]
    fn codes_are_fixed_and_what_a_newer_version_adds_is_unknown() {
        let codes: Vec<u8> = MilestoneKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes, [0, 10, 20, 30, 40, 50, 60, 100]);
        assert!(MilestoneKind::ALL.is_sorted(), "a later one says more");
        assert_eq!([15, 55, 101, 255].map(MilestoneKind::from_code), [MilestoneKind::Unknown; 4]);
    }
}
