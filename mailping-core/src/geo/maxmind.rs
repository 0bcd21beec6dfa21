//! Places from MaxMind DB files (`.mmdb`), of MaxMind or of anyone who writes the same two schemas.
//!
//! A file is checked when it is opened, so that a damaged or a wrong one is an error at start and
//! not a silent lack of places.

mod address;
mod database;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use self::database::Database;
use super::{GeoResolver, Place};
use crate::Error;
use crate::Timestamp;
use crate::mask::MaskedIp;

/// A resolver over one or several MaxMind DB files, read into memory whole.
///
/// Two schemas are known: that of GeoLite2 and GeoIP2 (`country.iso_code`, `city.names.en`), and a
/// flat one (`country_code`, or a code in `country`, and `city`, an empty text for unknown), which
/// IPinfo and free city databases use. Country databases do too.
///
/// Clones share the files, so keep one to [reload](MaxMind::reload) while the tracker runs:
///
/// ```no_run
/// use mailping_core::geo::MaxMind;
///
/// let geo = MaxMind::open_all(["city-ipv4.mmdb", "city-ipv6.mmdb"])?;
/// let for_the_tracker = geo.clone();
/// // Later, when the files on disk are newer:
/// geo.reload()?;
/// # Ok::<(), mailping_core::Error>(())
/// ```
#[derive(Clone)]
pub struct MaxMind(Arc<Shared>);

struct Shared {
    /// Empty if the database came from memory.
    paths: Vec<PathBuf>,
    /// Held for the swap of the `Arc` alone, never while a file is read.
    databases: RwLock<Arc<[Database]>>,
    /// One reload at a time: an older one must not overwrite a newer one.
    reload: Mutex<()>,
}

impl MaxMind {
    /// Opens one file.
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be read, is damaged as far as sampling it shows, or
    /// has neither countries nor cities.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_all([path])
    }

    /// Opens several files, such as one for IPv4 and one for IPv6. The first that knows a place
    /// wins.
    ///
    /// # Errors
    /// As [`open`](Self::open), for the first file that fails; [`Error::File`] too if there is
    /// none.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        if paths.is_empty() {
            return Err(MaxMindError::NoFile.into());
        }
        let databases = read_all(&paths)?;
        Ok(Self::new(paths, databases))
    }

    /// Takes the contents of one file, such as one compiled in with `include_bytes!`.
    ///
    /// # Errors
    /// As [`open`](Self::open), without those of reading.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let database = Database::new(bytes.into(), "from memory")?;
        Ok(Self::new(Vec::new(), Arc::new([database])))
    }

    /// Reads the files again and swaps them in, for this resolver and all its clones. Look-ups go
    /// on with the old ones until then. It blocks for as long as reading takes: call it from a
    /// thread that may wait.
    ///
    /// Replace files by renaming a new one over the old one; a file that is half-written when it is
    /// read is refused. A resolver made [from bytes](Self::from_bytes) has no files, and nothing
    /// happens.
    ///
    /// # Errors
    /// As [`open_all`](Self::open_all); all the old files stay in use then.
    pub fn reload(&self) -> Result<(), Error> {
        let _one_at_a_time = self.0.reload.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.paths.is_empty() {
            return Ok(());
        }
        let databases = read_all(&self.0.paths)?;
        *self.0.databases.write().unwrap_or_else(PoisonError::into_inner) = databases;
        Ok(())
    }

    /// When the oldest of the files was built, as it says of itself: networks change hands, so
    /// places of an old file are often wrong.
    #[must_use]
    pub fn built(&self) -> Timestamp {
        let databases = self.0.databases.read().unwrap_or_else(PoisonError::into_inner);
        databases.iter().map(Database::built).min().unwrap_or_default()
    }

    /// The type that each file names, such as `DBIP-City-Lite`: licences of free databases ask for
    /// a line on the pages that show their places.
    #[must_use]
    pub fn types(&self) -> Vec<String> {
        let databases = self.0.databases.read().unwrap_or_else(PoisonError::into_inner);
        databases.iter().map(Database::kind).collect()
    }

    fn new(paths: Vec<PathBuf>, databases: Arc<[Database]>) -> Self {
        Self(Arc::new(Shared { paths, databases: RwLock::new(databases), reload: Mutex::new(()) }))
    }
}

/// Nothing is found for networks coarser than /16 (IPv4) or /32 (IPv6), and for Teredo, 240.0.0.0/4
/// and local networks. A 6to4 network (`2002::/16`) has the place of the IPv4 network inside it.
impl GeoResolver for MaxMind {
    fn locate(&self, network: MaskedIp) -> Result<Option<Place>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(address) = address::to_look_up(network) else { return Ok(None) };
        let databases = Arc::clone(&self.0.databases.read().unwrap_or_else(PoisonError::into_inner));
        for database in databases.iter() {
            if let Some(place) = database.locate(address)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}

impl fmt::Debug for MaxMind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaxMind").field("paths", &self.0.paths).finish_non_exhaustive()
    }
}

fn read_all(paths: &[PathBuf]) -> Result<Arc<[Database]>, MaxMindError> {
    paths
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path)
                .map_err(|source| MaxMindError::Unreadable { path: path.clone(), source })?;
            Database::new(bytes, &path.display().to_string())
        })
        .collect()
}

impl From<MaxMindError> for Error {
    fn from(error: MaxMindError) -> Self {
        Self::File(error.into())
    }
}

/// Why a geo database cannot be used.
#[derive(Debug, thiserror::Error)]
enum MaxMindError {
    /// No file was named.
    #[error("no geo database given: expected the path of at least one .mmdb file")]
    NoFile,
    /// A file cannot be read.
    #[error("geo database {} cannot be read: check its path and permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file is no MaxMind DB file, or a damaged one.
    #[error(
        "geo database {name} is damaged or not a MaxMind DB file: expected a complete, uncompressed .mmdb file"
    )]
    Damaged {
        /// The file's path, or `from memory`.
        name: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file has no countries and no cities in a schema known here.
    #[error(
        "geo database {name} has no places (its type is {found:?}): expected a city or country database with \
         country.iso_code, country_code or country"
    )]
    NoPlaces {
        /// The file's path, or `from memory`.
        name: String,
        /// The type that the file names, such as `GeoLite2-ASN`.
        found: String,
    },
    /// A file has cities and no country's code in a field known here: each city would be one of
    /// several in the world.
    #[error(
        "geo database {name} of type {found:?} has cities but no countries: expected codes of ISO 3166-1 in \
         country.iso_code, country_code or country"
    )]
    NoCountries {
        /// The file's path, or `from memory`.
        name: String,
        /// The type that the file names.
        found: String,
    },
}

#[cfg(test)]
mod tests;
