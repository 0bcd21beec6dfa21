//! What an app asks for: one tracked message to one recipient, checked before it becomes a ping.

mod invalid;
mod retention;

use std::fmt;
use std::time::Duration;

use self::invalid::{check_basis, check_text, invalid};
use self::retention::{DAY, DEFAULT_KEEP_FOR, DEFAULT_RECORD_FOR, check_lifetime};
use crate::recipient::Recipient;
use crate::{
    Basis, Detail, EprivacyGround, Error, MessageKind, Ping, PingId, Purpose, Status, TimeStep, Timestamp,
};

/// What an app asks for: one tracked message to one recipient.
///
/// ```
/// use mailping_core::{Basis, NewPing};
/// let basis = Basis::legitimate_interest("proof that the invoice arrived, assessment LIA-7");
/// let new = NewPing::one_to_one("invoice-42", basis).to("ada@example.com").owner("billing");
/// ```
#[derive(Clone)]
#[must_use]
pub struct NewPing {
    reference: String,
    owner: Option<String>,
    recipient: Option<String>,
    purpose: Purpose,
    basis: Basis,
    eprivacy: Option<EprivacyGround>,
    kind: Option<MessageKind>,
    detail: Detail,
    time_step: TimeStep,
    sent_at: Option<Timestamp>,
    record_for: Duration,
    keep_for: Option<Duration>,
    asked_by: Option<String>,
    shows_reference: bool,
    #[cfg(feature = "certified")]
    pub(crate) digests: crate::certified::Digests,
}

/// How far ahead a message may be planned: lifetimes count from its sent time, so this bounds how
/// long anything is kept.
pub(crate) const MAX_AHEAD: Duration = DAY.saturating_mul(366);
const MAX_REFERENCE_BYTES: usize = 256;
#[cfg(feature = "certified")]
const MAX_ATTACHMENTS: usize = 100;

impl NewPing {
    /// A message written for one recipient, with the sender's basis for tracking it. `reference` is
    /// the app's own name for the message (1 to 256 bytes, need not be unique); it is kept, so it
    /// should name a document, not a person.
    pub fn one_to_one(reference: impl Into<String>, basis: Basis) -> Self {
        Self::with_purpose(Purpose::OneToOne, reference.into(), basis)
    }

    /// One of many messages alike; it exists only with the recipient's consent to being tracked,
    /// whose evidence is as that of [`Basis::Consent`].
    pub fn bulk(
        reference: impl Into<String>,
        given_at: impl Into<Timestamp>,
        text_version: impl Into<String>,
        channel: impl Into<String>,
    ) -> Self {
        let basis = Basis::consent(given_at, text_version, channel);
        Self::with_purpose(Purpose::Bulk, reference.into(), basis)
    }

    fn with_purpose(purpose: Purpose, reference: String, basis: Basis) -> Self {
        Self {
            reference,
            owner: None,
            recipient: None,
            purpose,
            basis,
            eprivacy: None,
            kind: None,
            detail: Detail::Network,
            time_step: TimeStep::Exact,
            sent_at: None,
            record_for: DEFAULT_RECORD_FOR,
            keep_for: None,
            asked_by: None,
            shows_reference: false,
            #[cfg(feature = "certified")]
            digests: crate::certified::Digests::default(),
        }
    }

    /// The recipient's address, such as `ada@example.com` or `Ada <ada@example.com>`. Only a keyed
    /// hash of it is kept. It lets an objection or an erasure find all pings of one person.
    /// [`People`](crate::people::People) says which spellings are one.
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.recipient = Some(address.into());
        self
    }

    /// The app's own sender or tenant key, for filtering (1 to 256 bytes).
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// How much of an open may be kept. The default, and the most, is the tracker's ceiling.
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// How exactly the times of opens are kept. The default, and the finest, is the tracker's
    /// ceiling.
    pub fn time_step(mut self, step: TimeStep) -> Self {
        self.time_step = step;
        self
    }

    /// When the message is handed over for sending. The default is now; past times are allowed, and
    /// future ones up to a year ahead. A fetch before this time is at most `uncertain`.
    pub fn sent_at(mut self, time: impl Into<Timestamp>) -> Self {
        self.sent_at = Some(time.into());
        self
    }

    /// How long after the sent time opens are recorded. The default is 30 days, the most five
    /// years.
    pub fn record_for(mut self, duration: Duration) -> Self {
        self.record_for = duration;
        self
    }

    /// How long after the sent time the ping and its opens are kept: at least as long as opens are
    /// recorded, at most five years. The default is 90 days, or `record_for` if that is longer.
    pub fn keep_for(mut self, duration: Duration) -> Self {
        self.keep_for = Some(duration);
        self
    }

    /// Asks the recipient to confirm receipt: the ping has a
    /// [`confirm_url`](crate::PreparedPing::confirm_url). `asked_by` is who asks, in words that the
    /// recipient knows, such as `Bob's Bakery, Lisbon`; it is kept and shown on the page that asks
    /// (1 to 256 bytes).
    pub fn confirmable(mut self, asked_by: impl Into<String>) -> Self {
        self.asked_by = Some(asked_by.into());
        self
    }

    /// Lets the page that asks for a confirmation show the reference.
    pub fn show_reference(mut self) -> Self {
        self.shows_reference = true;
        self
    }

    /// The SHA-256 of the message without its pixel, for a certified receipt: whoever has the mail
    /// can tell that it is the one.
    #[cfg(feature = "certified")]
    pub fn message_digest(mut self, sha_256: [u8; 32]) -> Self {
        self.digests.message = Some(sha_256);
        self
    }

    /// The SHA-256 of an attachment, likewise; call it for each, up to 100.
    #[cfg(feature = "certified")]
    pub fn attachment_digest(mut self, sha_256: [u8; 32]) -> Self {
        self.digests.attachments.push(sha_256);
        self
    }

    /// The ground under ePrivacy rules, if the sender names one.
    pub fn eprivacy(mut self, ground: EprivacyGround) -> Self {
        self.eprivacy = Some(ground);
        self
    }

    /// What kind of message it is.
    pub fn kind(mut self, kind: MessageKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Checks everything and mints the id; the status is still the store's to decide.
    pub(crate) fn prepare(
        self,
        now: Timestamp,
        ceiling: crate::detail::Precision,
    ) -> Result<(Ping, Option<Recipient>), Error> {
        check_text("reference", &self.reference, MAX_REFERENCE_BYTES)?;
        self.owner.as_deref().map_or(Ok(()), |owner| check_text("owner", owner, MAX_REFERENCE_BYTES))?;
        self.asked_by.as_deref().map_or(Ok(()), |who| check_text("asked_by", who, MAX_REFERENCE_BYTES))?;
        check_basis(&self.basis, now)?;
        #[cfg(feature = "certified")]
        if self.digests.attachments.len() > MAX_ATTACHMENTS {
            return Err(invalid("attachment_digest", "must not be called for more than 100").into());
        }
        let recipient = self.recipient.as_deref().map(Recipient::parse).transpose()?;
        check_lifetime("record_for", self.record_for)?;
        let keep_for = self.keep_for.unwrap_or(DEFAULT_KEEP_FOR.max(self.record_for));
        check_lifetime("keep_for", keep_for)?;
        if keep_for < self.record_for {
            return Err(invalid("keep_for", "must not be shorter than record_for").into());
        }
        let asked = crate::detail::Precision { detail: self.detail, step: self.time_step };
        let precision = asked.narrowed(ceiling);
        let sent_at = self.sent_at.unwrap_or(now);
        if sent_at > now.plus(MAX_AHEAD) {
            return Err(invalid("sent_at", "must not be more than a year ahead").into());
        }
        // Opens are kept at the start of their step, so the end is brought to the end of its step:
        // an open inside the promised time is never lost to rounding, and the end that is shown is
        // the one that holds.
        let record_until = sent_at.plus(self.record_for).ceil(precision.kept_step().millis());
        let status = if precision.detail == Detail::None { Status::Untracked } else { Status::Live };
        let ping = Ping {
            id: PingId::mint(sent_at).map_err(|_| Error::NoRandom)?,
            reference: self.reference,
            owner: self.owner,
            purpose: self.purpose,
            basis: self.basis,
            eprivacy: self.eprivacy,
            kind: self.kind,
            detail: precision.detail,
            time_step: precision.kept_step(),
            sent_at,
            record_until,
            keep_until: sent_at.plus(keep_for).max(record_until),
            status,
            asked_by: self.asked_by,
            shows_reference: self.shows_reference,
            last_day: None,
            milestones: Vec::new(),
        };
        Ok((ping, recipient))
    }
}

/// Shows neither the recipient nor the reference.
impl fmt::Debug for NewPing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPing")
            .field("purpose", &self.purpose)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detail::Precision;

    const CEILING: Precision = Precision { detail: Detail::City, step: TimeStep::Exact };

    fn now() -> Timestamp {
        "2026-11-23T10:02:00Z".parse().unwrap()
    }

    fn new() -> NewPing {
        NewPing::one_to_one("invoice-42", Basis::Contract)
    }

    fn refused(new: NewPing) -> Error {
        new.prepare(now(), CEILING).unwrap_err()
    }

    #[test]
    fn a_ping_has_the_documented_defaults() {
        let (ping, recipient) = new().prepare(now(), CEILING).unwrap();
        assert!(recipient.is_none());
        assert_eq!((ping.detail, ping.time_step), (Detail::City, TimeStep::Exact));
        assert_eq!(ping.sent_at, now());
        assert_eq!(ping.record_until.since(now()), Some(30 * DAY));
        assert_eq!(ping.keep_until.since(now()), Some(90 * DAY));
        assert_eq!(ping.id.sent_at(), ping.sent_at);
    }

    #[test]
    fn record_until_is_the_end_of_its_step() {
        let (ping, _) = new().time_step(TimeStep::Day).prepare(now(), CEILING).unwrap();
        assert_eq!(ping.record_until.to_string(), "2026-12-24T00:00:00.000Z");
        let last = now().plus(30 * DAY);
        let kept = Precision { detail: Detail::City, step: TimeStep::Day }.kept_time(last);
        assert!(ping.records(kept, TimeStep::Day));
        assert!(!ping.records(ping.record_until, TimeStep::Day));
        let (exact, _) = new().prepare(now(), CEILING).unwrap();
        assert!(!exact.records(exact.record_until, TimeStep::Exact));
        let kept = exact.record_until.floor(TimeStep::Day.millis());
        assert!(exact.records(kept, TimeStep::Exact));
        assert!(!exact.records(kept, TimeStep::Day), "that day ends after the end");
    }

    #[test]
    fn detail_none_gives_an_untracked_ping() {
        let (ping, _) = new().detail(Detail::None).prepare(now(), CEILING).unwrap();
        assert_eq!(ping.status, Status::Untracked);
    }

    #[test]
    fn bad_input_is_named_and_not_repeated() {
        let long = "x".repeat(10_240);
        for (bad, field) in [
            (NewPing::one_to_one(&long, Basis::Contract), "reference"),
            (NewPing::one_to_one("", Basis::Contract), "reference"),
            (NewPing::one_to_one("a\nb", Basis::Contract), "reference"),
            (new().owner(&long), "owner"),
            (new().confirmable(&long), "asked_by"),
            (new().confirmable("Bob\nBakery"), "asked_by"),
            (new().to("ada.lovelace"), "recipient"),
            (new().record_for(Duration::ZERO), "record_for"),
            (new().record_for(10 * 366 * DAY), "record_for"),
            (new().keep_for(10 * 366 * DAY), "keep_for"),
            (new().sent_at(now().plus(400 * DAY)), "sent_at"),
            (new().record_for(2 * DAY).keep_for(DAY), "keep_for"),
            (NewPing::one_to_one("x", Basis::legitimate_interest("")), "basis.reason"),
            (NewPing::bulk("x", now().plus(DAY), "v1", "form"), "basis.given_at"),
            (NewPing::bulk("x", now(), "", "form"), "basis.text_version"),
        ] {
            let error = refused(bad);
            assert_eq!(error.field(), Some(field));
            let text = format!("{error} {error:?}");
            assert!(!text.contains("lovelace") && text.len() < 400, "{text}");
        }
    }

    #[test]
    fn debug_shows_neither_recipient_nor_reference() {
        let text = format!("{:?}", new().to("ada@example.com"));
        assert!(!text.contains("ada") && !text.contains("invoice"), "{text}");
        let text = format!("{:?}", new().prepare(now(), CEILING).unwrap());
        assert!(!text.contains("invoice"), "{text}");
    }
}
