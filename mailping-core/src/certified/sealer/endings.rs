//! The end of a ping: its last statement, after which the store keeps nothing more of it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::standing::Standing;
use super::turn::Turn;
use crate::certified::statement::{Statement, StatementKind};
use crate::store::{EndReason, Ending, NewStatement, SealedPing, Step, StoreError};
use crate::time::{StepTime, TimeStep};
use crate::{Detail, Error, LastDay, PingId, Timestamp};

/// The most pings that end in one step.
const MAX_ENDINGS: usize = 16;
/// The most pings that are looked at for one that can end.
const MAX_TRIED: usize = 4_096;

impl Turn<'_> {
    /// Ends the pings whose time has come; `false` if there are none.
    pub(super) async fn end(&self, standing: &Standing) -> Result<bool, Error> {
        // What is on its way may be from before the end of recording: a spool hands it over late.
        let every = i64::try_from(self.sealer.log.every.as_millis()).unwrap_or(i64::MAX);
        let waits = self.sealer.store.spool().is_some_and(|spool| spool.backlog().waiting > 0);
        let until = if waits { 0 } else { self.now.unix_millis().saturating_sub(every) };
        let until = Timestamp::from_unix_millis(until);
        let (mut step, mut passed_over) = (self.step(), 0);
        let (mut limit, mut tried) = (MAX_ENDINGS, BTreeSet::new());
        while step.ended.is_empty() && limit <= MAX_TRIED {
            let mut endings = self.sealing.ending(until, limit).await?;
            let is_all = endings.len() < limit;
            endings.retain(|ending| tried.insert(ending.ping));
            let pings: Vec<PingId> = endings.iter().map(|ending| ending.ping).collect();
            for (ending, sealed) in endings.into_iter().zip(self.sealing.sealed(&pings).await?) {
                let Some(sealed) = sealed.filter(|_| step.ended.len() < MAX_ENDINGS) else { continue };
                self.end_of(standing, ending, sealed, &mut step, &mut passed_over).await?;
            }
            if is_all {
                break;
            }
            // Those that cannot be read come first each time: the others stand behind them.
            limit *= 2;
        }
        if self.sealer.unended.swap(passed_over, Ordering::Relaxed) < passed_over {
            tracing::error!(passed_over, "pings that cannot be read cannot end");
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
        sealed: SealedPing,
        step: &mut Step,
        passed_over: &mut usize,
    ) -> Result<(), Error> {
        let ping = match self.sealer.store.ping(ending.ping).await {
            Ok(Some(ping)) => ping,
            // It is gone, or cannot be read: then others end all the same.
            Ok(None) => return Ok(()),
            Err(StoreError::Corrupt { .. }) => {
                *passed_over += 1;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let at = match ending.reason {
            EndReason::RecordUntil => ping.record_until,
            EndReason::Withdrawn | EndReason::Objection => self.now.min(ping.record_until),
        };
        // Behind all that it has, and a seal later than now: a batch that was kept before the end
        // may not be news yet.
        let time_step = if ping.detail == Detail::LastDay { TimeStep::Day } else { ping.time_step };
        let last_step = Statement::end_of(StepTime::new(at, time_step));
        let planned = self.sealing.statements_of(ping.id).await?.into_iter().map(|(seal, _)| seal).max();
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
