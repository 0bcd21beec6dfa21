//! Which fetches of a message repeat another and count no more: Yahoo's proxy tries up to four
//! times for one look.

use std::time::Duration;

use crate::fetcher::{Fetcher, Provider, Verdict};
use crate::geo::Place;
use crate::{Open, Timestamp};

/// A fetch within this time after another of the same kind is its repeat.
pub(crate) const DEFAULT_REPEAT_WINDOW: Duration = Duration::from_secs(30);

/// The counted fetches of one message, which come in the order of time.
#[derive(Debug)]
pub(crate) struct Repeats {
    window: Duration,
    counted: Vec<Counted>,
}

/// A counted fetch that can still be repeated.
#[derive(Debug)]
struct Counted {
    kind: Kind,
    /// With what its repeats added.
    place: Place,
    at: Timestamp,
}

type Kind = (Fetcher, Option<Provider>, Verdict);

impl Repeats {
    pub(crate) const fn within(window: Duration) -> Self {
        Self { window, counted: Vec::new() }
    }

    /// Whether this fetch came within the window of a counted one of its kind, and can have come
    /// from the same place. If not, it is counted now.
    pub(crate) fn holds(&mut self, open: &Open) -> bool {
        let kind = (open.fetcher, open.provider, open.verdict);
        let place = Place::new(open.country, open.city.clone());
        self.counted.retain(|counted| open.at.since(counted.at).is_none_or(|age| age <= self.window));
        let mut same = self.counted.iter_mut().filter(|counted| counted.kind == kind);
        if same.any(|counted| counted.place.join(&place)) {
            return true;
        }
        self.counted.push(Counted { kind, place, at: open.at });
        false
    }
}
