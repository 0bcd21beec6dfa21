//! The log: the seals one after another, signed, and the receipts that follow from them.

use std::collections::BTreeMap;

use super::leaves::Leaves;
use super::log_key::LogKey;
use super::tree;
use crate::Timestamp;
use crate::certified::checkpoint::Checkpoint;
use crate::certified::file::{Before, File, Part};
use crate::certified::hash::{Hash, sha256};
use crate::certified::note::Note;
use crate::certified::ping_key::PingKey;
use crate::certified::seal::{Seal, is_due};
use crate::certified::statement::{Statement, StatementKind};
use crate::certified::token;
use crate::certified::tree::leaf;

/// A log with all that its seals hold.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) key: LogKey,
    pub(crate) entries: Vec<Entry>,
}

/// An entry of the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) seal: Seal,
    pub(crate) leaves: Leaves,
    /// The text that is hashed: the seal's, or if the key changes, the note of the old one.
    pub(crate) text: String,
}

/// The log is not what was signed before: a backup was restored, or another server took over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotExtended;

impl Log {
    pub(crate) const fn new(key: LogKey) -> Self {
        Self { key, entries: Vec::new() }
    }

    /// How many seals there are: the number of the next one.
    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Adds the seal of a period.
    pub(crate) fn seal(&mut self, from: Timestamp, until: Timestamp, leaves: Leaves) {
        let seal = Seal { index: self.size(), from, until, root: leaves.root(), next: None };
        self.entries.push(Entry { text: seal.text(), seal, leaves });
    }

    /// Adds a seal from which on another key signs; the old one signs that.
    pub(crate) fn rotate(&mut self, from: Timestamp, until: Timestamp, leaves: Leaves, next: LogKey) {
        let public = Some(next.public().clone());
        let seal = Seal { index: self.size(), from, until, root: leaves.root(), next: public };
        self.entries.push(Entry { text: self.key.sign(&seal.text()), seal, leaves });
        self.key = next;
    }

    fn hashes(&self) -> Vec<Hash> {
        self.entries.iter().map(|entry| leaf(entry.text.as_bytes())).collect()
    }

    fn head(&self) -> Checkpoint {
        let origin = self.key.public().name().into();
        Checkpoint { origin, size: self.size(), root: tree::root(&self.hashes()) }
    }

    /// The signed head. It is never signed if the log does not go on from the last one that was.
    pub(crate) fn checkpoint(&self, last_signed: Option<&str>) -> Result<String, NotExtended> {
        if let Some(last) = last_signed {
            let last = Note::parse(last).as_ref().and_then(Checkpoint::of).ok_or(NotExtended)?;
            let hashes = self.hashes();
            let same = usize::try_from(last.size).ok().and_then(|size| hashes.get(..size));
            if same.map(tree::root) != Some(last.root) {
                return Err(NotExtended);
            }
        }
        Ok(self.key.sign(&self.head().text()))
    }

    /// The receipt of a ping, of which `sealed` says what is in which seal. `checkpoint` is the
    /// signed head of now; `earlier` are signed heads from before, each with a token over it if
    /// there is one.
    pub(crate) fn receipt(
        &self,
        key: &PingKey,
        sealed: &BTreeMap<u64, Vec<Statement>>,
        checkpoint: &str,
        earlier: &[(String, Option<Vec<u8>>)],
    ) -> Option<File> {
        let created = sealed.values().flatten().next()?.time().start();
        let first =
            self.entries.iter().find(|entry| (entry.seal.from..entry.seal.until).contains(&created))?;
        let ended = sealed
            .iter()
            .find(|(_, lines)| lines.last().is_some_and(|last| last.kind() == StatementKind::Ended));
        let end = ended.map_or(self.size(), |(index, _)| index + 1);
        let first = first.seal.index;
        let parts: Vec<Part> = (first..end)
            .filter(|index| is_due(first, *index))
            .filter_map(|index| {
                let Entry { seal, leaves, .. } = self.entries.get(usize::try_from(index).ok()?)?;
                let statements = sealed.get(&index).cloned().unwrap_or_default();
                Some(Part {
                    index,
                    from: seal.from,
                    until: seal.until,
                    path: leaves.path(&key.tag(index)),
                    statements,
                })
            })
            .collect();
        let rotations: Vec<&Entry> = self.entries.iter().filter(|entry| entry.seal.next.is_some()).collect();
        let mut shown: Vec<u64> = parts.iter().map(|part| part.index).collect();
        shown.extend(rotations.iter().map(|entry| entry.seal.index));
        shown.sort_unstable();
        shown.dedup();
        let hashes = self.hashes();
        let before = earlier.iter().map(|(note, token)| {
            let checkpoint = Checkpoint::of(&Note::parse(note)?)?;
            let proof = tree::consistency(&hashes, usize::try_from(checkpoint.size).ok()?);
            let token = token.as_ref().map(|token| {
                token::time(token, &sha256(&[note.as_bytes()])).map(|time| (token.clone(), time))
            });
            let token = match token {
                Some(token) => Some(token?),
                None => None,
            };
            Some(Before { checkpoint, note: note.clone(), proof, token })
        });
        Some(File {
            ping_key: key.clone(),
            log: tree::proof_of(&hashes, &shown),
            rotations: rotations.iter().map(|entry| entry.text.clone()).collect(),
            before: before.collect::<Option<_>>()?,
            checkpoint: Checkpoint::of(&Note::parse(checkpoint)?)?,
            note: checkpoint.to_owned(),
            parts,
        })
    }
}
