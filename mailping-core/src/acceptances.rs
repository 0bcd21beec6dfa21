//! When mail servers took messages, as far as this process was told: a fetch is early or late by
//! that time, rather than by the time at which the message was handed over.
//!
//! In memory of a bounded size, of this process alone. What is not remembered is judged by the sent
//! time that its token tells. Nothing of it is kept, and no stored verdict ever changes.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::milestone::MilestoneKind;
use crate::{PingId, Timestamp};

/// How many messages are remembered, some 2 MB of memory: an acceptance counts for the length of
/// the early window.
const MAX_MESSAGES: usize = 16_384;

#[derive(Default)]
pub(crate) struct Acceptances {
    /// Until the first, a hit takes no lock here.
    has_any: AtomicBool,
    messages: Mutex<Messages>,
}

#[derive(Default)]
struct Messages {
    /// [`Timestamp`]'s last one for a message that was deferred so far.
    taken: HashMap<PingId, Timestamp>,
    /// The oldest first.
    order: VecDeque<PingId>,
}

impl Acceptances {
    pub(crate) fn note(&self, ping: PingId, outcome: MilestoneKind, now: Timestamp) {
        let taken = match outcome {
            MilestoneKind::Accepted => now,
            MilestoneKind::Deferred => Timestamp::from_unix_millis(i64::MAX),
            _ => return,
        };
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let Messages { taken: known, order } = &mut *messages;
        match known.get_mut(&ping) {
            // The first acceptance counts, and no deferral after it.
            Some(before) => *before = taken.min(*before),
            None => {
                known.insert(ping, taken);
                order.push_back(ping);
            }
        }
        if order.len() > MAX_MESSAGES
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
        self.has_any.store(true, Ordering::Release);
    }

    /// When the recipient's mail server took the message: in the future if it has not yet. `None`
    /// if that is not known.
    pub(crate) fn of(&self, ping: PingId) -> Option<Timestamp> {
        if !self.has_any.load(Ordering::Acquire) {
            return None;
        }
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.taken.get(&ping).copied()
    }
}

impl fmt::Debug for Acceptances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acceptances")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(n: u32) -> PingId {
        PingId::from_bytes(u128::from(n).to_be_bytes())
    }

    fn time(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn the_first_acceptance_counts_and_a_deferral_is_not_one_yet() {
        let acceptances = Acceptances::default();
        assert_eq!(acceptances.of(ping(1)), None);
        acceptances.note(ping(1), MilestoneKind::Deferred, time(1));
        assert!(acceptances.of(ping(1)) > Some(time(1_000_000)));
        acceptances.note(ping(1), MilestoneKind::Accepted, time(5));
        acceptances.note(ping(1), MilestoneKind::Accepted, time(9));
        acceptances.note(ping(1), MilestoneKind::Deferred, time(11));
        acceptances.note(ping(1), MilestoneKind::Refused, time(12));
        assert_eq!((acceptances.of(ping(1)), acceptances.of(ping(2))), (Some(time(5)), None));
    }

    #[test]
    fn its_memory_is_bounded_and_the_oldest_goes_first() {
        let acceptances = Acceptances::default();
        let most = u32::try_from(MAX_MESSAGES).unwrap();
        for n in 0..most + 10 {
            acceptances.note(ping(n), MilestoneKind::Accepted, time(n.into()));
        }
        let messages = acceptances.messages.lock().unwrap();
        assert_eq!((messages.taken.len(), messages.order.len()), (MAX_MESSAGES, MAX_MESSAGES));
        drop(messages);
        assert_eq!((acceptances.of(ping(9)), acceptances.of(ping(10))), (None, Some(time(10))));
    }
}
