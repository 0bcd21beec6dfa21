//! The deadline thread: it answers those who have waited too long, also while the store blocks the
//! writer.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Shared;
use crate::bell::wake;
use crate::store::Recorded;

/// How long an answer waits for its open to be on disk.
pub(crate) const DEFAULT_DEADLINE: Duration = Duration::from_secs(2);

impl Shared {
    pub(super) fn keep_deadlines(&self) {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let mut late = Vec::new();
            state.forget_answered();
            while state.waiters.front().is_some_and(|(deadline, _)| *deadline <= now) {
                late.extend(state.waiters.pop_front().map(|(_, ticket)| ticket));
            }
            if state.give_up.is_some_and(|give_up| give_up <= now) && !state.closed {
                let wakers = state.close();
                drop(state);
                wakers.into_iter().for_each(wake);
                self.work.notify_one();
                self.ended.notify_one();
                state = self.state();
                self.bell.close();
            }
            if !late.is_empty() {
                drop(state);
                for ticket in late {
                    ticket.answer(Recorded::Late, || {
                        self.counts.late.fetch_add(1, Ordering::Relaxed);
                    });
                }
                state = self.state();
                continue;
            }
            if state.closed && state.waiters.is_empty() {
                return;
            }
            let next = state.waiters.front().map(|(deadline, _)| *deadline);
            let next = next.into_iter().chain(state.give_up.filter(|_| !state.closed)).min();
            state = match next {
                Some(next) => {
                    let wait = next.saturating_duration_since(now);
                    self.waiting.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    state.watcher_sleeps = true;
                    self.waiting.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}
