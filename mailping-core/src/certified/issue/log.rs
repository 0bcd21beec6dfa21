//! A whole log in memory, for the tests of the verifiers: also what no honest sender would make.

use std::collections::BTreeMap;

use super::leaves::Leaves;
use super::log_key::LogKey;
use super::receipt::{Draft, NotExtended, extends};
use super::tree::Tree;
use crate::Timestamp;
use crate::certified::checkpoint::Checkpoint;
use crate::certified::file::{File, Part};
use crate::certified::ping_key::PingKey;
use crate::certified::seal::{Seal, is_due};
use crate::certified::statement::{Statement, StatementKind};
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

    fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        self.entries.iter().for_each(|entry| tree.push(leaf(entry.text.as_bytes())));
        tree
    }

    /// The signed head. It is never signed if the log does not go on from the last one that was.
    pub(crate) fn checkpoint(&self, last_signed: Option<&str>) -> Result<String, NotExtended> {
        let tree = self.tree();
        if let Some(last) = last_signed {
            extends(&tree, last)?;
        }
        let root = tree.root(self.size()).ok_or(NotExtended)?;
        let origin = self.key.public().name().into();
        Ok(self.key.sign(&Checkpoint { origin, size: self.size(), root }.text()))
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
                let path = leaves.path(&key.tag(index));
                Some(Part { index, from: seal.from, until: seal.until, path, statements })
            })
            .collect();
        let rotations = self.entries.iter().filter(|entry| entry.seal.next.is_some());
        let rotations: Vec<(u64, String)> =
            rotations.map(|entry| (entry.seal.index, entry.text.clone())).collect();
        let tree = self.tree();
        let (key, rotations) = (key.clone(), rotations.as_slice());
        Draft { key, parts, tree: &tree, rotations, note: checkpoint, earlier }.file()
    }
}
