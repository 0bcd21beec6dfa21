//! A log's head (c2sp.org/tlog-checkpoint): its origin, how many entries it has, and their root.

use super::hash::{Hash, hash_from_base64, to_base64};
use super::note::Note;
use crate::text::decimal;

/// The format's numbers have nine digits: hourly seals for a hundred thousand years.
const MAX_SIZE: u64 = 999_999_999;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) origin: Box<str>,
    pub(super) size: u64,
    pub(super) root: Hash,
}

impl Checkpoint {
    pub(super) fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, to_base64(self.root))
    }

    /// What a signed checkpoint says. Who signed it is another question.
    pub(super) fn of(note: &Note<'_>) -> Option<Self> {
        let mut lines = note.text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let read = Self { origin: origin.into(), size: decimal(size)?, root: hash_from_base64(root)? };
        ((1..=MAX_SIZE).contains(&read.size) && read.text() == note.text).then_some(read)
    }
}
