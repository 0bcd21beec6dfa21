//! The log's tree as it was read so far, so that each seal is read once.

use std::sync::Arc;

use super::Sealer;
use super::standing::Standing;
use super::turn::Turn;
use crate::Error;
use crate::certified::checkpoint::Checkpoint;
use crate::certified::issue::tree::Tree;
use crate::certified::issue::{NotExtended, extends};
use crate::certified::seal::Seal;
use crate::certified::tree::leaf;
use crate::store::{SealRow, Sealing, StoreError};

/// How many seals are read at once.
const MAX_SEALS: usize = 256;

#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) tree: Tree,
    /// The entries in which the log's key changes, by their number.
    pub(super) rotations: Vec<(u64, String)>,
}

impl Known {
    pub(super) fn extends(&self, note: &str) -> Result<Checkpoint, NotExtended> {
        extends(&self.tree, note)
    }

    /// Whether it can be what these seals go on from.
    fn fits(&self, standing: &Standing, size: u64) -> bool {
        let signed = standing.signed();
        let is_there = signed == 0 || signed > self.tree.size() || self.extends(&standing.note).is_ok();
        self.tree.cut() == standing.cut.0 && self.tree.size() <= size && is_there
    }

    /// Whether the signed head is one of these seals, which may be more.
    fn holds(&self, standing: &Standing) -> bool {
        self.tree.cut() == standing.cut.0 && self.extends(&standing.note).is_ok()
    }

    /// Takes in the seals that are not there yet, up to so many in all.
    async fn catch_up(&mut self, sealing: &dyn Sealing, size: u64) -> Result<(), Error> {
        let corrupt = StoreError::Corrupt { what: "the seals" };
        while self.tree.size() < size {
            let rows = sealing.seals(self.tree.size(), MAX_SEALS).await?;
            if rows.is_empty() {
                return Err(corrupt.into());
            }
            for SealRow { number, entry, .. } in rows {
                if number != self.tree.size() {
                    return Err(corrupt.into());
                }
                self.tree.push(leaf(entry.as_bytes()));
                if Seal::parse(&entry).is_none() {
                    self.rotations.push((number, entry));
                }
            }
        }
        Ok(())
    }
}

impl Turn<'_> {
    /// The tree of all seals, and perhaps of one that another sealer has made since.
    pub(super) async fn known(&self, standing: &Standing) -> Result<Arc<Known>, Error> {
        self.sealer.known_to(self.sealing, standing, self.size()).await
    }
}

impl Sealer {
    /// The tree of all seals that the signed head has, and perhaps of more.
    pub(super) async fn known_to_head(
        &self,
        sealing: &dyn Sealing,
        standing: &Standing,
    ) -> Result<Arc<Known>, Error> {
        let remembered = self.remembered();
        if remembered.holds(standing) {
            return Ok(remembered);
        }
        self.known_to(sealing, standing, standing.signed()).await
    }

    async fn known_to(
        &self,
        sealing: &dyn Sealing,
        standing: &Standing,
        size: u64,
    ) -> Result<Arc<Known>, Error> {
        let remembered = self.remembered();
        if remembered.tree.size() == size && remembered.fits(standing, size) {
            return Ok(remembered);
        }
        let mut known = (*remembered).clone();
        if !known.fits(standing, size) {
            known = Known::default();
            let (cut, peaks) = standing.cut.clone();
            known.tree =
                Tree::behind(cut, peaks).ok_or(StoreError::Corrupt { what: "the text of the ledger" })?;
        }
        known.catch_up(sealing, size).await?;
        let known = Arc::new(known);
        self.remember(&known);
        Ok(known)
    }
}
