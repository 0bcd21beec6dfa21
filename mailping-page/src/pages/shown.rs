//! How values are shown: states, verdicts and times in words that a sender understands.

use mailping_core::State;
use mailping_core::fetcher::Verdict;
use mailping_core::pings::{Status, TimeStep};
use mailping_core::receipts::StepTime;

/// A short word with a sign, so that it is told apart without its colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Badge {
    pub(crate) class: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) text: &'static str,
}

impl Badge {
    const fn new(class: &'static str, sign: &'static str, text: &'static str) -> Self {
        Self { class, sign, text }
    }

    pub(crate) fn of_state(state: State) -> Self {
        match state {
            State::Opened => Self::new("human", "\u{25cf}", "Opened"),
            State::Uncertain => Self::new("uncertain", "\u{25d0}", "Uncertain"),
            State::MachineOnly => Self::new("machine", "\u{25a0}", "Machines only"),
            _ => Self::new("none", "\u{25cb}", "No fetch"),
        }
    }

    /// What is worth a word: a live ping is the usual one.
    pub(crate) fn of_status(status: Status) -> Option<Self> {
        match status {
            Status::Withdrawn => Some(Self::new("none", "\u{2715}", "Withdrawn")),
            Status::Expired => Some(Self::new("none", "\u{2715}", "Expired")),
            Status::Untracked => Some(Self::new("none", "\u{2715}", "Untracked")),
            Status::Unknown => Some(Self::new("none", "\u{2715}", "Unknown status")),
            _ => None,
        }
    }

    pub(crate) fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Human => Self::new("human", "\u{25cf}", "Person"),
            Verdict::Machine => Self::new("machine", "\u{25a0}", "Machine"),
            _ => Self::new("uncertain", "\u{25d0}", "Uncertain"),
        }
    }
}

/// A time at its step, in UTC.
pub(crate) fn when(time: StepTime) -> String {
    let text = time.start().to_string();
    let (day, clock) = text.split_once('T').unwrap_or((&text, ""));
    match time.step() {
        TimeStep::Day => format!("{day} (UTC)"),
        TimeStep::Hour => format!("{day}, hour from {} UTC", clock.get(..5).unwrap_or(clock)),
        _ => format!("{day} {} UTC", clock.get(..8).unwrap_or(clock)),
    }
}

/// A time to the minute at most, for a column that says UTC.
pub(crate) fn short(time: StepTime) -> String {
    let text = time.start().to_string();
    let (day, clock) = text.split_once('T').unwrap_or((&text, ""));
    match time.step() {
        TimeStep::Day => day.to_owned(),
        _ => format!("{day} {}", clock.get(..5).unwrap_or(clock)),
    }
}

/// A number with its noun.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
