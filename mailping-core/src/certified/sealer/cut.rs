//! Cutting off the seals that no kept ping needs, in steps of a week.

use std::sync::atomic::Ordering;

use super::standing::Standing;
use super::turn::Turn;
use crate::Error;
use crate::store::{Step, StoreError};

/// Fewer are not worth it.
const MIN_CUT: u64 = 168;
/// The store goes through all pings for it.
const LOOK_EACH: u64 = 24;

impl Turn<'_> {
    /// Cuts off what lies before the first seal of the oldest ping; `false` if that is not much.
    pub(super) async fn cut(&self, standing: &Standing) -> Result<bool, Error> {
        let signed = standing.signed();
        let looked = self.sealer.looked_to_cut.load(Ordering::Relaxed);
        if signed < (standing.cut.0 + MIN_CUT).max(looked + LOOK_EACH) {
            return Ok(false);
        }
        self.sealer.looked_to_cut.store(signed, Ordering::Relaxed);
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
