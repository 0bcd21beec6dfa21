//! Where the store's work runs: on the runtime that it was made in, whatever thread waits for it.

use std::time::Duration;

use mailping_core::store::StoreError;
use tokio::runtime::Handle;

use crate::failure::{Failure, Fault, Result};

/// A handle of the app's runtime.
#[derive(Debug, Clone)]
pub(crate) struct Runtime(Handle);

impl Runtime {
    pub(crate) fn current() -> Result<Self> {
        Handle::try_current().map(Self).map_err(|_| {
            Failure::incompatible(
                "the store must be made inside a tokio runtime: make it in an async function",
            )
        })
    }

    /// Carries out the work to its end, even if the caller stops waiting for it; at most for
    /// `timeout`.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        // The timer must be made on the runtime: the tracker's own thread has none.
        let work = self.0.spawn(async move { tokio::time::timeout(timeout, work).await });
        match work.await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Failure::fault(Fault::TimedOut)),
            Err(_) => Err(Failure::fault(Fault::RuntimeEnded)),
        }
        .map_err(StoreError::from)
    }
}
