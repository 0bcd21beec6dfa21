//! How many wrong secrets are listened to: beyond that, none is, right or wrong, until time has passed.
//!
//! The bound is one for all clients, since no address is kept that could tell them apart.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);

/// Counts wrong guesses within a minute.
#[derive(Debug)]
pub(crate) struct Guesses {
    most: u32,
    state: Mutex<(Instant, u32)>,
}

impl Guesses {
    pub(crate) fn per_minute(most: u32) -> Self {
        Self { most, state: Mutex::new((Instant::now(), 0)) }
    }

    /// Asks whether a secret is right: `None` where it was not looked at, since too many were wrong.
    pub(crate) fn judge(&self, is_right: impl FnOnce() -> bool) -> Option<bool> {
        self.judge_at(Instant::now(), is_right)
    }

    fn judge_at(&self, now: Instant, is_right: impl FnOnce() -> bool) -> Option<bool> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.0) >= WINDOW {
            *state = (now, 0);
        }
        if state.1 >= self.most {
            return None;
        }
        let right = is_right();
        if !right {
            state.1 += 1;
        }
        Some(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_too_many_wrong_ones_not_even_the_right_one_is_told_until_a_minute_has_passed() {
        let guesses = Guesses::per_minute(3);
        let start = Instant::now();
        for right in [false, true, false, true, false] {
            assert_eq!(guesses.judge_at(start, || right), Some(right));
        }
        assert_eq!(guesses.judge_at(start, || true), None);
        assert_eq!(guesses.judge_at(start + WINDOW, || true), Some(true));
    }
}
