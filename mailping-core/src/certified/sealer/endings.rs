//! The end of a ping: its last statement, after which the store keeps nothing more of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::standing::Standing;
use super::turn::Turn;
use crate::certified::statement::{Statement, StatementKind};
use crate::store::{Backlog, EndReason, Ending, NewStatement, SealedPing, Spooling, Step};
use crate::time::{StepTime, TimeStep};
use crate::{Detail, Error, LastDay, PingId, Timestamp};

/// The most pings that end in one step.
const MAX_ENDINGS: usize = 16;
/// The most pings that are looked at for one that can end.
const MAX_TRIED: usize = 4_096;

impl Turn<'_> {
    /// Ends the pings whose time has come; `false` if there are none.
    pub(super) async fn end(&self, standing: &Standing) -> Result<bool, Error> {
        let backlog = self.sealer.store.spool().map(Spooling::backlog).unwrap_or_default();
        let until = arrived_until(self.now, self.sealer.log.late(), backlog);
        let (mut step, mut limit, mut tried) = (self.step(), MAX_ENDINGS, BTreeSet::new());
        while step.ended.is_empty() && limit <= MAX_TRIED {
            let mut endings = self.sealing.ending(until, limit).await?;
            let is_all = endings.len() < limit;
            endings.retain(|ending| tried.insert(ending.ping));
            let pings: Vec<PingId> = endings.iter().map(|ending| ending.ping).collect();
            let sealed = self.sealed(&pings).await?;
            for ending in endings {
                let sealed = sealed.get(&ending.ping).filter(|_| step.ended.len() < MAX_ENDINGS);
                let Some(sealed) = sealed else { continue };
                self.end_of(standing, ending, sealed, &mut step).await?;
            }
            if is_all {
                break;
            }
            // Those that cannot be read come first each time: the others stand behind them.
            limit *= 2;
        }
        if step.ended.is_empty() {
            return Ok(false);
        }
        self.put(standing, step).await?;
        Ok(true)
    }

    async fn end_of(
        &self,
        standing: &Standing,
        ending: Ending,
        sealed: &SealedPing,
        step: &mut Step,
    ) -> Result<(), Error> {
        // It is gone, or cannot be read: then others end all the same.
        let ping = self.readable(ending.ping, self.sealer.store.ping(ending.ping).await)?;
        let Some(ping) = ping.flatten() else { return Ok(()) };
        let statements = self.readable(ping.id, self.sealing.statements_of(ping.id).await)?;
        let Some(statements) = statements else { return Ok(()) };
        let at = match ending.reason {
            EndReason::RecordUntil => ping.record_until,
            EndReason::Withdrawn | EndReason::Objection => self.now.min(ping.record_until),
        };
        // Behind all that it has, and a seal later than now: a batch that was kept before the end
        // may not be news yet.
        let time_step = if ping.detail == Detail::LastDay { TimeStep::Day } else { ping.time_step };
        let last_step = Statement::end_of(StepTime::new(at, time_step));
        let planned = statements.into_iter().map(|(seal, _)| seal).max();
        let seal = self.schedule(standing).seal_for(sealed.first, last_step);
        let seal = seal.max(planned.unwrap_or(0)).max(self.ledger.next + 1);
        let seal = crate::certified::seal::next_due(sealed.first, seal);
        let mut add = |statement: Statement, kind: StatementKind| {
            let (ends, line) = (statement.ends(), statement.to_string());
            step.statements.push(NewStatement { ping: ping.id, name: kind.to_string(), seal, ends, line });
        };
        if let Some(day) = ping.last_day {
            add(Statement::last_day(&LastDay::new(ping.id, day)), StatementKind::LastDay);
        }
        add(Statement::ended(at, ending.reason), StatementKind::Ended);
        step.ended.push((ping.id, seal));
        Ok(())
    }
}

/// Up to when all opens have come that will: what a spool holds is from later than since when it
/// holds it, and what is on its way elsewhere has the grace.
fn arrived_until(now: Timestamp, grace: Duration, backlog: Backlog) -> Timestamp {
    let late = grace.max(backlog.oldest.unwrap_or_default());
    let late = i64::try_from(late.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(now.unix_millis().saturating_sub(late))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_holds_back_what_it_can_have_opens_of_alone() {
        let until = |grace, backlog| {
            let until = arrived_until(Timestamp::from_unix_millis(10_000_000), grace, backlog);
            (10_000_000 - until.unix_millis()) / 1_000
        };
        let seconds = Duration::from_secs;
        assert_eq!(until(seconds(60), Backlog::default()), 60);
        assert_eq!(until(seconds(60), Backlog::new(9, Some(seconds(5)))), 60, "busy, and nothing is late");
        assert_eq!(until(seconds(60), Backlog::new(9, Some(seconds(500)))), 500);
        assert_eq!(until(seconds(60), Backlog::new(9, None)), 60, "what will not come is not waited for");
        assert_eq!(until(Duration::MAX, Backlog::default()), 10_000);
    }
}
