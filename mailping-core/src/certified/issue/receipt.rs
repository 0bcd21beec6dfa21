//! A receipt put together: what one ping has in the seals, and the proof from the log.

use super::tree::Tree;
use crate::certified::checkpoint::Checkpoint;
use crate::certified::file::{Before, File, Part};
use crate::certified::hash::sha256;
use crate::certified::note::Note;
use crate::certified::ping_key::PingKey;
use crate::certified::token;

/// The log is not what was signed before: a backup was restored, or another server took over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotExtended;

/// Whether the log goes on from a head that was signed before.
pub(crate) fn extends(tree: &Tree, last_signed: &str) -> Result<Checkpoint, NotExtended> {
    let last = Note::parse(last_signed).as_ref().and_then(Checkpoint::of).ok_or(NotExtended)?;
    let fits = last.size <= tree.size() && tree.root(last.size) == Some(last.root);
    if fits { Ok(last) } else { Err(NotExtended) }
}

/// What a receipt is made of.
pub(crate) struct Draft<'a> {
    pub(crate) key: PingKey,
    /// Each due seal with what it holds of the ping, in order.
    pub(crate) parts: Vec<Part>,
    pub(crate) tree: &'a Tree,
    /// The entries in which the log's key changes, by their number.
    pub(crate) rotations: &'a [(u64, String)],
    /// The signed head.
    pub(crate) note: &'a str,
    /// Signed heads from before, each with a token over it if there is one.
    pub(crate) earlier: &'a [(String, Option<Vec<u8>>)],
}

impl Draft<'_> {
    /// The receipt; `None` if one of its parts is not what it should be.
    pub(crate) fn file(self) -> Option<File> {
        let checkpoint = Checkpoint::of(&Note::parse(self.note)?)?;
        let size = checkpoint.size;
        let rotations: Vec<&(u64, String)> =
            self.rotations.iter().filter(|(index, _)| (self.tree.cut()..size).contains(index)).collect();
        let mut shown: Vec<u64> = self.parts.iter().map(|part| part.index).collect();
        shown.extend(rotations.iter().map(|(index, _)| *index));
        shown.sort_unstable();
        shown.dedup();
        let before = self.earlier.iter().map(|(note, token)| {
            let checkpoint = Checkpoint::of(&Note::parse(note)?)?;
            let proof = self.tree.consistency(checkpoint.size, size)?;
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
            log: self.tree.proof_of(size, &shown)?,
            rotations: rotations.iter().map(|(_, entry)| entry.clone()).collect(),
            before: before.collect::<Option<_>>()?,
            ping_key: self.key,
            parts: self.parts,
            checkpoint,
            note: self.note.to_owned(),
        })
    }
}
