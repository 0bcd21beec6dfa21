//! The spool's folder: whose it is, which database it belongs to, and the names of the files in it.
//!
//! What must survive damage stands in names, not in files: the database that the records are for
//! and the order of the files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use mailping_core::store::{DatabaseId, StoreError};

use crate::failure::{self, incompatible};

const RECORDS: &str = "spool";
const ASIDE: &str = "aside";
const DATABASE: &str = "database-";

/// A folder that this process alone uses.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Held while the folder is in use.
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing, for this user alone, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        make(path).map_err(failure::io)?;
        let lock = options().create(true).truncate(false).open(path.join("lock")).map_err(failure::io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(incompatible("another process uses the spool: give each process a folder of its own"))
            }
            Err(TryLockError::Error(error)) => Err(failure::io(error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The numbers of the files of records, from the oldest.
    pub(crate) fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = self.numbered(RECORDS)?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The numbers of the files that were put aside, from the oldest.
    pub(crate) fn numbers_aside(&self) -> io::Result<Vec<u64>> {
        let mut numbers = self.numbered(ASIDE)?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A number that no file has had since the folder was last empty.
    pub(crate) fn next_number(&self) -> io::Result<u64> {
        let taken = self.numbered(RECORDS)?.into_iter().chain(self.numbered(ASIDE)?);
        Ok(taken.max().unwrap_or(0) + 1)
    }

    pub(crate) fn records(&self, number: u64) -> PathBuf {
        self.file(number, RECORDS)
    }

    /// The file that keeps what is put aside of this one.
    pub(crate) fn aside(&self, number: u64) -> PathBuf {
        self.file(number, ASIDE)
    }

    fn file(&self, number: u64, ending: &str) -> PathBuf {
        self.path.join(format!("{number:016}.{ending}"))
    }

    fn numbered(&self, ending: &str) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let found: Option<u64> =
                name.to_str().and_then(|name| name.strip_suffix(ending)?.strip_suffix('.')?.parse().ok());
            numbers.extend(found);
        }
        Ok(numbers)
    }

    /// The database that the records are for, once it is known.
    pub(crate) fn database(&self) -> io::Result<Option<DatabaseId>> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_prefix(DATABASE)?.parse().ok());
            if id.is_some() {
                return Ok(id);
            }
        }
        Ok(None)
    }

    pub(crate) fn bind(&self, database: DatabaseId) -> io::Result<()> {
        options().create(true).truncate(false).open(self.path.join(format!("{DATABASE}{database}")))?;
        self.sync()
    }

    /// Moves the records that are for another database, and the name of that database, into a
    /// folder of their own: a spool that can be put in front of it.
    pub(crate) fn part_with(&self, other: DatabaseId, numbers: &[u64]) -> io::Result<PathBuf> {
        let apart = self.path.join(format!("of-{other}"));
        make(&apart)?;
        for number in numbers {
            let from = self.records(*number);
            let Some(name) = from.file_name() else { continue };
            match fs::rename(&from, apart.join(name)) {
                // It was moved by a try that failed later, or somebody has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed?,
            }
        }
        let name = format!("{DATABASE}{other}");
        fs::rename(self.path.join(&name), apart.join(&name))?;
        sync(&apart)?;
        self.sync()?;
        Ok(apart)
    }

    /// Makes the names in it durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        sync(&self.path)
    }
}

/// Files are readable by this user alone.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Windows makes names durable by itself, and opens no folder.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
