//! Cutting off the seals that no kept ping needs, in steps of a week.

use super::standing::Standing;
use super::turn::Turn;
use crate::Error;
use crate::store::{Step, StoreError};

/// Fewer are not worth it.
const MIN_CUT: u64 = 168;

impl Turn<'_> {
    /// Cuts off what lies before the first seal of the oldest ping; `false` if that is not much.
    pub(super) async fn cut(&self, standing: &Standing) -> Result<bool, Error> {
        let signed = standing.signed();
        if signed < standing.cut.0 + MIN_CUT {
            return Ok(false);
        }
        // Of these a receipt may be asked for still.
        let cut = self.sealing.oldest().await?.unwrap_or(signed).min(signed.saturating_sub(1));
        if cut < standing.cut.0 + MIN_CUT {
            return Ok(false);
        }
        let known = self.known(standing).await?;
        let peaks = known.tree.peaks(cut).ok_or(StoreError::Corrupt { what: "the seals" })?;
        self.put(&Standing { cut: (cut, peaks), ..standing.clone() }, Step { cut, ..self.step() }).await?;
        Ok(true)
    }
}
