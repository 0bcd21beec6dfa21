//! A spool before it is put in front of a store: its folder and settings.

use std::path::Path;
use std::time::Duration;

use mailping_core::store::{Store, StoreError};

use crate::journal::Journal;
use crate::store::SpooledStore;

/// How long the database may take for a batch unless set otherwise: far below the two seconds
/// within which hits are answered.
pub(crate) const DEFAULT_PATIENCE: Duration = Duration::from_millis(250);
/// The most bytes that may wait unless set otherwise: some 800,000 opens.
const DEFAULT_CAPACITY: u64 = 256 << 20;

/// A folder that keeps opens while the database behind it is away, to be put
/// [before](Spool::before) its store.
///
/// ```no_run
/// use mailping_core::MemoryStore; // stands for a store on a database server
/// use mailping_spool::Spool;
///
/// # fn open() -> Result<(), mailping_core::store::StoreError> {
/// let store = Spool::open("spool")?.before(MemoryStore::new());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Spool {
    journal: Journal,
    patience: Duration,
}

impl Spool {
    /// Opens the spool's folder, and makes it if it is missing, with mode 0700. One process at a
    /// time uses it.
    ///
    /// Whatever stands in it, it is opened: what cannot be read is passed over, kept and counted.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if another process uses the folder, [`StoreError::Unavailable`]
    /// if it cannot be made or read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let journal = Journal::open(folder.as_ref(), DEFAULT_CAPACITY)?;
        Ok(Self { journal, patience: DEFAULT_PATIENCE })
    }

    /// Sets how long the database may take for a batch before it goes into the spool: 250
    /// milliseconds without this, at most a day. It must be well below the tracker's deadline.
    ///
    /// Zero is for a database that is far away: no hit waits for it. Each batch goes into the
    /// spool, which answers the hits, and is handed over from there within about half a second.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(Duration::from_secs(86_400));
        self
    }

    /// Sets how many bytes may wait in it, 256 MiB without this: an open takes about 320. Beyond
    /// that the store fails, and opens wait in the tracker's memory. What is put aside takes up to
    /// 16 MiB more.
    #[must_use]
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.journal.set_capacity(bytes);
        self
    }

    /// Puts the spool before a store.
    #[must_use]
    pub fn before(self, database: impl Store) -> SpooledStore {
        SpooledStore::new(database, self.journal, self.patience)
    }
}
