//! Calls that meet: from threads, since the tracker's writer is one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use pollster::block_on;

use super::harness::{Aside, Harness, KEPT, SENT, ids, open, opens, ping, ping_id, recipient, time};
use crate::store::{ObjectionScope, Recorded};
use crate::{PingId, Status};

pub(super) async fn writers_at_once_keep_every_open_once(harness: Harness) {
    const PINGS: u32 = 10;
    for n in 0..PINGS {
        harness.given_ping(n).await;
    }
    // Each open is recorded by two of four writers.
    let writers: Vec<Aside<()>> = (0..4)
        .map(|writer| {
            harness.aside(move |harness| {
                for round in 0..20 {
                    let batch: Vec<_> = (0..PINGS)
                        .flat_map(|n| {
                            opens(
                                ping_id(n),
                                [(writer % 2) * 1_000 + round * 2, (writer % 2) * 1_000 + round * 2 + 1],
                            )
                        })
                        .collect();
                    block_on(harness.keeps_again(&batch));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await;
    }
    for n in 0..PINGS {
        assert_eq!(harness.all_opens(ping_id(n)).await, opens(ping_id(n), (0..40).chain(1_000..1_040)));
    }
}

/// A writer that records one ping's opens, batch after batch, until it is told to stop.
struct Stream {
    stop: Arc<AtomicBool>,
    batches: Arc<AtomicU32>,
    thread: Aside<()>,
}

impl Stream {
    fn start(harness: &Harness, id: PingId) -> Self {
        let (stop, batches) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&batches));
        let thread = harness.aside(move |harness| {
            for n in (0..).step_by(20) {
                let written = block_on(harness.recorded(&opens(id, n..n + 20)));
                counted.fetch_add(1, Ordering::SeqCst);
                assert!(
                    written.windows(2).all(|pair| pair[0] == pair[1]),
                    "a batch sees one state of its ping"
                );
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        Self { stop, batches, thread }
    }

    /// Waits until so many more batches have been answered.
    async fn goes_on(&self, harness: &Harness, more: u32) {
        let (batches, from) = (Arc::clone(&self.batches), self.batches.load(Ordering::SeqCst));
        harness
            .aside(move |_| {
                while batches.load(Ordering::SeqCst) < from + more {
                    std::thread::yield_now();
                }
            })
            .await;
    }

    async fn stops(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.await;
    }
}

/// The ways in which a ping ends.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Withdrawn,
    Erased,
    ObjectedTo,
    Purged,
}

impl Ending {
    async fn of(self, harness: &Harness, id: PingId) {
        match self {
            Self::Withdrawn => assert!(harness.withdraw(id).await.unwrap()),
            Self::Erased => assert!(harness.erase(id).await.unwrap().is_some()),
            Self::ObjectedTo => harness.object_by_ping(id).await.unwrap(),
            // Opens that come meanwhile are purged too, since the ping goes last.
            Self::Purged => {
                while harness.ping(id).await.unwrap().is_some() {
                    harness.purge(time(id.sent_at().unix_millis() + KEPT), 1_000).await.unwrap();
                }
            }
        }
    }
}

/// Ends pings while their opens stream in: what one has when the end is answered is all that it
/// ever has.
async fn no_open_comes_after(harness: &Harness, ending: Ending) {
    for n in 0..5 {
        let id = ping_id(n);
        let theirs = recipient(b'a', &[1]);
        let recipient = (n == 0).then_some(&theirs);
        assert_eq!(harness.insert_ping(&ping(n), recipient).await.unwrap(), Status::Live);
        let stream = Stream::start(harness, id);
        stream.goes_on(harness, n).await;
        ending.of(harness, id).await;
        let kept = harness.all_opens(id).await.len();
        if matches!(ending, Ending::Erased | Ending::Purged) {
            assert_eq!(kept, 0, "what is gone has no opens");
        }
        stream.goes_on(harness, 3).await;
        stream.stops().await;
        assert_eq!(harness.all_opens(id).await.len(), kept, "no open after the end was answered");
        harness.filters(&[open(id, 1)]).await;
    }
}

pub(super) async fn no_open_comes_after_a_withdrawal_under_way(harness: Harness) {
    no_open_comes_after(&harness, Ending::Withdrawn).await;
}

pub(super) async fn no_open_comes_after_an_erasure_under_way(harness: Harness) {
    no_open_comes_after(&harness, Ending::Erased).await;
}

pub(super) async fn no_open_comes_after_an_objection_under_way(harness: Harness) {
    no_open_comes_after(&harness, Ending::ObjectedTo).await;
}

pub(super) async fn no_open_comes_after_a_ping_is_purged_under_way(harness: Harness) {
    no_open_comes_after(&harness, Ending::Purged).await;
}

pub(super) async fn an_objection_and_a_ping_at_once_find_each_other(harness: Harness) {
    for n in 0..20_u8 {
        let recipient = recipient(n, &[1]);
        let theirs = recipient.clone();
        let objection =
            harness.aside(move |harness| block_on(harness.object(&theirs, ObjectionScope::Opens)).unwrap());
        let told = harness.given_ping_to(n.into(), &recipient).await;
        objection.await;
        let kept = harness.status(ping_id(n.into())).await;
        assert!(
            matches!(
                (told, kept),
                (Status::Live, Status::Withdrawn) | (Status::Untracked, Status::Untracked)
            ),
            "told {told}, kept {kept}"
        );
    }
}

pub(super) async fn purging_while_recording_loses_nothing_that_is_not_due(harness: Harness) {
    let due: Vec<PingId> = (0..40).map(ping_id).collect();
    for n in 0..40 {
        harness.given_ping(n).await;
        harness.keeps(&opens(ping_id(n), 0..25)).await;
    }
    let live = harness.given_ping(1_000).await;
    let recorder = harness.aside(move |harness| {
        for n in 0..50 {
            let mut batch = opens(due[n as usize % due.len()], [5_000 + n]);
            batch.push(open(live, n));
            let written = block_on(harness.recorded(&batch));
            assert_eq!(written[1], Recorded::Durable);
        }
    });
    let now = time(SENT + 40 + KEPT);
    let mut rows = 0;
    loop {
        let step = harness.purge(now, 30).await.unwrap();
        assert!(step.pings + step.opens <= 30, "at most the limit");
        rows += step.pings + step.opens;
        if step.pings + step.opens < 30 {
            break;
        }
    }
    recorder.await;
    assert!(rows >= 40 * 26, "all that was due is counted");
    assert_eq!(harness.all_pings().await, [live]);
    assert_eq!(harness.all_opens(live).await, opens(live, 0..50));
    for n in 0..40 {
        assert_eq!(harness.all_opens(ping_id(n)).await, [], "no open without its ping");
    }
}

/// Starts a call and drops its future at once.
fn start_and_drop<T>(call: impl Future<Output = T>) {
    let mut call = std::pin::pin!(call);
    let (Poll::Ready(_) | Poll::Pending) = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

pub(super) async fn a_dropped_call_is_carried_out_whole_or_not_at_all(harness: Harness) {
    let ada = recipient(b'a', &[1]);
    for n in 0..20 {
        harness.given_ping_to(n, &ada).await;
        harness.keeps(&opens(ping_id(n), 0..10)).await;
    }
    for n in 0..10 {
        start_and_drop(harness.erase(ping_id(n)));
        start_and_drop(harness.insert_ping(&ping(100 + n), None));
        start_and_drop(harness.withdraw(ping_id(10 + n)));
    }
    // The store works on, and what was left behind comes to its end.
    let written = harness.given_ping(200).await;
    for n in 0..10 {
        let mut looks = Vec::new();
        for _ in 0..2 {
            looks.push(harness.ping(ping_id(n)).await.unwrap().is_some());
            let opens = harness.all_opens(ping_id(n)).await.len();
            assert!(matches!(opens, 0 | 10), "ping {n}: {opens}");
            looks.push(opens == 10);
        }
        // An erasure may end between two looks, but never half: from then on all is gone.
        assert!(looks.is_sorted_by(|before, after| before >= after), "ping {n}: {looks:?}");
    }
    assert!(harness.ping(written).await.unwrap().is_some());
    start_and_drop(harness.object(&ada, ObjectionScope::Opens));
    let last = harness.given_ping_to(300, &ada).await;
    let kept = harness.pings_of(&ada, None, 99).await.unwrap().items;
    assert!(ids(&kept).contains(&ping_id(300)));
    if last == Status::Untracked {
        assert!(harness.objection(&ada).await.unwrap().is_some());
        assert!(kept.iter().all(|ping| ping.status != Status::Live), "an objection reaches all pings");
    }
}
