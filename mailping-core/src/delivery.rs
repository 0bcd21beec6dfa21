//! What became of a message beside its opens: what the recipient's mail server answered, what it
//! reported later, and whether the recipient confirmed receipt.
//!
//! A server's own words are read for their codes and dropped: they can repeat an address.

#[cfg(feature = "reports")]
mod report;

use crate::milestone::Milestone;
use crate::pings::Pings;
use crate::smtp_reply::SmtpReply;
use crate::store::Recorded;
use crate::{Error, PingId};

/// What became of a message after it was made.
impl Pings<'_> {
    /// Keeps what the recipient's mail server answered when the message was handed over: the time,
    /// the outcome, the reply code and the enhanced status code, and nothing else. Durable once
    /// this returns. `false` if nothing is kept: there is no such ping, its recipient has
    /// objected to everything, or its certified receipt has ended.
    ///
    /// Call it for each answer, such as a deferral and the acceptance that follows it; the same
    /// outcome again changes nothing. From an acceptance on the early window of
    /// [`Classifier::early_window`](crate::fetcher::Classifier::early_window) is counted anew, for
    /// fetches that this process answers: see the guide [delivery](crate::guide::delivery).
    ///
    /// # Errors
    /// If the store did not keep it: call it again.
    pub async fn handed_over(self, id: PingId, reply: SmtpReply) -> Result<bool, Error> {
        let inner = self.inner();
        let now = inner.now();
        inner.acceptances.note(id, reply.outcome(), now);
        let mut milestone = Milestone::new(id, reply.outcome(), now);
        milestone.reply_code = Some(reply.code());
        milestone.status_code = reply.status_code();
        Ok(self.reach(&milestone).await? == Recorded::Durable)
    }

    /// Reads a delivery report (RFC 3464), such as a bounce, as it came in, and keeps what it says
    /// of its ping: `delivered`, `delayed` or `failed` with the enhanced status code, or `accepted`
    /// if the message was passed on to a server that reports nothing.
    ///
    /// The ping is found by a token of ours: in an address that the report was sent to, if the
    /// message had [`return_path`](crate::PreparedPing::return_path) as its envelope's sender, or
    /// in the [`message_id`](crate::PreparedPing::message_id) of the message that the report
    /// returns. `None` if nothing is kept of it: it is no such report, has no token of ours, or its
    /// ping takes nothing any more. The same report again changes nothing. At most the first 256
    /// KiB are read.
    ///
    /// Whoever has the message can make a report for it up: see the guide
    /// [delivery](crate::guide::delivery).
    ///
    /// # Errors
    /// If the store did not keep it: hand the report over again.
    #[cfg(feature = "reports")]
    pub async fn report(self, message: &[u8]) -> Result<Option<PingId>, Error> {
        let inner = self.inner();
        let Some(report) = report::read(message, &inner.observer.keys) else { return Ok(None) };
        let now = inner.now();
        let mut kept = None;
        for (kind, status_code) in report.outcomes {
            let mut milestone = Milestone::new(report.ping, kind, now);
            milestone.status_code = status_code;
            if self.reach(&milestone).await? == Recorded::Durable {
                kept = Some(report.ping);
            }
        }
        Ok(kept)
    }

    async fn reach(self, milestone: &Milestone) -> Result<Recorded, Error> {
        let inner = self.inner();
        let answer = inner.store.reach(milestone).await?;
        if answer == Recorded::Durable {
            inner.queue.bell().ring();
        }
        Ok(answer)
    }
}
