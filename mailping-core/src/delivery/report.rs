//! Delivery reports (RFC 3464): which ping one is about, and what it says became of the message.
//!
//! Anybody can send anything to the address that bounces come to. What is read is bounded, what is
//! taken is a signed token, an action and a status code, and the rest is dropped.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{HeaderName, Message, MessageParser, MimeHeaders};

use crate::milestone::{MilestoneKind, StatusCode};
use crate::token::{CHARS, Label, Token};
use crate::{Keyring, PingId};

/// The most bytes that are read: what is needed comes before the text of the returned message.
const MAX_BYTES: usize = 256 * 1024;
/// The most bytes of the headers of a message or part that are read.
const MAX_HEADERS: usize = 64 * 1024;
/// The most parts of a report that are looked at: it has three, from some servers a few more.
const MAX_PARTS: usize = 8;
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
    let report = Entity::read(message)?;
    let report_type = report.headers.content_type()?.attribute("report-type")?;
    if !report.is(&[("multipart", "report")]) || !report_type.eq_ignore_ascii_case("delivery-status") {
        return None;
    }
    let parts = report.parts();
    let ping = Tokens { keys, left: MAX_CANDIDATES }.of_report(&report, &parts)?;
    let mut outcomes: Vec<(MilestoneKind, Option<StatusCode>)> = Vec::new();
    for part in parts.iter().filter(|part| part.is(&STATUS)) {
        for (kind, status) in recipients(&String::from_utf8_lossy(&part.decoded())) {
            if !outcomes.iter().any(|(known, _)| *known == kind) {
                outcomes.push((kind, status));
            }
        }
    }
    (!outcomes.is_empty()).then_some(Report { ping, outcomes })
}

// The types of the parts, of RFC 3464, and of RFC 6533 for addresses that are not ASCII.
const STATUS: [(&str, &str); 2] = [("message", "delivery-status"), ("message", "global-delivery-status")];
const RETURNED: [(&str, &str); 4] =
    [("message", "rfc822"), ("message", "global"), ("text", "rfc822-headers"), ("message", "global-headers")];

/// A message or a part of one. The parser reads its headers alone: it would follow messages inside
/// one another, with a copy of each, as deep as somebody has laid them.
struct Entity<'a> {
    headers: Message<'a>,
    body: &'a [u8],
}

impl<'a> Entity<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let length = lines.take_while(|line| !matches!(*line, b"\n" | b"\r\n")).map(<[u8]>::len).sum();
        let (headers, body) = bytes.split_at_checked(length)?;
        let headers = headers.get(..MAX_HEADERS).unwrap_or(headers);
        // Of the other headers it notes the places, and reads none.
        let parser = MessageParser::new()
            .header_content_type(HeaderName::ContentType)
            .header_raw(HeaderName::ContentTransferEncoding)
            .default_header_ignore();
        let body = body.strip_prefix(b"\r\n").or(body.strip_prefix(b"\n")).unwrap_or(body);
        Some(Self { headers: parser.parse_headers(headers)?, body })
    }

    fn is(&self, types: &[(&str, &str)]) -> bool {
        types.iter().any(|(main, sub)| self.headers.is_content_type(main, sub))
    }

    /// The parts between its own boundaries.
    fn parts(&self) -> Vec<Self> {
        let boundary = self.headers.content_type().and_then(|of| of.attribute("boundary"));
        let Some(boundary) = boundary.filter(|boundary| !boundary.is_empty()) else { return Vec::new() };
        let (mut parts, mut start, mut at) = (Vec::new(), None, 0);
        for line in self.body.split_inclusive(|byte| *byte == b'\n') {
            let end = at;
            at += line.len();
            let mark = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
            let Some(mark @ (b"" | b"--")) = mark.map(<[u8]>::trim_ascii_end) else { continue };
            parts.extend(start.map(|start| start..end));
            start = mark.is_empty().then_some(at);
            if start.is_none() || parts.len() == MAX_PARTS {
                break;
            }
        }
        // A report that was cut has no last boundary.
        parts.extend(start.map(|start| start..self.body.len()));
        let parts = parts.into_iter().take(MAX_PARTS);
        parts.filter_map(|part| Self::read(self.body.get(part)?)).collect()
    }

    fn decoded(&self) -> Cow<'a, [u8]> {
        let decoded = match self.headers.content_transfer_encoding() {
            Some(encoding) if encoding.eq_ignore_ascii_case("base64") => base64_decode(self.body),
            Some(encoding) if encoding.eq_ignore_ascii_case("quoted-printable") => {
                quoted_printable_decode(self.body)
            }
            _ => None,
        };
        decoded.map_or(Cow::Borrowed(self.body), Cow::Owned)
    }
}

/// Looks for a token of ours.
struct Tokens<'a> {
    keys: &'a Keyring,
    left: usize,
}

impl Tokens<'_> {
    fn of_report(&mut self, report: &Entity<'_>, parts: &[Entity<'_>]) -> Option<PingId> {
        if let Some(ping) = self.of_lines(&report.headers, &OUTER) {
            return Some(ping);
        }
        parts.iter().filter(|part| part.is(&RETURNED)).find_map(|part| {
            let returned = part.decoded();
            self.of_lines(&Entity::read(&returned)?.headers, &INNER)
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

/// What a status says of each recipient: groups of fields, with empty lines between them. A line
/// that begins with a blank goes on with the field before it: a server's words may fill several.
fn recipients(status: &str) -> Vec<(MilestoneKind, Option<StatusCode>)> {
    let lines: Vec<&str> = status.lines().collect();
    let goes_on = |line: &&str, next: &&str| !line.is_empty() && next.starts_with([' ', '\t']);
    let fields: Vec<&[&str]> = lines.chunk_by(goes_on).collect();
    fields.split(|field| *field == [""]).filter_map(outcome).collect()
}

fn outcome(group: &[&[&str]]) -> Option<(MilestoneKind, Option<StatusCode>)> {
    let value = |name: &str| {
        group.iter().find_map(|field| {
            let (first, more) = field.split_first()?;
            let (found, value) = first.split_once(':')?;
            let is_it = found.trim_end().eq_ignore_ascii_case(name);
            is_it.then(|| more.iter().fold(value.to_owned(), |value, line| value + line))
        })
    };
    let action = value("action")?;
    let action = after_comments(&action);
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
    let status = value("status").and_then(|status| StatusCode::at_start(after_comments(&status)));
    Some((kind, status.filter(|status| classes.contains(&status.class()))))
}

/// What follows the comments at the start, which may stand in one another (RFC 5322).
fn after_comments(value: &str) -> &str {
    let (mut depth, mut is_quoted) = (0_usize, false);
    let start = value.find(|sign: char| {
        let was_quoted = std::mem::take(&mut is_quoted);
        match sign {
            _ if was_quoted => {}
            '\\' => is_quoted = depth > 0,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0 && !sign.is_whitespace(),
        }
        false
    });
    start.and_then(|start| value.get(start..)).unwrap_or_default()
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
    fn parts_that_are_encoded_are_read_and_the_returned_messages_own_boundaries_are_not_the_reports() {
        let id = format!("<{}@example.com>", token(Label::Report));
        let returned = format!("Subject: Invoice\r\nMessage-ID: {id}\r\n\r\nhello\r\n");
        let encode = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let whole = report("bob@example.com", "<1@y>", "\r\n");
        let (before, _) = whole.split_once("--b/1\r\nContent-Type: message/delivery-status").unwrap();
        let encoded = format!(
            "{before}--b/1 \r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n\
             {}\r\n--b/1\r\nContent-Type: message/global-headers\r\nContent-Transfer-Encoding: Base64\r\n\r\n{}\r\n--b/1--\r\n",
            encode(&format!("Reporting-MTA: dns; mx.example\r\n\r\n{FAILED}")),
            encode(&returned),
        );
        let quoted = report("bob@example.com", &id.replacen('<', "=3C", 1), FAILED).replace(
            "Content-Type: message/rfc822\r\n",
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n",
        );
        let alike = report("bob@example.com", &id, FAILED)
            .replace("<ada@example.com>: host", "--b/10\r\n--b/1--0\r\nx");
        for text in [encoded, quoted, alike] {
            let report = read(text.as_bytes(), &keys()).expect(&text);
            assert_eq!((report.ping, report.outcomes[0].0), (PING, MilestoneKind::Failed));
        }
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
    fn a_fields_further_lines_are_its_own_and_no_fields() {
        use MilestoneKind::{Delayed, Failed};
        let some = |text: &str| Some(text.to_owned());
        for (recipients, expected) in [
            (
                "Diagnostic-Code: smtp; 550 a message follows:\r\n  Action: delivered\r\n  Status: 2.0.0\r\n\
                 Action: failed\r\nStatus: 5.1.1\r\n",
                vec![(Failed, some("5.1.1"))],
            ),
            (
                "Action: failed\r\nDiagnostic-Code: smtp; 550\r\n\tStatus: 5.7.606\r\nStatus: 5.1.1\r\n",
                vec![(Failed, some("5.1.1"))],
            ),
            ("Action:\r\n failed\r\nStatus:\r\n\t5.1.1\r\n", vec![(Failed, some("5.1.1"))]),
            ("Action:\n\n failed\nAction: failed\n", vec![(Failed, None)]),
            // A line of blanks goes on too: the words around it are one server's.
            (
                "Diagnostic-Code: smtp; 550\r\n \r\n Action: delivered\r\nAction: failed\r\nStatus: 5.1.1\r\n",
                vec![(Failed, some("5.1.1"))],
            ),
            // Nothing is there to go on with.
            ("  Action: delivered\r\nAction: failed\r\n", vec![(Failed, None)]),
            (
                "Action: (tried (for) \\) days) failed\r\nStatus: (a)(b) 4.4.7\r\n",
                vec![(Failed, some("4.4.7"))],
            ),
            ("Action: (it was\r\n delivered) delayed\r\n", vec![(Delayed, None)]),
        ] {
            assert_eq!(outcomes(recipients), expected, "{recipients}");
        }
        for nothing in ["X: y\r\n Action: failed\r\n", "Action: (failed\r\n", "Action: (failed)\r\n"] {
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

    /// Messages in messages, and parts in parts, as deep as the bytes allow, and however their
    /// types are written or hidden: the report that returns them is read, and they are not.
    #[test]
    fn what_is_read_is_bounded() {
        let to = format!("{}@b.example", token(Label::Report));
        let head = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n";
        let nested = "Content-Type: message/rfc822\n\n";
        // As base64 and as quoted-printable text, which the parser would decode and follow.
        let in_base64 = data_encoding::BASE64.encode(nested.repeat(6_400).as_bytes());
        let in_base64 =
            format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{in_base64}\n");
        let quoted = nested.replace('m', "=6D").repeat(6_000);
        let quoted = format!(
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n{quoted}\n"
        );
        for deeper in [
            nested.repeat(9_000),
            nested.repeat(60),
            "Content-Type: message /rfc822\n\n".repeat(8_500),
            "Content-Type:message(x)/(y)rfc822\n\n".repeat(7_000),
            "Content-Type: multipart/digest; boundary=b2\r\n\r\n--b2\r\n".repeat(5_000),
            in_base64,
            quoted,
        ] {
            let alone = format!("To: {to}\r\n{head}{deeper}");
            assert_eq!(read(alone.as_bytes(), &keys()), None);
            let returned = self::report(&to, "", FAILED).replace("hello", &deeper);
            assert!(read(returned.as_bytes(), &keys()).is_some(), "{}", &deeper[..40]);
            let returned = self::report(&to, "", FAILED).replace("From: bob", &format!("{deeper}From: bob"));
            assert!(read(returned.as_bytes(), &keys()).is_some(), "{}", &deeper[..40]);
        }
        let part = "--b/1\r\nContent-Type: text/plain\r\n\r\nx\r\n";
        for (parts, is_read) in [(MAX_PARTS - 1, true), (MAX_PARTS, false), (6_000, false)] {
            let many = self::report(&to, "", FAILED).replacen(
                "--b/1\r\n",
                &format!("{}--b/1\r\n", part.repeat(parts - 1)),
                1,
            );
            assert_eq!(read(many.as_bytes(), &keys()).is_some(), is_read, "{parts} parts before the status");
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
