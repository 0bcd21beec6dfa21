//! A ping with its opens summed up, and what that proves.

use std::mem;
use std::time::Duration;

use serde::Serialize;

use crate::fetcher::{Evidence, Verdict};
use crate::geo::Place;
use crate::milestone::{Milestone, MilestoneKind};
use crate::named::named;
use crate::repeats::Repeats;
use crate::store::OpenCursor;
use crate::{Open, Ping, StepTime, TimeStep, Timestamp};

/// What is known about a message: its ping, the sums over all its opens, and one page of them.
///
/// It serialises to JSON and prints as one honest sentence. It never says "read": a fetch shows
/// that the message was displayed or handled, and a missing fetch shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
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

/// The sums over all opens of a ping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Summary {
    /// The ping.
    pub ping: Ping,
    /// What mail servers have told of the message, the most that is known: never `confirmed`.
    pub delivery: MilestoneKind,
    /// What the opens prove together.
    pub state: State,
    /// When the recipient confirmed receipt, as exactly as times are kept. Whoever has the message
    /// can confirm it.
    pub confirmed_at: Option<StepTime>,
    /// All that became known of the message beside its opens, by time; each kind once.
    pub milestones: Vec<Milestone>,
    /// How many opens are kept; every one counts, also repeated ones and the sender's own.
    pub fetches: u64,
    /// Fetches that a person caused by displaying the message; repeats within the window count
    /// once, unless they came from another place. At a time step of an hour or a day all of one
    /// kind and place within a step are repeats.
    pub human_opens: u64,
    /// Fetches that no person caused, counted in the same way.
    pub machine_fetches: u64,
    /// Fetches that may or may not have had a person behind them, counted in the same way.
    pub uncertain_fetches: u64,
    /// When a person first displayed the message, as exactly as times are kept.
    pub first_human_open: Option<StepTime>,
    /// When a person last displayed it.
    pub last_human_open: Option<StepTime>,
    /// Whether human opens came from several cities or countries, as far as the kept detail shows:
    /// perhaps the message was forwarded, perhaps its reader moved. Two networks in one city, or of
    /// unknown place, are not several places: a phone changes between them all day.
    pub several_places: bool,
    /// How many more opens cannot be read, because their rows are damaged. No sum includes them.
    pub unreadable: u64,
    /// The latest of the opens that say most, for the sentence.
    #[serde(skip)]
    pub(crate) telling: Option<Open>,
}

impl Summary {
    /// The open that the sentence is about: the latest of those that say most about a person.
    /// `None` if there is none but from the sender's own networks, or only the last day is kept.
    #[must_use]
    pub const fn telling(&self) -> Option<&Open> {
        self.telling.as_ref()
    }
}

named! {
    /// What the opens of a ping prove together. Each state proves more than the one before it.
    pub enum State ("a state") {
        /// No fetch by anyone but the sender can be read. That does not mean unread: many readers
        /// block images, and the rows of the fetches may be damaged ([`Summary::unreadable`]).
        NoFetch = 0, "no_fetch";
        /// Only machines have fetched it: prefetch, scanners, bots.
        MachineOnly = 1, "machine_only";
        /// Something fetched it, and the evidence does not show whether a person did.
        Uncertain = 2, "uncertain";
        /// A person displayed the message at least once.
        Opened = 3, "opened";
    }
}

/// Sums up opens that come in the order of time.
#[derive(Debug)]
pub(crate) struct Tally {
    summary: Summary,
    repeats: Repeats,
    /// Until two of them differ at most four: nothing, a country, its city, the city alone.
    human_places: Vec<Place>,
}

impl Tally {
    pub(crate) fn new(mut ping: Ping, now: Timestamp, window: Duration) -> Self {
        let last_day = ping.last_day;
        let mut milestones = mem::take(&mut ping.milestones);
        milestones.sort_unstable_by_key(|milestone| (milestone.at, milestone.kind));
        let is_confirmation = |milestone: &&Milestone| milestone.kind == MilestoneKind::Confirmed;
        let told = milestones.iter().filter(|milestone| !is_confirmation(milestone));
        let summary = Summary {
            ping: ping.at(now),
            delivery: told.map(|milestone| milestone.kind).max().unwrap_or(MilestoneKind::Unknown),
            state: State::NoFetch,
            confirmed_at: milestones.iter().find(is_confirmation).map(Milestone::time),
            milestones,
            fetches: 0,
            human_opens: 0,
            machine_fetches: 0,
            uncertain_fetches: 0,
            first_human_open: None,
            last_human_open: last_day.map(|day| StepTime::new(day, TimeStep::Day)),
            several_places: false,
            unreadable: 0,
            telling: None,
        };
        Self { summary, repeats: Repeats::within(window), human_places: Vec::new() }
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
            self.summary.first_human_open.get_or_insert(open.time());
            self.summary.last_human_open = self.summary.last_human_open.max(Some(open.time()));
            self.note_place(open);
        }
        if self.repeats.holds(open) {
            return;
        }
        match open.verdict {
            Verdict::Human => self.summary.human_opens += 1,
            Verdict::Machine => self.summary.machine_fetches += 1,
            Verdict::Uncertain => self.summary.uncertain_fetches += 1,
        }
    }

    fn note_place(&mut self, open: &Open) {
        // The place of a proxy says nothing about the reader.
        if self.summary.several_places || !open.fetcher.is_direct() {
            return;
        }
        let place = Place::new(open.country, open.city.clone());
        self.summary.several_places = self.human_places.iter().any(|other| other.differs(&place));
        if !self.human_places.contains(&place) {
            self.human_places.push(place);
        }
    }

    pub(crate) fn finish(self) -> Summary {
        let mut summary = self.summary;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetcher::Fetcher;
    use crate::{Basis, MaskedIp, OpenId, PingId, Status};

    fn several(opens: &[(&str, &str, &str)]) -> bool {
        let id = PingId::from_bytes([0; 16]);
        let ping = Ping::stored(id, "invoice-42".into(), Basis::Contract, Status::Live);
        let at: Timestamp = "2026-11-23T10:02:30Z".parse().unwrap();
        let mut tally = Tally::new(ping, at, Duration::ZERO);
        for (network, country, city) in opens {
            let mut open = Open::new(id, OpenId::from_bytes([0; 8]), at, Fetcher::Browser, Verdict::Human);
            open.network = network.parse::<MaskedIp>().ok();
            open.country = country.parse().ok();
            open.city = city.parse().ok();
            tally.add(&open);
        }
        tally.finish().several_places
    }

    #[test]
    fn readers_in_several_places_are_several_within_the_window_too() {
        let counted = |places: &[(i64, &str, &str)]| {
            let id = PingId::from_bytes([0; 16]);
            let ping = Ping::stored(id, "invoice-42".into(), Basis::Contract, Status::Live);
            let now = Timestamp::from_unix_millis(0);
            let mut tally = Tally::new(ping, now, Duration::from_secs(30));
            for (seconds, country, city) in places {
                let at = Timestamp::from_unix_millis(1_000 * seconds);
                let mut open =
                    Open::new(id, OpenId::from_bytes([0; 8]), at, Fetcher::Browser, Verdict::Human);
                (open.country, open.city) = (country.parse().ok(), city.parse().ok());
                tally.add(&open);
            }
            let summary = tally.finish();
            (summary.human_opens, summary.several_places)
        };
        for (places, expected) in [
            (&[(0, "GB", ""), (5, "IN", ""), (15, "DE", "")][..], (3, true)),
            (&[(0, "GB", ""), (5, "IN", ""), (10, "GB", ""), (15, "IN", "")], (2, true)),
            (&[(0, "PT", "Lisbon"), (5, "PT", "Porto"), (35, "PT", "Porto")], (2, true)),
            // What becomes known of a place counts: the first is in Lisbon too.
            (&[(0, "PT", ""), (5, "PT", "Lisbon"), (10, "PT", "Porto")], (2, true)),
            (&[(0, "", ""), (5, "PT", ""), (10, "PT", "Lisbon"), (15, "", "")], (1, false)),
            (&[(0, "PT", ""), (30, "PT", ""), (31, "PT", "")], (2, false)),
        ] {
            assert_eq!(counted(places), expected, "{places:?}");
        }
    }

    #[test]
    fn several_places_are_several_cities_or_countries_and_not_several_networks() {
        let (home, phone) = ("192.0.2.0/24", "2001:db8::/48");
        for one in [
            &[(home, "PT", "Lisbon"), (phone, "PT", "Lisbon")][..],
            &[(home, "PT", "Lisbon"), (phone, "PT", "")],
            &[(home, "", "Lisbon"), (phone, "PT", "Lisbon")],
            &[(home, "", ""), (phone, "", "")],
            &[(home, "", ""), (phone, "PT", "Lisbon"), ("", "", "")],
            &[("", "PT", ""), ("", "PT", "")],
        ] {
            assert!(!several(one), "{one:?}");
        }
        for more in [
            &[(home, "PT", "Lisbon"), (home, "PT", "Porto")][..],
            &[(home, "PT", ""), (phone, "ES", "")],
            &[("", "PT", "Lisbon"), ("", "PT", ""), ("", "", ""), ("", "PT", "Porto")],
            &[("", "PT", "Lisbon"), ("", "ES", "")],
            &[("", "US", "Lisbon"), ("", "PT", "Lisbon")],
        ] {
            assert!(several(more), "{more:?}");
        }
    }
}
