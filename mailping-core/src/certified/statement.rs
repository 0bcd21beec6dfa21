//! One thing that is certified about a ping: a line of text, committed to and printed byte by byte.

use std::fmt;
use std::str::FromStr;

use super::escape::is_hidden;
use crate::named::named;
use crate::{ParseError, StepTime, TimeStep, Timestamp};

named! {
    /// What a statement of a certified receipt is about.
    pub enum StatementKind ("a kind of statement") {
        /// The sender's service noted the message.
        Created = 0, "created";
        /// What the recipient's mail server answered.
        HandedOver = 1, "handed_over";
        /// What a delivery report said.
        Reported = 2, "reported";
        /// The picture was fetched.
        Open = 3, "open";
        /// The day on which a person last displayed the message.
        LastDay = 4, "last_day";
        /// The recipient confirmed the receipt.
        Confirmed = 5, "confirmed";
        /// Recording ended.
        Ended = 6, "ended";
    }
}

/// One thing that is certified about a message: its time, its kind, and fields in an order that
/// never changes, such as `2026-11-27T10:40:00.000Z open: human; fetcher gmail_proxy; …`.
///
/// It never changes once it is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    pub(super) time: StepTime,
    pub(super) kind: StatementKind,
    pub(super) line: Box<str>,
}

/// Between two fields. No field contains it, since texts are kept without semicolons.
pub(super) const BETWEEN: &str = "; ";

impl Statement {
    /// When it happened, as exactly as that is kept.
    #[must_use]
    pub const fn time(&self) -> StepTime {
        self.time
    }

    /// When the step of its time ends: its seal ends no earlier.
    pub(super) fn ends(&self) -> Timestamp {
        Self::end_of(self.time)
    }

    /// When the step of a time ends; an exact time at itself.
    pub(super) fn end_of(time: StepTime) -> Timestamp {
        let step = time.step();
        let length = if step == TimeStep::Exact { 0 } else { step.millis() };
        Timestamp::from_unix_millis(time.start().unix_millis().saturating_add(length))
    }

    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> StatementKind {
        self.kind
    }

    /// The whole line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.line
    }

    /// The fields, in their order. The first says most: a verdict, an answer, a reason.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let (_, fields) = self.line.split_once(": ").unwrap_or_default();
        fields.split(BETWEEN)
    }

    /// What stands behind the name of a field; `None` if there is no such field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields().find_map(|field| field.strip_prefix(name)?.strip_prefix(' '))
    }
}

/// Prints the line.
impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// Shows no text of the app.
impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("time", &self.time)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

const STATEMENT: &str = "a statement: a time, a kind and its fields";

/// Reads what [`Display`](fmt::Display) printed.
impl FromStr for Statement {
    type Err = ParseError;

    fn from_str(line: &str) -> Result<Self, ParseError> {
        let refused = || ParseError::new(STATEMENT);
        let (time, rest) = line.split_once(' ').ok_or_else(refused)?;
        let (kind, fields) = rest.split_once(": ").ok_or_else(refused)?;
        let time = step_time(time).ok_or_else(refused)?;
        if fields.is_empty() || line.chars().any(is_hidden) {
            return Err(refused());
        }
        Ok(Self { time, kind: kind.parse().map_err(|_| refused())?, line: line.into() })
    }
}

/// A time in the one form that it has in a statement.
pub(super) fn step_time(text: &str) -> Option<StepTime> {
    text.parse().ok().filter(|time: &StepTime| time.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_gives_its_parts() {
        let line = "2026-11-27T10:40:00.000Z open: human; fetcher gmail_proxy; rules 7; id 0123456789abcdef";
        let open: Statement = line.parse().unwrap();
        assert_eq!((open.kind(), open.to_string().as_str()), (StatementKind::Open, line));
        assert_eq!(open.time().to_string(), "2026-11-27T10:40:00.000Z");
        assert_eq!(open.fields().next(), Some("human"));
        assert_eq!((open.field("rules"), open.field("rule"), open.field("human")), (Some("7"), None, None));
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        for line in [
            "",
            "2026-11-27 open:",
            "2026-11-27 open: ",
            "2026-11-27 opened: human",
            "2026-11-27  open: human",
            "2026-11-27T10:40:00Z open: human",
            "2026-11-27T11:40:00.000+01:00 open: human",
            "2026-11-27 open: human\n",
            "2026-11-27 open: human\u{202e}",
            "open: human",
        ] {
            assert!(line.parse::<Statement>().is_err(), "{line:?}");
        }
    }
}
