//! The statements, made of what never changes once it is kept. Their form is frozen: a receipt
//! prints each as it was sealed.

use crate::certified::escape::Quoted;
use crate::certified::hash::{Hash, to_hex};
use crate::certified::ping_key::PingKey;
use crate::certified::statement::{BETWEEN, Statement, StatementKind};
use crate::fetcher::{EvidenceSet, Verdict};
use crate::recipient::Recipient;
use crate::store::EndReason;
use crate::{LastDay, Open, Ping, StepTime, TimeStep, Timestamp};

/// What binds the mail itself, as far as the app gives it.
#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    /// To whom it goes.
    pub(crate) recipient: Option<&'a Recipient>,
    /// The SHA-256 of the message without the pixel.
    pub(crate) digest: Option<[u8; 32]>,
    /// The SHA-256 of each attachment.
    pub(crate) attachments: &'a [[u8; 32]],
}

impl Statement {
    pub(crate) fn created(key: &PingKey, at: Timestamp, ping: &Ping, message: &Message<'_>) -> Self {
        let mut fields = vec![format!("reference {}", Quoted(&ping.reference))];
        fields.extend(ping.owner.iter().map(|owner| format!("sender {}", Quoted(owner))));
        fields.push(format!("ping {}", ping.id));
        fields.push(format!("sent {}", ping.sent_at));
        fields.push(format!("recorded until {}", ping.record_until));
        fields.push(format!("detail {}", ping.detail));
        fields.push(format!("times {}", ping.time_step));
        fields.extend(
            message.recipient.map(|recipient| format!("recipient {}", to_hex(&recipient.certified(key)))),
        );
        let sha_256 = |name: &str, digest: &Hash| format!("{name} sha256 {}", to_hex(digest));
        fields.extend(message.digest.iter().map(|digest| sha_256("message", digest)));
        fields.extend(message.attachments.iter().map(|digest| sha_256("attachment", digest)));
        Self::of(at.into(), StatementKind::Created, &fields)
    }

    pub(crate) fn open(open: &Open) -> Self {
        let mut fields = vec![open.verdict.to_string(), format!("fetcher {}", open.fetcher)];
        fields.extend(open.provider.map(|provider| format!("provider {provider}")));
        fields.extend(evidence(open.evidence));
        fields.extend(open.country.map(|country| format!("country {country}")));
        fields.extend(open.city.as_ref().map(|city| format!("city {}", Quoted(city.as_str()))));
        fields.extend(open.network.map(|network| format!("network {network}")));
        fields.push(format!("rules {}", open.rules_version));
        fields.push(format!("id {}", open.id));
        Self::of(open.time(), StatementKind::Open, &fields)
    }

    /// What the recipient's mail server answered: a word for it, the reply code, and if it gave one
    /// the enhanced status code.
    pub(crate) fn handed_over(time: StepTime, outcome: &str, reply: u16, status: Option<&str>) -> Self {
        let mut fields = vec![outcome.to_owned(), format!("reply {reply}")];
        fields.extend(status.map(|status| format!("status {status}")));
        Self::of(time, StatementKind::HandedOver, &fields)
    }

    /// What a delivery report said later.
    pub(crate) fn reported(time: StepTime, outcome: &str, status: Option<&str>) -> Self {
        let mut fields = vec![outcome.to_owned()];
        fields.extend(status.map(|status| format!("status {status}")));
        Self::of(time, StatementKind::Reported, &fields)
    }

    pub(crate) fn confirmed(time: StepTime, verdict: Verdict, reasons: EvidenceSet) -> Self {
        let mut fields = vec![verdict.to_string()];
        fields.extend(evidence(reasons));
        Self::of(time, StatementKind::Confirmed, &fields)
    }

    /// Made once, when the ping ends: the day moves until then.
    pub(crate) fn last_day(last: &LastDay) -> Self {
        Self::of(StepTime::new(last.day, TimeStep::Day), StatementKind::LastDay, &["human".to_owned()])
    }

    pub(crate) fn ended(at: Timestamp, end: EndReason) -> Self {
        let why = match end {
            EndReason::RecordUntil => "record_until",
            EndReason::Withdrawn => "withdrawn",
            EndReason::Objection => "objection",
        };
        Self::of(at.into(), StatementKind::Ended, &[why.to_owned()])
    }

    fn of(time: StepTime, kind: StatementKind, fields: &[String]) -> Self {
        Self { time, kind, line: format!("{time} {kind}: {}", fields.join(BETWEEN)).into() }
    }
}

fn evidence(evidence: EvidenceSet) -> Option<String> {
    (!evidence.is_empty()).then(|| format!("evidence {evidence}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetcher::{Evidence, Fetcher, Provider};
    use crate::{Basis, Detail, OpenId, PingId, Status};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ping() -> Ping {
        let id =
            PingId::from_bytes([1, 0x9a, 0xc4, 0x2b, 0x3a, 0x10, 0x7f, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        let mut ping = Ping::stored(id, "invoice \"42\"; a\nb".to_owned(), Basis::Contract, Status::Live);
        ping.owner = Some("billing".to_owned());
        ping.sent_at = time("2026-11-27T10:02:00Z");
        ping.record_until = time("2026-12-27T10:02:00Z");
        (ping.detail, ping.time_step) = (Detail::City, TimeStep::Exact);
        ping
    }

    /// They stand in logs and receipts: never change one.
    #[test]
    fn golden_statements() {
        let key = PingKey::from_bytes([7; 32]);
        let recipient = Recipient::parse("Ada@Example.com").unwrap();
        let message = Message {
            recipient: Some(&recipient),
            digest: Some([0x11; 32]),
            attachments: &[[0x22; 32], [0x33; 32]],
        };
        let mut open = Open::new(
            ping().id,
            OpenId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8]),
            time("2026-11-27T10:40:00.25Z"),
            Fetcher::GmailProxy,
            Verdict::Human,
        );
        open.rules_version = 7;
        let bare = Statement::open(&open);
        open.provider = Some(Provider::Gmail);
        open.evidence = [Evidence::UaGoogleImageProxy, Evidence::NetGoogleProxy].into_iter().collect();
        open.country = "PT".parse().ok();
        open.city = "Lisbon".parse().ok();
        open.network = "192.0.2.0/24".parse().ok();
        open.time_step = TimeStep::Hour;
        let at = time("2026-11-27T10:01:59.5Z");
        for (statement, golden) in [
            (
                Statement::created(&key, at, &ping(), &message),
                "2026-11-27T10:01:59.500Z created: reference \"invoice \\u{22}42\\u{22}\\u{3b} a\\u{a}b\"; sender \"billing\"; \
                 ping 019ac42b-3a10-7f08-090a-0b0c0d0e0f10; sent 2026-11-27T10:02:00.000Z; \
                 recorded until 2026-12-27T10:02:00.000Z; detail city; times exact; \
                 recipient bcabd7777028070cd055e6ea1fc873e35feb77ca570c4340cc060b8605f3c7e9; \
                 message sha256 1111111111111111111111111111111111111111111111111111111111111111; \
                 attachment sha256 2222222222222222222222222222222222222222222222222222222222222222; \
                 attachment sha256 3333333333333333333333333333333333333333333333333333333333333333",
            ),
            (bare, "2026-11-27T10:40:00.250Z open: human; fetcher gmail_proxy; rules 7; id 0102030405060708"),
            (
                Statement::open(&open),
                "2026-11-27T10:00Z open: human; fetcher gmail_proxy; provider gmail; \
                 evidence ua:google_image_proxy, net:google_proxy; country PT; city \"Lisbon\"; network 192.0.2.0/24; \
                 rules 7; id 0102030405060708",
            ),
            (
                Statement::last_day(&LastDay::new(ping().id, time("2026-11-30T00:00:00Z"))),
                "2026-11-30 last_day: human",
            ),
            (
                Statement::handed_over(at.into(), "accepted", 250, Some("2.1.5")),
                "2026-11-27T10:01:59.500Z handed_over: accepted; reply 250; status 2.1.5",
            ),
            (
                Statement::handed_over(at.into(), "deferred", 451, None),
                "2026-11-27T10:01:59.500Z handed_over: deferred; reply 451",
            ),
            (
                Statement::reported(at.into(), "failed", Some("5.1.1")),
                "2026-11-27T10:01:59.500Z reported: failed; status 5.1.1",
            ),
            (
                Statement::confirmed(
                    StepTime::new(at, TimeStep::Day),
                    Verdict::Human,
                    Evidence::UaBrowser.into(),
                ),
                "2026-11-27 confirmed: human; evidence ua:browser",
            ),
            (
                Statement::ended(time("2026-12-27T10:02:00Z"), EndReason::RecordUntil),
                "2026-12-27T10:02:00.000Z ended: record_until",
            ),
            (Statement::ended(at, EndReason::Withdrawn), "2026-11-27T10:01:59.500Z ended: withdrawn"),
            (Statement::ended(at, EndReason::Objection), "2026-11-27T10:01:59.500Z ended: objection"),
        ] {
            assert_eq!(statement.as_str(), golden);
            assert_eq!(golden.parse(), Ok(statement));
        }
    }

    #[test]
    fn debug_shows_neither_reference_nor_sender() {
        let created = Statement::created(
            &PingKey::from_bytes([7; 32]),
            time("2026-11-27T10:01:59.5Z"),
            &ping(),
            &Message::default(),
        );
        assert!(created.to_string().contains("billing"));
        let shown = format!("{created:?}");
        assert!(!shown.contains("billing") && !shown.contains("invoice"), "{shown}");
    }
}
