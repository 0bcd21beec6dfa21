//! What a mail server answered when a message was handed over.

use crate::milestone::{MilestoneKind, StatusCode};

/// A mail server's final answer to a message: its reply code and its enhanced status code, if it
/// has one. The server's own words are not in it.
///
/// ```
/// use mailping_core::pings::SmtpReply;
/// use mailping_core::receipts::MilestoneKind;
///
/// let reply = SmtpReply::new(550, "5.1.1 <ada@example.com>: no such user").ok_or("no answer")?;
/// assert_eq!(reply.outcome(), MilestoneKind::Refused);
/// assert!(!format!("{reply:?}").contains("ada"));
/// # Ok::<(), &str>(())
/// ```
///
/// With lettre: `SmtpReply::new(response.code().into(), response.first_line().unwrap_or_default())`
/// of a `Response`, and `error.status()` of an error that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmtpReply {
    outcome: MilestoneKind,
    code: u16,
    status_code: Option<StatusCode>,
}

impl SmtpReply {
    /// From a reply code and the text after it, of which only an enhanced status code at its start
    /// is taken. `None` if the code is no final answer: 2xx accepts, 4xx defers, 5xx refuses.
    #[must_use]
    pub fn new(code: u16, text: &str) -> Option<Self> {
        let outcome = match code {
            200..=299 => MilestoneKind::Accepted,
            400..=499 => MilestoneKind::Deferred,
            500..=599 => MilestoneKind::Refused,
            _ => return None,
        };
        // Some hand over the whole line.
        let text = text.strip_prefix(&code.to_string()).map_or(text, |rest| rest.trim_start_matches('-'));
        let status_code = StatusCode::at_start(text);
        // RFC 2034: both are of one class, or the text only looks like a code.
        let status_code = status_code.filter(|status| u16::from(status.class()) == code / 100);
        Some(Self { outcome, code, status_code })
    }

    /// `Accepted`, `Deferred` or `Refused`.
    #[must_use]
    pub const fn outcome(self) -> MilestoneKind {
        self.outcome
    }

    /// The reply code.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.code
    }

    /// The enhanced status code, if the server gave one.
    #[must_use]
    pub const fn status_code(self) -> Option<StatusCode> {
        self.status_code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_the_code_decides_and_the_words_are_dropped() {
        use MilestoneKind::{Accepted, Deferred, Refused};
        for (code, text, outcome, status) in [
            (250, "2.0.0 Ok: queued as 4X", Accepted, Some("2.0.0")),
            (250, "OK", Accepted, None),
            (250, "250 2.6.0 <id@host> Queued", Accepted, Some("2.6.0")),
            (250, "250-2.0.0 first of many", Accepted, Some("2.0.0")),
            (451, "4.7.1 greylisted, try again", Deferred, Some("4.7.1")),
            (421, "", Deferred, None),
            (550, "5.1.1 <ada@example.com> unknown", Refused, Some("5.1.1")),
            (550, "2.0.0 of another class", Refused, None),
            (554, "192.0.2.7 is blocked", Refused, None),
        ] {
            let reply = SmtpReply::new(code, text).unwrap();
            let read = reply.status_code().map(|status| status.to_string());
            assert_eq!((reply.outcome(), read.as_deref()), (outcome, status), "{code} {text}");
        }
        for code in [0, 99, 199, 300, 354, 600, u16::MAX] {
            assert_eq!(SmtpReply::new(code, "2.0.0 Ok"), None, "{code}");
        }
    }
}
