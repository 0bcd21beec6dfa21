//! Whether and how the service seals: nothing, unless its log has a name.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mailping_core::ParseError;
use mailping_core::certified::{LogKey, SealLog};
use mailping_core::store::Store;

use super::database::is_postgres;
use super::reader::Reader;
use super::secret_file::SecretFile;
use super::{SettingsError, with_sources};

pub(super) const ORIGIN: &str = "MAILPING_LOG_ORIGIN";
pub(super) const KEY: &str = "MAILPING_LOG_KEY";
pub(super) const HEAD: &str = "MAILPING_LOG_HEAD";
pub(super) const LOST: &str = "MAILPING_LOG_LOST";
const EVERY: &str = "MAILPING_SEAL_EVERY";

/// What the settings say.
pub(super) struct Seal {
    key: LogKey,
    /// One that it takes over from.
    old_key: Option<LogKey>,
    /// Where a key that was just made is to be kept: see [`Seal::save_key`].
    unsaved: Option<SecretFile>,
    head: PathBuf,
    /// The text of the lost log's last head.
    lost: Option<String>,
    every: Duration,
}

impl Seal {
    /// `None` if nothing is to be sealed.
    pub(super) fn read(database: &str, reader: &mut Reader) -> Result<Option<Self>, SettingsError> {
        let Some(origin) = reader.optional(ORIGIN) else {
            reader.print(ORIGIN, "(not set: nothing is sealed)");
            return match [KEY, HEAD, LOST, EVERY].into_iter().find(|name| reader.optional(name).is_some()) {
                Some(name) => {
                    Err(SettingsError::new(ORIGIN, format!("must be set, since {name} is: {NAMES}")))
                }
                None => Ok(None),
            };
        };
        let made =
            LogKey::generate(&origin).map_err(|_| SettingsError::new(ORIGIN, format!("expected {NAMES}")))?;
        reader.print(ORIGIN, &origin);
        let is_postgres = is_postgres(database);
        let given = reader.secret(KEY, "generated once, kept beside the database");
        let head = reader.optional(HEAD);
        if is_postgres && given.is_none() {
            let message = "must be given, since all services on one database sign with it. Make one with \
                           `openssl rand -base64 32`, and keep it";
            return Err(SettingsError::new(KEY, message));
        }
        if is_postgres && head.is_none() {
            let message = "must be given: the path of a file for the log's last head, one for each service";
            return Err(SettingsError::new(HEAD, message));
        }
        let head = PathBuf::from(reader.text(HEAD, &head.unwrap_or_else(|| format!("{database}.log_head"))));
        let seconds: u64 = reader.parsed(EVERY, "3600", "a number of seconds, such as 3600")?;
        if !(1..=86_400).contains(&seconds) {
            return Err(SettingsError::new(EVERY, "expected a number of seconds from 1 to 86400"));
        }
        let file = SecretFile { setting: KEY, path: Path::new(&format!("{database}.log_key")).to_owned() };
        check_origin(&origin, &head)?;
        let keys = match given {
            Some(text) => {
                let refused = |error: &ParseError| SettingsError::new(KEY, error.to_string());
                Some(read_keys(&origin, &text, refused)?)
            }
            None => {
                let refused = |error: &ParseError| file.failed("bad key in", error);
                file.read()?.map(|text| read_keys(&origin, &text, refused)).transpose()?
            }
        };
        if keys.is_none() && head.exists() {
            let message = format!(
                "the log's last head is there, its key in {} is not: put the file back, or give the key itself",
                file.path.display()
            );
            return Err(SettingsError::new(KEY, message));
        }
        let lost =
            reader.optional(LOST).map(|path| read_lost(&path, keys.as_ref(), &head, reader)).transpose()?;
        let unsaved = keys.is_none().then_some(file);
        let (key, old_key) = keys.unwrap_or((made, None));
        Ok(Some(Self { key, old_key, unsaved, head, lost, every: Duration::from_secs(seconds) }))
    }

    /// Makes the file of a new key, unless the database holds a log, which another one has signed.
    pub(super) async fn save_key(&self, store: &dyn Store) -> Result<(), SettingsError> {
        let (Some(file), Some(sealing)) = (&self.unsaved, store.sealing()) else { return Ok(()) };
        let ledger =
            sealing.ledger().await.map_err(|error| file.failed("cannot make", &with_sources(&error)))?;
        if ledger.version == 0 {
            return file.make(&self.key.secret_text());
        }
        let message = format!(
            "the database holds a log, its key in {} is not there: put the file back, or give the key itself",
            file.path.display()
        );
        Err(SettingsError::new(KEY, message))
    }

    pub(super) fn log(&self) -> Result<SealLog, SettingsError> {
        let log = SealLog::new(self.key.clone(), &self.head).every(self.every);
        match (&self.old_key, &self.lost) {
            (_, Some(lost)) => {
                log.after_loss(lost).map_err(|error| SettingsError::new(LOST, error.to_string()))
            }
            (Some(old_key), None) => Ok(log.taking_over_from(old_key.clone())),
            (None, None) => Ok(log),
        }
    }
}

/// The key, and the one that it takes over from.
fn read_keys(
    origin: &str,
    text: &str,
    refused: impl Fn(&ParseError) -> SettingsError,
) -> Result<(LogKey, Option<LogKey>), SettingsError> {
    let key = |text: &str| {
        let text = text.trim();
        LogKey::with_origin(origin, text).map_err(|error| match text.parse::<LogKey>() {
            Ok(other) => other_origin(other.public().name(), "the key"),
            Err(_) => refused(&error),
        })
    };
    match text.split_once(',') {
        Some((new, old)) => Ok((key(new)?, Some(key(old)?))),
        None => Ok((key(text)?, None)),
    }
}

/// Refuses the last head of another log. One that began after a loss adds to its name.
fn check_origin(origin: &str, head: &Path) -> Result<(), SettingsError> {
    let mut text = String::new();
    // What cannot be read is refused later on, and what is no head, too.
    let _ = File::open(head).and_then(|file| file.take(MAX_HEAD).read_to_string(&mut text));
    let name = text.lines().next().unwrap_or_default();
    let is_own = name == origin || name.strip_prefix(origin).is_some_and(|rest| rest.starts_with("/anew/"));
    if is_own || !text.contains(&format!("\n\n\u{2014} {name} ")) {
        return Ok(());
    }
    Err(other_origin(name, "the last head"))
}

fn other_origin(name: &str, what: &str) -> SettingsError {
    let message = format!(
        "{what} is that of the log {name}: a log keeps its name from the first start, so set it to that. To begin \
         another log, begin with another database, key and head"
    );
    SettingsError::new(ORIGIN, message)
}

/// The lost log's last head, once it is known that this key can begin a new log after it.
fn read_lost(
    path: &str,
    keys: Option<&(LogKey, Option<LogKey>)>,
    head: &Path,
    reader: &mut Reader,
) -> Result<String, SettingsError> {
    let refused = |error: &dyn fmt::Display| SettingsError::new(LOST, error.to_string());
    let Some((key, None)) = keys else {
        let message = "must be given, and no other: the newest one of the log that is lost";
        return Err(SettingsError::new(KEY, message));
    };
    let mut lost = String::new();
    let file = File::open(path).and_then(|file| file.take(MAX_HEAD).read_to_string(&mut lost));
    file.map_err(|error| refused(&format!("cannot read {path}: {error}")))?;
    let _ = SealLog::new(key.clone(), head).after_loss(&lost).map_err(|error| refused(&error))?;
    reader.print(LOST, path);
    Ok(lost)
}

/// More than a head with all its signatures has.
const MAX_HEAD: u64 = 64 << 10;
const NAMES: &str = "the log's public name without blanks or plus signs, such as example.com/receipts";
