//! Order, pages and filters.

use super::harness::{Harness, ids, open, opens, ping, ping_id, recipient, time};
use crate::store::{Deleted, OpenCursor, OpenQuery, Page, PingQuery};
use crate::{Open, OpenId, PingId};

pub(super) async fn opens_come_by_time_then_id_page_by_page(harness: Harness) {
    let (id, other) = (harness.given_ping(1).await, harness.given_ping(2).await);
    // Three opens at each time, and ids in no order of it; the highest and the lowest id too.
    let mut all: Vec<_> = (0..30).map(|n| open(id, n)).collect();
    for (open, n) in all.iter_mut().zip(0..) {
        open.at = time(open.at.unix_millis() - n % 3);
    }
    all.push({
        let mut last = all[4].clone();
        last.id = OpenId::from_bytes([0xff; 8]);
        last
    });
    harness.keeps(&all).await;
    harness.keeps(&[open(other, 0), open(other, 500)]).await;
    all.sort_by_key(|open| (open.at, open.id));
    for size in [1, 4, 7, 31, 500] {
        assert_eq!(in_pages(&harness, OpenQuery::oldest(id, size)).await, all, "in pages of {size}");
    }
    all.reverse();
    for size in [1, 4, 7, 31, 500] {
        assert_eq!(in_pages(&harness, OpenQuery::newest(id, size)).await, all, "back, in pages of {size}");
    }
    assert_eq!(harness.opens(&OpenQuery::oldest(id, 0)).await.unwrap().items, []);
    let start = OpenCursor::new(time(i64::MIN), OpenId::from_bytes([0; 8]));
    let end = OpenCursor::new(time(i64::MAX), OpenId::from_bytes([0xff; 8]));
    assert_eq!(harness.opens(&OpenQuery::oldest(id, 9).after(Some(end))).await.unwrap(), Page::default());
    assert_eq!(harness.opens(&OpenQuery::newest(id, 9).after(Some(start))).await.unwrap(), Page::default());
    // A cursor need not be an open that is there.
    let between = OpenCursor::new(all[10].at, OpenId::from_bytes([0xff; 8]));
    let newer: Vec<_> = all.iter().rev().filter(|open| OpenCursor::of(open) > between).cloned().collect();
    assert_eq!(in_pages(&harness, OpenQuery::oldest(id, 5).after(Some(between))).await, newer);
}

/// All that a query gives, page after page.
async fn in_pages(harness: &Harness, mut query: OpenQuery) -> Vec<Open> {
    let mut opens = Vec::new();
    loop {
        let page = harness.opens(&query).await.unwrap();
        assert!(page.items.len() <= query.limit, "at most the limit");
        assert_eq!(page.unreadable, 0);
        opens.extend(page.items);
        match page.next {
            Some(next) => query = query.after(Some(next)),
            None => return opens,
        }
    }
}

pub(super) async fn the_opens_of_many_pings_come_as_a_page_for_each(harness: Harness) {
    for n in 0..40 {
        harness.given_ping(n).await;
        harness.keeps(&opens(ping_id(n), (0..n).rev())).await;
    }
    // In no order, one that is unknown, and one twice.
    let asked = [7, 39, 0, 99, 12, 3, 7].map(ping_id);
    let pages = harness.opens_of(&asked, 12).await.unwrap();
    assert_eq!(pages.len(), asked.len());
    for (page, (id, count)) in pages.iter().zip(asked.into_iter().zip([7, 39, 0, 0, 12, 3, 7])) {
        assert_eq!(page.items, opens(id, 0..count.min(12)));
        let next = (count > 12).then(|| OpenCursor::of(&open(id, 11)));
        assert_eq!((page.next, page.unreadable), (next, 0));
    }
    assert_eq!(harness.opens_of(&[], 12).await.unwrap(), []);
}

pub(super) async fn pings_come_from_the_newest_page_by_page(harness: Harness) {
    for n in [5, 2, 8, 1, 9, 3, 7] {
        harness.given_ping(n).await;
    }
    let newest = [9, 8, 7, 5, 3, 2, 1].map(ping_id);
    assert_eq!(harness.all_pings().await, newest);
    for size in [1, 2, 3, 7, 50] {
        let (mut pages, mut query) = (Vec::new(), PingQuery::newest(size));
        loop {
            let page = harness.pings(&query).await.unwrap();
            assert!(page.items.len() <= size, "at most the limit");
            pages.extend(ids(&page.items));
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        assert_eq!(pages, newest, "in pages of {size}");
    }
    assert_eq!(harness.pings(&PingQuery::newest(0)).await.unwrap().items, []);
    // A cursor need not be a ping that is still there.
    let after = PingQuery::newest(2).after(ping_id(6));
    assert_eq!(ids(&harness.pings(&after).await.unwrap().items), [5, 3].map(ping_id));
}

async fn find(harness: &Harness, query: PingQuery) -> Vec<PingId> {
    ids(&harness.pings(&query).await.unwrap().items)
}

pub(super) async fn pings_are_filtered_by_owner_and_reference_exactly(harness: Harness) {
    let texts = [
        (1, "invoice", Some("billing")),
        (2, "invoice", Some("sales")),
        (3, "Invoice", Some("Billing")),
        (4, "invoice-4", Some("billing-2")),
        (5, "invo%", Some("%")),
        (6, "invoice", None),
        (7, "invoice", Some("billing")),
        (8, "r\u{e9}sum\u{e9} 'x' \"y\"; --", Some("\u{1f4e8}")),
    ];
    for (n, reference, owner) in texts {
        let mut ping = ping(n);
        ping.reference = reference.to_owned();
        ping.owner = owner.map(str::to_owned);
        harness.given(&ping).await;
    }
    let all = || PingQuery::newest(50);
    assert_eq!(find(&harness, all().reference("invoice")).await, [7, 6, 2, 1].map(ping_id));
    assert_eq!(find(&harness, all().owner("billing")).await, [7, 1].map(ping_id));
    assert_eq!(find(&harness, all().owner("%")).await, [ping_id(5)]);
    assert_eq!(find(&harness, all().reference("invo%")).await, [ping_id(5)]);
    assert_eq!(find(&harness, all().owner("")).await, []);
    assert_eq!(
        find(&harness, all().owner("\u{1f4e8}").reference("r\u{e9}sum\u{e9} 'x' \"y\"; --")).await,
        [ping_id(8)]
    );
    let both = |limit| PingQuery::newest(limit).owner("billing").reference("invoice");
    assert_eq!(find(&harness, both(50)).await, [7, 1].map(ping_id));
    assert_eq!(find(&harness, both(1)).await, [ping_id(7)]);
    assert_eq!(find(&harness, both(1).after(ping_id(7))).await, [ping_id(1)]);
    assert_eq!(find(&harness, all().owner("sales").reference("invoice-4")).await, []);
}

pub(super) async fn what_is_unknown_is_none(harness: Harness) {
    let ada = recipient(b'a', &[1]);
    assert_eq!(harness.ping(ping_id(1)).await.unwrap(), None);
    assert_eq!(harness.all_pings().await, []);
    assert_eq!(harness.all_opens(ping_id(1)).await, []);
    assert!(!harness.withdraw(ping_id(1)).await.unwrap());
    assert_eq!(harness.erase(ping_id(1)).await.unwrap(), None);
    assert_eq!(harness.erase_recipient(&ada).await.unwrap(), crate::store::Deleted::default());
    harness.object_by_ping(ping_id(1)).await.unwrap();
    assert_eq!(harness.objection(&ada).await.unwrap(), None);
    assert_eq!(harness.pings_of(&ada, None, 9).await.unwrap().items, []);
    assert_eq!(harness.recipient_keys().await.unwrap(), []);
    assert_eq!(harness.purge(time(i64::MAX), 9).await.unwrap(), Deleted::default());
}
