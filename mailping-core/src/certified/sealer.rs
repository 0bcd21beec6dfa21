//! Seals what is kept: reads what is new, puts it down as statements, closes a seal when its time
//! has come, and signs the log.
//!
//! All of it is a chain of small steps of the store's ledger. Each begins by reading the ledger and
//! is taken back if another sealer was first, so that two of them make one log, and one that is
//! killed is followed by the next.

mod anew;
mod closing;
mod cut;
mod endings;
mod feed;
mod head_file;
mod known;
mod outside;
mod passed_over;
mod publish;
mod receipt;
mod schedule;
mod standing;
mod thread;
mod turn;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(super) use self::anew::Lost;
pub(crate) use self::closing::NO_KEY;
pub(crate) use self::thread::Sealing as SealingThread;

use self::feed::Feeds;
use self::head_file::HeadFile;
use self::known::Known;
use self::outside::OutsideParties;
use self::passed_over::PassedOver;
use self::standing::Standing;
use self::turn::Turn;
use super::note::PublicKey;
use super::seal_log::SealLog;
use crate::store::{Sealing, Store, StoreError};
use crate::{Error, Keyring, Timestamp};

/// How many batches of news are read before a seal that is due is closed all the same.
const MAX_FEEDS: usize = 40;
/// How long a seal that an app asks for waits for outside parties.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Sealer {
    log: SealLog,
    file: HeadFile,
    store: Arc<dyn Store>,
    keys: Keyring,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    known: Mutex<Arc<Known>>,
    /// How many seals there were when it was last looked for what can be cut off.
    looked_to_cut: AtomicU64,
    passed_over: PassedOver,
    outside: OutsideParties,
}

impl Sealer {
    /// `None` if the store cannot seal.
    pub(crate) fn new(
        log: SealLog,
        store: Arc<dyn Store>,
        keys: Keyring,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Option<Self> {
        store.sealing()?;
        let file = HeadFile::new(log.last_head.clone());
        let outside = OutsideParties::new(&log.outside);
        Some(Self {
            log,
            file,
            store,
            keys,
            clock,
            known: Mutex::default(),
            looked_to_cut: AtomicU64::new(0),
            passed_over: PassedOver::default(),
            outside,
        })
    }

    pub(crate) const fn public_key(&self) -> &PublicKey {
        self.log.key.public()
    }

    pub(crate) const fn keys(&self) -> &Keyring {
        &self.keys
    }

    pub(crate) fn store(&self) -> Result<&dyn Sealing, StoreError> {
        self.store.sealing().ok_or_else(|| StoreError::unavailable("the store cannot seal"))
    }

    /// Makes all steps that are to be made now.
    pub(crate) async fn work(&self) -> Result<(), Error> {
        let mut feeds = Feeds::default();
        while self.turn().await?.go(&mut feeds).await? {}
        Ok(())
    }

    /// The same, and waits for the outside parties that were asked, for a while: for a program that
    /// may end behind it.
    pub(crate) async fn work_and_wait(&self) -> Result<(), Error> {
        self.work().await?;
        if self.outside.answered(PATIENCE).await { self.work().await } else { Ok(()) }
    }

    /// How many pings were passed over, since they cannot be read.
    pub(crate) fn passed_over(&self) -> usize {
        self.passed_over.count()
    }

    /// How long the outside party has not answered that was asked first of those that have not.
    pub(crate) fn unanswered(&self) -> Option<Duration> {
        self.outside.unanswered()
    }

    /// As if it were killed after so many steps.
    #[cfg(feature = "testing")]
    pub(crate) async fn work_for(&self, steps: usize) -> Result<(), Error> {
        for _ in 0..steps {
            self.turn().await?.go(&mut Feeds::default()).await?;
        }
        Ok(())
    }

    /// Whether this key is the log's, and this file can be written: what a program can be told at
    /// its start.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        self.file.check()?;
        let turn = self.turn().await?;
        match &turn.standing {
            Some(standing) if turn.lost(standing).is_none() => turn.check_key(standing),
            _ => Ok(()),
        }
    }

    /// Begins the log if there is none, so that pings can be made.
    pub(crate) async fn begin(&self) -> Result<(), Error> {
        while !self.turn().await?.is_begun().await? {}
        Ok(())
    }

    /// The signed head; `None` before the first seal.
    pub(crate) async fn head(&self) -> Result<Option<String>, Error> {
        let standing = Standing::of(&self.store()?.ledger().await?)?;
        Ok(standing.map(|standing| standing.note).filter(|note| !note.is_empty()))
    }

    /// How many seals it has.
    pub(crate) async fn count(&self) -> Result<u64, Error> {
        Ok(Standing::of(&self.store()?.ledger().await?)?.map_or(0, |standing| standing.signed()))
    }

    async fn turn(&self) -> Result<Turn<'_>, Error> {
        let ledger = self.store()?.ledger().await?;
        let standing = Standing::of(&ledger)?;
        Ok(Turn { sealer: self, sealing: self.store()?, now: (self.clock)(), ledger, standing })
    }

    fn remember(&self, known: &Arc<Known>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(known);
    }

    fn remembered(&self) -> Arc<Known> {
        Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("log", &self.log).finish_non_exhaustive()
    }
}
