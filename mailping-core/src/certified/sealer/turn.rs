//! One look at the ledger, and the one step that is made from it.

use std::time::Duration;

use super::feed::Feeds;
use super::{MAX_FEEDS, Sealer, Standing};
use crate::certified::seal::floor_second;
use crate::store::{Ledger, Sealing, Step};
use crate::{Error, Timestamp};

pub(super) struct Turn<'a> {
    pub(super) sealer: &'a Sealer,
    pub(super) sealing: &'a dyn Sealing,
    pub(super) now: Timestamp,
    pub(super) ledger: Ledger,
    /// `None` before the log has begun.
    pub(super) standing: Option<Standing>,
}

impl Turn<'_> {
    /// Makes the step that comes next; `false` if there is none to make now.
    pub(super) async fn go(self, feeds: &mut Feeds) -> Result<bool, Error> {
        let Some(standing) = &self.standing else { return self.is_begun().await.map(|_| true) };
        if let Some(lost) = self.lost(standing) {
            return self.begin_anew(standing, lost).await;
        }
        self.check_key(standing)?;
        if self.now.plus(MAX_APART) < standing.from {
            return Err(Error::Log { problem: CLOCK });
        }
        if let Some(period) = standing.closing {
            return self.seal(standing, period).await;
        }
        if self.publish(standing).await? {
            return Ok(true);
        }
        let is_due = self.now >= standing.from.plus(self.sealer.log.every);
        // Beside hits without end there is always a little more, with time until a seal is due.
        let may_feed = if is_due { feeds.count < MAX_FEEDS } else { !feeds.caught_up };
        Ok(may_feed && self.feed(standing, feeds).await?
            || self.end(standing).await?
            || is_due && self.close_behind_news(standing, feeds).await?
            || self.take_answers(standing).await?
            || self.show(standing).await?
            || self.cut(standing).await?)
    }

    /// The store goes through all of a seal for its latest statement: once, when there is no news
    /// any more. What it held back then keeps the seal open, so what is new since is read first.
    async fn close_behind_news(&self, standing: &Standing, feeds: &mut Feeds) -> Result<bool, Error> {
        let latest = self.sealing.latest(self.ledger.next).await?;
        let is_fed = feeds.count < MAX_FEEDS && self.feed(standing, feeds).await?;
        if is_fed {
            feeds.count += LOOK;
        }
        Ok(is_fed || self.close(standing, latest).await?)
    }

    /// Begins the log; `true` if it has begun before.
    pub(super) async fn is_begun(&self) -> Result<bool, Error> {
        if self.standing.is_some() {
            return Ok(true);
        }
        let mark = self.sealer.store.mark().await?;
        let from = floor_second(self.now);
        let standing = Standing::first(self.sealer.public_key().clone(), from, mark);
        let step = Step { closed_to: from, ..self.step() };
        self.put(&standing, step).await?;
        Ok(false)
    }

    /// A step that changes nothing.
    pub(super) fn step(&self) -> Step {
        Step { next: self.ledger.next, closed_to: self.ledger.closed_to, ..Step::default() }
    }

    /// Makes the step, or finds that another sealer was first: either way the ledger is to be read
    /// again.
    pub(super) async fn put(&self, standing: &Standing, step: Step) -> Result<bool, Error> {
        self.put_behind(0, standing, step).await
    }

    /// As [`Turn::put`], behind so many other steps of this turn.
    pub(super) async fn put_behind(
        &self,
        steps: u64,
        standing: &Standing,
        step: Step,
    ) -> Result<bool, Error> {
        let step = Step { text: standing.to_text(), ..step };
        Ok(self.sealing.step(self.ledger.version + steps, &step).await?)
    }

    /// How many seals are in the log.
    pub(super) fn size(&self) -> u64 {
        let closing = self.standing.as_ref().is_some_and(|standing| standing.closing.is_some());
        self.ledger.next - u64::from(closing)
    }

    pub(super) fn check_key(&self, standing: &Standing) -> Result<(), Error> {
        let log = &self.sealer.log;
        let known = [Some(&log.key), log.old_key.as_ref()];
        let fits = known.into_iter().flatten().any(|key| *key.public() == standing.key);
        let is_one_log = standing.key.name() == log.key.public().name();
        if fits && is_one_log { Ok(()) } else { Err(Error::Log { problem: OTHER_KEY }) }
    }
}

/// News that comes while it is looked when a seal can close counts as so many batches, so that a
/// stream of hits does not have it looked for ever.
const LOOK: usize = MAX_FEEDS / 8;
/// How far the clocks of two machines may be apart.
pub(super) const MAX_APART: Duration = Duration::from_secs(300);
const CLOCK: &str = "the clock is behind the last seal: nothing is sealed until it has caught up";
const OTHER_KEY: &str = "the database holds a log of another key or another origin, which a log keeps from its first start: give those, \
                         or take over from the key with one of the same origin";
