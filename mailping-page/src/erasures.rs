//! Erasures, told to whoever else keeps something of a ping.

use std::time::Duration;

use mailping_core::PingId;
use tokio::sync::{mpsc, oneshot};

/// How long an erasure's answer waits until it has been carried out elsewhere, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something was erased from the store.
#[derive(Debug)]
pub struct Erasure {
    ping: Option<PingId>,
    done: oneshot::Sender<()>,
}

impl Erasure {
    /// The ping; `None` if it was all of a recipient's.
    #[must_use]
    pub const fn ping(&self) -> Option<PingId> {
        self.ping
    }

    /// Nothing of it is kept elsewhere any more.
    pub fn done(self) {
        let _ = self.done.send(());
    }
}

/// Where erasures are told, if anywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Erasures(Option<mpsc::Sender<Erasure>>);

impl Erasures {
    pub(crate) fn to(sender: mpsc::Sender<Erasure>) -> Self {
        Self(Some(sender))
    }

    /// Tells of one and waits until it has been carried out.
    pub(crate) async fn tell(&self, ping: Option<PingId>) {
        let Some(sender) = &self.0 else { return };
        let (done, is_done) = oneshot::channel();
        let told = async {
            if sender.send(Erasure { ping, done }).await.is_ok() {
                let _ = is_done.await;
            }
        };
        if tokio::time::timeout(PATIENCE, told).await.is_err() {
            tracing::warn!("what was erased is still kept elsewhere; it is looked for again");
        }
    }
}
