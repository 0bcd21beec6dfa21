//! Reads for a page that people look at: the latest opens first, and a ping's pixel once more.

use std::collections::VecDeque;

use crate::store::{OpenCursor, StoreError};
use crate::{PingId, PreparedPing, Receipt, Tracker};

/// For pages that people look at.
impl Tracker {
    /// The receipt of a ping with the latest opens before `before`, at most `limit` of them, the oldest first. The sums are those of
    /// all opens; `next` is the place of the page of older ones. `None` where there is no such ping.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn receipt_before(
        &self,
        id: PingId,
        before: Option<OpenCursor>,
        limit: usize,
    ) -> Result<Option<Receipt>, StoreError> {
        let Some((kept, first)) = self.kept_with_opens(id).await? else { return Ok(None) };
        let limit = limit.max(1);
        let (mut opens, mut older) = (VecDeque::new(), false);
        let summary = self
            .sum_up_from(kept, first, |open| {
                if before.is_none_or(|before| OpenCursor::new(open.at, open.id) < before) {
                    opens.push_back(open.clone());
                }
                if opens.len() > limit {
                    opens.pop_front();
                    older = true;
                }
            })
            .await?;
        let opens = Vec::from(opens);
        let next = opens.first().filter(|_| older).map(|open| OpenCursor::new(open.at, open.id));
        Ok(Some(Receipt { summary, opens, next }))
    }

    /// A ping with its pixel, as it was when it was made, or without one where it gains no opens any more. `None` where there is no
    /// such ping.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn prepared(&self, id: PingId) -> Result<Option<PreparedPing>, StoreError> {
        let Some(kept) = self.0.store.ping(id).await? else { return Ok(None) };
        let ping = kept.ping.at(self.now());
        Ok(Some(PreparedPing::new(ping, &self.0.base_url, &self.0.observer.keys)))
    }
}
