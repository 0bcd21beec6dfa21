//! Sealing in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::store::{
    Ending, Entered, Ledger, NewStatement, Page, PingSecret, PingStatements, SealRow, SealedPing, Sealing,
    StampRow, Step, StoreError,
};
use crate::{Ping, PingId, RecipientHashes, Timestamp};

#[async_trait]
impl Sealing for MemoryStore {
    async fn insert_sealed(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
        secret: &PingSecret,
        created: &NewStatement,
    ) -> Result<Entered, StoreError> {
        let mut rows = self.rows();
        let closed_to = rows.book.ledger.closed_to;
        if created.ends <= closed_to {
            return Ok(Entered::Closed(closed_to));
        }
        let status = rows.insert(ping.clone(), recipient)?;
        rows.book.enter(*secret, created);
        Ok(Entered::Kept(status))
    }

    async fn ledger(&self) -> Result<Ledger, StoreError> {
        Ok(self.rows().book.ledger.clone())
    }

    async fn step(&self, from: u64, step: &Step) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let book = &mut rows.book;
        let closes = book.ledger.next..step.next;
        let mut closed = book.statements.values().filter(|one| closes.contains(&one.seal));
        if book.ledger.version != from || closed.any(|one| one.ends > step.closed_to) {
            return Ok(false);
        }
        book.ledger = Ledger::new(from + 1, step.next, step.closed_to, step.text.clone());
        if let Some(anew) = step.anew {
            book.begin_anew(anew);
        }
        step.statements.iter().for_each(|new| book.add(new.clone()));
        for (ping, last) in &step.ended {
            if let Some(sealed) = rows.book.pings.get_mut(ping)
                && sealed.last.is_none()
            {
                sealed.last = Some(*last);
                rows.expire(*ping);
            }
        }
        let book = &mut rows.book;
        if let Some(seal) = &step.seal {
            book.seals.insert(seal.number, seal.clone());
            let parts = (0..).zip(&step.leaves);
            book.leaves.extend(parts.map(|(part, leaves)| ((seal.number, part), leaves.clone())));
        }
        book.stamps.extend(step.stamps.iter().cloned());
        book.stamps.sort_by_key(|stamp| stamp.size);
        book.seals.retain(|number, _| *number >= step.cut);
        book.leaves.retain(|(number, _), _| *number >= step.cut);
        book.stamps.retain(|stamp| stamp.size > step.cut);
        Ok(true)
    }

    async fn sealed(&self, pings: &[PingId]) -> Result<Vec<Option<SealedPing>>, StoreError> {
        let rows = self.rows();
        Ok(pings.iter().map(|ping| rows.book.pings.get(ping).copied()).collect())
    }

    async fn ending(&self, until: Timestamp, limit: usize) -> Result<Vec<Ending>, StoreError> {
        let rows = self.rows();
        let open = rows.book.pings.iter().filter(|(_, sealed)| sealed.last.is_none());
        let ending = open
            .filter_map(|(ping, _)| rows.end_of(*ping, until).map(|reason| Ending { ping: *ping, reason }));
        Ok(ending.take(limit).collect())
    }

    async fn latest(&self, seal: u64) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.rows().book.in_seal(seal).map(|one| one.ends).max())
    }

    async fn statements_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingStatements>, StoreError> {
        let rows = self.rows();
        let mut page = Page::<PingStatements>::default();
        let mut count = 0;
        for one in rows.book.in_seal(seal).filter(|one| after.is_none_or(|after| one.ping > after)) {
            match page.items.last_mut().filter(|last| last.ping == one.ping) {
                Some(last) => last.lines.push(one.line.clone()),
                None if count >= limit => {
                    page.next = page.items.last().map(|last| last.ping);
                    break;
                }
                None => {
                    let Some(sealed) = rows.book.pings.get(&one.ping) else { continue };
                    let lines = vec![one.line.clone()];
                    page.items.push(PingStatements { ping: one.ping, secret: sealed.secret, lines });
                }
            }
            count += 1;
        }
        Ok(page)
    }

    async fn pings_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError> {
        let rows = self.rows();
        let pings: std::collections::BTreeSet<PingId> = rows.book.in_seal(seal).map(|one| one.ping).collect();
        let mut pings = pings.into_iter().filter(|ping| after.is_none_or(|after| *ping > after));
        let items: Vec<PingId> = pings.by_ref().take(limit).collect();
        let next = items.last().copied().filter(|_| pings.next().is_some());
        Ok(Page::new(items, next))
    }

    async fn oldest(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.rows().book.pings.values().map(|sealed| sealed.first).min())
    }

    async fn statement(&self, ping: PingId, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.rows().book.statements.get(&(ping, name.to_owned())).map(|one| one.line.clone()))
    }

    async fn statements_of(&self, ping: PingId) -> Result<Vec<(u64, String)>, StoreError> {
        Ok(self.rows().book.of_ping(ping).map(|one| (one.seal, one.line.clone())).collect())
    }

    async fn ended_in(
        &self,
        seal: u64,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Page<PingId>, StoreError> {
        let rows = self.rows();
        let ended = rows.book.pings.iter().filter(|(_, sealed)| sealed.last == Some(seal));
        let mut ended = ended.map(|(ping, _)| *ping).filter(|ping| after.is_none_or(|after| *ping > after));
        let pings: Vec<PingId> = ended.by_ref().take(limit).collect();
        let next = pings.last().copied().filter(|_| ended.next().is_some());
        Ok(Page::new(pings, next))
    }

    async fn seals(&self, from: u64, limit: usize) -> Result<Vec<SealRow>, StoreError> {
        Ok(self.rows().book.seals.range(from..).map(|(_, seal)| seal.clone()).take(limit).collect())
    }

    async fn leaves(&self, seal: u64, part: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows().book.leaves.get(&(seal, part)).cloned())
    }

    async fn stamps(&self) -> Result<Vec<StampRow>, StoreError> {
        Ok(self.rows().book.stamps.clone())
    }
}
