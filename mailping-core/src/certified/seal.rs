//! One entry of the log: the seal over all that was new within a period.

use std::fmt;

use super::hash::{Hash, hash_from_base64, to_base64};
use super::note::PublicKey;
use crate::Timestamp;
use crate::text::decimal;

/// An entry of the log. Its number is its place in the log, so that no number is there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) index: u64,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    /// The root of the map of its leaves.
    pub(crate) root: Hash,
    /// The log's key from this entry on, if it changes here.
    pub(crate) next: Option<PublicKey>,
}

const FIRST_LINE: &str = "mailping seal 1";
/// For so many seals from its first one on, a ping has a leaf wherever something is new.
const EACH_FOR: u64 = 720;
/// Later it can have one only in each seal whose number is a multiple of this.
const LATER_EACH: u64 = 24;

impl Seal {
    /// The entry, unless the key changes in it: then this is the text that the old key signs.
    pub(super) fn text(&self) -> String {
        let Self { index, root, next, .. } = self;
        let root = to_base64(root);
        let next = next.as_ref().map_or_else(String::new, |key| format!("next {key}\n"));
        format!("{FIRST_LINE}\n{index}\n{}\n{}\n{root}\n{next}", Second(self.from), Second(self.until))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().skip(1);
        let index = decimal(lines.next()?)?;
        let (from, until) = (second(lines.next()?)?, second(lines.next()?)?);
        let root = hash_from_base64(lines.next()?)?;
        let next: Option<PublicKey> = match lines.next() {
            Some(line) => Some(line.strip_prefix("next ")?.parse().ok()?),
            None => None,
        };
        // Only a log's key can follow a log's key.
        if next.as_ref().is_some_and(PublicKey::is_witness) {
            return None;
        }
        let read = Self { index, from, until, root, next };
        (read.text() == text).then_some(read)
    }
}

/// Whether a ping whose first seal is `first` can have a leaf in the seal `index`: in each of the
/// first 720, and then in each 24th, so that a receipt stays small.
pub(crate) const fn is_due(first: u64, index: u64) -> bool {
    index >= first && (index - first < EACH_FOR || index.is_multiple_of(LATER_EACH))
}

/// The first seal from `index` on in which a ping whose first seal is `first` can have a leaf.
pub(crate) const fn next_due(first: u64, index: u64) -> u64 {
    let index = if index < first { first } else { index };
    if is_due(first, index) { index } else { index.next_multiple_of(LATER_EACH) }
}

/// The whole second that a time lies in.
pub(super) fn floor_second(time: Timestamp) -> Timestamp {
    time.floor(1_000)
}

/// A time as seals have it: whole seconds, such as `2026-11-27T11:00:00Z`.
pub(super) struct Second(pub(super) Timestamp);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        write!(f, "{}Z", text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds))
    }
}

pub(super) fn second(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (Second(time).to_string() == text).then_some(time)
}
