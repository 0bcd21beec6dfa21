//! A time limit without a runtime: nothing that a client leaves unsent may hold its connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::bell::{Bell, Wait};

/// It rings for nobody: all that wait for it wait for their time.
static ALARM: LazyLock<Arc<Bell>> = LazyLock::new(Arc::default);

/// Ready once its time has passed. For adapters whose framework comes without a timer; a thread of
/// the process keeps the time, and starts with the first that has to wait.
#[derive(Debug)]
pub struct Timeout(Wait);

impl Timeout {
    /// So long from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(ALARM.wait(ALARM.heard(), Instant::now() + limit))
    }
}

impl Future for Timeout {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}
