//! What cannot be read of a ping cannot be sealed: it is passed over, and all others are sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::turn::Turn;
use crate::store::{Page, PingStatements, SealedPing, StoreError};
use crate::{Error, PingId};

/// So many are remembered, so that each is logged once.
const MAX_REMEMBERED: usize = 10_000;

/// The pings that were passed over since the program started.
#[derive(Debug, Default)]
pub(super) struct PassedOver(Mutex<BTreeSet<PingId>>);

impl PassedOver {
    pub(super) fn note(&self, ping: PingId) {
        let mut pings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pings.len() < MAX_REMEMBERED && pings.insert(ping) {
            tracing::error!(
                %ping,
                "what is sealed of a ping cannot be read: it is left out, and has no certified receipt"
            );
        }
    }

    /// How many there are, at most 10,000.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Turn<'_> {
    /// What is known of those of these pings that are sealed and can be read.
    pub(super) async fn sealed(&self, pings: &[PingId]) -> Result<BTreeMap<PingId, SealedPing>, Error> {
        let all = match self.sealing.sealed(pings).await {
            Err(StoreError::Corrupt { .. }) => self.sealed_one_by_one(pings).await?,
            all => all?,
        };
        Ok(pings.iter().zip(all).filter_map(|(ping, sealed)| Some((*ping, sealed?))).collect())
    }

    async fn sealed_one_by_one(&self, pings: &[PingId]) -> Result<Vec<Option<SealedPing>>, Error> {
        let mut all = Vec::with_capacity(pings.len());
        for ping in pings {
            let sealed = self.readable(*ping, self.sealing.sealed(&[*ping]).await)?;
            all.push(sealed.into_iter().flatten().next().flatten());
        }
        Ok(all)
    }

    /// A page of a seal's statements, in which one cannot be read.
    pub(super) async fn statements_one_by_one(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingStatements>, Error> {
        let pings = self.sealing.pings_in(seal, after, limit).await?;
        let mut page = Page::new(Vec::new(), pings.next);
        for ping in pings.items {
            let Some(sealed) = self.sealed(&[ping]).await?.remove(&ping) else { continue };
            let Some(all) = self.readable(ping, self.sealing.statements_of(ping).await)? else { continue };
            let lines = all.into_iter().filter(|(number, _)| *number == seal).map(|(_, line)| line).collect();
            page.items.push(PingStatements { ping, secret: sealed.secret, lines });
        }
        Ok(page)
    }

    /// What was read of a ping; `None`, and noted, if it is damaged.
    pub(super) fn readable<T>(
        &self,
        ping: PingId,
        read: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match read {
            Err(StoreError::Corrupt { .. }) => {
                self.sealer.passed_over.note(ping);
                Ok(None)
            }
            read => read.map(Some),
        }
    }
}
