//! What is new since a mark.

use std::collections::BTreeSet;

use pollster::block_on;

use super::harness::{DAY, Harness, SENT, open, opens, ping_id, time};
use crate::store::{Mark, Observation, OpenCursor, StoreError};
use crate::{LastDay, PingId};

/// All news since a mark in pages of `size`, and the mark after them.
pub(super) async fn all_since(harness: &Harness, mut mark: Mark, size: usize) -> (Vec<Observation>, Mark) {
    let mut all = Vec::new();
    loop {
        let news = harness.news(&mark, size).await.unwrap();
        assert!(news.items.len() <= size, "at most the limit");
        assert_eq!(news.unreadable, 0);
        all.extend(news.items);
        let Some(next) = news.next else { return (all, mark) };
        assert!(next != mark, "something was read");
        mark = next;
    }
}

/// The opens among news, each of which must come once.
fn keys(news: &[Observation]) -> BTreeSet<(PingId, OpenCursor)> {
    let opens = news.iter().filter_map(|event| match event {
        Observation::Open(open) => Some((open.ping, OpenCursor::of(open))),
        Observation::LastDay(_) | Observation::Milestone(_) => None,
    });
    let (mut keys, mut count) = (BTreeSet::new(), 0);
    for key in opens {
        count += 1;
        keys.insert(key);
    }
    assert_eq!(keys.len(), count, "each comes once");
    keys
}

pub(super) async fn news_since_a_mark_is_what_was_kept_since(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    let beginning = harness.mark().await.unwrap();
    assert_eq!(all_since(&harness, beginning.clone(), 10).await.0, []);
    harness.keeps(&opens(one, 0..5)).await;
    let middle = harness.mark().await.unwrap();
    harness.keeps(&opens(two, 0..7)).await;
    harness.keeps_again(&opens(one, 3..6)).await;
    harness.filters(&opens(ping_id(9), 0..2)).await;
    for size in [1, 3, 50] {
        let (news, end) = all_since(&harness, middle.clone(), size).await;
        let expected: BTreeSet<_> = opens(two, 0..7)
            .iter()
            .chain(&opens(one, [5]))
            .map(|open| (open.ping, OpenCursor::of(open)))
            .collect();
        assert_eq!(keys(&news), expected, "in pages of {size}");
        assert_eq!(keys(&all_since(&harness, beginning.clone(), size).await.0).len(), 13);
        assert_eq!(all_since(&harness, end, size).await.0, []);
    }
    // As they were kept, to the last field.
    let (news, _) = all_since(&harness, beginning.clone(), 50).await;
    assert!(news.contains(&Observation::Open(open(one, 4))));
    // A mark outlives its text.
    let again: Mark = beginning.to_string().parse().unwrap();
    assert_eq!(all_since(&harness, again, 50).await.0, news);
}

pub(super) async fn a_raised_last_day_is_news_and_comes_as_the_latest(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    let day = |n: i64| time((SENT / DAY + n) * DAY);
    let mark = harness.mark().await.unwrap();
    harness.raises(&[LastDay::new(one, day(1)), LastDay::new(two, day(1))]).await;
    harness.raises(&[LastDay::new(one, day(1)), LastDay::new(two, day(0))]).await;
    let (news, mark) = all_since(&harness, mark, 50).await;
    assert_eq!(news.len(), 2, "a day that raises nothing is no news: {news:?}");
    harness.raises(&[LastDay::new(two, day(2))]).await;
    harness.raises(&[LastDay::new(two, day(3))]).await;
    harness.keeps(&[open(one, 1)]).await;
    let (news, _) = all_since(&harness, mark, 1).await;
    assert_eq!(news.len(), 2, "{news:?}");
    assert!(news.contains(&Observation::LastDay(LastDay::new(two, day(3)))), "{news:?}");
    assert!(news.contains(&Observation::Open(open(one, 1))), "{news:?}");
}

pub(super) async fn what_is_gone_is_no_news_and_in_nobodys_way(harness: Harness) {
    let (one, two) = (harness.given_ping(1).await, harness.given_ping(2).await);
    let mark = harness.mark().await.unwrap();
    harness.keeps(&opens(one, 0..20)).await;
    harness.keeps(&opens(two, 0..3)).await;
    harness.raises(&[LastDay::new(one, time((SENT / DAY + 1) * DAY))]).await;
    harness.keeps(&opens(one, 20..40)).await;
    assert!(harness.erase(one).await.unwrap().is_some());
    let (news, mark) = all_since(&harness, mark, 2).await;
    assert_eq!(keys(&news).len(), 3);
    assert_eq!(news.len(), 3, "{news:?}");
    // Numbers of what is gone are never given again.
    harness.keeps(&opens(two, 3..9)).await;
    assert_eq!(keys(&all_since(&harness, mark, 2).await.0).len(), 6);
}

pub(super) async fn a_mark_that_is_not_of_this_database_is_refused(harness: Harness) {
    harness.given_ping(1).await;
    harness.mark().await.unwrap();
    for text in ["1", "0-0", "another-7", "0123456789abcdef-0", "0123456789abcdef-99-99-99"] {
        let news = harness.news(&text.parse().unwrap(), 9).await;
        assert!(matches!(news, Err(StoreError::UnknownMark)), "{text}: {news:?}");
    }
}

/// Writers whose transactions overlap: one that began before the mark was taken may commit after
/// it.
pub(super) async fn no_open_that_commits_late_is_skipped(harness: Harness) {
    const WRITERS: u32 = 4;
    const ROUNDS: u32 = 40;
    for n in 0..WRITERS {
        harness.given_ping(n).await;
    }
    let mut mark = harness.mark().await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            harness.aside(move |harness| {
                for round in 0..ROUNDS {
                    block_on(harness.keeps(&opens(ping_id(writer), round * 3..round * 3 + 3)));
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    let reader = harness.clone();
    let follower = harness.aside(move |_| {
        let begun = std::time::Instant::now();
        while seen.len() < (WRITERS * ROUNDS * 3) as usize {
            assert!(begun.elapsed().as_secs() < 60, "some never come: {} are there", seen.len());
            let news = block_on(reader.news(&mark, 50)).unwrap();
            seen.extend(news.items);
            mark = news.next.unwrap_or(mark);
        }
        (seen, mark)
    });
    for writer in writers {
        writer.await;
    }
    let (seen, mark) = follower.await;
    assert_eq!(keys(&seen).len(), (WRITERS * ROUNDS * 3) as usize);
    assert_eq!(all_since(&harness, mark, 50).await.0, []);
}
