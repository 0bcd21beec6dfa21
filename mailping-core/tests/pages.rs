//! Reads for a page: the latest opens first, and a ping's pixel once more.

mod common;

use std::time::Duration;

use common::*;
use mailping_core::receipts::OpenQuery;
use mailping_core::testing::faulty::FaultyStore;

#[test]
fn pages_of_the_latest_opens_lead_through_all_of_them_once() {
    let clock = Clock::new();
    let tracker = build(builder(FaultyStore::default(), &clock));
    let ping = ping(&tracker, new_ping());
    for _ in 0..7 {
        clock.advance(Duration::from_secs(60));
        hit(&tracker, ping.pixel_url().unwrap(), "192.0.2.7", &[]).unwrap();
    }
    let (mut query, mut sizes, mut times) = (OpenQuery::newest(ping.id(), 3), Vec::new(), Vec::new());
    loop {
        let page = pollster::block_on(tracker.receipts().page(&query)).unwrap().unwrap();
        assert_eq!(page.summary.fetches, 7, "the sums are those of all opens");
        sizes.push(page.opens.len());
        times.extend(page.opens.iter().map(|open| open.at));
        let alone = pollster::block_on(tracker.receipts().opens(&query)).unwrap();
        assert_eq!((alone.items, alone.next), (page.opens, page.next), "the page without the sums");
        if page.next.is_none() {
            break;
        }
        query = query.after(page.next);
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert!(times.is_sorted_by(|a, b| a > b), "{times:?}");
}

#[test]
fn a_pixel_can_be_shown_again_while_it_records() {
    let clock = Clock::new();
    let tracker = build(builder(FaultyStore::default(), &clock));
    let made = ping(&tracker, new_ping());
    let again = || pollster::block_on(tracker.pings().get(made.id())).unwrap();
    assert_eq!(again().as_ref(), Some(&made));
    clock.advance(Duration::from_secs(31 * 86_400));
    let expired = again().unwrap();
    assert_eq!((expired.pixel_url(), expired.opt_out_url()), (None, made.opt_out_url()));
    pollster::block_on(tracker.people().erase(made.id())).unwrap();
    assert_eq!(again(), None);
}
