//! Which of several servers is the primary: asked once, stayed with, and looked for again when
//! something tells that it may be another.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::failure::{Failure, Fault, Result};
use crate::history::History;
use crate::round;

const CONNECTIONS: u32 = 10;
/// How long a call waits for a connection of the pool, which tries again and again to reach a
/// server that refuses it.
const ACQUIRE: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is tried before it is used.
const IDLE: Duration = Duration::from_secs(5);
/// How long a call waits for a primary if one was known.
const MAX_SEARCH: Duration = Duration::from_secs(10);
/// The pauses between two searches that found none.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// A call that takes longer may wait for a server that was superseded or lost its power.
const SLOW: Duration = Duration::from_secs(2);
/// How often it is looked for a promotion that nothing else tells of.
const LOOK: Duration = Duration::from_secs(10);

/// Servers of which one is the primary.
pub(crate) struct Primary {
    servers: Vec<PgConnectOptions>,
    state: StdMutex<State>,
    /// Held by the one who searches.
    search: Mutex<Search>,
    /// Counts the primaries, for those who wait for one that was superseded.
    reign: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    chosen: Option<Chosen>,
    /// How many pools there have been.
    pools: u64,
    looked: Option<Instant>,
}

/// The server that is used.
#[derive(Clone)]
struct Chosen {
    pool: PgPool,
    number: usize,
    history: History,
    /// Which pool it is, and of which primary.
    generation: u64,
    reign: u64,
    is_doubted: bool,
}

/// When the next search may begin.
#[derive(Default)]
struct Search {
    not_before: Option<Instant>,
    pause: Option<Duration>,
}

impl Search {
    /// Half to one and a half of the pause, so that the instances of an app do not ask together.
    fn back_off(&mut self) {
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(MAX_PAUSE));
        self.pause = Some(pause);
        let share = u32::try_from(RandomState::new().hash_one(0) % 1_000).unwrap_or(0);
        self.not_before = Some(Instant::now() + pause / 2 + pause * share / 1_000);
    }
}

impl Primary {
    pub(crate) fn of(servers: Vec<PgConnectOptions>) -> Arc<Self> {
        Arc::new(Self {
            servers,
            state: StdMutex::default(),
            search: Mutex::default(),
            reign: watch::Sender::new(0),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the work with the primary's pool. It ends in an error if another server has become the
    /// primary meanwhile.
    pub(crate) async fn run<T, W>(self: &Arc<Self>, work: impl FnOnce(PgPool) -> W) -> Result<T>
    where
        W: Future<Output = Result<T>>,
    {
        let chosen = self.chosen().await?;
        let mut reign = self.reign.subscribe();
        let mut superseded = pin!(reign.wait_for(|reign| *reign != chosen.reign));
        let mut work = pin!(work(chosen.pool));
        loop {
            tokio::select! {
                done = &mut work => return done.map_err(|failure| self.judge(failure, chosen.generation)),
                // Nothing cancels what the old server is at: it is no longer waited for.
                _ = &mut superseded => return Err(Failure::fault(Fault::Unreachable)),
                () = sleep(SLOW) => self.look_beside(SLOW),
            }
        }
    }

    /// Notes what a failure says about the server.
    fn judge(&self, failure: Failure, generation: u64) -> Failure {
        let fault = failure.database_fault();
        if failure.is_outage() || fault == Some(Fault::PoolClosed) {
            let mut state = self.state();
            let chosen = state.chosen.as_mut().filter(|chosen| chosen.generation == generation);
            if let Some(chosen) = chosen {
                chosen.is_doubted = true;
            }
        }
        // The pool is ours, and is closed when it is replaced.
        if fault == Some(Fault::PoolClosed) { Failure::fault(Fault::Unreachable) } else { failure }
    }

    /// The server to use now. One that was never found is looked for once, so that a program that
    /// starts is told at once.
    async fn chosen(self: &Arc<Self>) -> Result<Chosen> {
        if let Some(chosen) = self.undoubted() {
            if self.servers.len() > 1 {
                self.look_beside(LOOK);
            }
            return Ok(chosen);
        }
        let known = self.state().chosen.is_some();
        let end = Instant::now() + if known { MAX_SEARCH } else { Duration::ZERO };
        let patience = Instant::now() + MAX_SEARCH;
        let Ok(mut search) = timeout_at(patience, self.search.lock()).await else {
            return Err(Failure::fault(Fault::NoPrimary));
        };
        loop {
            // Another call may have found it while this one waited.
            if let Some(chosen) = self.undoubted() {
                return Ok(chosen);
            }
            if let Some(not_before) = search.not_before {
                sleep_until(not_before).await;
            }
            match self.look().await {
                Ok(()) => *search = Search::default(),
                Err(failure) => {
                    search.back_off();
                    if !failure.is_outage() || Instant::now() >= end {
                        return Err(failure);
                    }
                }
            }
        }
    }

    fn undoubted(&self) -> Option<Chosen> {
        self.state().chosen.clone().filter(|chosen| !chosen.is_doubted)
    }

    /// Looks in a task of its own, unless somebody looks or has looked within this time.
    fn look_beside(self: &Arc<Self>, within: Duration) {
        if self.state().looked.is_some_and(|looked| looked.elapsed() < within) {
            return;
        }
        let primary = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(_search) = primary.search.try_lock() {
                // None found: the calls themselves will tell.
                let _ = primary.look().await;
            }
        });
    }

    /// Asks all servers, and moves to the primary if it is another, or this one is doubted.
    async fn look(&self) -> Result<()> {
        self.state().looked = Some(Instant::now());
        let now = self.state().chosen.as_ref().map(|chosen| chosen.number);
        let (number, history) = round::ask_all(&self.servers, now).await?;
        let mut state = self.state();
        let is_same = match &state.chosen {
            Some(chosen) if history.is_before(chosen.history) => {
                tracing::error!(
                    server = number + 1,
                    "a server of an older timeline takes writes: it was superseded, and is left alone; end it"
                );
                return Err(Failure::fault(Fault::NoPrimary));
            }
            Some(chosen) => chosen.number == number && chosen.history == history,
            None => false,
        };
        if is_same && state.chosen.as_ref().is_some_and(|chosen| !chosen.is_doubted) {
            return Ok(());
        }
        // A pool of its own for each: the connections of a doubted one may all be broken.
        let options = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
        // A connection that was used just now tells by itself that it is broken, and at once.
        let options = options.test_before_acquire(false).before_acquire(|connection, about| {
            Box::pin(async move { Ok(about.idle_for < IDLE || connection.ping().await.is_ok()) })
        });
        let Some(server) = self.servers.get(number) else { return Err(Failure::fault(Fault::NoPrimary)) };
        let pool = options.connect_lazy_with(server.clone());
        state.pools += 1;
        let mut reign = *self.reign.borrow();
        if !is_same {
            tracing::info!(server = number + 1, of = self.servers.len(), "found the primary");
            reign += 1;
        }
        let generation = state.pools;
        let new = Chosen { pool, number, history, generation, reign, is_doubted: false };
        let old = state.chosen.replace(new);
        drop(state);
        if let Some(old) = old {
            tokio::spawn(async move { old.pool.close().await });
        }
        self.reign.send_replace(reign);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_end_and_no_two_instances_pause_alike() {
        let mut ends = Vec::new();
        for _ in 0..8 {
            let (mut search, begun) = (Search::default(), Instant::now());
            for _ in 0..12 {
                search.back_off();
            }
            assert_eq!(search.pause, Some(MAX_PAUSE));
            let pause = search.not_before.unwrap() - begun;
            assert!(pause >= MAX_PAUSE / 2 && pause < MAX_PAUSE * 2, "{pause:?}");
            ends.push(pause.as_millis() / 10);
        }
        ends.dedup();
        assert!(ends.len() > 1, "{ends:?}");
    }
}
