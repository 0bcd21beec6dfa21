//! The answer to one hit: a future without a runtime, and the place where the writer or the deadline leaves it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::{RecordError, Recorded, lock};

/// The place where one hit's answer is left, by the writer or at the deadline, whichever is first.
#[derive(Debug, Default)]
pub(super) struct Ticket {
    state: Mutex<(Option<Recorded>, Option<Waker>)>,
}

impl Ticket {
    /// Answers, unless there is an answer already. `first` runs before the waiter can see it.
    pub(super) fn answer(&self, recorded: Recorded, first: impl FnOnce()) {
        let mut state = lock(&self.state);
        if state.0.is_some() {
            return;
        }
        first();
        state.0 = Some(recorded);
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        lock(&self.state).0.is_some()
    }
}

/// The answer to one hit, to be awaited. The open is queued already: dropping this loses nothing.
#[derive(Debug)]
#[must_use = "the answer to the client should wait for the open to be durable"]
pub struct Recording(Kind);

#[derive(Debug)]
enum Kind {
    Ready(Result<Recorded, RecordError>),
    Waiting(Arc<Ticket>),
}

impl Recording {
    pub(super) const fn waiting(ticket: Arc<Ticket>) -> Self {
        Self(Kind::Waiting(ticket))
    }

    pub(crate) const fn ready(result: Result<Recorded, RecordError>) -> Self {
        Self(Kind::Ready(result))
    }
}

impl Future for Recording {
    type Output = Result<Recorded, RecordError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.0 {
            Kind::Ready(result) => Poll::Ready(*result),
            Kind::Waiting(ticket) => {
                let mut state = lock(&ticket.state);
                if let Some(recorded) = state.0 {
                    return Poll::Ready(Ok(recorded));
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
