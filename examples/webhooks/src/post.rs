//! One message: made from what is kept when it is sent, and posted.

use mailping_core::Tracker;
use serde_json::json;

use crate::outbox::Waiting;
use crate::target::{NotTaken, Target};

/// What a message is made of, and where it goes.
pub(crate) struct Post {
    pub(crate) tracker: Tracker,
    pub(crate) target: Target,
}

impl Post {
    pub(crate) async fn send(&self, waiting: &Waiting) -> Outcome {
        let (summary, found) = match self.tracker.receipts().notifications(waiting.ping).await {
            Ok(Some(found)) => found,
            Ok(None) => return Outcome::Gone,
            Err(_) => return Outcome::Unknown,
        };
        let Some(notice) = found.iter().find(|notice| waiting.is(**notice)) else {
            return Outcome::Untrue;
        };
        // No place, network or verdict: who may see those asks for the receipt.
        let ping = &summary.ping;
        let message = json!({
            "type": format!("ping.{}", notice.name()),
            "timestamp": notice.at(),
            "data": { "ping": ping.id, "reference": ping.reference, "owner": ping.owner, "state": summary.state,
                "delivery": summary.delivery },
        });
        match self.target.post(&waiting.id(), message.to_string()).await {
            Ok(()) => Outcome::Taken,
            Err(reason) => Outcome::NotTaken(reason),
        }
    }
}

/// What became of an attempt.
pub(crate) enum Outcome {
    Taken,
    NotTaken(NotTaken),
    /// The ping is erased or purged.
    Gone,
    /// It is no longer so: a message that was not opened has been.
    Untrue,
    /// The database could not be asked.
    Unknown,
}
