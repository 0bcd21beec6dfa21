//! The thread that has a spool hand over what waits, if the store has one.

use std::time::Duration;

use super::Shared;
use super::pause::Pauses;
use super::writer::guarded;
use crate::store::Spooling;

/// How long a spool that is empty is left alone.
const IDLE: Duration = Duration::from_millis(500);

impl Shared {
    /// Hands over until the queue is closed; `at_contact` is called after each success until it
    /// says that it has done its work.
    pub(super) fn hand_over(&self, at_contact: &dyn Fn() -> bool) {
        let mut pauses = Pauses::new();
        let mut is_checked = false;
        loop {
            let handed_over = guarded(|| self.store.spool().map(Spooling::hand_over).transpose());
            let pause = match handed_over {
                Ok(None) => return,
                Ok(Some(has_more)) => {
                    pauses = Pauses::new();
                    is_checked = is_checked || guarded(|| Ok(at_contact())).unwrap_or(false);
                    if has_more { Duration::ZERO } else { IDLE }
                }
                // The spool has told it in the log.
                Err(_) => pauses.next(),
            };
            if !self.pause(&self.ended, pause) {
                return;
            }
        }
    }
}
