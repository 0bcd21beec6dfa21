//! Wrong secrets, counted: beyond a number in a minute each is answered late. A right one never
//! waits for them.
//!
//! The count is one for all clients, since no address is kept that could tell them apart.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

const WINDOW: Duration = Duration::from_secs(60);
/// How long a wrong secret's answer waits, once there were too many.
const DELAY: Duration = Duration::from_secs(1);
/// The most answers that wait at once; beyond, they are given without waiting.
const MAX_WAITING: usize = 64;

/// Counts wrong guesses within a minute.
#[derive(Debug)]
pub(crate) struct Guesses {
    most: u32,
    window: Mutex<(Instant, u32)>,
    waiting: Semaphore,
}

impl Guesses {
    pub(crate) fn per_minute(most: u32) -> Self {
        Self { most, window: Mutex::new((Instant::now(), 0)), waiting: Semaphore::new(MAX_WAITING) }
    }

    /// Counts a wrong one. `true`, after a while, if there were too many.
    pub(crate) async fn wrong(&self) -> bool {
        let count = self.count_at(Instant::now());
        if count == self.most.saturating_add(1) {
            tracing::warn!(count, "many wrong admin tokens within a minute: their answers are delayed");
        }
        let too_many = count > self.most;
        if too_many && let Ok(_place) = self.waiting.try_acquire() {
            tokio::time::sleep(DELAY).await;
        }
        too_many
    }

    fn count_at(&self, now: Instant) -> u32 {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(window.0) >= WINDOW {
            *window = (now, 0);
        }
        window.1 = window.1.saturating_add(1);
        window.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_begins_anew() {
        let guesses = Guesses::per_minute(3);
        let start = Instant::now();
        let counts: Vec<u32> = (0..5).map(|_| guesses.count_at(start)).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5]);
        assert_eq!(guesses.count_at(start + WINDOW), 1);
    }
}
