//! Which fetches of a message repeat another and count no more: Yahoo's proxy tries up to four
//! times for one look.

use std::time::Duration;

use crate::fetcher::{Fetcher, Provider, Verdict};
use crate::{Open, Timestamp};

/// A fetch within this time after another of the same kind is its repeat.
pub(crate) const DEFAULT_REPEAT_WINDOW: Duration = Duration::from_secs(30);

/// The counted fetches of one message, which come in the order of time.
#[derive(Debug)]
pub(crate) struct Repeats {
    window: Duration,
    /// The last counted fetch of each kind.
    counted: Vec<(Kind, Timestamp)>,
}

type Kind = (Fetcher, Option<Provider>, Verdict);

impl Repeats {
    pub(crate) const fn within(window: Duration) -> Self {
        Self { window, counted: Vec::new() }
    }

    /// Whether this fetch came within the window of the last counted one of its kind. If not, it is
    /// counted now.
    pub(crate) fn holds(&mut self, open: &Open) -> bool {
        let kind = (open.fetcher, open.provider, open.verdict);
        match self.counted.iter_mut().find(|(counted, _)| *counted == kind) {
            Some((_, last)) if open.at.since(*last).is_none_or(|age| age <= self.window) => true,
            Some((_, last)) => {
                *last = open.at;
                false
            }
            None => {
                self.counted.push((kind, open.at));
                false
            }
        }
    }
}
