//! A clock that stands still until it is moved on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2026-11-23T10:00:00Z, in seconds.
const BEGUN: u64 = 1_795_428_000;
const HOUR: u64 = 3_600;

/// A clock that stands still until it is moved on; its clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<AtomicU64>);

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(BEGUN)))
    }
}

impl Clock {
    /// The time that it shows.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    /// Moves it on by an hour.
    pub fn pass_an_hour(&self) {
        self.0.fetch_add(HOUR, Ordering::SeqCst);
    }
}
