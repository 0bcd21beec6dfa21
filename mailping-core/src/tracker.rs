//! The one handle that an app holds: it makes pings, takes hits and gives receipts.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::builder::TrackerBuilder;
use crate::health::{Closed, Dropped, Health};
use crate::key_check::KeyCheck;
use crate::limiter::HitLimiter;
use crate::new_ping::{InvalidPing, NewPing};
use crate::observe::{Hit, Observation, Observer, Refused};
use crate::opt_out::Languages;
use crate::queue::{Entry, Queue, RecordError, Recorded, Recording};
use crate::recipient::Recipient;
use crate::sequences::Sequences;
use crate::store::{Spooling, Store, StoreError};
use crate::token::Label;
use crate::{Keyring, OpenId, PixelRequest, PreparedPing, RecipientHashes, Timestamp, links};

/// Makes pings, records their fetches and gives receipts. Cheap to clone: all clones are one tracker.
#[derive(Clone)]
pub struct Tracker(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) observer: Observer,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) base_url: String,
    pub(crate) limiter: Arc<HitLimiter>,
    pub(crate) sequences: Sequences,
    pub(crate) repeat_window: Duration,
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) key_check: Arc<KeyCheck>,
    pub(crate) refusals: Refusals,
    pub(crate) warned_of_no_address: AtomicBool,
    pub(crate) languages: Languages,
    pub(crate) warned_of_stray_link: AtomicBool,
}

/// Hits that leave nothing, by reason.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    token: AtomicU64,
    detail: AtomicU64,
    signal: AtomicU64,
    hit_limit: AtomicU64,
    no_random: AtomicU64,
    no_peer_address: AtomicU64,
    forwarding_ignored: AtomicU64,
    geo: AtomicU64,
    stray_links: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Pings, hits and receipts.
impl Tracker {
    /// Starts building a tracker. The keys sign the pixels of mail that is sent: keep them.
    pub fn builder(keys: Keyring, store: impl Store) -> TrackerBuilder {
        TrackerBuilder::new(keys, Arc::new(store))
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Makes a ping for one message to one recipient: durable once this returns.
    ///
    /// Where the recipient has objected, or nothing may be kept, the ping is untracked: it has no pixel, and sending
    /// goes on without one.
    ///
    /// # Errors
    /// [`PingError::Invalid`] names the field that is wrong; [`PingError::Store`] where the store did not keep it.
    pub async fn ping(&self, new: NewPing) -> Result<PreparedPing, PingError> {
        let inner = &self.0;
        let (mut ping, recipient) = new
            .prepare(self.now(), inner.observer.ceiling)
            .map_err(|source| PingError::Invalid { source })?;
        let recipient = match recipient {
            Some(recipient) => {
                Some(self.hashes(&recipient).await.map_err(|source| PingError::Store { source })?)
            }
            None => None,
        };
        ping.status = inner
            .store
            .insert_ping(&ping, recipient.as_ref())
            .await
            .map_err(|source| PingError::Store { source })?;
        Ok(PreparedPing::new(ping, &inner.base_url, &inner.observer.keys))
    }

    /// What would be kept of a hit, or `None`: a pure function of the hit and the settings. It neither counts the hit nor
    /// sees the ones before it.
    #[must_use]
    pub fn observe(&self, hit: Hit<'_>) -> Option<Observation> {
        self.0.observer.judge(hit).ok()?.cut()
    }

    /// Records a hit. The work is done and the open queued when this returns; await the [`Recording`] before answering
    /// the client, so that the answer means that the open is on disk. Whatever it says, the answer is the same picture.
    pub fn record(&self, request: &PixelRequest<'_>) -> Recording {
        match self.take(request) {
            Ok(entry) => self.0.queue.push(entry),
            Err(result) => Recording::ready(result),
        }
    }

    /// Notes a HEAD for a pixel. It displays nothing and leaves nothing behind; but what sends one checks links, so a GET from the same
    /// network within a minute is uncertain. For [`observe`](Self::observe) it makes no difference.
    pub fn note_head(&self, request: &PixelRequest<'_>) {
        let inner = &self.0;
        let hit = Hit { request, now: (inner.clock)(), open_id: OpenId::from_bytes([0; 8]) };
        if let Ok(judged) = inner.observer.judge(hit) {
            inner.sequences.note_head(&judged);
        }
    }

    fn take(&self, request: &PixelRequest<'_>) -> Result<Entry, Result<Recorded, RecordError>> {
        let inner = &self.0;
        let refusals = &inner.refusals;
        let Ok(open_id) = OpenId::random() else {
            count(&refusals.no_random);
            return Err(Err(RecordError::NoRandom));
        };
        let hit = Hit { request, now: (inner.clock)(), open_id };
        let mut judged = inner.observer.judge(hit).map_err(|refused| {
            count(match refused {
                Refused::Token => &refusals.token,
                Refused::Detail => &refusals.detail,
                Refused::Signal => &refusals.signal,
            });
            Ok(Recorded::Filtered)
        })?;
        if judged.no_peer_address {
            self.note_no_address();
        }
        if judged.forwarding_ignored {
            count(&refusals.forwarding_ignored);
        }
        if judged.geo_failed {
            count(&refusals.geo);
        }
        let (ping, at) = (judged.open().ping, judged.open().at);
        inner.sequences.note(&mut judged);
        match judged.cut() {
            Some(Observation::Open(open)) if inner.limiter.allows(ping, open.verdict, at) => {
                Ok(Entry::Open(open))
            }
            Some(Observation::Open(_)) => {
                count(&refusals.hit_limit);
                Err(Ok(Recorded::Filtered))
            }
            Some(Observation::LastDay(last)) => Ok(Entry::LastDay(last)),
            None => {
                count(&refusals.detail);
                Err(Ok(Recorded::Filtered))
            }
        }
    }

    fn note_no_address(&self) {
        count(&self.0.refusals.no_peer_address);
        if !self.0.warned_of_no_address.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a pixel request came without a peer address, so its open has no place: if all of them do, serve axum with \
                 `into_make_service_with_connect_info::<SocketAddr>()`, or behind a Unix socket trust `unix` peers by name; if few do, \
                 those clients hung up before they were accepted"
            );
        }
    }

    /// Notes a path that is not below the mount, if it holds a link of ours.
    pub(crate) fn note_stray_link(&self, path: &str, mount: &str) {
        let keys = &self.0.observer.keys;
        let is_ours = |label| links::token(path, label, keys).is_some();
        if !is_ours(Label::Pixel) && !is_ours(Label::OptOut) {
            return;
        }
        count(&self.0.refusals.stray_links);
        if !self.0.warned_of_stray_link.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                mount,
                base_url = self.0.base_url,
                "a link of ours came in below another path than the routes are mounted at: the base URL, the mount and a proxy that \
                 changes paths must fit together, or the pictures in mail already sent are broken"
            );
        }
    }

    /// The path of the base URL, without a slash at its end.
    pub(crate) fn base_path(&self) -> &str {
        let (_, rest) = self.0.base_url.split_once("://").unwrap_or_default();
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }

    pub(crate) fn languages(&self) -> &Languages {
        &self.0.languages
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)().into()
    }

    /// No hash is made with keys that have not been looked at: with wrong ones objections would be forgotten.
    pub(crate) async fn hashes(&self, recipient: &Recipient) -> Result<RecipientHashes, StoreError> {
        self.0.key_check.pass(&*self.0.store).await?;
        Ok(RecipientHashes::of(recipient, &self.0.observer.keys))
    }
}

/// Running it.
impl Tracker {
    /// How the tracker is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        let (queue, refusals) = (&self.0.queue, &self.0.refusals);
        let counts = queue.counts();
        let (queue_depth, oldest_waiting) = queue.depth();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Health {
            queue_depth,
            queue_capacity: queue.capacity(),
            oldest_waiting,
            spool: self.0.store.spool().map(Spooling::backlog),
            store_failing: counts.store_failing.load(Ordering::Relaxed),
            durable: read(&counts.durable),
            spooled: read(&counts.spooled),
            filtered: read(&counts.filtered),
            late: read(&counts.late),
            dropped: Dropped {
                bad_token: read(&refusals.token),
                detail: read(&refusals.detail),
                signal: read(&refusals.signal),
                hit_limit: read(&refusals.hit_limit),
                queue_full: read(&counts.queue_full),
                damaged: read(&counts.damaged),
                closed: read(&counts.closed),
                no_random: read(&refusals.no_random),
            },
            no_peer_address: read(&refusals.no_peer_address),
            stray_links: read(&refusals.stray_links),
            geo_errors: read(&refusals.geo),
            forwarding_ignored: read(&refusals.forwarding_ignored),
            events_missed: queue.notifier().missed(),
            purged_pings: read(&counts.purged_pings),
            purged_opens: read(&counts.purged_opens),
            purge_passed_over: read(&counts.purge_passed_over),
        }
    }

    /// Subscribes to the opens that are kept from now on, each told after it is on disk. At most `capacity` events wait to be taken;
    /// those beyond are lost to this subscriber and counted, in [`Events::missed`](crate::Events::missed) and
    /// [`Health::events_missed`]. No pixel waits for a subscriber. Only the opens of this process are told.
    pub fn subscribe(&self, capacity: usize) -> crate::Events {
        self.0.queue.notifier().subscribe(capacity)
    }

    /// Takes no more hits, writes what waits for at most `patience`, and tells what could not be written. To be called
    /// after the server has stopped; a tracker that is only dropped goes on writing for ten seconds if the process lives.
    pub async fn close(&self, patience: Duration) -> Closed {
        let lost = self.0.queue.close(patience).await;
        Closed { lost, health: self.health() }
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("base_url", &self.0.base_url)
            .field("observer", &self.0.observer)
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}

/// Why a ping was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PingError {
    /// A field is wrong.
    #[error("the ping is not valid")]
    Invalid {
        /// Which field, and why.
        source: InvalidPing,
    },
    /// The store did not keep it.
    #[error("the ping was not kept")]
    Store {
        /// Why.
        source: StoreError,
    },
}
