//! What happened to receipts, followed through the store: at least once, across restarts and
//! processes, and never in a pixel's way.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::bell::Bell;
use crate::fetcher::{Evidence, Verdict};
use crate::milestone::MilestoneKind;
use crate::store::{Mark, Observation, OpenCursor, OpenQuery, Page, Store, StoreError};
use crate::{Error, Open, OpenId, Ping, PingId, State, StepTime, TimeStep};

/// The most that is read of the store's news at once.
const MAX_NEWS: usize = 64;
/// How many opens are first read of a ping, to learn its state before an event; few decide it.
const FIRST_OPENS: usize = 32;
/// The next opens, if those did not.
const MORE_OPENS: usize = 1_000;
/// How often the store is asked for what other processes have kept.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest interval.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// Something was kept of a fetch, or a milestone was reached, and is on disk.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Event {
    /// The same for the same fetch or milestone whenever it comes, so that a repetition can be
    /// told: ASCII, at most 64 bytes.
    pub id: String,
    /// The ping.
    pub ping: PingId,
    /// The ping's reference.
    pub reference: String,
    /// The ping's owner.
    pub owner: Option<String>,
    /// When, in the time step that is kept.
    pub at: StepTime,
    /// Which milestone it is; `None` for a fetch. One changes no state, and no first open is one.
    pub milestone: Option<MilestoneKind>,
    /// Whether a person caused it; what a mail server told is a machine's.
    pub verdict: Verdict,
    /// Whether it came from one of the sender's own networks: then it says nothing about the
    /// recipient.
    pub own: bool,
    /// What the fetches before this one prove, by their time. At the detail `last_day` nothing of
    /// them is kept, and this is `no_fetch`.
    pub before: State,
    /// What they prove together with this one: the same or more.
    pub after: State,
    /// Where to go on if the program ends after this event: keep it once you have acted on it.
    pub mark: Mark,
}

impl Event {
    /// Whether it is the first time that a person displayed the message.
    ///
    /// At the detail `last_day` only the latest day is kept, so that each further day is a first
    /// time too, as is a fetch that reached the database after a later one: a message has one first
    /// open, so tell repetitions by the [ping](Self::ping).
    #[must_use]
    pub fn is_first_open(&self) -> bool {
        self.before < State::Opened && self.after == State::Opened
    }

    /// Whether a person displayed the message again.
    #[must_use]
    pub fn is_reopen(&self) -> bool {
        let is_persons = self.milestone.is_none() && self.verdict == Verdict::Human && !self.own;
        is_persons && self.before == State::Opened
    }
}

/// Shows neither reference nor owner.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("milestone", &self.milestone)
            .field("verdict", &self.verdict)
            .field("own", &self.own)
            .field("before", &self.before)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

/// What is kept since a mark, by any program on the database: see
/// [`Receipts::events`](crate::receipts::Receipts::events).
///
/// An event comes at least once. Those of this process come right after their batch is on disk,
/// those of others within the [interval](Self::every). Nothing is buffered: a slow reader reads
/// later, and slows no pixel. After a restart begin with the mark of the last event that you have
/// acted on; a few events may come again then, each with the [id](Event::id) that it had.
///
/// ```
/// # use mailping_core::{Error, Tracker};
/// # use mailping_core::store::Mark;
/// # fn keep(_: &Mark) {}
/// # async fn follow(tracker: &Tracker, kept: Option<Mark>) -> Result<(), Error> {
/// let mut events = match kept {
///     Some(mark) => tracker.receipts().events_since(mark),
///     None => tracker.receipts().events().await?,
/// };
/// while let Some(event) = events.next().await? {
///     if event.is_first_open() {
///         println!("{} was opened at {}", event.reference, event.at);
///     }
///     keep(&event.mark);
/// }
/// # Ok(())
/// # }
/// ```
///
/// As a `Stream`, with the crate `futures`: `stream::unfold(events, async |mut events|
/// Some((events.next().await, events)))`.
#[must_use = "it reads nothing before it is asked"]
pub struct Events {
    store: Arc<dyn Store>,
    bell: Arc<Bell>,
    mark: Mark,
    /// What was read and not handed out.
    ready: VecDeque<Event>,
    interval: Duration,
}

impl Events {
    pub(crate) fn new(store: Arc<dyn Store>, bell: Arc<Bell>, mark: Mark) -> Self {
        // From now on batches ring.
        bell.heard();
        Self { store, bell, mark, ready: VecDeque::new(), interval: DEFAULT_INTERVAL }
    }

    /// How often the store is asked for what other processes have kept: every 5 seconds without
    /// this call, at least 10 milliseconds.
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval.max(MIN_INTERVAL);
        self
    }

    /// Where to go on after a restart if no event has come yet.
    #[must_use]
    pub const fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Waits for the next event; `None` once the tracker is closed and all is handed out, or cannot
    /// be read any more. On any runtime, or none. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Error::is_unavailable`] if the store cannot be read now: calling again goes on at the same
    /// place. [`Error::is_unknown_mark`] if the mark is not one of this database.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        while self.ready.is_empty() {
            let Some((items, mark)) = self.news().await? else { return Ok(None) };
            self.ready = self.describe(items, &mark).await?.into();
            self.mark = mark;
        }
        Ok(self.ready.pop_front())
    }

    /// Waits until something new is kept and returns its pings, each once, without reading more of
    /// them: for a page that is drawn anew. `None` once the tracker is closed.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn changed(&mut self) -> Result<Option<Vec<PingId>>, Error> {
        let mut pings: Vec<PingId> = self.ready.drain(..).map(|event| event.ping).collect();
        if pings.is_empty() {
            let Some((items, mark)) = self.news().await? else { return Ok(None) };
            self.mark = mark;
            pings = items.iter().map(Observation::ping).collect();
        }
        pings.sort_unstable();
        pings.dedup();
        Ok(Some(pings))
    }

    /// Calls `handle` when a person displays a message for the first time, one after another, until
    /// the tracker is closed. While the store cannot be read it tries again. Run it as a task of
    /// your runtime.
    ///
    /// A message may come again after a restart: tell it by its [ping](Event::ping).
    ///
    /// # Errors
    /// [`Error::is_unknown_mark`] if the mark is not one of this database, or a store that can
    /// never be read.
    pub async fn on_first_open(mut self, mut handle: impl AsyncFnMut(Event)) -> Result<(), Error> {
        loop {
            match self.next().await {
                Ok(Some(event)) if event.is_first_open() => handle(event).await,
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if error.is_unavailable() => {
                    tracing::warn!(%error, "events could not be read, and are tried again");
                    self.bell.wait(self.bell.heard(), Instant::now() + self.interval).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for news; `None` once no more come.
    async fn news(&mut self) -> Result<Option<(Vec<Observation>, Mark)>, StoreError> {
        loop {
            let heard = self.bell.heard();
            let news = match self.store.news(&self.mark, MAX_NEWS).await {
                Ok(news) => news,
                // Nobody waits at the end for a database that is down.
                Err(StoreError::Unavailable { .. }) if heard.closed => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some(next) = news.next {
                if !news.items.is_empty() {
                    return Ok(Some((news.items, next)));
                }
                self.mark = next;
                continue;
            }
            if heard.closed {
                return Ok(None);
            }
            self.bell.wait(heard, Instant::now() + self.interval).await;
        }
    }

    /// The events of a page of news; those of pings that are gone are left out. Only the last one's
    /// mark is behind the page.
    async fn describe(&self, items: Vec<Observation>, next: &Mark) -> Result<Vec<Event>, StoreError> {
        let mut ids: Vec<PingId> = items.iter().map(Observation::ping).collect();
        ids.sort_unstable();
        ids.dedup();
        let pages = self.store.opens_of(&ids, FIRST_OPENS).await?;
        if pages.len() != ids.len() {
            return Err(StoreError::unavailable("the store did not answer for each ping"));
        }
        let mut pings = Vec::with_capacity(ids.len());
        for (id, page) in ids.iter().zip(pages) {
            match self.store.ping(*id).await {
                Ok(ping) => pings.push((ping, page)),
                // The log of the store names it.
                Err(StoreError::Corrupt { .. }) => pings.push((None, page)),
                Err(error) => return Err(error),
            }
        }
        let mut events = Vec::with_capacity(items.len());
        for item in items {
            let place = ids.binary_search(&item.ping()).ok();
            if let Some((Some(ping), page)) = place.and_then(|place| pings.get(place)) {
                events.push(self.event(item, ping, page).await?);
            }
        }
        if let Some(last) = events.last_mut() {
            last.mark = next.clone();
        }
        Ok(events)
    }

    async fn event(
        &self,
        item: Observation,
        ping: &Ping,
        first: &Page<Open, OpenCursor>,
    ) -> Result<Event, StoreError> {
        let event = |id, at, verdict| Event {
            id,
            ping: ping.id,
            reference: ping.reference.clone(),
            owner: ping.owner.clone(),
            at,
            milestone: None,
            verdict,
            own: false,
            before: State::NoFetch,
            after: State::Opened,
            mark: self.mark.clone(),
        };
        Ok(match item {
            Observation::LastDay(last) => {
                let id = format!("{}-{}", ping.id, last.day.unix_millis());
                event(id, StepTime::new(last.day, TimeStep::Day), Verdict::Human)
            }
            Observation::Open(open) => {
                let before = self.state_before(ping.id, OpenCursor::of(&open), first).await?;
                Event {
                    own: open.evidence.contains(Evidence::NetOwn),
                    before,
                    after: before.max(proves(&open)),
                    ..event(format!("{}-{}", ping.id, open.id), open.time(), open.verdict)
                }
            }
            Observation::Milestone(milestone) => {
                let end = OpenCursor::new(milestone.at, OpenId::from_bytes([0xff; 8]));
                let state = match ping.last_day {
                    Some(_) => State::Opened,
                    None => self.state_before(ping.id, end, first).await?,
                };
                let verdict = milestone.verdict.unwrap_or(Verdict::Machine);
                Event {
                    milestone: Some(milestone.kind),
                    own: milestone.evidence.contains(Evidence::NetOwn),
                    before: state,
                    after: state,
                    ..event(format!("{}-{}", ping.id, milestone.kind), milestone.time(), verdict)
                }
            }
        })
    }

    /// What the opens of a ping before a place prove; `first` is their first page.
    async fn state_before(
        &self,
        ping: PingId,
        end: OpenCursor,
        first: &Page<Open, OpenCursor>,
    ) -> Result<State, StoreError> {
        let mut state = State::NoFetch;
        let mut next;
        let mut page = first;
        let mut more;
        loop {
            for before in page.items.iter().take_while(|before| OpenCursor::of(before) < end) {
                state = state.max(proves(before));
            }
            next = page.next.filter(|next| *next < end);
            if state == State::Opened || next.is_none() {
                return Ok(state);
            }
            more = self.store.opens(&OpenQuery::oldest(ping, MORE_OPENS).after(next)).await?;
            page = &more;
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("interval", &self.interval).finish_non_exhaustive()
    }
}

/// What one open proves by itself.
fn proves(open: &Open) -> State {
    match open.verdict {
        _ if open.evidence.contains(Evidence::NetOwn) => State::NoFetch,
        Verdict::Human => State::Opened,
        Verdict::Uncertain => State::Uncertain,
        Verdict::Machine => State::MachineOnly,
    }
}
