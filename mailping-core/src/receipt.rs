//! A ping with its opens summed up, and what that proves.

use std::time::Duration;

use serde::Serialize;

use crate::fetcher::{Evidence, Fetcher, Provider, Verdict};
use crate::store::{KeptPing, OpenCursor};
use crate::{Open, Ping, PingId, Timestamp};

/// What is known about a message: its ping, the sums over all its opens, and one page of them.
///
/// It serialises to JSON and prints as one honest sentence. It never says "read": a fetch shows that the message was
/// displayed or handled, and a missing fetch shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The sums.
    #[serde(flatten)]
    pub summary: Summary,
    /// The opens of this page, by time.
    pub opens: Vec<Open>,
    /// The cursor for the next page of opens; `None` on the last.
    pub next: Option<OpenCursor>,
}

/// The sums of some pings, from the newest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Receipts {
    /// The sums.
    pub summaries: Vec<Summary>,
    /// The [`after`](crate::PingQuery::after) of the next page; `None` on the last.
    pub next: Option<PingId>,
    /// Pings between them whose rows are damaged: they are left out, and the log names those whose id can be read.
    pub unreadable: u64,
}

/// The sums over all opens of a ping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The ping.
    pub ping: Ping,
    /// What the opens prove together.
    pub state: State,
    /// How many opens are kept; every one counts, also repeated ones and the sender's own.
    pub fetches: u64,
    /// Fetches that a person caused by displaying the message; repeats within the window count once. At a time step of
    /// an hour or a day all of one kind within a step are repeats.
    pub human_opens: u64,
    /// Fetches without a person, likewise.
    pub machine_fetches: u64,
    /// Fetches of which neither can be said, likewise.
    pub uncertain_fetches: u64,
    /// When a person first caused one; at the ping's time step.
    pub first_human_open: Option<Timestamp>,
    /// When a person last caused one.
    pub last_human_open: Option<Timestamp>,
    /// Whether human opens came from several networks or places, as far as the kept detail shows: perhaps the message was forwarded,
    /// perhaps its reader moved.
    pub several_places: bool,
    /// How many more opens there are that cannot be read, since their rows are damaged. They are in none of the sums.
    pub unreadable: u64,
    /// The latest of the opens that say most, for the sentence.
    #[serde(skip)]
    pub(crate) telling: Option<Open>,
}

/// What the opens of a ping prove together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Nothing was fetched. That does not mean unread: many readers block images.
    NoFetch,
    /// Only machines have fetched it: prefetch, scanners, bots.
    MachineOnly,
    /// Something fetched it, and whether a person was behind it cannot be said.
    Uncertain,
    /// A person displayed the message at least once.
    Opened,
}

impl State {
    /// The name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoFetch => "no_fetch",
            Self::MachineOnly => "machine_only",
            Self::Uncertain => "uncertain",
            Self::Opened => "opened",
        }
    }
}

/// Sums up opens that come in the order of time.
#[derive(Debug)]
pub(crate) struct Tally {
    window: Duration,
    summary: Summary,
    /// The last counted fetch of each kind.
    counted: Vec<(Fetcher, Option<Provider>, Verdict, Timestamp)>,
    human_places: Vec<Whereabouts>,
}

/// The finest that is kept of where a human open came from.
#[derive(Debug, PartialEq, Eq)]
enum Whereabouts {
    Network(crate::MaskedIp),
    City(Option<crate::geo::Country>, crate::geo::City),
    Country(crate::geo::Country),
}

impl Tally {
    pub(crate) fn new(kept: KeptPing, now: Timestamp, window: Duration) -> Self {
        let KeptPing { ping, last_day } = kept;
        let summary = Summary {
            ping: ping.at(now),
            state: State::NoFetch,
            fetches: 0,
            human_opens: 0,
            machine_fetches: 0,
            uncertain_fetches: 0,
            first_human_open: None,
            last_human_open: last_day,
            several_places: false,
            unreadable: 0,
            telling: None,
        };
        Self { window, summary, counted: Vec::new(), human_places: Vec::new() }
    }

    pub(crate) fn note_unreadable(&mut self, rows: u64) {
        self.summary.unreadable += rows;
    }

    pub(crate) fn add(&mut self, open: &Open) {
        self.summary.fetches += 1;
        if open.evidence.contains(Evidence::NetOwn) {
            return;
        }
        if self.summary.telling.as_ref().is_none_or(|telling| weight(telling) <= weight(open)) {
            self.summary.telling = Some(open.clone());
        }
        if open.verdict == Verdict::Human {
            self.summary.first_human_open.get_or_insert(open.at);
            self.summary.last_human_open = self.summary.last_human_open.max(Some(open.at));
            self.note_place(open);
        }
        if self.is_repeat(open) {
            return;
        }
        match open.verdict {
            Verdict::Human => self.summary.human_opens += 1,
            Verdict::Machine => self.summary.machine_fetches += 1,
            Verdict::Uncertain => self.summary.uncertain_fetches += 1,
        }
    }

    /// A fetch of the same kind within the window of the last counted one is its repeat: Yahoo's proxy tries up to four
    /// times.
    fn is_repeat(&mut self, open: &Open) -> bool {
        let same =
            |(fetcher, provider, verdict, _): &&mut (Fetcher, Option<Provider>, Verdict, Timestamp)| {
                (*fetcher, *provider, *verdict) == (open.fetcher, open.provider, open.verdict)
            };
        match self.counted.iter_mut().find(same) {
            Some((.., last)) if open.at.since(*last).is_none_or(|age| age <= self.window) => true,
            Some((.., last)) => {
                *last = open.at;
                false
            }
            None => {
                self.counted.push((open.fetcher, open.provider, open.verdict, open.at));
                false
            }
        }
    }

    fn note_place(&mut self, open: &Open) {
        // The network or place of a proxy says nothing about the reader.
        if self.human_places.len() > 1 || !open.fetcher.is_direct() {
            return;
        }
        let place = match (open.network, &open.city, open.country) {
            (Some(network), ..) => Whereabouts::Network(network),
            (None, Some(city), country) => Whereabouts::City(country, city.clone()),
            (None, None, Some(country)) => Whereabouts::Country(country),
            (None, None, None) => return,
        };
        if !self.human_places.contains(&place) {
            self.human_places.push(place);
        }
    }

    pub(crate) fn finish(self) -> Summary {
        let mut summary = self.summary;
        summary.several_places = self.human_places.len() > 1;
        summary.state = if summary.last_human_open.is_some() {
            State::Opened
        } else if summary.uncertain_fetches > 0 {
            State::Uncertain
        } else if summary.machine_fetches > 0 {
            State::MachineOnly
        } else {
            State::NoFetch
        };
        summary
    }
}

/// How much an open says about a person.
fn weight(open: &Open) -> u8 {
    match open.verdict {
        Verdict::Machine => 0,
        Verdict::Uncertain => 1,
        Verdict::Human => 2,
    }
}
