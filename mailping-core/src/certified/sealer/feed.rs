//! What is new becomes statements, a few at once.

use super::schedule::Schedule;
use super::standing::Standing;
use super::turn::Turn;
use crate::certified::statement::{Statement, StatementKind};
use crate::fetcher::Verdict;
use crate::milestone::{Milestone, MilestoneKind};
use crate::observe::Observation;
use crate::store::{NewStatement, SealedPing, Step};
use crate::{Error, PingId};

/// The most that is read of the store's news at once.
const MAX_NEWS: usize = 256;
/// So often it is read before it is put down: what is put down together can be so in the order of
/// pings, and a step then writes to a few places and not to one for each statement. It is some
/// 20 MB at the most.
const MAX_READS: usize = 128;
/// The most statements in a step, so that no hit waits for it longer than for a batch.
const MAX_IN_STEP: usize = 64;

/// How far what is new was read, in the steps that are made now.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    /// How often it was put down.
    pub(super) count: usize,
    /// There was less than could be read at once: the rest has only just come.
    pub(super) caught_up: bool,
}

impl Turn<'_> {
    /// Puts down what was kept since the last time; `false` if there is nothing.
    ///
    /// The mark moves with the last step. If it does not come to that, all of it is read again, and
    /// what was put down stays as it is.
    pub(super) async fn feed(&self, standing: &Standing, feeds: &mut Feeds) -> Result<bool, Error> {
        let schedule = self.schedule(standing);
        let (mut mark, mut items, mut is_new) = (standing.mark.clone(), Vec::new(), false);
        for _ in 0..MAX_READS {
            let news = self.sealer.store.news(&mark, MAX_NEWS).await?;
            if news.unreadable > 0 {
                tracing::error!(rows = news.unreadable, "what cannot be read cannot be sealed");
            }
            is_new |= !news.items.is_empty() || news.unreadable > 0;
            feeds.caught_up = (1..MAX_NEWS).contains(&news.items.len());
            items.extend(news.items);
            let Some(next) = news.next else { break };
            mark = next;
            if feeds.caught_up {
                break;
            }
        }
        // A mark can move with nothing behind it, also by this very step.
        if !is_new {
            return Ok(false);
        }
        feeds.count += 1;
        // Stable: of a ping's last days the latest stays last.
        items.sort_by_key(Observation::ping);
        let statements = self.statements(&items, schedule).await?;
        let (mut steps, mut rest) = (0, statements.into_iter());
        while rest.len() > MAX_IN_STEP {
            let step = Step { statements: rest.by_ref().take(MAX_IN_STEP).collect(), ..self.step() };
            if !self.put_behind(steps, standing, step).await? {
                return Ok(true);
            }
            steps += 1;
        }
        let step = Step { statements: rest.collect(), ..self.step() };
        self.put_behind(steps, &Standing { mark, ..standing.clone() }, step).await?;
        Ok(true)
    }

    pub(super) fn schedule(&self, standing: &Standing) -> Schedule {
        Schedule::new(self.ledger.next, standing.from, self.now, self.sealer.log.every)
    }

    /// Of news in the order of its pings.
    pub(super) async fn statements(
        &self,
        items: &[Observation],
        schedule: Schedule,
    ) -> Result<Vec<NewStatement>, Error> {
        let mut pings: Vec<PingId> = items.iter().map(Observation::ping).collect();
        pings.dedup();
        if pings.is_empty() {
            return Ok(Vec::new());
        }
        let sealed = self.sealed(&pings).await?;
        let statement = |item: &Observation| {
            let sealed = sealed.get(&item.ping())?;
            self.statement(item, sealed, schedule)
        };
        Ok(items.iter().filter_map(statement).collect())
    }

    /// `None` for what is not sealed, or not yet: of last days only the latest is.
    fn statement(&self, item: &Observation, sealed: &SealedPing, schedule: Schedule) -> Option<NewStatement> {
        let (name, statement) = match item {
            Observation::Open(open) => (open.id.to_string(), Statement::open(open)),
            Observation::Milestone(milestone) => (milestone.kind.to_string(), of_milestone(milestone)?),
            Observation::LastDay(last) => {
                sealed.last?;
                (StatementKind::LastDay.to_string(), Statement::last_day(last))
            }
        };
        let ends = statement.ends();
        let due = schedule.seal_for(sealed.first, ends);
        let seal = match sealed.last {
            None => due,
            Some(last) if last >= self.ledger.next => due.min(last),
            // What a mail server tells comes late at times.
            Some(_) if matches!(item, Observation::Milestone(_)) => return None,
            Some(_) => {
                let ping = item.ping();
                tracing::error!(%ping, "a fetch was kept after its ping's end had been sealed: it is not sealed");
                return None;
            }
        };
        Some(NewStatement { ping: item.ping(), name, seal, ends, line: statement.to_string() })
    }
}

fn of_milestone(milestone: &Milestone) -> Option<Statement> {
    let (time, kind) = (milestone.time(), milestone.kind);
    let status = milestone.status_code.map(|code| code.to_string());
    match (kind, milestone.reply_code) {
        (MilestoneKind::Unknown, _) => None,
        (MilestoneKind::Confirmed, _) => {
            let verdict = milestone.verdict.unwrap_or(Verdict::Uncertain);
            Some(Statement::confirmed(time, verdict, milestone.evidence))
        }
        (MilestoneKind::Accepted | MilestoneKind::Deferred | MilestoneKind::Refused, Some(reply)) => {
            Some(Statement::handed_over(time, kind.as_str(), reply, status.as_deref()))
        }
        (MilestoneKind::Deferred | MilestoneKind::Refused, None) => None,
        _ => Some(Statement::reported(time, kind.as_str(), status.as_deref())),
    }
}
