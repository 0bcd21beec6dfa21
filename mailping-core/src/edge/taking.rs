//! A batch as the centre takes it: bounded while it comes in, and kept on the way of the centre's
//! own hits.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::head::{Head, MAX_HEAD, Refusal};
use super::{Answer, Batch, Outcome, answer};
use crate::observe::Observation;
use crate::queue::Loss;
use crate::store::line::{Entry, Line};
use crate::store::{Attempt, Recorded, line};
use crate::{StoreError, Timestamp, Tracker, new_ping};

/// How far ahead of the centre's clock an edge's may be.
const MAX_AHEAD: Duration = Duration::from_secs(600);

/// A request that brings a batch of an edge: hand its body over as it comes, then
/// [answer](EdgeBatch::answer). See [`Mount::batch`](crate::mount::Mount::batch).
pub struct EdgeBatch {
    tracker: Tracker,
    /// Bytes that have come so far.
    come: usize,
    state: State,
}

enum State {
    /// Its first line so far. What a stranger sends takes no more memory than this.
    First(Vec<u8>),
    Rest(Box<Head>, Vec<u8>),
    Refused(Refusal),
}

impl EdgeBatch {
    pub(crate) fn new(tracker: Tracker) -> Self {
        Self { tracker, come: 0, state: State::First(Vec::new()) }
    }

    /// Takes the next part of the body. `false` if no more of it is wanted: answer then, and close
    /// the connection.
    pub fn add(&mut self, part: &[u8]) -> bool {
        self.come = self.come.saturating_add(part.len());
        self.state = match std::mem::replace(&mut self.state, State::Refused(Refusal::Malformed)) {
            State::First(mut line) => {
                let room = MAX_HEAD.saturating_sub(line.len());
                let (fits, more) = part.split_at(part.len().min(room));
                line.extend_from_slice(fits);
                self.read_first(line, more)
            }
            State::Rest(head, text) => rest(head, text, part),
            refused => refused,
        };
        // What is refused is read to its end all the same, so that whoever sends it sees why.
        self.come <= Batch::MAX_BYTES
    }

    /// Goes on behind the first line once that is whole.
    fn read_first(&self, line: Vec<u8>, more: &[u8]) -> State {
        let inner = &self.tracker.0;
        let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
            return if line.len() < MAX_HEAD {
                State::First(line)
            } else {
                State::Refused(Refusal::Malformed)
            };
        };
        let (first, begun) = (line.get(..end).unwrap_or_default(), line.get(end + 1..).unwrap_or_default());
        match Head::read(first, &inner.observer.keys, &inner.edges) {
            Ok(head) => {
                let text = Vec::with_capacity(head.said.length);
                match rest(Box::new(head), text, begun) {
                    State::Rest(head, text) => rest(head, text, more),
                    refused => refused,
                }
            }
            Err(refusal) => {
                if refusal == Refusal::Stranger {
                    inner.edges.note_stranger();
                }
                State::Refused(refusal)
            }
        }
    }

    /// Keeps it, and answers once all of it is durable. To drop the answer loses nothing: the edge
    /// sends the batch again.
    pub async fn answer(self) -> Response<Bytes> {
        let kept = match self.state {
            State::First(_) => Err(Refusal::Malformed),
            State::Rest(head, text) => keep(&self.tracker, &head, &text)
                .await
                .map(|kept| answer::write(&kept, &head.mac, &head.subkey)),
            State::Refused(refusal) => Err(refusal),
        };
        match kept {
            Ok(line) => plain(200, line.into()),
            Err(refusal) => plain(refusal.status(), Bytes::from_static(refusal.text().as_bytes())),
        }
    }
}

impl fmt::Debug for EdgeBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeBatch").field("come", &self.come).finish_non_exhaustive()
    }
}

fn rest(head: Box<Head>, mut text: Vec<u8>, part: &[u8]) -> State {
    if text.len() + part.len() > head.said.length {
        return State::Refused(Refusal::Malformed);
    }
    text.extend_from_slice(part);
    State::Rest(head, text)
}

fn plain(status: u16, body: Bytes) -> Response<Bytes> {
    let length = body.len();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LENGTH, length.into());
    response
}

/// Keeps what may be kept of a batch, on the way of the centre's own hits.
async fn keep(tracker: &Tracker, head: &Head, text: &[u8]) -> Result<Answer, Refusal> {
    let inner = &tracker.0;
    let whole = text.len() == head.said.length && <[u8; 32]>::from(Sha256::digest(text)) == head.said.digest;
    let entries = if whole { read(text, head.said.records)? } else { return Err(Refusal::Malformed) };
    let database = inner.store.identity().await.map_err(|error| busy(&error))?;
    if head.said.database.is_some_and(|expected| expected != database) {
        return Err(Refusal::OtherDatabase);
    }
    // Its opens wait for the clock, rather than be refused one by one.
    let latest = inner.now().plus(MAX_AHEAD);
    if head.said.at > latest {
        return Err(Refusal::Ahead);
    }
    // The centre's own hits come first: what an edge hands over comes again, and would fill the
    // queue.
    if inner.queue.depth().0 > inner.queue.capacity() / 2 {
        return Err(Refusal::Busy);
    }
    // All that has to be looked up comes first: then all of it is one batch of the writer's.
    let (mut allowed, mut unreadable) = (Vec::with_capacity(entries.len()), BTreeSet::new());
    for entry in entries {
        allowed.push(match entry {
            Some(entry) if is_possible(&entry, latest) && !unreadable.contains(&entry.ping()) => {
                match inner.edges.precision(entry.ping(), &*inner.store).await {
                    Ok(of_ping) => {
                        let narrowed = of_ping.and_then(|of_ping| inner.observer.narrowed(entry, of_ping));
                        narrowed.ok_or(Outcome::Filtered)
                    }
                    // It keeps no other from being taken, and is looked up and told once a batch.
                    Err(error @ StoreError::Corrupt { .. }) => {
                        unreadable.insert(entry.ping());
                        tracing::error!(ping = %entry.ping(), failure = %error, "what an edge has of a ping is refused");
                        Err(Outcome::Refused)
                    }
                    Err(error) => return Err(busy(&error)),
                }
            }
            // Of a newer version, a clock that is wrong, or a ping that cannot be read.
            _ => Err(Outcome::Refused),
        });
    }
    let queue = |kept: Result<Observation, Outcome>| kept.map(|kept| inner.queue.push(kept, Attempt::Repeat));
    let queued: Vec<_> = allowed.into_iter().map(queue).collect();
    let mut outcomes = Vec::with_capacity(queued.len());
    for recording in queued {
        outcomes.push(match recording {
            Ok(recording) => outcome(recording.await)?,
            Err(outcome) => outcome,
        });
    }
    Ok(Answer { database, outcomes })
}

/// The records of a batch; `None` for one that only a newer version understands.
fn read(text: &[u8], records: usize) -> Result<Vec<Option<Entry>>, Refusal> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let entries: Option<Vec<_>> = lines.try_fold(Vec::with_capacity(records), |mut entries, line| {
        entries.push(match line::read(line.strip_suffix(b"\n")?) {
            Line::Entry(entry) => Some(*entry),
            Line::Newer => None,
            Line::Blank | Line::Damaged => return None,
        });
        Some(entries)
    });
    entries.filter(|entries| entries.len() == records).ok_or(Refusal::Malformed)
}

/// Whether it is not ahead, and its ping can have been made by then.
fn is_possible(entry: &Entry, latest: Timestamp) -> bool {
    let time = match entry {
        Entry::Open(open) => open.at,
        Entry::LastDay(last) => last.day,
    };
    time <= latest && entry.ping().sent_at() <= time.plus(new_ping::MAX_AHEAD)
}

/// What an edge is told of a record that was queued.
fn outcome(recorded: Result<Recorded, Loss>) -> Result<Outcome, Refusal> {
    match recorded {
        Ok(Recorded::Durable | Recorded::Spooled) => Ok(Outcome::Kept),
        Ok(Recorded::Filtered) => Ok(Outcome::Filtered),
        Err(Loss::Damaged) => Ok(Outcome::Refused),
        // It is written later, or not at all: the edge keeps it, and sends it again.
        Ok(Recorded::Late) | Err(_) => Err(Refusal::Busy),
    }
}

fn busy(error: &StoreError) -> Refusal {
    let failure = error.with_sources();
    tracing::warn!(failure, "a batch of an edge could not be kept; the edge sends it again");
    Refusal::Busy
}
