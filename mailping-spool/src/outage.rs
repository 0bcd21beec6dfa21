//! Whether the database fails, and what the log has said of it: each new reason, not each failure.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mailping_core::store::StoreError;

/// How long a reason stands before another one is logged: two may take turns at each try.
const PAUSE: Duration = Duration::from_secs(10);

/// What is known of an outage, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Option<Told>>);

#[derive(Debug)]
struct Told {
    reason: String,
    /// When another reason may be logged.
    next: Instant,
}

impl Outage {
    fn told(&self) -> MutexGuard<'_, Option<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_on(&self) -> bool {
        self.told().is_some()
    }

    pub(crate) fn note_failure(&self, error: &StoreError) {
        let failure = error.with_sources();
        if self.is_news(&failure, Instant::now()) {
            tracing::error!(failure, "the database does not take opens: they are kept in the spool");
        }
    }

    pub(crate) fn note_success(&self) {
        if self.told().take().is_some() {
            tracing::info!("the database takes opens again");
        }
    }

    fn is_news(&self, reason: &str, now: Instant) -> bool {
        let mut told = self.told();
        let next = match &*told {
            // Often it is only that the database did not answer in time: what the next try finds
            // out may be logged at once.
            None => now,
            Some(told) if told.reason == reason || now < told.next => return false,
            Some(_) => now + PAUSE,
        };
        *told = Some(Told { reason: reason.to_owned(), next });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_new_reason_is_logged_and_no_failure_twice() {
        let (outage, begin) = (Outage::default(), Instant::now());
        let is_news = |reason, seconds| outage.is_news(reason, begin + Duration::from_secs(seconds));
        assert!(is_news("no answer in time", 0));
        assert!(!is_news("no answer in time", 0));
        assert!(is_news("too few copies", 1), "the second reason is logged at once");
        assert!((2..11).all(|seconds| !is_news("no answer in time", seconds)), "two that take turns");
        assert!(!is_news("too few copies", 60));
        assert!(is_news("no answer in time", 60), "the last line is the reason of now");
        outage.note_success();
        assert!(!outage.is_on());
        assert!(is_news("no answer in time", 61), "another outage");
    }
}
