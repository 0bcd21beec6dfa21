//! What things are called on the page: the words of somebody who has sent a message, not those of
//! the code.

use mailping_core::State;
use mailping_core::fetcher::{Evidence, Fetcher, Verdict};
use mailping_core::pings::Status;
use mailping_core::receipts::{Open, Summary};

/// A short word with a sign, so that it is told apart without its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) class: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) text: &'static str,
}

impl Badge {
    const fn new(class: &'static str, sign: &'static str, text: &'static str) -> Self {
        Self { class, sign, text }
    }

    pub(crate) fn of(summary: &Summary) -> Self {
        match summary.state {
            State::NoFetch if summary.unreadable > 0 => Self::new("none", "\u{25cb}", "Unreadable"),
            state => Self::of_state(state),
        }
    }

    pub(crate) fn of_state(state: State) -> Self {
        match state {
            State::Opened => Self::new("human", "\u{25cf}", "Opened"),
            State::Uncertain => Self::new("uncertain", "\u{25d0}", "Unclear"),
            State::MachineOnly => Self::new("machine", "\u{25a0}", "Machines only"),
            _ => Self::new("none", "\u{25cb}", "Nothing yet"),
        }
    }

    /// What is worth a word: a live ping is the usual one.
    pub(crate) fn of_status(status: Status) -> Option<Self> {
        match status {
            Status::Withdrawn => Some(Self::new("none", "\u{2715}", "Stopped")),
            Status::Expired => Some(Self::new("none", "\u{2715}", "Ended")),
            Status::Untracked => Some(Self::new("none", "\u{2715}", "Not tracked")),
            Status::Unknown => Some(Self::new("none", "\u{2715}", "Unknown status")),
            _ => None,
        }
    }

    pub(crate) fn of_open(open: &Open) -> Self {
        match open.verdict {
            _ if is_own(open) => Self::new("none", "\u{25cb}", "You"),
            Verdict::Human => Self::new("human", "\u{25cf}", "Person"),
            Verdict::Machine => Self::new("machine", "\u{25a0}", "Machine"),
            _ => Self::new("uncertain", "\u{25d0}", "Unclear"),
        }
    }
}

/// Whether it came from the sender's own network: it is not counted.
pub(crate) fn is_own(open: &Open) -> bool {
    open.evidence.contains(Evidence::NetOwn)
}

/// Whether it was Word, OneNote or their like, which count with Outlook.
fn is_office(open: &Open) -> bool {
    open.evidence.contains(Evidence::UaOffice)
}

/// What the reasons of an open are reasons for.
pub(crate) fn why(open: &Open) -> &'static str {
    match open.verdict {
        _ if is_own(open) => "Why this counts as you",
        Verdict::Human => "Why this counts as a person",
        Verdict::Machine => "Why this counts as a machine",
        _ => "Why this is unclear",
    }
}

/// Who loaded the picture, at the start of a line: `Apple's prefetch`, `A security scanner
/// (Mimecast)`.
pub(crate) fn program(open: &Open) -> String {
    let name = match open.fetcher {
        Fetcher::GmailProxy => "Gmail",
        Fetcher::YahooProxy => "Yahoo Mail",
        Fetcher::AppleMpp => "Apple's prefetch",
        Fetcher::OtherMailProxy => "A mail provider",
        Fetcher::OutlookClient if is_office(open) => "An Office program",
        Fetcher::OutlookClient => "Outlook",
        Fetcher::Thunderbird => "Thunderbird",
        Fetcher::AppleMailDirect => "Apple Mail",
        Fetcher::OtherMailClient => "A mail program",
        Fetcher::Browser => "A browser",
        Fetcher::SecurityScanner => "A security scanner",
        Fetcher::LinkPreviewBot => "A link preview",
        Fetcher::Crawler => "A crawler",
        Fetcher::HttpClient => "A tool such as curl",
        _ => "Unknown software",
    };
    match open.provider {
        Some(provider)
            if matches!(
                open.fetcher,
                Fetcher::OtherMailProxy
                    | Fetcher::SecurityScanner
                    | Fetcher::LinkPreviewBot
                    | Fetcher::Crawler
                    | Fetcher::OtherMailClient
            ) =>
        {
            format!("{name} ({})", capital(provider.as_str()))
        }
        _ => name.to_owned(),
    }
}

/// Where somebody looked at it, within a sentence: `in Outlook`, `in a browser`.
pub(crate) fn shown_in(open: &Open) -> &'static str {
    match open.fetcher {
        Fetcher::GmailProxy => "in Gmail",
        Fetcher::YahooProxy => "in Yahoo Mail",
        Fetcher::AppleMpp | Fetcher::AppleMailDirect => "in Apple Mail",
        Fetcher::OtherMailProxy => "through a mail provider",
        Fetcher::OutlookClient if is_office(open) => "in an Office program",
        Fetcher::OutlookClient => "in Outlook",
        Fetcher::Thunderbird => "in Thunderbird",
        Fetcher::OtherMailClient => "in a mail program",
        Fetcher::Browser => "in a browser",
        _ => "by unknown software",
    }
}

/// Providers' names are written in lower case.
fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A number with its noun.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
