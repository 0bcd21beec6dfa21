//! Places from MaxMind DB files (`.mmdb`), of MaxMind or of anyone who writes the same two schemas.
//!
//! A file is checked when it is opened, so that a damaged or a wrong one is an error at start and
//! not a silent lack of places.

mod address;
mod database;
#[cfg(feature = "tracker")]
mod files;

use std::fmt;
use std::io;
use std::path::PathBuf;
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
    /// Takes the contents of one file, such as one compiled in with `include_bytes!`.
    ///
    /// # Errors
    /// As [`open`](Self::open), without those of reading.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let database = Database::new(bytes.into(), "from memory")?;
        Ok(Self::new(Vec::new(), Arc::new([database])))
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
