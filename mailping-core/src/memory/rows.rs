//! The tables of the store in memory, and what one call does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::ledger::Book;
use crate::keyring::KeyFingerprint;
use crate::store::{
    DatabaseId, Deleted, EndReason, Mark, Milestone, MilestoneKind, ObjectionScope, Observation, OpenCursor,
    OpenQuery, Page, StoreError,
};
use crate::{LastDay, Open, Ping, PingId, RecipientHash, RecipientHashes, Status, TimeStep, Timestamp};

#[derive(Debug, Default)]
pub(super) struct Rows {
    pings: BTreeMap<PingId, Row>,
    objections: BTreeMap<RecipientHash, ObjectionScope>,
    /// What was kept, by its number.
    news: BTreeMap<u64, (PingId, New)>,
    /// The number given last.
    last: u64,
    /// Stands in marks, so that those of another store are refused; drawn with the first.
    database: Option<DatabaseId>,
    pub(super) book: Book,
}

/// What of a ping is new.
#[derive(Debug, Clone, Copy)]
enum New {
    Open(OpenCursor),
    LastDay,
    Milestone(MilestoneKind),
}

#[derive(Debug)]
struct Row {
    ping: Ping,
    recipient: Option<RecipientHash>,
    /// By time and id, each with its number.
    opens: BTreeMap<OpenCursor, (u64, Open)>,
    last_day: Option<u64>,
    /// The numbers of its milestones.
    milestones: Vec<u64>,
}

impl Rows {
    /// `false` if its ping does not record.
    pub(super) fn keep(&mut self, open: &Open) -> bool {
        let row = self.pings.get_mut(&open.ping);
        let Some(row) = row.filter(|row| row.ping.records(open.at, open.time_step)) else {
            return false;
        };
        let (place, number) = (OpenCursor::of(open), self.last + 1);
        if row.opens.contains_key(&place) {
            return true;
        }
        row.opens.insert(place, (number, open.clone()));
        self.news.insert(number, (open.ping, New::Open(place)));
        self.last = number;
        true
    }

    /// `false` if its ping does not record.
    pub(super) fn raise(&mut self, last: LastDay) -> bool {
        let row = self.pings.get_mut(&last.ping);
        let Some(row) = row.filter(|row| row.ping.records(last.day, TimeStep::Day)) else {
            return false;
        };
        if row.ping.last_day >= Some(last.day) {
            return true;
        }
        row.ping.last_day = Some(last.day);
        self.last += 1;
        if let Some(before) = row.last_day.replace(self.last) {
            self.news.remove(&before);
        }
        self.news.insert(self.last, (last.ping, New::LastDay));
        true
    }

    /// `false` if its ping does not take it.
    pub(super) fn reach(&mut self, milestone: &Milestone) -> bool {
        let Some(row) = self.pings.get_mut(&milestone.ping) else { return false };
        if row.ping.milestones.iter().any(|known| known.kind == milestone.kind) {
            return true;
        }
        let has_ended = self.book.pings.get(&milestone.ping).is_some_and(|sealed| sealed.last.is_some());
        if has_ended || !row.ping.takes(milestone) {
            return false;
        }
        self.last += 1;
        row.ping.milestones.push(*milestone);
        row.milestones.push(self.last);
        self.news.insert(self.last, (milestone.ping, New::Milestone(milestone.kind)));
        true
    }

    pub(super) fn insert(
        &mut self,
        mut ping: Ping,
        recipient: Option<&RecipientHashes>,
    ) -> Result<Status, StoreError> {
        if self.pings.contains_key(&ping.id) {
            return Err(StoreError::unavailable("a ping of this id is kept already"));
        }
        if let Some(recipient) = recipient {
            self.unify(recipient);
            if let Some(scope) = self.objections.get(&recipient.newest) {
                ping.status = scope.status_of_new();
            }
        }
        let (id, status) = (ping.id, ping.status);
        let recipient = recipient.map(|hashes| hashes.newest);
        self.pings.insert(
            id,
            Row { ping, recipient, opens: BTreeMap::new(), last_day: None, milestones: Vec::new() },
        );
        Ok(status)
    }

    /// Moves what is kept under an older key of this recipient to the newest.
    pub(super) fn unify(&mut self, recipient: &RecipientHashes) {
        for row in self.pings.values_mut() {
            if row.recipient.is_some_and(|hash| recipient.older.contains(&hash)) {
                row.recipient = Some(recipient.newest);
            }
        }
        let moved: Vec<ObjectionScope> =
            recipient.older.iter().filter_map(|hash| self.objections.remove(hash)).collect();
        // A ping that was kept under an older key may have escaped the objection until now.
        let kept = self.objections.get(&recipient.newest).copied();
        if let Some(scope) = moved.into_iter().chain(kept).max() {
            self.object(recipient.newest, scope);
        }
    }

    pub(super) fn object(&mut self, hash: RecipientHash, scope: ObjectionScope) {
        let kept = self.objections.entry(hash).or_insert(scope);
        *kept = scope.max(*kept);
        let scope = *kept;
        for id in self.sent_to(hash) {
            match scope {
                ObjectionScope::Opens => drop(self.withdraw(id)),
                ObjectionScope::Everything => self.close(id),
            }
        }
    }

    pub(super) fn objection(&self, hash: &RecipientHash) -> Option<ObjectionScope> {
        self.objections.get(hash).copied()
    }

    fn close(&mut self, id: PingId) {
        let Some(row) = self.pings.get_mut(&id) else { return };
        if matches!(row.ping.status, Status::Live | Status::Withdrawn | Status::Untracked) {
            row.ping.status = Status::Closed;
        }
    }

    pub(super) fn sent_to(&self, hash: RecipientHash) -> Vec<PingId> {
        let theirs = self.pings.iter().filter(|(_, row)| row.recipient == Some(hash));
        theirs.map(|(id, _)| *id).collect()
    }

    pub(super) fn recipient_of(&self, id: PingId) -> Option<RecipientHash> {
        self.pings.get(&id)?.recipient
    }

    /// `false` if there is no such ping.
    pub(super) fn withdraw(&mut self, id: PingId) -> bool {
        let Some(row) = self.pings.get_mut(&id) else { return false };
        if row.ping.status == Status::Live {
            row.ping.status = Status::Withdrawn;
        }
        true
    }

    pub(super) fn erase(&mut self, id: PingId) -> Option<Deleted> {
        let row = self.pings.remove(&id)?;
        let opens = row.opens.values().map(|(number, _)| number);
        for number in opens.chain(&row.last_day).chain(&row.milestones) {
            self.news.remove(number);
        }
        self.book.forget(id);
        Some(Deleted::new(1, row.opens.len() as u64))
    }

    /// It gains nothing any more.
    pub(super) fn expire(&mut self, id: PingId) {
        if let Some(row) = self.pings.get_mut(&id)
            && row.ping.status == Status::Live
        {
            row.ping.status = Status::Expired;
        }
    }

    /// Why a ping that shall end by this time does; `None` if it shall not.
    pub(super) fn end_of(&self, id: PingId, until: Timestamp) -> Option<EndReason> {
        let Row { ping, recipient, .. } = self.pings.get(&id)?;
        let has_objected = recipient.is_some_and(|hash| self.objections.contains_key(&hash));
        let reason = EndReason::of(ping.status, has_objected);
        let waits = ping.asked_by.is_some() && ping.status == Status::Withdrawn;
        let at_once = reason != EndReason::RecordUntil && !waits;
        (at_once || ping.record_until <= until).then_some(reason)
    }

    pub(super) fn purge(&mut self, now: Timestamp, limit: usize) -> Deleted {
        let due = self.pings.iter().filter(|(_, row)| row.ping.keep_until <= now);
        let due: Vec<PingId> = due.map(|(id, _)| *id).take(limit).collect();
        let (mut left, mut purged) = (limit, Deleted::default());
        for id in due {
            let Some(row) = self.pings.get_mut(&id) else { continue };
            while left > 0
                && let Some((_, (number, _))) = row.opens.pop_first()
            {
                self.news.remove(&number);
                purged.opens += 1;
                left -= 1;
            }
            if left == 0 {
                break;
            }
            purged.pings += self.erase(id).map_or(0, |erased| erased.pings);
            left -= 1;
        }
        purged
    }

    pub(super) fn ping(&self, id: PingId) -> Option<Ping> {
        self.pings.get(&id).map(|row| row.ping.clone())
    }

    pub(super) fn newest(
        &self,
        after: Option<PingId>,
        limit: usize,
        asked: impl Fn(&Ping, Option<RecipientHash>) -> bool,
    ) -> Page<Ping> {
        let older = (Bound::Unbounded, after.map_or(Bound::Unbounded, Bound::Excluded));
        let found = self.pings.range(older).rev().map(|(_, row)| row);
        let mut found = found.filter(|row| asked(&row.ping, row.recipient)).map(|row| &row.ping);
        let pings: Vec<Ping> = found.by_ref().take(limit).cloned().collect();
        let next = pings.last().map(|ping| ping.id).filter(|_| found.next().is_some());
        Page::new(pings, next)
    }

    pub(super) fn opens(&self, query: &OpenQuery) -> Page<Open, OpenCursor> {
        let Some(row) = self.pings.get(&query.ping) else { return Page::default() };
        let place = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        let one_more = query.limit.saturating_add(1);
        let opens: Vec<&(u64, Open)> = match query.newest_first {
            false => row.opens.range((place, Bound::Unbounded)).map(kept).take(one_more).collect(),
            true => row.opens.range((Bound::Unbounded, place)).rev().map(kept).take(one_more).collect(),
        };
        Page::cut(opens.into_iter().map(|(_, open)| open.clone()).collect(), query.limit)
    }

    pub(super) fn mark(&mut self) -> Result<Mark, StoreError> {
        self.identity()?;
        self.mark_at(self.last)
    }

    pub(super) fn identity(&mut self) -> Result<DatabaseId, StoreError> {
        if let Some(database) = self.database {
            return Ok(database);
        }
        Ok(*self.database.insert(DatabaseId::random()?))
    }

    fn mark_at(&self, number: u64) -> Result<Mark, StoreError> {
        let database = self.database.ok_or(StoreError::UnknownMark)?;
        format!("{database}-{number}").parse().map_err(StoreError::unavailable)
    }

    pub(super) fn news(&self, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>, StoreError> {
        let number = since.as_str().split_once('-').and_then(|(_, number)| number.parse().ok());
        let number = number.filter(|number| *number <= self.last).ok_or(StoreError::UnknownMark)?;
        if self.mark_at(number)? != *since {
            return Err(StoreError::UnknownMark);
        }
        let new = self.news.range((Bound::Excluded(number), Bound::Unbounded)).take(limit);
        let new: Vec<(u64, Observation)> =
            new.filter_map(|(number, (ping, place))| Some((*number, self.event(*ping, *place)?))).collect();
        let read = new.last().map_or(number, |(number, _)| *number);
        let read = if new.len() < limit { self.last } else { read };
        let next = (read > number).then(|| self.mark_at(read)).transpose()?;
        Ok(Page::new(new.into_iter().map(|(_, event)| event).collect(), next))
    }

    fn event(&self, ping: PingId, new: New) -> Option<Observation> {
        let row = self.pings.get(&ping)?;
        match new {
            New::Open(place) => row.opens.get(&place).map(|(_, open)| Observation::Open(open.clone())),
            New::LastDay => row.ping.last_day.map(|day| Observation::LastDay(LastDay::new(ping, day))),
            New::Milestone(kind) => {
                let mut milestones = row.ping.milestones.iter().copied();
                milestones.find(|milestone| milestone.kind == kind).map(Observation::Milestone)
            }
        }
    }

    pub(super) fn keys(&self) -> Vec<KeyFingerprint> {
        let of_pings = self.pings.values().filter_map(|row| row.recipient);
        let of_people = of_pings.chain(self.objections.keys().copied()).map(|hash| hash.key());
        let of_secrets = self.book.pings.values().map(|sealed| sealed.secret.key);
        let keys: BTreeSet<KeyFingerprint> = of_people.chain(of_secrets).collect();
        keys.into_iter().collect()
    }
}

fn kept<'a>((_, kept): (&OpenCursor, &'a (u64, Open))) -> &'a (u64, Open) {
    kept
}
