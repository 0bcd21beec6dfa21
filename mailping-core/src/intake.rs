//! The door of the server that answers pixels: it records hits, tells how it is doing, and ends.
//! The only door that writes opens.

pub use crate::health::{Dropped, Health, SealingHealth};
pub use crate::mask::MaskedIp;
pub use crate::observe::Observation;
pub use crate::request::{HeaderSource, PixelRequest};
pub use crate::store::Recorded;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::observe::{Hit, Refused};
use crate::queue::{Loss, Recording};
use crate::refusals::count;
use crate::store::{Attempt, Spooling};
use crate::token::Label;
use crate::tracker::{Inner, Tracker};
use crate::{Error, OpenId, links};

/// Records hits: see [`Tracker::intake`](crate::Tracker::intake).
///
/// Its two threads, which write opens and keep the deadlines, start with [`start`](Self::start) or
/// the first hit. The purge runs on the first of them, so that at least one program with the routes
/// mounted must run for data to be deleted in time.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a>(&'a Inner);

impl Tracker {
    /// For the server that answers pixels: records hits, tells how it is doing, and ends.
    #[must_use]
    pub fn intake(&self) -> Intake<'_> {
        Intake(&self.0)
    }
}

impl Intake<'_> {
    /// Starts the threads, and with them the purge, before there is a hit. An adapter calls it when
    /// it mounts the routes; again it does nothing. If the operating system gives no thread, that
    /// is logged, and the next hit tries again.
    pub fn start(self) {
        if let Err(error) = self.0.queue.start() {
            tracing::error!(%error, "the tracker's threads could not be started; the next hit tries again");
        }
        #[cfg(feature = "certified")]
        if let Some(sealing) = &self.0.sealing {
            sealing.start();
        }
    }

    /// Records a hit. The work is done and the open queued when this returns; await the result
    /// before answering the client, so that the answer means that the open is on disk. Whatever it
    /// says, the answer is the same picture. To drop it loses nothing.
    ///
    /// # Errors
    /// [`Error::Lost`] if the queue is full or closed, or the open cannot be kept.
    pub fn record(
        self,
        request: &PixelRequest<'_>,
    ) -> impl Future<Output = Result<Recorded, Error>> + Send + use<> {
        let recording = self.recording(request);
        async move { Ok(recording.await?) }
    }

    pub(crate) fn recording(self, request: &PixelRequest<'_>) -> Recording {
        #[cfg(feature = "certified")]
        if let Some(sealing) = &self.0.sealing {
            sealing.start_if_owed();
        }
        match self.take(request) {
            Ok(entry) => self.0.queue.push(entry, Attempt::First),
            Err(result) => Recording::ready(result),
        }
    }

    /// What would be kept of a hit that comes `now` and whose open shall have this id, or `None`: a
    /// pure function of the hit and the settings. It neither counts the hit nor sees the ones
    /// before it. Without a tracker, [`Observer`](crate::observe::Observer) does the same.
    #[must_use]
    pub fn observe(
        self,
        request: &PixelRequest<'_>,
        now: SystemTime,
        open_id: OpenId,
    ) -> Option<Observation> {
        self.0.observer.observe(request, now.into(), open_id)
    }

    /// How the tracker is doing.
    #[must_use]
    pub fn health(self) -> Health {
        let (queue, refusals) = (&self.0.queue, &self.0.refusals);
        let counts = queue.counts();
        let (queue_depth, oldest_waiting) = queue.depth();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Health {
            queue_depth,
            queue_capacity: queue.capacity(),
            oldest_waiting,
            spool: self.0.store.spool().map(Spooling::backlog),
            copies: self.0.store.copies(),
            sealing: self.sealing(),
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
                no_thread: read(&counts.no_thread),
            },
            no_peer_address: read(&refusals.no_peer_address),
            stray_links: read(&refusals.stray_links),
            geo_errors: read(&refusals.geo),
            forwarding_ignored: read(&refusals.forwarding_ignored),
            purged_pings: read(&counts.purged_pings),
            purged_opens: read(&counts.purged_opens),
            purge_passed_over: read(&counts.purge_passed_over),
        }
    }

    #[cfg(feature = "certified")]
    fn sealing(self) -> Option<SealingHealth> {
        let sealing = self.0.sealing.as_ref()?;
        Some(SealingHealth {
            failing: sealing.failure().is_some(),
            passed_over: sealing.sealer.passed_over(),
            outside_unanswered: sealing.sealer.unanswered(),
        })
    }

    #[cfg(not(feature = "certified"))]
    const fn sealing(self) -> Option<SealingHealth> {
        None
    }

    /// Takes no more hits, writes what waits for at most `patience`, and returns how many opens
    /// could not be written and are lost. To be called after the server has stopped; a tracker that
    /// is only dropped goes on writing for ten seconds if the process lives.
    pub async fn close(self, patience: Duration) -> usize {
        let lost = self.0.queue.close(patience).await;
        self.0.store.close().await;
        lost
    }

    /// Notes a HEAD for a pixel. It displays nothing and leaves nothing behind; but what sends one
    /// checks links, so a GET from the same network within a minute is uncertain. For
    /// [`observe`](Self::observe) it makes no difference.
    pub fn note_head(self, request: &PixelRequest<'_>) {
        let inner = self.0;
        let hit = Hit { request, now: inner.now(), open_id: OpenId::from_bytes([0; 8]) };
        if let Ok(judged) = inner.observer.judge(hit, |_| None) {
            inner.sequences.note_head(&judged);
        }
    }

    /// Notes a path that is not below the mount, if it holds a link of ours.
    pub(crate) fn note_stray_link(self, path: &str, mount: &str) {
        let keys = &self.0.observer.keys;
        let is_ours = |label| links::token(path, label, keys).is_some();
        if ![Label::Pixel, Label::OptOut, Label::Confirm].into_iter().any(is_ours) {
            return;
        }
        let refusals = &self.0.refusals;
        count(&refusals.stray_links);
        if !refusals.warned_of_stray_link.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                mount,
                base_url = self.0.base_url,
                "a link of ours came in below another path than the routes are mounted at: the base URL, the mount and a proxy that \
                 changes paths must fit together, or the pictures in mail already sent are broken"
            );
        }
    }

    fn take(self, request: &PixelRequest<'_>) -> Result<Observation, Result<Recorded, Loss>> {
        let inner = self.0;
        let refusals = &inner.refusals;
        let Ok(open_id) = OpenId::random() else {
            count(&refusals.no_random);
            return Err(Err(Loss::NoRandom));
        };
        let hit = Hit { request, now: inner.now(), open_id };
        let judged = inner.observer.judge(hit, |ping| inner.acceptances.of(ping));
        let mut judged = judged.map_err(|refused| {
            count(match refused {
                Refused::Token => &refusals.token,
                Refused::Detail => &refusals.detail,
                Refused::Signal => &refusals.signal,
            });
            Ok(Recorded::Filtered)
        })?;
        if judged.no_peer_address {
            refusals.note_no_peer_address();
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
            Some(Observation::Open(open)) if !inner.limiter.allows(ping, open.verdict, at) => {
                count(&refusals.hit_limit);
                Err(Ok(Recorded::Filtered))
            }
            Some(kept) => Ok(kept),
            None => {
                count(&refusals.detail);
                Err(Ok(Recorded::Filtered))
            }
        }
    }
}
