//! Signing the log's head: outside of the database first, then in it for the receipts.

use super::standing::Standing;
use super::turn::Turn;
use crate::Error;
use crate::certified::checkpoint::Checkpoint;
use crate::store::StoreError;

impl Turn<'_> {
    /// Signs the head if it is not that of the last seal; `false` if it is.
    pub(super) async fn publish(&self, standing: &Standing) -> Result<bool, Error> {
        let size = self.size();
        if standing.signed() >= size {
            self.follow(standing).await?;
            return Ok(false);
        }
        let known = self.known(standing).await?;
        self.check_extends(standing, &known)?;
        let log = &self.sealer.log;
        if standing.key != *log.key.public() {
            return Ok(false);
        }
        let root = known.tree.root(size).ok_or(StoreError::Corrupt { what: "the seals" })?;
        let head = Checkpoint { origin: log.key.public().name().into(), size, root };
        let note = log.key.sign(&head.text());
        self.sealer.file.keep(size, &note)?;
        self.put(&Standing { note, ..standing.clone() }, self.step()).await?;
        Ok(true)
    }

    /// Takes a head that another instance has signed into this one's own file.
    async fn follow(&self, standing: &Standing) -> Result<(), Error> {
        let file = &self.sealer.file;
        if standing.note.is_empty() || file.holds(&standing.note) {
            return Ok(());
        }
        let known = self.known(standing).await?;
        self.check_extends(standing, &known)?;
        file.keep(standing.signed(), &standing.note)
    }
}
