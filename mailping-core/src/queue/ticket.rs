//! The answer to one hit: a future without a runtime, and the place where the writer or the
//! deadline leaves it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::{Loss, lock};
use crate::bell::wake;
use crate::store::Recorded;

type Answered = Result<Recorded, Loss>;

/// The place where one hit's answer is left, by the writer or at the deadline, whichever is first.
#[derive(Debug)]
pub(super) struct Ticket {
    state: Mutex<(Option<Answered>, Option<Waker>)>,
    wakes: Arc<Wakes>,
}

impl Ticket {
    pub(super) fn new(wakes: Arc<Wakes>) -> Self {
        Self { state: Mutex::default(), wakes }
    }

    /// Answers, unless there is an answer already, and wakes the waiter. `first` runs before the
    /// waiter can see it.
    pub(super) fn answer(&self, recorded: Recorded, first: impl FnOnce()) {
        if let Some(waker) = self.answer_quietly(Ok(recorded), first) {
            wake(waker);
        }
    }

    /// Answers, unless there is an answer already. The waiter is to be woken by whoever calls this.
    pub(super) fn answer_quietly(&self, answer: Answered, first: impl FnOnce()) -> Option<Waker> {
        let mut state = lock(&self.state);
        if state.0.is_some() {
            return None;
        }
        first();
        state.0 = Some(answer);
        state.1.take()
    }

    pub(super) fn is_answered(&self) -> bool {
        lock(&self.state).0.is_some()
    }
}

/// The waiters of an answered batch that are still to be woken, by the writer or by the first of
/// them that runs.
///
/// A thread that wakes another one is often put aside for it at once. If the writer alone woke the
/// waiters, the server's thread would come and go for each of them; so the first to come wakes the
/// rest, which costs it no change of threads.
#[derive(Debug, Default)]
pub(super) struct Wakes(Mutex<VecDeque<Waker>>);

impl Wakes {
    pub(super) fn wake(&self, waiters: impl Iterator<Item = Waker>) {
        lock(&self.0).extend(waiters);
        while let Some(waiter) = self.next() {
            wake(waiter);
        }
    }

    fn next(&self) -> Option<Waker> {
        lock(&self.0).pop_front()
    }

    fn help(&self) {
        let waiters = std::mem::take(&mut *lock(&self.0));
        waiters.into_iter().for_each(wake);
    }
}

/// The answer to one hit, to be awaited. The open is queued already: dropping this loses nothing.
#[derive(Debug)]
#[must_use = "the answer to the client should wait for the open to be durable"]
pub(crate) struct Recording(Kind);

#[derive(Debug)]
enum Kind {
    Ready(Result<Recorded, Loss>),
    Waiting(Arc<Ticket>),
}

impl Recording {
    pub(super) const fn waiting(ticket: Arc<Ticket>) -> Self {
        Self(Kind::Waiting(ticket))
    }

    pub(crate) const fn ready(result: Result<Recorded, Loss>) -> Self {
        Self(Kind::Ready(result))
    }
}

impl Future for Recording {
    type Output = Result<Recorded, Loss>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.0 {
            Kind::Ready(result) => Poll::Ready(*result),
            Kind::Waiting(ticket) => {
                let mut state = lock(&ticket.state);
                if let Some(answer) = state.0 {
                    drop(state);
                    ticket.wakes.help();
                    return Poll::Ready(answer);
                }
                match &mut state.1 {
                    Some(waker) => waker.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}
