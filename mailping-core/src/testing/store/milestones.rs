//! What is kept of a message beside its opens: once of each kind, in whatever order it comes.

use std::collections::BTreeSet;

use pollster::block_on;

use super::harness::{DAY, Harness, KEPT, RECORDED, SENT, open, ping, ping_id, recipient, time};
use super::news::all_since;
use crate::fetcher::{Evidence, EvidenceSet, Verdict};
use crate::milestone::{Milestone, MilestoneKind};
use crate::store::Recorded::{Durable, Filtered};
use crate::store::{Deleted, ObjectionScope, Observation, PingQuery};
use crate::{Ping, PingId, Status, TimeStep};

const KINDS: [MilestoneKind; 7] = [
    MilestoneKind::Deferred,
    MilestoneKind::Refused,
    MilestoneKind::Accepted,
    MilestoneKind::Delayed,
    MilestoneKind::Failed,
    MilestoneKind::Delivered,
    MilestoneKind::Confirmed,
];

/// Ping `n`, which asks for a confirmation.
fn asking(n: u32) -> Ping {
    let mut ping = ping(n);
    ping.asked_by = Some("Bob's Bakery \u{1f950}".to_owned());
    ping.shows_reference = n.is_multiple_of(2);
    ping
}

/// A milestone with every field of its kind, `n` milliseconds after the sending.
fn milestone(ping: PingId, kind: MilestoneKind, n: u32) -> Milestone {
    let mut milestone = Milestone::new(ping, kind, time(ping.sent_at().unix_millis() + i64::from(n)));
    match kind {
        MilestoneKind::Confirmed => {
            milestone.verdict = Some(Verdict::Human);
            milestone.evidence = EvidenceSet::from_iter([Evidence::UaBrowser, Evidence::TimeEarly]);
            milestone.rules_version = u16::MAX;
        }
        MilestoneKind::Deferred => {
            (milestone.reply_code, milestone.status_code) = (Some(451), "4.7.1".parse().ok());
        }
        MilestoneKind::Failed => milestone.status_code = "5.999.999".parse().ok(),
        MilestoneKind::Accepted => milestone.reply_code = Some(250),
        _ => {}
    }
    milestone
}

async fn kept(harness: &Harness, id: PingId) -> Vec<Milestone> {
    let mut milestones = harness.found(id).await.milestones;
    milestones.sort_by_key(|milestone| milestone.kind);
    milestones
}

async fn reaches(harness: &Harness, milestone: &Milestone) {
    assert_eq!(harness.reach(milestone).await.unwrap(), Durable, "{milestone:?}");
}

pub(super) async fn milestones_come_back_with_their_ping_in_any_order(harness: Harness) {
    let backwards: Vec<MilestoneKind> = KINDS.iter().rev().copied().collect();
    for (kinds, n) in [KINDS.to_vec(), backwards].into_iter().zip(1..) {
        let id = ping_id(n);
        harness.given(&asking(n)).await;
        assert_eq!(kept(&harness, id).await, []);
        let expected: Vec<Milestone> = KINDS.iter().map(|kind| milestone(id, *kind, 5)).collect();
        for kind in kinds {
            reaches(&harness, &milestone(id, kind, 5)).await;
        }
        assert_eq!(kept(&harness, id).await, expected);
    }
    let bare = harness.given_ping(9).await;
    reaches(&harness, &milestone(bare, MilestoneKind::Delivered, 1)).await;
    let listed = harness.pings(&PingQuery::newest(9)).await.unwrap().items;
    let counts: Vec<usize> = listed.iter().map(|kept| kept.milestones.len()).collect();
    assert_eq!(counts, [1, 7, 7], "in a list too");
    // To the ends of what can be.
    let mut long = asking(3);
    (long.record_until, long.keep_until) = (time(i64::MAX), time(i64::MAX));
    harness.given(&long).await;
    let mut first = milestone(long.id, MilestoneKind::Confirmed, 0);
    (first.at, first.time_step, first.evidence) = (time(0), TimeStep::Day, EvidenceSet::from_bits(1 << 63));
    reaches(&harness, &first).await;
    assert_eq!(kept(&harness, long.id).await, [first]);
    let found = harness.found(long.id).await;
    assert_eq!(
        (found.asked_by, found.shows_reference),
        (long.asked_by, false),
        "who asks, and whether the reference is shown"
    );
}

pub(super) async fn a_milestone_reached_twice_is_one_and_the_first_stays(harness: Harness) {
    harness.given(&asking(1)).await;
    let id = ping_id(1);
    for kind in KINDS {
        reaches(&harness, &milestone(id, kind, 5)).await;
        let mut again = milestone(id, kind, 900);
        again.status_code = None;
        reaches(&harness, &again).await;
        reaches(&harness, &milestone(id, kind, 1)).await;
    }
    let first: Vec<Milestone> = KINDS.iter().map(|kind| milestone(id, *kind, 5)).collect();
    assert_eq!(kept(&harness, id).await, first);
    // What was confirmed stays confirmed when no more is taken.
    let late = milestone(id, MilestoneKind::Confirmed, u32::try_from(RECORDED).unwrap());
    reaches(&harness, &late).await;
    assert_eq!(kept(&harness, id).await, first);
}

pub(super) async fn a_confirmation_needs_a_ping_that_asks_in_time(harness: Harness) {
    let nobody_asks = harness.given_ping(1).await;
    harness.given(&asking(2)).await;
    let until = u32::try_from(RECORDED).unwrap();
    let confirmed = |id, n| milestone(id, MilestoneKind::Confirmed, n);
    for refused in [confirmed(nobody_asks, 5), confirmed(ping_id(2), until), confirmed(ping_id(9), 5)] {
        assert_eq!(harness.reach(&refused).await.unwrap(), Filtered, "{refused:?}");
    }
    assert!(harness.ping(ping_id(9)).await.unwrap().is_none(), "no ping comes of a milestone");
    let mut day = confirmed(ping_id(2), 0);
    (day.at, day.time_step) = (time((SENT + RECORDED) / DAY * DAY), TimeStep::Day);
    assert_eq!(harness.reach(&day).await.unwrap(), Filtered, "its day ends after the end");
    assert_eq!(kept(&harness, ping_id(2)).await, []);
    reaches(&harness, &confirmed(ping_id(2), until - 1)).await;
    reaches(&harness, &milestone(nobody_asks, MilestoneKind::Failed, until + 5)).await;
    assert_eq!(kept(&harness, nobody_asks).await.len(), 1, "a server's word has no such end");
}

/// It is the recipient's own act, and no opens come with it.
pub(super) async fn a_ping_objected_to_takes_a_confirmation_and_no_opens(harness: Harness) {
    let ada = recipient(b'a', &[1]);
    harness.insert_ping(&asking(1), Some(&ada)).await.unwrap();
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    assert_eq!(harness.insert_ping(&asking(2), Some(&ada)).await.unwrap(), Status::Untracked);
    for n in [1, 2] {
        harness.filters(&[open(ping_id(n), 1)]).await;
        reaches(&harness, &milestone(ping_id(n), MilestoneKind::Confirmed, 5)).await;
        reaches(&harness, &milestone(ping_id(n), MilestoneKind::Delivered, 5)).await;
        assert_eq!(kept(&harness, ping_id(n)).await.len(), 2);
    }
    assert_eq!(harness.status(ping_id(1)).await, Status::Withdrawn);
}

pub(super) async fn an_objection_to_everything_closes_all_pings(harness: Harness) {
    let (ada, bob) = (recipient(b'a', &[1]), recipient(b'b', &[1]));
    for n in 1..=3 {
        harness.insert_ping(&asking(n), Some(if n == 3 { &bob } else { &ada })).await.unwrap();
    }
    reaches(&harness, &milestone(ping_id(1), MilestoneKind::Accepted, 5)).await;
    assert_eq!(harness.objection(&ada).await.unwrap(), None);
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    assert_eq!(harness.objection(&ada).await.unwrap(), Some(ObjectionScope::Opens));
    assert_eq!(harness.insert_ping(&asking(4), Some(&ada)).await.unwrap(), Status::Untracked);
    harness.object(&ada, ObjectionScope::Everything).await.unwrap();
    assert_eq!(harness.insert_ping(&asking(5), Some(&ada)).await.unwrap(), Status::Closed);
    // What comes later narrows nothing.
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    harness.object_by_ping(ping_id(1)).await.unwrap();
    assert_eq!(harness.objection(&ada).await.unwrap(), Some(ObjectionScope::Everything));
    for n in [1, 2, 4, 5] {
        assert_eq!(harness.status(ping_id(n)).await, Status::Closed, "{n}");
        for kind in KINDS.into_iter().filter(|kind| n != 1 || *kind != MilestoneKind::Accepted) {
            assert_eq!(harness.reach(&milestone(ping_id(n), kind, 5)).await.unwrap(), Filtered);
        }
        harness.filters(&[open(ping_id(n), 1)]).await;
    }
    assert_eq!(kept(&harness, ping_id(1)).await.len(), 1, "what was kept stays");
    assert!(harness.withdraw(ping_id(2)).await.unwrap());
    assert_eq!(harness.status(ping_id(2)).await, Status::Closed);
    assert_eq!(
        (harness.status(ping_id(3)).await, harness.objection(&bob).await.unwrap()),
        (Status::Live, None)
    );
    // Under a newer key it goes as far.
    let newer = recipient(b'a', &[2, 1]);
    assert_eq!(harness.objection(&newer).await.unwrap(), Some(ObjectionScope::Everything));
    assert_eq!(harness.insert_ping(&asking(6), Some(&newer)).await.unwrap(), Status::Closed);
    assert_eq!(harness.objection(&recipient(b'a', &[2])).await.unwrap(), Some(ObjectionScope::Everything));
    assert_eq!(harness.erase_recipient(&newer).await.unwrap(), Deleted::new(5, 0));
    assert_eq!(
        harness.objection(&newer).await.unwrap(),
        Some(ObjectionScope::Everything),
        "it outlives erasure"
    );
}

/// A ping that was kept under an older key may have escaped the objection until it is found.
pub(super) async fn a_ping_found_under_an_older_key_is_closed_too(harness: Harness) {
    let (before, after, both) = (recipient(b'a', &[1]), recipient(b'a', &[2]), recipient(b'a', &[2, 1]));
    harness.insert_ping(&asking(1), Some(&before)).await.unwrap();
    harness.object(&after, ObjectionScope::Everything).await.unwrap();
    assert_eq!(harness.status(ping_id(1)).await, Status::Live);
    assert_eq!(harness.insert_ping(&asking(2), Some(&both)).await.unwrap(), Status::Closed);
    assert_eq!(harness.status(ping_id(1)).await, Status::Closed);
}

pub(super) async fn a_ping_that_is_gone_or_unknown_takes_no_milestone(harness: Harness) {
    harness.given(&asking(1)).await;
    for kind in KINDS {
        reaches(&harness, &milestone(ping_id(1), kind, 5)).await;
    }
    assert_eq!(harness.erase(ping_id(1)).await.unwrap(), Some(Deleted::new(1, 0)));
    let mut unknown = asking(2);
    unknown.status = Status::Unknown;
    harness.given(&unknown).await;
    for (kind, n) in KINDS.into_iter().flat_map(|kind| [(kind, 1), (kind, 2), (kind, 3)]) {
        assert_eq!(harness.reach(&milestone(ping_id(n), kind, 5)).await.unwrap(), Filtered);
    }
    assert_eq!(kept(&harness, ping_id(2)).await, []);
    // Nothing of an erased ping comes back with one of its id.
    harness.given(&asking(1)).await;
    assert_eq!(kept(&harness, ping_id(1)).await, []);
}

pub(super) async fn purging_takes_a_ping_with_its_milestones_and_counts_none(harness: Harness) {
    for n in 0..3 {
        harness.given(&asking(n)).await;
        for kind in KINDS {
            reaches(&harness, &milestone(ping_id(n), kind, 5)).await;
        }
    }
    let mark = harness.mark().await.unwrap();
    assert_eq!(harness.purge(time(SENT + 1 + KEPT), 99).await.unwrap(), Deleted::new(2, 0));
    assert_eq!(harness.all_pings().await, [ping_id(2)]);
    assert_eq!(kept(&harness, ping_id(2)).await.len(), KINDS.len());
    assert_eq!(harness.reach(&milestone(ping_id(0), MilestoneKind::Failed, 5)).await.unwrap(), Filtered);
    assert_eq!(all_since(&harness, mark, 9).await.0, []);
}

pub(super) async fn a_milestone_is_news_once_and_none_of_a_gone_ping(harness: Harness) {
    for n in 1..=3 {
        harness.given(&asking(n)).await;
    }
    let beginning = harness.mark().await.unwrap();
    for kind in KINDS {
        reaches(&harness, &milestone(ping_id(1), kind, 5)).await;
        reaches(&harness, &milestone(ping_id(1), kind, 9)).await;
        reaches(&harness, &milestone(ping_id(2), kind, 5)).await;
    }
    harness.keeps(&[open(ping_id(1), 1), open(ping_id(3), 1)]).await;
    assert!(harness.erase(ping_id(2)).await.unwrap().is_some());
    for size in [1, 2, 5, 50] {
        let (news, end) = all_since(&harness, beginning.clone(), size).await;
        let told: BTreeSet<MilestoneKind> = news
            .iter()
            .filter_map(|item| match item {
                Observation::Milestone(found) if *found == milestone(ping_id(1), found.kind, 5) => {
                    Some(found.kind)
                }
                _ => None,
            })
            .collect();
        assert_eq!((told, news.len()), (KINDS.into(), KINDS.len() + 2), "in pages of {size}: {news:?}");
        assert_eq!(all_since(&harness, end, size).await.0, []);
    }
}

/// Two clicks at once, on two instances.
pub(super) async fn milestones_reached_at_once_are_one(harness: Harness) {
    for n in 0..10 {
        harness.given(&asking(n)).await;
        let mark = harness.mark().await.unwrap();
        let clicks: Vec<_> = (0..4)
            .map(|click| {
                harness.aside(move |harness| {
                    block_on(harness.reach(&milestone(ping_id(n), MilestoneKind::Confirmed, click))).unwrap()
                })
            })
            .collect();
        for click in clicks {
            assert_eq!(click.await, Durable);
        }
        let milestones = kept(&harness, ping_id(n)).await;
        assert_eq!(milestones.len(), 1, "{milestones:?}");
        assert_eq!(all_since(&harness, mark, 9).await.0, [Observation::Milestone(milestones[0])]);
    }
}

pub(super) async fn no_milestone_comes_after_an_erasure_under_way(harness: Harness) {
    for n in 0..20 {
        harness.given(&asking(n)).await;
        let clicks = harness.aside(move |harness| {
            KINDS.map(|kind| block_on(harness.reach(&milestone(ping_id(n), kind, 5))).unwrap())
        });
        assert!(harness.erase(ping_id(n)).await.unwrap().is_some());
        let answers = clicks.await;
        // Kept before it, filtered after it, and never the other way round.
        let first = answers.iter().position(|answer| *answer == Filtered).unwrap_or(answers.len());
        assert!(answers[first..].iter().all(|answer| *answer == Filtered), "{answers:?}");
        harness.given(&asking(n)).await;
        assert_eq!(kept(&harness, ping_id(n)).await, [], "nothing of the erased one is left");
        assert!(harness.erase(ping_id(n)).await.unwrap().is_some());
    }
}
