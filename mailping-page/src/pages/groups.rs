//! Loads of the picture that are one event: `Apple's prefetch, 7 times in 2 s`. They are grouped as
//! the sums count them, so that numbers and list agree.

use std::time::Duration;

use mailping_core::fetcher::{Fetcher, Provider, Verdict};
use mailping_core::geo::Place;
use mailping_core::receipts::Open;

use super::words::is_own;

/// One or more loads of one kind, the first first. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) first: Open,
    pub(crate) repeats: Vec<Open>,
}

impl Group {
    pub(crate) fn opens(&self) -> impl Iterator<Item = &Open> {
        std::iter::once(&self.first).chain(&self.repeats)
    }

    pub(crate) fn last(&self) -> &Open {
        self.repeats.last().unwrap_or(&self.first)
    }

    pub(crate) fn len(&self) -> usize {
        self.repeats.len() + 1
    }
}

type Kind = (Fetcher, Option<Provider>, Verdict, bool);

fn kind(open: &Open) -> Kind {
    (open.fetcher, open.provider, open.verdict, is_own(open))
}

/// The groups of opens, which come from the oldest; the groups too. What follows the first of a
/// group within the window, and can have come from its place, is its repeat.
pub(crate) fn group<'a>(opens: impl IntoIterator<Item = &'a Open>, window: Duration) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut latest: Vec<(Kind, Place, usize)> = Vec::new();
    for open in opens {
        let (kind, place) = (kind(open), open.place().unwrap_or_default());
        latest.retain(|(.., at)| {
            let first = groups.get(*at).map(|group| &group.first);
            first.is_some_and(|first| open.at.since(first.at).is_none_or(|age| age <= window))
        });
        let mut same = latest.iter_mut().filter(|(other, ..)| *other == kind);
        let known = same.find_map(|(_, known, at)| known.join(&place).then_some(*at));
        if let Some(group) = known.and_then(|at| groups.get_mut(at)) {
            group.repeats.push(open.clone());
            continue;
        }
        latest.push((kind, place, groups.len()));
        groups.push(Group { first: open.clone(), repeats: Vec::new() });
    }
    groups
}

#[cfg(test)]
mod tests {
    use mailping_core::fetcher::Evidence;
    use mailping_core::receipts::OpenId;
    use mailping_core::store::{Attempt, Store as _};
    use mailping_core::{Basis, Keyring, MemoryStore, PingId, Timestamp, Tracker};

    use super::*;
    use mailping_core::pings::{Ping, Status};

    fn open(number: u8, seconds: i64, fetcher: Fetcher, verdict: Verdict) -> Open {
        let at = Timestamp::from_unix_millis(1_000_000 + 1_000 * seconds);
        Open::new(PingId::from_bytes([7; 16]), OpenId::from_bytes([number; 8]), at, fetcher, verdict)
    }

    #[tokio::test]
    async fn the_groups_are_as_many_as_the_sums_count() {
        use Fetcher::{AppleMpp, Browser, GmailProxy};
        use Verdict::{Human, Machine, Uncertain};
        let mut opens = vec![
            open(1, 0, AppleMpp, Machine),
            open(2, 1, AppleMpp, Machine),
            open(3, 1, Browser, Human),
            open(4, 30, AppleMpp, Machine),
            open(5, 31, AppleMpp, Machine),
            open(6, 31, Browser, Uncertain),
            open(7, 40, GmailProxy, Human),
            open(8, 61, AppleMpp, Machine),
            open(9, 62, AppleMpp, Machine),
            open(10, 63, Browser, Human),
            open(11, 64, Browser, Human),
            open(12, 65, Browser, Human),
            open(13, 66, Browser, Human),
            open(14, 67, Browser, Human),
        ];
        opens[9].evidence.insert(Evidence::NetOwn);
        for (open, country, city) in
            [(10, "PT", ""), (11, "PT", "Lisbon"), (12, "PT", "Porto"), (13, "", "Lisbon")]
        {
            (opens[open].country, opens[open].city) = (country.parse().ok(), city.parse().ok());
        }
        let store = MemoryStore::new();
        let mut ping = Ping::stored(PingId::from_bytes([7; 16]), "x".into(), Basis::Contract, Status::Live);
        ping.record_until = Timestamp::from_unix_millis(i64::MAX);
        ping.keep_until = ping.record_until;
        store.insert_ping(&ping, None).await.unwrap();
        store.record(&opens, &[], Attempt::First).await.unwrap();
        let builder = Tracker::builder(Keyring::generate().unwrap(), store);
        let tracker = builder.base_url("https://app.example/px").unwrap().build().await.unwrap();
        let receipt = tracker.receipts().get(ping.id).await.unwrap().unwrap();

        let groups = group(&receipt.opens, tracker.receipts().repeat_window());
        let of = |verdict| {
            let same = |group: &&Group| group.first.verdict == verdict && !is_own(&group.first);
            groups.iter().filter(same).count() as u64
        };
        let sums = &receipt.summary;
        assert_eq!(
            (of(Human), of(Machine), of(Uncertain)),
            (sums.human_opens, sums.machine_fetches, sums.uncertain_fetches)
        );
        let lengths: Vec<_> = groups.iter().map(|group| (group.first.fetcher, group.len())).collect();
        assert_eq!(
            lengths,
            [
                (AppleMpp, 3),
                (Browser, 1),
                (AppleMpp, 2),
                (Browser, 1),
                (GmailProxy, 1),
                (AppleMpp, 1),
                (Browser, 1),
                (Browser, 3),
                (Browser, 1)
            ]
        );
    }
}
