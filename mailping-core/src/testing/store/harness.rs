//! What all cases use: pings, opens and recipients made of a number, a store whose failures fail
//! the case, and threads.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::fetcher::{Fetcher, Verdict};
use crate::store::{Attempt, KeyFingerprint, OpenQuery, PingQuery, Recorded};
use crate::{
    Basis, Detail, LastDay, Open, OpenId, Ping, PingId, RecipientHash, RecipientHashes, Status, Store,
    TimeStep, Timestamp,
};

pub(super) const DAY: i64 = 86_400_000;
/// 2026-11-23T10:00:00Z, when ping 0 is sent; ping `n` is sent `n` milliseconds later.
pub(super) const SENT: i64 = 1_795_428_000_000;
/// How long after sending opens are recorded.
pub(super) const RECORDED: i64 = 30 * DAY;
/// How long after sending pings are kept.
pub(super) const KEPT: i64 = 90 * DAY;

pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(super) fn ping_id(n: u32) -> PingId {
    let millis = u128::from((SENT + i64::from(n)).unsigned_abs());
    let random = u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0x0fff_ffff_ffff_ffff;
    PingId::from_bytes(((millis << 80) | (0x7 << 76) | (0b10 << 62) | random).to_be_bytes())
}

/// A live ping at the finest detail.
pub(super) fn ping(n: u32) -> Ping {
    let mut ping = Ping::stored(ping_id(n), format!("invoice-{n}"), Basis::Contract, Status::Live);
    ping.detail = Detail::Network;
    ping.time_step = TimeStep::Exact;
    ping.sent_at = time(SENT + i64::from(n));
    ping.record_until = time(SENT + i64::from(n) + RECORDED);
    ping.keep_until = time(SENT + i64::from(n) + KEPT);
    ping
}

/// An open of a ping, `n` milliseconds after its sending. Ids are in no order of time.
pub(super) fn open(ping: PingId, n: u32) -> Open {
    let id = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let at = time(ping.sent_at().unix_millis() + i64::from(n));
    Open::new(ping, OpenId::from_bytes(id.to_be_bytes()), at, Fetcher::Browser, Verdict::Human)
}

pub(super) fn opens(ping: PingId, numbers: impl IntoIterator<Item = u32>) -> Vec<Open> {
    numbers.into_iter().map(|n| open(ping, n)).collect()
}

/// A key of this number, with one of two secrets.
pub(super) fn key_of(id: u8, secret: bool) -> KeyFingerprint {
    let check = if secret { (1 << 48) - 1 } else { 0 };
    KeyFingerprint::from_bits((i64::from(id) << 48) | check).unwrap()
}

pub(super) fn key(id: u8) -> KeyFingerprint {
    key_of(id, true)
}

/// A recipient's hash under one key: different for every recipient and key.
pub(super) fn hash(recipient: u8, key_id: u8) -> RecipientHash {
    let mut hash = [recipient; 32];
    hash[31] = key_id;
    RecipientHash::from_parts(key(key_id), hash)
}

/// A recipient under a keyring, the newest key first.
pub(super) fn recipient(recipient: u8, keys: &[u8]) -> RecipientHashes {
    let (newest, older) = keys.split_first().unwrap();
    RecipientHashes {
        newest: hash(recipient, *newest),
        older: older.iter().map(|key| hash(recipient, *key)).collect(),
    }
}

/// A store under test.
#[derive(Clone)]
pub(super) struct Harness(Arc<dyn Store>);

impl Deref for Harness {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Harness {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0)
    }

    /// Inserts a ping without recipient.
    pub(super) async fn given(&self, ping: &Ping) {
        assert_eq!(self.insert_ping(ping, None).await.unwrap(), ping.status, "the status of a new ping");
    }

    /// Inserts ping `n`, live and without recipient, and gives its id.
    pub(super) async fn given_ping(&self, n: u32) -> PingId {
        self.given(&ping(n)).await;
        ping_id(n)
    }

    /// Inserts ping `n` with a recipient, and gives the status that the store decided on.
    pub(super) async fn given_ping_to(&self, n: u32, recipient: &RecipientHashes) -> Status {
        self.insert_ping(&ping(n), Some(recipient)).await.unwrap()
    }

    pub(super) async fn recorded(&self, opens: &[Open]) -> Vec<Recorded> {
        self.answered(opens, &[], Attempt::First).await
    }

    pub(super) async fn repeated(&self, opens: &[Open]) -> Vec<Recorded> {
        self.answered(opens, &[], Attempt::Repeat).await
    }

    pub(super) async fn answered(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Vec<Recorded> {
        let written = self.record(opens, last_days, attempt).await.unwrap();
        assert_eq!(written.len(), opens.len() + last_days.len(), "one answer for each open and last day");
        written
    }

    /// Records opens of which all must be kept.
    pub(super) async fn keeps(&self, opens: &[Open]) {
        let written = self.recorded(opens).await;
        assert!(written.iter().all(|written| *written == Recorded::Durable), "a live ping's opens are kept");
    }

    /// Records opens of which none may be kept.
    pub(super) async fn filters(&self, opens: &[Open]) {
        let written = self.recorded(opens).await;
        assert!(written.iter().all(|written| *written == Recorded::Filtered), "no open may be kept here");
    }

    /// Records last days, and gives the answers.
    pub(super) async fn raises(&self, last_days: &[LastDay]) -> Vec<Recorded> {
        self.answered(&[], last_days, Attempt::First).await
    }

    /// Records opens again of which all must be kept.
    pub(super) async fn keeps_again(&self, opens: &[Open]) {
        let written = self.repeated(opens).await;
        assert!(written.iter().all(|written| *written == Recorded::Durable), "a live ping's opens are kept");
    }

    pub(super) async fn found(&self, id: PingId) -> Ping {
        self.ping(id).await.unwrap().expect("the ping is kept")
    }

    pub(super) async fn status(&self, id: PingId) -> Status {
        self.found(id).await.status
    }

    pub(super) async fn all_opens(&self, id: PingId) -> Vec<Open> {
        self.opens(&OpenQuery::oldest(id, usize::MAX)).await.unwrap().items
    }

    pub(super) async fn all_pings(&self) -> Vec<PingId> {
        ids(&self.pings(&PingQuery::newest(usize::MAX)).await.unwrap().items)
    }

    /// Works on a thread of its own, as the tracker's writer does.
    pub(super) fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Aside<T> {
        let (harness, end) = (self.clone(), Arc::new(End::default()));
        let told = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            // Told when dropped, so also when the work panics.
            let _told = Told(told);
            work(&harness)
        });
        Aside { thread: Some(thread), end }
    }
}

pub(super) fn ids(pings: &[Ping]) -> Vec<PingId> {
    pings.iter().map(|ping| ping.id).collect()
}

#[derive(Default)]
struct End(Mutex<(bool, Option<Waker>)>);

struct Told(Arc<End>);

impl Drop for Told {
    fn drop(&mut self) {
        let mut end = self.0.0.lock().unwrap();
        end.0 = true;
        if let Some(waker) = end.1.take() {
            waker.wake();
        }
    }
}

/// A thread to be awaited: joining it at once would block a runtime that the store may need.
pub(super) struct Aside<T> {
    thread: Option<std::thread::JoinHandle<T>>,
    end: Arc<End>,
}

impl<T> Unpin for Aside<T> {}

impl<T> Future for Aside<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut end = self.end.0.lock().unwrap();
        if !end.0 {
            end.1 = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(end);
        let thread = self.thread.take().expect("not polled after its end");
        match thread.join() {
            Ok(value) => Poll::Ready(value),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
