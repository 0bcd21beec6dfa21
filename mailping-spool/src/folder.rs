//! The spool's folder: whose it is, which database it belongs to, and the names of the files in it.
//!
//! What must survive damage stands in names, not in files: the database that the records are for
//! and the order of the files.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use mailping_core::store::{DatabaseId, StoreError};

use crate::failure::{self, incompatible};

const RECORDS: &str = "spool";
const ASIDE: &str = "aside";
const DATABASE: &str = "database-";
const APART: &str = "of-";
const LOCK: &str = "lock";

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
        let lock = options().create(true).truncate(false).open(path.join(LOCK)).map_err(failure::io)?;
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

    /// The files of records, from the oldest.
    pub(crate) fn records(&self) -> io::Result<Vec<PathBuf>> {
        records(&self.path)
    }

    /// The files that were put aside, from the oldest.
    pub(crate) fn aside(&self) -> io::Result<Vec<PathBuf>> {
        aside(&self.path)
    }

    /// A number above those of all files, but for numbers that leave no room above them.
    pub(crate) fn next_number(&self) -> io::Result<u64> {
        let files = self.records()?.into_iter().chain(self.aside()?);
        let numbers = files.filter_map(|file| file.file_stem()?.to_str()?.parse::<u64>().ok());
        Ok(numbers.filter(|number| *number <= u64::MAX / 2).max().unwrap_or(0) + 1)
    }

    /// A new file of records, of this number if it is free.
    pub(crate) fn create(&self, number: u64) -> io::Result<(PathBuf, File)> {
        let path = vacant(self.path.join(name(number, RECORDS)));
        let file = options().create_new(true).append(true).open(&path)?;
        self.sync()?;
        Ok((path, file))
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

    /// The folder for the records of another database: a spool that can be put in front of it.
    pub(crate) fn of(&self, other: DatabaseId) -> PathBuf {
        self.path.join(format!("{APART}{other}"))
    }

    /// All such folders, whatever stands behind `of-` in their names, and what may be one.
    pub(crate) fn apart(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.path)?.collect::<io::Result<Vec<_>>>()?;
        let is_apart = |name: &OsStr| name.as_encoded_bytes().starts_with(APART.as_bytes());
        let apart = entries.iter().filter(|entry| is_apart(&entry.file_name())).map(fs::DirEntry::path);
        Ok(apart.filter(|path| path.metadata().map_or(true, |found| found.is_dir())).collect())
    }

    /// Moves the name of another database into the folder for its records, if there is one, and
    /// makes all names durable.
    pub(crate) fn part_with(&self, other: DatabaseId) -> io::Result<()> {
        let (apart, name) = (self.of(other), format!("{DATABASE}{other}"));
        let (from, has_records) = (self.path.join(&name), apart.is_dir());
        match if has_records { fs::rename(from, apart.join(&name)) } else { fs::remove_file(from) } {
            // It was moved by a try that failed later, or somebody has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => moved?,
        }
        if has_records {
            sync(&apart)?;
        }
        self.sync()
    }

    /// Removes a folder that held records of this database, unless something else is in it.
    pub(crate) fn remove(self, database: DatabaseId) -> io::Result<()> {
        fs::remove_file(self.path.join(format!("{DATABASE}{database}")))?;
        fs::remove_file(self.path.join(LOCK))?;
        fs::remove_dir(&self.path)
    }

    /// Makes the names in it durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        sync(&self.path)
    }
}

/// The files of records in a folder. A person may have named one otherwise than by number.
pub(crate) fn records(folder: &Path) -> io::Result<Vec<PathBuf>> {
    files(folder, RECORDS)
}

/// The files in a folder that were put aside.
pub(crate) fn aside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    files(folder, ASIDE)
}

/// Whether it is a file of records, and not one that was put aside.
pub(crate) fn is_records(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == RECORDS)
}

/// The files in a folder with this ending, in the order of their names.
fn files(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort_unstable();
    Ok(paths)
}

fn name(number: u64, ending: &str) -> String {
    format!("{number:016}.{ending}")
}

/// This path, or the first free number beside it if it is taken.
fn vacant(path: PathBuf) -> PathBuf {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    let mut numbered = (1..).map(|number| path.with_file_name(name(number, ending)));
    if is_free(&path) { path } else { numbered.find(is_free).unwrap_or(path) }
}

/// Moves a file into a folder, never over another file. It returns where the file is then.
pub(crate) fn move_into(folder: &Path, file: &Path) -> io::Result<PathBuf> {
    rename(file, folder.join(file.file_name().unwrap_or_default()))
}

/// Renames a file of records to one that was put aside, never over another file.
pub(crate) fn put_aside(file: &Path) -> io::Result<PathBuf> {
    rename(file, file.with_extension(ASIDE))
}

/// The name that a file which was put aside has once a person has renamed it.
pub(crate) fn as_records(file: &Path) -> PathBuf {
    file.with_extension(RECORDS)
}

fn rename(from: &Path, to: PathBuf) -> io::Result<PathBuf> {
    let to = vacant(to);
    fs::rename(from, &to).map(|()| to)
}

/// Files are readable by this user alone.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder for this user alone, unless it is there.
pub(crate) fn make(path: &Path) -> io::Result<()> {
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
