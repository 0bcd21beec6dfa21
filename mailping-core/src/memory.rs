//! A store in memory, for tests and for trying things: it keeps every promise of [`Store`] but that of durability.

mod opens;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::opens::Opens;
use crate::keyring::KeyFingerprint;
use crate::store::{Backlog, Erased, KeptPing, OpenCursor, PingQuery, Store, StoreError, Written};
use crate::{LastDay, Open, Ping, PingId, RecipientHash, RecipientHashes, Status, TimeStep, Timestamp};

/// Keeps pings and opens in memory. Everything is gone when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    /// Not sorted: a tree costs each open several reads of memory that is in no cache, and lists are rare.
    pings: HashMap<PingId, Row>,
    objections: BTreeSet<RecipientHash>,
}

#[derive(Debug)]
struct Row {
    kept: KeptPing,
    recipient: Option<RecipientHash>,
    opens: Opens,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Moves what is kept under an older key of this recipient to the newest.
    fn unify(&mut self, recipient: &RecipientHashes) {
        for row in self.pings.values_mut() {
            if row.recipient.is_some_and(|hash| recipient.older.contains(&hash)) {
                row.recipient = Some(recipient.newest);
            }
        }
        for hash in &recipient.older {
            if self.objections.remove(hash) {
                self.objections.insert(recipient.newest);
            }
        }
        // A ping that was kept under an older key may have escaped the objection until now.
        if self.objections.contains(&recipient.newest) {
            self.object(recipient.newest);
        }
    }

    fn object(&mut self, hash: RecipientHash) {
        self.objections.insert(hash);
        for row in self.pings.values_mut().filter(|row| row.recipient == Some(hash)) {
            withdraw(&mut row.kept.ping);
        }
    }

    fn erase(&mut self, id: PingId) -> Option<Erased> {
        let mut row = self.pings.remove(&id)?;
        Some(Erased { pings: 1, opens: row.opens.settled().len() as u64 })
    }

    /// The newest `limit` of those older than `after`, by their ids.
    fn newest(&self, after: Option<PingId>, limit: usize, asked: impl Fn(&Row) -> bool) -> Vec<KeptPing> {
        let older = self.pings.iter().filter(|(id, _)| after.is_none_or(|after| **id < after));
        let mut found: Vec<(&PingId, &Row)> = older.filter(|(_, row)| asked(row)).collect();
        found.sort_unstable_by_key(|(id, _)| Reverse(*id));
        found.into_iter().take(limit).map(|(_, row)| row.kept.clone()).collect()
    }
}

fn withdraw(ping: &mut Ping) {
    if ping.status == Status::Live {
        ping.status = Status::Withdrawn;
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn record(&self, opens: &[Open], last_days: &[LastDay]) -> Result<Vec<Written>, StoreError> {
        let pings = &mut self.rows().pings;
        let written = opens.iter().map(|open| {
            match pings.get_mut(&open.ping).filter(|row| row.kept.ping.records(open.at, open.time_step)) {
                Some(row) => {
                    row.opens.keep(open);
                    Written::Kept
                }
                None => Written::Filtered,
            }
        });
        let written = written.collect();
        for last in last_days {
            if let Some(row) =
                pings.get_mut(&last.ping).filter(|row| row.kept.ping.records(last.day, TimeStep::Day))
            {
                row.kept.last_day = row.kept.last_day.max(Some(last.day));
            }
        }
        Ok(written)
    }

    async fn insert_ping(
        &self,
        ping: &Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        let mut rows = self.rows();
        let mut ping = ping.clone();
        if rows.pings.contains_key(&ping.id) {
            return Err(StoreError::unavailable("a ping of this id is kept already"));
        }
        if let Some(recipient) = recipient {
            rows.unify(recipient);
            if rows.objections.contains(&recipient.newest) {
                ping.status = Status::Untracked;
            }
        }
        let status = ping.status;
        let recipient = recipient.map(|hashes| hashes.newest);
        let (id, kept) = (ping.id, KeptPing { ping, last_day: None });
        rows.pings.insert(id, Row { kept, recipient, opens: Opens::default() });
        Ok(status)
    }

    async fn ping(&self, id: PingId) -> Result<Option<KeptPing>, StoreError> {
        Ok(self.rows().pings.get(&id).map(|row| row.kept.clone()))
    }

    async fn pings(&self, query: &PingQuery) -> Result<Vec<KeptPing>, StoreError> {
        Ok(self.rows().newest(query.after, query.limit, |row| {
            let ping = &row.kept.ping;
            query.owner.as_ref().is_none_or(|owner| ping.owner.as_ref() == Some(owner))
                && query.reference.as_ref().is_none_or(|reference| &ping.reference == reference)
        }))
    }

    async fn opens(
        &self,
        ping: PingId,
        after: Option<OpenCursor>,
        limit: usize,
    ) -> Result<Vec<Open>, StoreError> {
        let mut rows = self.rows();
        let Some(row) = rows.pings.get_mut(&ping) else { return Ok(Vec::new()) };
        let place = |open: &Open| OpenCursor::new(open.at, open.id);
        let later = |open: &&Open| after.is_none_or(|after| place(open) > after);
        let mut opens: Vec<&Open> = row.opens.settled().iter().filter(later).collect();
        opens.sort_unstable_by_key(|open| place(open));
        Ok(opens.into_iter().take(limit).cloned().collect())
    }

    async fn withdraw(&self, id: PingId) -> Result<bool, StoreError> {
        Ok(self.rows().pings.get_mut(&id).map(|row| withdraw(&mut row.kept.ping)).is_some())
    }

    async fn erase(&self, id: PingId) -> Result<Option<Erased>, StoreError> {
        Ok(self.rows().erase(id))
    }

    async fn object(&self, recipient: &RecipientHashes) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.unify(recipient);
        rows.object(recipient.newest);
        Ok(())
    }

    async fn object_by_ping(&self, id: PingId) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let Some(row) = rows.pings.get_mut(&id) else { return Ok(()) };
        match row.recipient {
            Some(hash) => rows.object(hash),
            None => withdraw(&mut row.kept.ping),
        }
        Ok(())
    }

    async fn erase_recipient(&self, recipient: &RecipientHashes) -> Result<Erased, StoreError> {
        let mut rows = self.rows();
        rows.unify(recipient);
        let of_recipient = |row: &Row| row.recipient == Some(recipient.newest);
        let ids: Vec<PingId> =
            rows.pings.iter().filter(|(_, row)| of_recipient(row)).map(|(id, _)| *id).collect();
        let erased = ids.into_iter().filter_map(|id| rows.erase(id));
        Ok(erased.fold(Erased::default(), |sum, one| Erased {
            pings: sum.pings + one.pings,
            opens: sum.opens + one.opens,
        }))
    }

    async fn has_objected(&self, recipient: &RecipientHashes) -> Result<bool, StoreError> {
        let rows = self.rows();
        Ok(recipient.all().any(|hash| rows.objections.contains(hash)))
    }

    async fn pings_of(
        &self,
        recipient: &RecipientHashes,
        after: Option<PingId>,
        limit: usize,
    ) -> Result<Vec<KeptPing>, StoreError> {
        let theirs = |hash: RecipientHash| recipient.all().any(|other| *other == hash);
        Ok(self.rows().newest(after, limit, |row| row.recipient.is_some_and(theirs)))
    }

    async fn recipient_keys(&self) -> Result<Vec<KeyFingerprint>, StoreError> {
        let rows = self.rows();
        let of_pings = rows.pings.values().filter_map(|row| row.recipient);
        let keys: BTreeSet<KeyFingerprint> =
            of_pings.chain(rows.objections.iter().copied()).map(|hash| hash.key()).collect();
        Ok(keys.into_iter().collect())
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<Erased, StoreError> {
        let mut rows = self.rows();
        let due: Vec<PingId> = rows
            .pings
            .values()
            .filter(|row| row.kept.ping.keep_until <= now)
            .map(|row| row.kept.ping.id)
            .collect();
        let mut erased = Erased::default();
        let full = |erased: &Erased| erased.pings + erased.opens >= limit as u64;
        for id in due {
            while !full(&erased) && rows.pings.get_mut(&id).is_some_and(|row| row.opens.forget_one()) {
                erased.opens += 1;
            }
            if full(&erased) {
                break;
            }
            erased.pings += rows.erase(id).map_or(0, |erased| erased.pings);
        }
        Ok(erased)
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn backlog(&self) -> Backlog {
        Backlog::default()
    }
}
