//! From what is kept to what is told: events and a look at everything fill the outbox, and what is
//! due is posted.
//!
//! All of it runs on a thread of its own, so that no pixel shares one with it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use mailping_core::receipts::{Event, Events, Mark, Notification, PingQuery};
use mailping_core::{PingId, Timestamp, Tracker};
use mailping_page::Erasure;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::outbox::{Outbox, Waiting};
use crate::post::{Outcome, Post};
use crate::target::{NotTaken, PATIENCE, Target};

/// How often everything is looked at: for messages not opened for days, and for opens before the
/// first start.
const LOOK: Duration = Duration::from_secs(5 * 60);
/// The next try after the database or the outbox has failed, or events could not be read.
const SOON: Duration = Duration::from_secs(5);
/// Not taken again while an attempt may be under way.
const LEASE: Duration = PATIENCE.saturating_mul(2);
/// The most messages under way: a slow receiver holds up no more.
const MAX_AT_ONCE: usize = 8;
const PAGE: usize = 500;

/// The thread that tells a target of a tracker's notices, until the tracker is closed.
#[derive(Debug)]
pub struct Webhooks(JoinHandle<()>);

impl Webhooks {
    /// Starts it. What is erased is forgotten as soon as `erasures` tells of it.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        tracker: Tracker,
        outbox: Outbox,
        target: Target,
        erasures: mpsc::Receiver<Erasure>,
    ) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let post = Arc::new(Post { tracker, target });
        let teller =
            Teller { post, outbox, erasures, next_look: Instant::now(), quiet: Quiet::No, seen: None };
        std::thread::Builder::new()
            .name("mailping-webhooks".into())
            .spawn(move || runtime.block_on(teller.run()))
            .map(Self)
    }

    /// Waits for the end, after the tracker was closed. What is under way is told again after the
    /// next start.
    pub fn ended(self) {
        if self.0.join().is_err() {
            tracing::error!("the thread of the webhooks panicked");
        }
    }
}

struct Teller {
    post: Arc<Post>,
    outbox: Outbox,
    erasures: mpsc::Receiver<Erasure>,
    next_look: Instant,
    quiet: Quiet,
    /// The mark of the last event, if that told nothing: it is kept now and then.
    seen: Option<Mark>,
}

/// Whether the receiver wants to be left alone.
enum Quiet {
    No,
    Until(Instant),
    /// It has answered 410: until the next start.
    Gone,
}

type Failure = Box<dyn std::error::Error>;

impl Teller {
    async fn run(mut self) {
        let mut under_way = JoinSet::new();
        let mut events = self.events().await;
        loop {
            if Instant::now() >= self.next_look {
                self.next_look = Instant::now() + LOOK;
                let looked = self.look().await;
                self.again_if_failed("look for notices", looked);
            }
            let sent = self.send_due(&mut under_way);
            let next_due = self.again_if_failed("send", sent).flatten();
            let wake = next_due.map_or(self.next_look, |due| due.min(self.next_look));
            tokio::select! {
                event = events.next() => match event {
                    Ok(Some(event)) => {
                        let noted = self.note(event).await;
                        if self.again_if_failed("note an open", noted).is_none() {
                            tokio::time::sleep(SOON).await;
                            events = self.events().await;
                        }
                    }
                    Ok(None) => {
                        let kept = self.keep_mark();
                        self.again_if_failed("keep a mark", kept);
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "webhooks could not read events, and try again");
                        self.look_soon();
                        tokio::time::sleep(SOON).await;
                        if error.is_unknown_mark() {
                            let forgotten = self.outbox.forget_mark().map_err(Into::into);
                            self.again_if_failed("forget the mark of another database", forgotten);
                            events = self.events().await;
                        }
                    }
                },
                Some(erasure) = self.erasures.recv() => {
                    let forgotten = self.forget(erasure.ping()).await;
                    self.again_if_failed("forget what was erased", forgotten);
                    erasure.done();
                }
                Some(ended) = under_way.join_next() => if let Ok((waiting, outcome)) = ended {
                    let settled = self.settle(&waiting, outcome);
                    self.again_if_failed("keep what was told", settled);
                },
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }

    /// The events since the mark that is kept: none is lost while this program does not run. At the
    /// first start they are those from now on; what came before is found by looking.
    async fn events(&mut self) -> Events {
        self.seen = None;
        loop {
            match self.begin().await {
                Ok(events) => return events,
                Err(error) => {
                    tracing::warn!(%error, "webhooks could not follow events, and try again");
                    tokio::time::sleep(SOON).await;
                }
            }
        }
    }

    async fn begin(&mut self) -> Result<Events, Failure> {
        let receipts = self.post.tracker.receipts();
        if let Some(mark) = self.outbox.mark()? {
            return Ok(receipts.events_since(mark));
        }
        let events = receipts.events().await?;
        self.outbox.keep(events.mark())?;
        Ok(events)
    }

    fn keep_mark(&mut self) -> Result<(), Failure> {
        if let Some(mark) = self.seen.take() {
            self.outbox.keep(&mark)?;
        }
        Ok(())
    }

    fn look_soon(&mut self) {
        self.next_look = self.next_look.min(Instant::now() + SOON);
    }

    fn again_if_failed<T>(&mut self, what: &'static str, result: Result<T, Failure>) -> Option<T> {
        if let Err(error) = &result {
            tracing::warn!(%error, "webhooks could not {what}, and try again");
            self.look_soon();
        }
        result.ok()
    }

    /// Notes what an event tells, whatever its age: it comes after the mark, so that nobody has
    /// been told of it.
    async fn note(&mut self, event: Event) -> Result<(), Failure> {
        if !(event.is_first_open() || event.is_reopen() || event.milestone.is_some()) {
            self.seen = Some(event.mark);
            return Ok(());
        }
        let found = self.post.tracker.receipts().notifications(event.ping).await?;
        let mut notices = found.map(|(_, notices)| notices).unwrap_or_default();
        notices.retain(|notice| match notice {
            Notification::Opened { .. } => event.is_first_open(),
            other => other.at() == event.at,
        });
        self.outbox.note(event.ping, &notices, now(), &event.mark)?;
        self.seen = None;
        Ok(())
    }

    /// Notes what is not noted yet, gives up on what is too old, and forgets the pings that are no
    /// more.
    async fn look(&mut self) -> Result<(), Failure> {
        self.keep_mark()?;
        let given_up = self.outbox.give_up(now())?;
        if given_up > 0 {
            tracing::error!(given_up, "webhooks were not taken within three days");
        }
        let mut query = PingQuery::newest(PAGE);
        loop {
            let page = self.post.tracker.receipts().list_notifications(&query).await?;
            for (summary, found) in &page.items {
                self.outbox.add(summary.ping.id, found, now())?;
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        self.forget(None).await
    }

    /// Forgets a ping that is erased, or all that are no more.
    async fn forget(&mut self, erased: Option<PingId>) -> Result<(), Failure> {
        if let Some(ping) = erased {
            return Ok(self.outbox.forget(ping)?);
        }
        let mut known = self.outbox.ping_after(None)?;
        while let Some(ping) = known {
            if self.post.tracker.pings().get(ping).await?.is_none() {
                self.outbox.forget(ping)?;
            }
            known = self.outbox.ping_after(Some(ping))?;
        }
        Ok(())
    }

    /// Starts to send what is due, and says when the next is; `None` if none is, or one that is
    /// under way has to end first.
    fn send_due(&mut self, under_way: &mut JoinSet<(Waiting, Outcome)>) -> Result<Option<Instant>, Failure> {
        match self.quiet {
            Quiet::Gone => return Ok(None),
            Quiet::Until(end) if Instant::now() < end => return Ok(Some(end)),
            Quiet::Until(_) | Quiet::No => self.quiet = Quiet::No,
        }
        let room = MAX_AT_ONCE.saturating_sub(under_way.len());
        if room == 0 {
            return Ok(None);
        }
        for waiting in self.outbox.take(now(), room, LEASE)? {
            let post = Arc::clone(&self.post);
            under_way.spawn(async move {
                let outcome = post.send(&waiting).await;
                (waiting, outcome)
            });
        }
        if under_way.len() == MAX_AT_ONCE {
            return Ok(None);
        }
        let due = self.outbox.next_due()?;
        Ok(due.map(|due| Instant::now() + due.since(now()).unwrap_or_default()))
    }

    fn settle(&mut self, waiting: &Waiting, outcome: Outcome) -> Result<(), Failure> {
        match outcome {
            Outcome::Taken => self.outbox.told(waiting)?,
            Outcome::Gone => self.outbox.forget(waiting.ping)?,
            Outcome::Untrue => self.outbox.drop(waiting)?,
            Outcome::Unknown => self.outbox.failed(waiting, now(), None)?,
            Outcome::NotTaken(NotTaken::Gone) => self.stop(waiting)?,
            Outcome::NotTaken(reason) => {
                tracing::warn!(ping = %waiting.ping, %reason, "a webhook was not taken, and is sent again");
                let asked = if let NotTaken::Status { pause, .. } = reason { pause } else { None };
                if let Some(pause) = asked {
                    self.be_quiet(pause);
                }
                self.outbox.failed(waiting, now(), asked)?;
            }
        }
        Ok(())
    }
}

impl Teller {
    /// Sends nothing for a while, whatever is due.
    fn be_quiet(&mut self, pause: Duration) {
        let end = Instant::now() + pause;
        match self.quiet {
            Quiet::Gone => {}
            Quiet::Until(later) if later > end => {}
            Quiet::Until(_) | Quiet::No => self.quiet = Quiet::Until(end),
        }
    }

    /// Sends nothing more. What waits is kept for the next start, which may be with another
    /// receiver.
    fn stop(&mut self, waiting: &Waiting) -> Result<(), Failure> {
        if !matches!(self.quiet, Quiet::Gone) {
            tracing::error!("the receiver answered 410 Gone: no webhook is sent before the next start");
        }
        self.quiet = Quiet::Gone;
        Ok(self.outbox.failed(waiting, now(), None)?)
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
