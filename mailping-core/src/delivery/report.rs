//! Delivery reports (RFC 3464): which ping one is about, and what it says became of the message.
//!
//! Anybody can send anything to the address that bounces come to. What is read is bounded, what is
//! taken is a signed token, an action and a status code, and the rest is dropped.

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use crate::milestone::{MilestoneKind, StatusCode};
use crate::token::{CHARS, Label, Token};
use crate::{Keyring, PingId};

/// The most bytes that are read: what is needed comes before the text of the returned message.
const MAX_BYTES: usize = 256 * 1024;
/// The most parts and messages inside one another, as far as their names tell: a parser that
/// follows each by a call must not be led deeper than its stack.
const MAX_PARTS: usize = 64;
/// The most places of a report at which a signature is checked.
const MAX_CANDIDATES: usize = 64;

/// The lines of a report that hold the address it was sent to, or the message that it answers.
const OUTER: [&str; 6] = ["to", "delivered-to", "x-original-to", "envelope-to", "in-reply-to", "references"];
/// The line of the returned message that names it.
const INNER: [&str; 1] = ["message-id"];

/// What a report says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) ping: PingId,
    /// Each kind once: a message to one recipient can have become several on its way.
    pub(super) outcomes: Vec<(MilestoneKind, Option<StatusCode>)>,
}

/// `None` if it is no delivery report, says nothing of a recipient, or has no token of ours.
pub(super) fn read(message: &[u8], keys: &Keyring) -> Option<Report> {
    let message = message.get(..MAX_BYTES).unwrap_or(message);
    if count(message, b"multipart/") + count(message, b"message/") > MAX_PARTS {
        return None;
    }
    let message = MessageParser::default().parse(message)?;
    let is_report = message.is_content_type("multipart", "report");
    let report_type = message.content_type()?.attribute("report-type")?;
    if !is_report || !report_type.eq_ignore_ascii_case("delivery-status") {
        return None;
    }
    let ping = Tokens { keys, left: MAX_CANDIDATES }.of_report(&message)?;
    let mut outcomes: Vec<(MilestoneKind, Option<StatusCode>)> = Vec::new();
    for part in message.parts.iter().filter(|part| is_status(part)) {
        for (kind, status) in recipients(&String::from_utf8_lossy(part.contents())) {
            if !outcomes.iter().any(|(known, _)| *known == kind) {
                outcomes.push((kind, status));
            }
        }
    }
    (!outcomes.is_empty()).then_some(Report { ping, outcomes })
}

fn is_status(part: &MessagePart<'_>) -> bool {
    // RFC 3464, and RFC 6533 for addresses that are not ASCII.
    ["delivery-status", "global-delivery-status"]
        .iter()
        .any(|subtype| part.is_content_type("message", subtype))
}

/// How often a word stands in a text, whatever its case.
fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|window| window.eq_ignore_ascii_case(word)).count()
}

/// Looks for a token of ours.
struct Tokens<'a> {
    keys: &'a Keyring,
    left: usize,
}

impl Tokens<'_> {
    fn of_report(&mut self, report: &Message<'_>) -> Option<PingId> {
        if let Some(ping) = self.of_lines(report, &OUTER) {
            return Some(ping);
        }
        report.parts.iter().find_map(|part| match &part.body {
            PartType::Message(returned) => self.of_lines(returned, &INNER),
            _ if part.is_content_type("text", "rfc822-headers") => {
                let returned = MessageParser::default().parse_headers(part.contents())?;
                self.of_lines(&returned, &INNER)
            }
            _ => None,
        })
    }

    fn of_lines(&mut self, message: &Message<'_>, names: &[&str]) -> Option<PingId> {
        message
            .headers_raw()
            .filter(|(name, _)| names.iter().any(|known| name.eq_ignore_ascii_case(known)))
            .find_map(|(_, value)| self.in_value(value))
    }

    fn in_value(&mut self, value: &str) -> Option<PingId> {
        let runs = value.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
        for letters in runs.filter_map(|run| <&[u8; CHARS]>::try_from(run).ok()) {
            self.left = self.left.checked_sub(1)?;
            if let Some(token) = Token::verify(letters, Label::Report, self.keys) {
                return Some(token.ping);
            }
        }
        None
    }
}

/// What a status says of each recipient: groups of fields, with empty lines between them.
fn recipients(status: &str) -> Vec<(MilestoneKind, Option<StatusCode>)> {
    let lines: Vec<&str> = status.lines().collect();
    lines.split(|line| line.trim().is_empty()).filter_map(outcome).collect()
}

fn outcome(group: &[&str]) -> Option<(MilestoneKind, Option<StatusCode>)> {
    let value = |field: &str| {
        group.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case(field).then_some(value.trim())
        })
    };
    let action = value("action")?;
    let end = action.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(action.len());
    let (kind, classes): (_, &[u8]) = match action.get(..end)?.to_ascii_lowercase().as_str() {
        "delivered" => (MilestoneKind::Delivered, &[2]),
        "delayed" => (MilestoneKind::Delayed, &[4]),
        // 4 if it was tried for days.
        "failed" => (MilestoneKind::Failed, &[4, 5]),
        // Another server has taken it, and reports nothing itself.
        "relayed" | "expanded" => (MilestoneKind::Accepted, &[2]),
        _ => return None,
    };
    let status = value("status").and_then(StatusCode::at_start);
    Some((kind, status.filter(|status| classes.contains(&status.class()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keyring {
        Keyring::from_text("5:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
    }

    const PING: PingId = PingId::from_bytes([7; 16]);

    fn token(label: Label) -> String {
        Token::bare(PING).sign(label, keys().newest())
    }

    /// A report as Postfix writes one; `to` and `message_id` are where a token of ours may stand.
    fn report(to: &str, message_id: &str, recipients: &str) -> String {
        format!(
            "From: MAILER-DAEMON@mx.example (Mail Delivery System)\r\nTo: {to}\r\nSubject: Undelivered\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"b/1\"\r\n\r\n\
             This is a MIME-encapsulated message.\r\n\r\n--b/1\r\nContent-Type: text/plain\r\n\r\n\
             <ada@example.com>: host mx said: 550 5.1.1 no such user\r\n\r\n--b/1\r\n\
             Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\nArrival-Date: today\r\n\r\n\
             {recipients}\r\n--b/1\r\nContent-Type: message/rfc822\r\n\r\n\
             From: bob@example.com\r\nTo: ada@example.com\r\nMessage-ID: {message_id}\r\nSubject: Invoice\r\n\r\nhello\r\n\
             --b/1--\r\n"
        )
    }

    const FAILED: &str = "Final-Recipient: rfc822; ada@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550\r\n";

    fn ours(recipients: &str) -> Option<Report> {
        read(
            report(&format!("<{}@b.example>", token(Label::Report)), "<x@y>", recipients).as_bytes(),
            &keys(),
        )
    }

    fn outcomes(recipients: &str) -> Vec<(MilestoneKind, Option<String>)> {
        let report = ours(recipients).map(|report| report.outcomes).unwrap_or_default();
        report.into_iter().map(|(kind, status)| (kind, status.map(|status| status.to_string()))).collect()
    }

    #[test]
    fn the_ping_is_found_by_the_envelope_or_by_the_returned_message() {
        let token = token(Label::Report);
        for (to, message_id) in [
            (format!("{token}@bounces.example.com"), "<1@y>".to_owned()),
            (format!("\"=?utf-8?q?B?=\" <{}@b.example>", token.to_ascii_uppercase()), "<1@y>".to_owned()),
            (format!("bounces+{token}@b.example"), String::new()),
            ("bob@example.com".to_owned(), format!("<{token}@example.com>")),
            ("bob@example.com".to_owned(), format!("{token}@example.com")),
        ] {
            let report = read(report(&to, &message_id, FAILED).as_bytes(), &keys()).expect(&to);
            assert_eq!((report.ping, report.outcomes[0].0), (PING, MilestoneKind::Failed));
        }
        let with_headers = report("bob@example.com", &format!("<{token}@example.com>"), FAILED)
            .replace("message/rfc822", "text/rfc822-headers");
        assert_eq!(read(with_headers.as_bytes(), &keys()).expect("headers alone").ping, PING);
    }

    #[test]
    fn what_is_foreign_forged_or_of_another_use_is_no_report_of_ours() {
        let token = token(Label::Report);
        let forged = token.replace(&token[30..31], if &token[30..31] == "a" { "b" } else { "a" });
        let others = [Label::Pixel, Label::OptOut, Label::Confirm].map(self::token);
        for other in
            others.iter().chain([&forged, &token[..47].to_owned(), &format!("{token}a"), &String::new()])
        {
            let text = report(&format!("{other}@b.example"), &format!("<{other}@b.example>"), FAILED);
            assert_eq!(read(text.as_bytes(), &keys()), None, "{other}");
        }
        let text = report(&format!("{token}@b.example"), "", FAILED);
        let other_keys = Keyring::from_text("5:ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        assert_eq!(read(text.as_bytes(), &other_keys), None);
        // The body of a message says nothing of the message.
        let quoted = report("bob@example.com", "<1@y>", FAILED).replace("hello", &token);
        assert_eq!(read(quoted.as_bytes(), &keys()), None);
    }

    #[test]
    fn actions_become_milestones_and_codes_of_another_class_are_dropped() {
        use MilestoneKind::{Accepted, Delayed, Delivered, Failed};
        let some = |text: &str| Some(text.to_owned());
        for (recipients, expected) in [
            (FAILED, vec![(Failed, some("5.1.1"))]),
            ("Action: delayed\r\nStatus: 4.4.1 (timed out)\r\n", vec![(Delayed, some("4.4.1"))]),
            ("Status: 2.1.5\r\nACTION : Delivered (to mailbox)\r\n", vec![(Delivered, some("2.1.5"))]),
            ("Action: failed\r\nStatus: 4.4.7\r\n", vec![(Failed, some("4.4.7"))]),
            ("Action: relayed\r\nStatus: 2.0.0\r\n", vec![(Accepted, some("2.0.0"))]),
            ("Action: expanded\r\n", vec![(Accepted, None)]),
            ("Action: delivered\r\nStatus: 5.0.0\r\n", vec![(Delivered, None)]),
            ("Action: failed\r\nStatus: ada@example.com\r\n", vec![(Failed, None)]),
            (
                "Action: delivered\r\n\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\nAction: failed\r\nStatus: 5.0.0\r\n",
                vec![(Delivered, None), (Failed, some("5.2.2"))],
            ),
        ] {
            assert_eq!(outcomes(recipients), expected, "{recipients}");
        }
        for nothing in ["", "Status: 5.1.1\r\n", "Action: read\r\n", "Action:\r\n", "X-Action: failed\r\n"] {
            assert_eq!(ours(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_malformed_is_no_report() {
        let whole = report(&format!("{}@b.example", token(Label::Report)), "", FAILED);
        for (from, to) in [
            ("multipart/report", "multipart/mixed"),
            ("report-type=delivery-status", "report-type=disposition-notification"),
            (" report-type=delivery-status;", ""),
            ("message/delivery-status", "text/plain"),
        ] {
            assert_eq!(read(whole.replacen(from, to, 1).as_bytes(), &keys()), None, "{to}");
        }
        // Cut anywhere, and with a byte changed anywhere: whatever it is, it is read without harm.
        for end in 0..whole.len() {
            let _ = read(&whole.as_bytes()[..end], &keys());
            let mut changed = whole.clone().into_bytes();
            changed[end] ^= 0x55;
            if let Some(report) = read(&changed, &keys()) {
                assert_eq!(report.ping, PING);
            }
        }
        assert_eq!(read(&[], &keys()), None);
        assert_eq!(read(&[0xff; 100_000], &keys()), None);
    }

    /// Messages in messages, and parts in parts, as deep as the bytes allow.
    #[test]
    fn what_is_read_is_bounded() {
        let to = format!("To: {}@b.example\r\n", token(Label::Report));
        let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n";
        for deeper in [
            "Content-Type: message/rfc822\r\n\r\n",
            "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n",
        ] {
            let bomb = format!("{to}{report}{}", deeper.repeat(20_000));
            assert_eq!(read(bomb.as_bytes(), &keys()), None);
            let deep = format!("{to}{report}{}", deeper.repeat(MAX_PARTS - 2));
            assert_eq!(read(deep.as_bytes(), &keys()), None);
        }
        let forged = format!("{}@b.example, ", "a".repeat(CHARS));
        let many =
            self::report(&format!("{}{}@b.example", forged.repeat(2_000), token(Label::Report)), "", FAILED);
        assert_eq!(read(many.as_bytes(), &keys()), None, "so many addresses are nobody's bounce");
        let long = self::report(&format!("{}@b.example", token(Label::Report)), "", FAILED)
            .replace("hello", &"x".repeat(1 << 20));
        assert!(
            read(long.as_bytes(), &keys()).is_some(),
            "a long message is returned with its report before it"
        );
    }
}
