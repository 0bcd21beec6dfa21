//! What sealing needs of a store. A store that cannot seal passes by saying so.

use pollster::block_on;

use super::harness::{Harness, KEPT, RECORDED, SENT, open, opens, ping, ping_id, recipient, time};
use crate::store::{
    EndReason, Ending, Entered, Ledger, Milestone, MilestoneKind, NewStatement, ObjectionScope, PingSecret,
    RecipientHashes, Recorded, SealRow, SealedPing, Sealing, StampRow, Step,
};
use crate::{PingId, Status, Timestamp};

/// The part that seals; ends the case if there is none.
macro_rules! sealing {
    ($harness:expr) => {{
        let Some(sealing) = $harness.sealing() else { return };
        sealing
    }};
}

fn secret(n: u8) -> PingSecret {
    PingSecret { nonce: [n; 32], key: super::harness::key(n % 3) }
}

fn statement(ping: PingId, name: &str, seal: u64, ends: i64) -> NewStatement {
    let line = format!("{} {name}: of; {ping}", time(ends));
    NewStatement { ping, name: name.to_owned(), seal, ends: time(ends), line }
}

fn created(n: u32) -> NewStatement {
    statement(ping_id(n), "created", 0, SENT + i64::from(n) + 1)
}

/// Inserts ping `n` with sealing, and gives its id.
async fn given_sealed(sealing: &dyn Sealing, n: u32, to: Option<&RecipientHashes>) -> PingId {
    let entered = sealing.insert_sealed(&ping(n), to, &secret(n as u8), &created(n)).await.unwrap();
    assert!(matches!(entered, Entered::Kept(_)), "{entered:?}");
    ping_id(n)
}

/// A step that changes nothing but the version.
fn step(now: &Ledger) -> Step {
    Step { next: now.next, closed_to: now.closed_to, text: now.text.clone(), ..Step::default() }
}

async fn stepped(sealing: &dyn Sealing, change: impl FnOnce(&mut Step)) -> bool {
    let now = sealing.ledger().await.unwrap();
    let mut step = step(&now);
    change(&mut step);
    sealing.step(now.version, &step).await.unwrap()
}

async fn one(sealing: &dyn Sealing, ping: PingId) -> Option<SealedPing> {
    sealing.sealed(&[ping]).await.unwrap().pop().unwrap()
}

/// The lines of a ping with their seals, sorted.
async fn lines_of(sealing: &dyn Sealing, ping: PingId) -> Vec<(u64, String)> {
    let mut lines = sealing.statements_of(ping).await.unwrap();
    lines.sort();
    lines
}

pub(super) async fn a_ping_is_kept_with_its_secret_and_first_statement_in_the_seal_that_is_filled(
    harness: Harness,
) {
    let sealing = sealing!(harness);
    assert_eq!((sealing.ledger().await.unwrap(), sealing.oldest().await.unwrap()), (Ledger::default(), None));
    let first = given_sealed(sealing, 1, None).await;
    let text = "a text".to_owned();
    let until = time(SENT + 2);
    assert!(stepped(sealing, |step| (step.next, step.closed_to, step.text) = (7, until, text)).await);
    let second = given_sealed(sealing, 2, None).await;
    let unsealed = harness.given_ping(3).await;
    assert_eq!(sealing.oldest().await.unwrap(), Some(0));
    for (id, n, seal) in [(first, 1, 0), (second, 2, 7)] {
        let kept = SealedPing { secret: secret(n), first: seal, last: None };
        assert_eq!(one(sealing, id).await, Some(kept));
        assert_eq!(lines_of(sealing, id).await, [(seal, created(n.into()).line)]);
    }
    assert_eq!((one(sealing, unsealed).await, one(sealing, ping_id(4)).await), (None, None));
    let all = sealing.sealed(&[second, unsealed, first]).await.unwrap();
    assert_eq!(all.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true], "in their order");
    assert_eq!(sealing.ledger().await.unwrap(), Ledger::new(1, 7, until, "a text".to_owned()));
}

pub(super) async fn nothing_is_made_before_the_end_of_a_closed_seal(harness: Harness) {
    let sealing = sealing!(harness);
    let until = time(SENT + 2);
    assert!(stepped(sealing, |step| (step.next, step.closed_to) = (1, until)).await);
    let early = sealing.insert_sealed(&ping(1), None, &secret(1), &created(1)).await.unwrap();
    assert_eq!(early, Entered::Closed(until));
    assert_eq!((harness.ping(ping_id(1)).await.unwrap(), one(sealing, ping_id(1)).await), (None, None));
    given_sealed(sealing, 2, None).await;
    assert_eq!(one(sealing, ping_id(2)).await.map(|ping| ping.first), Some(1));
}

pub(super) async fn a_sealed_ping_is_as_any_other(harness: Harness) {
    let sealing = sealing!(harness);
    let ada = recipient(1, &[5]);
    let id = given_sealed(sealing, 1, Some(&ada)).await;
    assert_eq!(harness.found(id).await, ping(1));
    harness.keeps(&[open(id, 1)]).await;
    harness.object(&ada, ObjectionScope::Everything).await.unwrap();
    harness.filters(&[open(id, 2)]).await;
    let entered = sealing.insert_sealed(&ping(2), Some(&ada), &secret(2), &created(2)).await.unwrap();
    assert_eq!(entered, Entered::Kept(Status::Closed));
    assert!(sealing.insert_sealed(&ping(1), None, &secret(3), &created(1)).await.is_err(), "kept already");
    assert_eq!(one(sealing, id).await.map(|ping| ping.secret), Some(secret(1)));
}

pub(super) async fn a_step_from_another_version_changes_nothing(harness: Harness) {
    let sealing = sealing!(harness);
    let id = given_sealed(sealing, 1, None).await;
    assert!(stepped(sealing, |step| step.text = "one".to_owned()).await);
    let now = sealing.ledger().await.unwrap();
    for version in [0, 2, 99] {
        let mut late = step(&now);
        (late.next, late.text) = (9, "late".to_owned());
        late.statements = vec![statement(id, "late", 9, SENT)];
        late.ended = vec![(id, 9)];
        late.seal = Some(SealRow { number: 8, entry: "late".to_owned(), parts: vec![1] });
        late.leaves = vec![vec![1]];
        assert!(!sealing.step(version, &late).await.unwrap());
    }
    assert_eq!(sealing.ledger().await.unwrap(), now);
    assert_eq!(one(sealing, id).await.and_then(|ping| ping.last), None);
    assert_eq!(lines_of(sealing, id).await.len(), 1);
    assert_eq!((sealing.seals(0, 9).await.unwrap(), sealing.leaves(8, 0).await.unwrap()), (vec![], None));
    assert_eq!(harness.status(id).await, Status::Live);
}

pub(super) async fn steps_at_once_are_one_after_another(harness: Harness) {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 15;
    let sealing = sealing!(harness);
    let id = given_sealed(sealing, 1, None).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            harness.aside(move |harness| {
                let Some(sealing) = harness.sealing() else { return };
                for round in 0..ROUNDS {
                    let name = format!("{writer}-{round}");
                    while !block_on(stepped(sealing, |step| {
                        step.text.push('x');
                        step.statements = vec![statement(id, &name, 0, SENT)];
                    })) {}
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await;
    }
    let ledger = sealing.ledger().await.unwrap();
    assert_eq!((ledger.version, ledger.text.len() as u64), (WRITERS * ROUNDS, WRITERS * ROUNDS));
    assert_eq!(lines_of(sealing, id).await.len() as u64, WRITERS * ROUNDS + 1);
}

pub(super) async fn no_seal_closes_before_its_statements_end(harness: Harness) {
    let sealing = sealing!(harness);
    assert_eq!(sealing.latest(0).await.unwrap(), None);
    let id = given_sealed(sealing, 1, None).await;
    let later = vec![statement(id, "late", 0, SENT + 50), statement(id, "later", 3, SENT + 90)];
    assert!(stepped(sealing, |step| step.statements = later).await);
    assert_eq!(sealing.latest(0).await.unwrap(), Some(time(SENT + 50)));
    assert_eq!(sealing.latest(3).await.unwrap(), Some(time(SENT + 90)));
    let close =
        async |next, until| stepped(sealing, |step| (step.next, step.closed_to) = (next, time(until))).await;
    assert!(!close(1, SENT + 49).await);
    assert_eq!(sealing.ledger().await.unwrap().next, 0);
    assert!(close(1, SENT + 50).await);
    assert!(close(3, SENT + 60).await, "seal 3 stays open");
    assert!(!close(4, SENT + 89).await);
    assert!(close(4, SENT + 90).await);
}

/// A late committer: whoever made a ping while a seal was closed finds it closed, or is in it.
pub(super) async fn a_ping_made_while_a_seal_closes_is_in_it_or_behind_it(harness: Harness) {
    const ROUNDS: u32 = 40;
    let sealing = sealing!(harness);
    let makers: Vec<_> = (0..2)
        .map(|maker| {
            harness.aside(move |harness| {
                let Some(sealing) = harness.sealing() else { return };
                let mut at = SENT;
                for n in (maker..ROUNDS * 2).step_by(2) {
                    loop {
                        let created = statement(ping_id(n), "created", 0, at);
                        match block_on(sealing.insert_sealed(&ping(n), None, &secret(1), &created)).unwrap() {
                            Entered::Kept(_) => break,
                            Entered::Closed(until) => at = until.unix_millis() + 1,
                        }
                    }
                }
            })
        })
        .collect();
    let mut frozen = Vec::new();
    for seal in 0..u64::from(ROUNDS) {
        let until = time(SENT + i64::try_from(seal).unwrap() + 1);
        while !stepped(sealing, |step| (step.next, step.closed_to) = (seal + 1, until)).await {}
        frozen.push(sealing.statements_in(seal, None, usize::MAX).await.unwrap().items);
    }
    for maker in makers {
        maker.await;
    }
    let mut count = 0;
    for (seal, then) in (0..).zip(frozen) {
        let now = sealing.statements_in(seal, None, usize::MAX).await.unwrap().items;
        assert_eq!(now, then, "nothing comes into a closed seal");
        count += now.len();
    }
    count += sealing.statements_in(ROUNDS.into(), None, usize::MAX).await.unwrap().items.len();
    assert_eq!(count as u32, ROUNDS * 2);
}

pub(super) async fn a_statement_is_kept_once_and_the_last_day_as_the_latest(harness: Harness) {
    let sealing = sealing!(harness);
    let id = given_sealed(sealing, 1, None).await;
    let unsealed = harness.given_ping(2).await;
    for (name, seal, ends) in
        [("open 1", 3, 10), ("open 1", 4, 20), ("last_day", 5, 30), ("last_day", 6, 40), ("created", 7, 50)]
    {
        let both = vec![statement(id, name, seal, ends), statement(unsealed, name, seal, ends)];
        assert!(stepped(sealing, |step| step.statements = both).await);
    }
    let kept = [
        (0, created(1).line),
        (3, statement(id, "open 1", 3, 10).line),
        (5, statement(id, "last_day", 5, 40).line),
    ];
    assert_eq!(lines_of(sealing, id).await, kept);
    assert_eq!(sealing.latest(5).await.unwrap(), Some(time(40)));
    assert_eq!(lines_of(sealing, unsealed).await, []);
}

pub(super) async fn statements_come_by_ping_in_whole_pings(harness: Harness) {
    let sealing = sealing!(harness);
    let mut statements = Vec::new();
    for n in [3, 1, 2, 5] {
        let id = given_sealed(sealing, n, None).await;
        statements.extend((0..n).map(|k| statement(id, &k.to_string(), 4, SENT)));
        statements.push(statement(id, "other", 5, SENT));
    }
    assert!(stepped(sealing, |step| step.statements = statements).await);
    for limit in [1, 2, 4, 99] {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = sealing.statements_in(4, after, limit).await.unwrap();
            let all_but_last: usize = page.items.iter().rev().skip(1).map(|ping| ping.lines.len()).sum();
            assert!(all_but_last < limit, "no more than needed");
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let pings: Vec<_> = all.iter().map(|ping| (ping.ping, ping.secret, ping.lines.len())).collect();
        let expected = [1_u32, 2, 3, 5].map(|n| (ping_id(n), secret(n as u8), n as usize));
        assert_eq!(pings, expected, "in pages of {limit}");
        let (mut after, mut ids) = (None, Vec::new());
        loop {
            let page = sealing.pings_in(4, after, limit).await.unwrap();
            assert!(page.items.len() <= limit);
            ids.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(ids, [1, 2, 3, 5].map(ping_id), "in pages of {limit}");
        let mut lines = all[1].lines.clone();
        lines.sort();
        assert_eq!(lines, ["0", "1"].map(|name| statement(ping_id(2), name, 4, SENT).line));
    }
}

pub(super) async fn pings_that_shall_end_are_told_with_the_reason(harness: Harness) {
    let sealing = sealing!(harness);
    let [ada, bob] = [recipient(1, &[5]), recipient(2, &[5])];
    for n in 1..=6 {
        given_sealed(sealing, n, [None, Some(&ada), Some(&bob)][n as usize % 3]).await;
    }
    harness.given_ping(7).await;
    harness.withdraw(ping_id(7)).await.unwrap();
    assert_eq!(sealing.ending(time(SENT), 99).await.unwrap(), [], "all are live");
    harness.withdraw(ping_id(3)).await.unwrap();
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    harness.object(&bob, ObjectionScope::Everything).await.unwrap();
    let told = async |until: Timestamp, limit| {
        let mut all = sealing.ending(until, limit).await.unwrap();
        all.sort_by_key(|one| one.ping);
        all
    };
    let of = |n, reason| Ending { ping: ping_id(n), reason };
    let (withdrawn, objected) = (EndReason::Withdrawn, EndReason::Objection);
    let early = [of(1, objected), of(2, objected), of(3, withdrawn), of(4, objected), of(5, objected)];
    assert_eq!(told(time(0), 99).await, early);
    assert_eq!(told(time(0), 2).await.len(), 2);
    let at_its_time = time(SENT + 6 + RECORDED);
    assert_eq!(told(time(SENT + 5 + RECORDED), 99).await, early);
    assert_eq!(told(at_its_time, 99).await.last(), Some(&of(6, EndReason::RecordUntil)));
    let ended = (1..=5).map(|n| (ping_id(n), 4)).collect();
    assert!(stepped(sealing, |step| step.ended = ended).await);
    assert_eq!(told(at_its_time, 99).await, [of(6, EndReason::RecordUntil)], "the others have ended");
}

pub(super) async fn a_ping_that_can_be_confirmed_does_not_end_before_record_until(harness: Harness) {
    let sealing = sealing!(harness);
    let [ada, bob] = [recipient(1, &[5]), recipient(2, &[5])];
    for (n, to) in [(1, None), (2, None), (3, Some(&ada)), (4, Some(&bob))] {
        let mut asking = ping(n);
        asking.asked_by = Some("Bob".to_owned());
        sealing.insert_sealed(&asking, to, &secret(n as u8), &created(n)).await.unwrap();
    }
    harness.withdraw(ping_id(2)).await.unwrap();
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    harness.object(&bob, ObjectionScope::Opens).await.unwrap();
    let told = async |until: i64| {
        let mut all = sealing.ending(time(until), 99).await.unwrap();
        all.sort_by_key(|one| one.ping);
        all
    };
    let of = |n, reason| Ending { ping: ping_id(n), reason };
    assert_eq!(told(SENT).await, [], "each can be confirmed");
    harness.object(&bob, ObjectionScope::Everything).await.unwrap();
    assert_eq!(told(SENT).await, [of(4, EndReason::Objection)], "it takes no confirmation");
    let objected = |n| of(n, EndReason::Objection);
    let (live, withdrawn) = (of(1, EndReason::RecordUntil), of(2, EndReason::Withdrawn));
    assert_eq!(told(SENT + 2 + RECORDED).await, [live, withdrawn, objected(4)]);
    assert_eq!(told(SENT + 3 + RECORDED).await, [live, withdrawn, objected(3), objected(4)]);
}

pub(super) async fn a_ping_that_has_ended_gains_nothing_any_more(harness: Harness) {
    let sealing = sealing!(harness);
    let (one_id, other) = (given_sealed(sealing, 1, None).await, given_sealed(sealing, 2, None).await);
    harness.keeps(&opens(one_id, 0..2)).await;
    assert!(stepped(sealing, |step| step.ended = vec![(one_id, 3), (ping_id(9), 3)]).await);
    harness.filters(&[open(one_id, 3)]).await;
    harness.keeps(&[open(other, 3)]).await;
    let bounce = Milestone::new(one_id, MilestoneKind::Failed, time(SENT + 9));
    assert_eq!(harness.reach(&bounce).await.unwrap(), Recorded::Filtered);
    assert_eq!(harness.status(one_id).await, Status::Expired);
    assert_eq!(one(sealing, one_id).await.and_then(|ping| ping.last), Some(3));
    assert_eq!(harness.all_opens(one_id).await.len(), 2, "what is kept stays");
    // It ends once, and a withdrawn one stays what it is.
    harness.withdraw(other).await.unwrap();
    assert!(stepped(sealing, |step| step.ended = vec![(one_id, 4), (other, 4)]).await);
    assert_eq!(one(sealing, one_id).await.and_then(|ping| ping.last), Some(3));
    assert_eq!(harness.status(other).await, Status::Withdrawn);
}

pub(super) async fn a_ping_that_has_ended_takes_no_milestone_whatever_its_status(harness: Harness) {
    let sealing = sealing!(harness);
    let [ada, bob] = [recipient(1, &[5]), recipient(2, &[5])];
    harness.object(&bob, ObjectionScope::Opens).await.unwrap();
    let (mut ids, mut ended) = (Vec::new(), Vec::new());
    for (n, to) in [(1, None), (2, None), (3, Some(&ada)), (4, Some(&bob)), (5, None)] {
        let mut asking = ping(n);
        asking.asked_by = Some("Bob".to_owned());
        sealing.insert_sealed(&asking, to, &secret(n as u8), &created(n)).await.unwrap();
        ids.push(asking.id);
    }
    harness.withdraw(ids[1]).await.unwrap();
    harness.object(&ada, ObjectionScope::Opens).await.unwrap();
    let reached = async |kind, id| {
        harness.reach(&Milestone::new(id, kind, time(SENT + 9))).await.unwrap() == Recorded::Durable
    };
    for id in &ids {
        assert!(reached(MilestoneKind::Accepted, *id).await, "before its end");
    }
    ended.extend(ids[..4].iter().map(|id| (*id, 3)));
    assert!(stepped(sealing, |step| step.ended = ended).await);
    let [live, withdrawn, objected, untracked, goes_on] = ids[..] else { unreachable!() };
    for (id, status) in [
        (live, Status::Expired),
        (withdrawn, Status::Withdrawn),
        (objected, Status::Withdrawn),
        (untracked, Status::Untracked),
    ] {
        assert_eq!(harness.status(id).await, status);
        for kind in [MilestoneKind::Confirmed, MilestoneKind::Failed] {
            assert!(!reached(kind, id).await, "{status}: {kind}");
        }
        assert!(reached(MilestoneKind::Accepted, id).await, "{status}: what was kept before its end is kept");
        assert_eq!(harness.ping(id).await.unwrap().unwrap().milestones.len(), 1, "{status}");
    }
    assert!(reached(MilestoneKind::Confirmed, goes_on).await);
}

pub(super) async fn what_ended_in_a_seal_comes_page_by_page(harness: Harness) {
    let sealing = sealing!(harness);
    let mut ended = Vec::new();
    for n in 1..=5 {
        ended.push((given_sealed(sealing, n, None).await, if n == 4 { 8 } else { 7 }));
    }
    assert!(stepped(sealing, |step| step.ended = ended).await);
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = sealing.ended_in(7, after, 3).await.unwrap();
        assert!(page.items.len() <= 3);
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, [1, 2, 3, 5].map(ping_id));
    assert_eq!(sealing.ended_in(8, None, 3).await.unwrap().items, [ping_id(4)]);
    assert_eq!(sealing.ended_in(9, None, 3).await.unwrap().items, []);
}

pub(super) async fn seals_and_leaves_come_back_until_they_are_cut(harness: Harness) {
    let sealing = sealing!(harness);
    let row = |number: u64| SealRow { number, entry: format!("mailping\n{number}\n"), parts: vec![7; 64] };
    for number in 0..5 {
        let stamp =
            |by| StampRow { size: number + 1, note: format!("note {number}\n"), token: vec![by, 255] };
        assert!(
            stepped(sealing, |step| {
                step.seal = Some(row(number));
                step.leaves = vec![vec![1; 64], vec![]];
                step.stamps =
                    [stamp(0), stamp(1)].into_iter().take([2, 1, 0, 2, 1][number as usize]).collect();
            })
            .await
        );
    }
    assert_eq!(sealing.seals(1, 3).await.unwrap(), [row(1), row(2), row(3)]);
    assert_eq!(sealing.leaves(4, 0).await.unwrap(), Some(vec![1; 64]));
    assert_eq!(sealing.leaves(4, 1).await.unwrap(), Some(vec![]));
    assert_eq!(sealing.leaves(4, 2).await.unwrap(), None);
    let sizes =
        async || -> Vec<u64> { sealing.stamps().await.unwrap().iter().map(|stamp| stamp.size).collect() };
    assert_eq!(sizes().await, [1, 1, 2, 4, 4, 5], "each authority's");
    let tokens: Vec<u8> = sealing.stamps().await.unwrap().iter().map(|stamp| stamp.token[0]).collect();
    assert_eq!(tokens, [0, 1, 0, 0, 1, 0]);
    assert!(stepped(sealing, |step| step.cut = 2).await);
    assert_eq!(sealing.seals(0, 9).await.unwrap(), [row(2), row(3), row(4)]);
    assert_eq!(
        (sealing.leaves(1, 0).await.unwrap(), sealing.leaves(2, 0).await.unwrap().is_some()),
        (None, true)
    );
    assert_eq!(sizes().await, [4, 4, 5]);
}

pub(super) async fn an_erased_ping_leaves_neither_secret_nor_statement(harness: Harness) {
    let sealing = sealing!(harness);
    let ada = recipient(1, &[5]);
    for n in 1..=4 {
        let id = given_sealed(sealing, n, (n == 2).then_some(&ada)).await;
        assert!(stepped(sealing, |step| step.statements = vec![statement(id, "open", 1, SENT)]).await);
    }
    harness.erase(ping_id(1)).await.unwrap();
    harness.erase_recipient(&ada).await.unwrap();
    let purged = harness.purge(time(SENT + 3 + KEPT), 99).await.unwrap();
    assert_eq!(purged.pings, 1, "statements are not counted");
    for gone in [1, 2, 3].map(ping_id) {
        assert_eq!((one(sealing, gone).await, lines_of(sealing, gone).await), (None, vec![]));
        let late = vec![statement(gone, "late", 1, SENT)];
        assert!(stepped(sealing, |step| (step.statements, step.ended) = (late, vec![(gone, 1)])).await);
        assert_eq!((one(sealing, gone).await, lines_of(sealing, gone).await), (None, vec![]));
    }
    assert_eq!(sealing.oldest().await.unwrap(), Some(0));
    let left = sealing.statements_in(1, None, 99).await.unwrap().items;
    assert_eq!(left.iter().map(|ping| ping.ping).collect::<Vec<_>>(), [ping_id(4)]);
    assert_eq!(sealing.ending(time(SENT + KEPT), 99).await.unwrap().len(), 1);
}

pub(super) async fn an_erasure_during_a_step_comes_before_or_after_it(harness: Harness) {
    const PINGS: u32 = 30;
    let sealing = sealing!(harness);
    for n in 0..PINGS {
        given_sealed(sealing, n, None).await;
    }
    let eraser = harness.aside(|harness| {
        for n in 0..PINGS {
            block_on(harness.erase(ping_id(n))).unwrap();
        }
    });
    for round in 0..20 {
        let all = (0..PINGS).map(|n| statement(ping_id(n), &format!("open {round}"), 1, SENT)).collect();
        let ended = (0..PINGS).map(|n| (ping_id(n), 2)).collect();
        assert!(stepped(sealing, |step| (step.statements, step.ended) = (all, ended)).await);
    }
    eraser.await;
    assert_eq!(sealing.statements_in(1, None, 99).await.unwrap().items, []);
    for n in 0..PINGS {
        assert_eq!((one(sealing, ping_id(n)).await, lines_of(sealing, ping_id(n)).await), (None, vec![]));
    }
}

pub(super) async fn the_keys_of_secrets_are_told_until_their_pings_are_gone(harness: Harness) {
    let sealing = sealing!(harness);
    assert_eq!(harness.recipient_keys().await.unwrap(), []);
    for n in [1, 2, 4, 5] {
        given_sealed(sealing, n, (n == 4).then_some(&recipient(1, &[5]))).await;
    }
    // Ping 1 and ping 4 have the same.
    let told = async || {
        let mut keys = harness.recipient_keys().await.unwrap();
        keys.sort();
        keys
    };
    assert_eq!(told().await, [1, 2, 5].map(super::harness::key));
    assert!(stepped(sealing, |step| step.ended = vec![(ping_id(2), 3)]).await);
    harness.erase(ping_id(1)).await.unwrap();
    harness.erase_recipient(&recipient(1, &[5])).await.unwrap();
    assert_eq!(told().await, [super::harness::key(2)], "also of one that has ended");
    harness.erase(ping_id(2)).await.unwrap();
    assert_eq!(told().await, [super::harness::key(2)], "ping 5 has it too");
}

pub(super) async fn one_statement_is_found_by_its_name(harness: Harness) {
    let sealing = sealing!(harness);
    let id = given_sealed(sealing, 1, None).await;
    let other = given_sealed(sealing, 2, None).await;
    assert!(stepped(sealing, |step| step.statements = vec![statement(id, "open 1", 3, SENT)]).await);
    let found = async |ping, name| sealing.statement(ping, name).await.unwrap();
    assert_eq!(found(id, "created").await, Some(created(1).line));
    assert_eq!(found(id, "open 1").await, Some(statement(id, "open 1", 3, SENT).line));
    assert_eq!((found(other, "open 1").await, found(id, "open").await), (None, None));
    assert_eq!(found(ping_id(3), "created").await, None);
    harness.erase(id).await.unwrap();
    assert_eq!(found(id, "created").await, None);
}
