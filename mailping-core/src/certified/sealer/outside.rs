//! Showing the signed head to outside parties, at most once a day.
//!
//! Each is asked on a thread of its own, so that one that never answers keeps neither seals nor the
//! other parties waiting. While it has not answered it is not asked again, so that there is one
//! such thread for each party at the most.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::standing::Standing;
use super::turn::Turn;
use crate::Error;
use crate::certified::checkpoint::Checkpoint;
use crate::certified::hash::sha256;
use crate::certified::issue::{Outside, Seen};
use crate::certified::note::Note;
use crate::certified::seal::floor_second;
use crate::certified::token;
use crate::store::{StampRow, Step};

const DAY: Duration = Duration::from_secs(86_400);

type Answered = Result<Seen, Box<dyn std::error::Error + Send + Sync>>;

/// The parties, and what they have answered.
#[derive(Clone)]
pub(super) struct OutsideParties(Arc<Parties>);

struct Parties {
    parties: Vec<Arc<dyn Outside>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Since when each of them is asked, if it has not answered.
    asked: Vec<Option<Instant>>,
    /// The heads that were shown, with the answers.
    answers: Vec<(String, Answered)>,
    waker: Option<Waker>,
}

impl OutsideParties {
    pub(super) fn new(parties: &[Arc<dyn Outside>]) -> Self {
        let state = State { asked: vec![None; parties.len()], ..State::default() };
        Self(Arc::new(Parties { parties: parties.to_vec(), state: state.into(), changed: Condvar::new() }))
    }

    /// How long the one has not answered that was asked first.
    pub(super) fn unanswered(&self) -> Option<Duration> {
        self.0.lock().asked.iter().flatten().min().map(Instant::elapsed)
    }

    /// Waits until no party is asked any more, or for so long; whether there are answers.
    pub(super) async fn answered(&self, patience: Duration) -> bool {
        let parties = Arc::clone(&self.0);
        if parties.lock().is_asking() {
            let keeps_time = move || {
                let state = parties.lock();
                let waited = parties.changed.wait_timeout_while(state, patience, |state| state.is_asking());
                let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
                if let Some(waker) = state.waker.take() {
                    waker.wake();
                }
            };
            let ends = Instant::now() + patience;
            if std::thread::Builder::new().name("mailping-patience".into()).spawn(keeps_time).is_ok() {
                poll_fn(|context| {
                    let mut state = self.0.lock();
                    state.waker = Some(context.waker().clone());
                    if state.is_asking() && Instant::now() < ends { Poll::Pending } else { Poll::Ready(()) }
                })
                .await;
            }
        }
        !self.0.lock().answers.is_empty()
    }

    /// Asks each party that has answered what it was asked before.
    fn ask(&self, note: &str) {
        for number in 0..self.0.parties.len() {
            if let Some(since) = self.0.lock().asked.get(number).copied().flatten() {
                let hours = since.elapsed().as_secs() / 3_600;
                tracing::warn!(
                    hours,
                    "an outside party has not answered: it is not asked again until it has"
                );
                continue;
            }
            self.0.lock().set(number, Some(Instant::now()));
            let (parties, note) = (Arc::clone(&self.0), note.to_owned());
            let asks = move || parties.ask(number, note);
            if std::thread::Builder::new().name("mailping-outside".into()).spawn(asks).is_err() {
                self.0.lock().set(number, None);
                tracing::warn!("there was no thread to ask an outside party with: it is asked tomorrow");
            }
        }
    }
}

impl Parties {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, number: usize, note: String) {
        let Some(party) = self.parties.get(number) else { return };
        let answer = pollster::block_on(shown_to(&**party, &note));
        let mut state = self.lock();
        state.set(number, None);
        state.answers.push((note, answer));
        self.changed.notify_all();
    }
}

impl State {
    fn set(&mut self, number: usize, since: Option<Instant>) {
        if let Some(asked) = self.asked.get_mut(number) {
            *asked = since;
        }
    }

    fn is_asking(&self) -> bool {
        self.asked.iter().any(Option::is_some)
    }
}

impl Turn<'_> {
    /// Shows the head if nobody has seen it for a day; `false` if it is not to be shown now.
    pub(super) async fn show(&self, standing: &Standing) -> Result<bool, Error> {
        let is_due = standing.shown.is_none_or(|shown| self.now >= shown.plus(DAY));
        if self.sealer.log.outside.is_empty() || standing.note.is_empty() || !is_due {
            return Ok(false);
        }
        // Noted first: whoever is asked is not asked again by another instance.
        let shown = Standing { shown: Some(floor_second(self.now)), ..standing.clone() };
        if self.put(&shown, self.step()).await? {
            self.sealer.outside.ask(&standing.note);
        }
        Ok(true)
    }

    /// Keeps what outside parties have answered; `false` if there is nothing to keep.
    pub(super) async fn take_answers(&self, standing: &Standing) -> Result<bool, Error> {
        let answers = std::mem::take(&mut self.sealer.outside.0.lock().answers);
        let (mut next, mut stamps) = (standing.clone(), Vec::new());
        for (shown, answer) in &answers {
            let answer = match answer {
                Ok(answer) => answer,
                Err(failure) => {
                    tracing::warn!(%failure, "an outside party did not see the log's head: it is asked tomorrow");
                    continue;
                }
            };
            match (answer, Note::parse(shown)) {
                (Seen::Stamp(token), Some(note)) if is_stamp(token, shown) => {
                    let size = Checkpoint::of(&note).map_or(0, |head| head.size);
                    // No receipt needs one that comes after its head was cut off.
                    if size > standing.cut.0 {
                        stamps.push(StampRow { size, note: shown.clone(), token: token.clone() });
                    }
                }
                // A newer head has no signature of theirs.
                (Seen::Cosignature(line), Some(note)) if is_signed(&format!("{shown}{line}")) => {
                    if Note::parse(&next.note).is_some_and(|head| head.text == note.text) {
                        next.note.push_str(line);
                    }
                }
                _ => tracing::warn!(
                    "an outside party's answer to the log's head is no stamp or signature of it"
                ),
            }
        }
        if stamps.is_empty() && next == *standing {
            return Ok(false);
        }
        let kept = self.put(&next, Step { stamps, ..self.step() }).await;
        if !matches!(kept, Ok(true)) {
            // Another sealer was first, or the store is away.
            self.sealer.outside.0.lock().answers.extend(answers);
        }
        kept.map(|_| true)
    }
}

fn is_stamp(token: &[u8], note: &str) -> bool {
    token::time(token, &sha256(&[note.as_bytes()])).is_some()
}

/// What the party says; a panic in it must not keep the others from being asked.
async fn shown_to(party: &dyn Outside, note: &str) -> Answered {
    let mut asking = pin!(async { party.show(note).await });
    poll_fn(|context| {
        let asked = catch_unwind(AssertUnwindSafe(|| asking.as_mut().poll(context)));
        asked.unwrap_or_else(|_| Poll::Ready(Err(PANICKED.into())))
    })
    .await
}

const PANICKED: &str = "it panicked, as a client does that needs an async runtime: give it one of its own";

fn is_signed(note: &str) -> bool {
    Note::parse(note).is_some_and(|note| note.text.ends_with('\n'))
}
