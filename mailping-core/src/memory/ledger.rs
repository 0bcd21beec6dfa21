//! What the store in memory keeps for sealing.

use std::collections::{BTreeMap, BTreeSet};

use crate::PingId;
use crate::store::{Anew, Ledger, NewStatement, PingSecret, SealRow, SealedPing, StampRow};

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) ledger: Ledger,
    pub(super) pings: BTreeMap<PingId, SealedPing>,
    /// By ping and name.
    pub(super) statements: BTreeMap<(PingId, String), NewStatement>,
    pub(super) seals: BTreeMap<u64, SealRow>,
    /// By seal and part.
    pub(super) leaves: BTreeMap<(u64, u64), Vec<u8>>,
    /// By size.
    pub(super) stamps: Vec<StampRow>,
}

impl Book {
    pub(super) fn enter(&mut self, secret: PingSecret, created: &NewStatement) {
        let first = self.ledger.next;
        self.pings.insert(created.ping, SealedPing { secret, first, last: None });
        self.add(NewStatement { seal: first, ..created.clone() });
    }

    pub(super) fn add(&mut self, new: NewStatement) {
        if !self.pings.contains_key(&new.ping) {
            return;
        }
        let kept = self.statements.entry((new.ping, new.name.clone())).or_insert_with(|| new.clone());
        if new.name == "last_day" {
            (kept.line, kept.ends) = (new.line, new.ends);
        }
    }

    pub(super) fn begin_anew(&mut self, Anew { until, later }: Anew) {
        self.seals.clear();
        self.leaves.clear();
        self.stamps.clear();
        let waits = self.statements.values().filter(|one| one.ends > until).map(|one| one.ping);
        let waits: BTreeSet<PingId> = waits.collect();
        for one in self.statements.values_mut() {
            let waits = one.ends > until || one.name == "ended" && waits.contains(&one.ping);
            one.seal = if waits { later } else { 0 };
        }
        for (ping, sealed) in &mut self.pings {
            sealed.first = 0;
            sealed.last = sealed.last.map(|_| if waits.contains(ping) { later } else { 0 });
        }
    }

    pub(super) fn in_seal(&self, seal: u64) -> impl Iterator<Item = &NewStatement> {
        self.statements.values().filter(move |one| one.seal == seal)
    }

    pub(super) fn of_ping(&self, ping: PingId) -> impl Iterator<Item = &NewStatement> {
        let all = self.statements.range((ping, String::new())..);
        all.map(|(_, one)| one).take_while(move |one| one.ping == ping)
    }

    pub(super) fn forget(&mut self, ping: PingId) {
        self.pings.remove(&ping);
        self.statements.retain(|(of, _), _| *of != ping);
    }
}
