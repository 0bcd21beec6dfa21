//! The settings of an example service, from environment variables. Each is printed at start; secrets are not.

use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mailping_core::fetcher::{AsnDatabase, Classifier};
use mailping_core::geo::MaxMind;
use mailping_core::{ClientIp, Detail, Keyring, Store, Timestamp, Tracker, TrustedProxies};

use crate::admin::AdminToken;

/// What `MAILPING_DB` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// The path of a file: it is made where it is missing, and keys are made beside it where none are given.
    File,
    /// The address of a PostgreSQL server: instances share it, so that the keys must be given.
    Postgres,
}

/// What the environment says, checked.
#[derive(Debug)]
pub struct Settings {
    /// `MAILPING_LISTEN`: where to listen.
    pub listen: SocketAddr,
    /// `MAILPING_DB`: the database.
    pub database: String,
    /// `MAILPING_SPOOL`: the file that keeps opens while the database's server is away.
    pub spool: Option<PathBuf>,
    /// `RUST_LOG`: what to log.
    pub rust_log: String,
    pub(crate) base_url: String,
    keys: Keyring,
    geo: Vec<PathBuf>,
    asn: Option<PathBuf>,
    client_ip: ClientIp,
    hit_limit: u32,
    pub(crate) admin_token: Option<AdminToken>,
    /// When the geo files were built, once they are read; nothing for the small built-in one.
    pub(crate) geo_built: OnceLock<Timestamp>,
    printed: Vec<String>,
}

impl Settings {
    /// Reads the settings, and makes the file of keys where there is no database yet and no keys are given: to be called
    /// before the database is opened.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable that is wrong and says what it must be.
    pub fn from_env(kind: Database) -> Result<Self, SettingsError> {
        let mut reader = Reader::default();
        let listen = reader.parsed(
            "MAILPING_LISTEN",
            "127.0.0.1:3000",
            "an address and port such as 127.0.0.1:3000",
        )?;
        let listen: SocketAddr = listen;
        let database = reader.database(kind)?;
        let spool = match kind {
            Database::File => None,
            Database::Postgres => Some(reader.text("MAILPING_SPOOL", "")),
        };
        let spool = spool.filter(|path| !path.is_empty()).map(PathBuf::from);
        let base_url = reader.text("MAILPING_BASE_URL", &format!("http://{}", reachable(listen)));
        let rust_log = reader.text("RUST_LOG", "info");
        let hit_limit =
            reader.parsed("MAILPING_HIT_LIMIT", "100", "a number of opens per hour, 0 for no limit")?;
        let trusted = reader.text("MAILPING_TRUSTED_PROXIES", "");
        let client_ip = client_ip(&reader.text("MAILPING_CLIENT_IP", "peer"), &trusted)?;
        let geo = reader.text("MAILPING_GEO", "");
        let geo = geo.split(',').map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from).collect();
        let asn = reader.text("MAILPING_ASN", "");
        let asn = Some(asn).filter(|path| !path.is_empty()).map(PathBuf::from);
        let keys = match reader.secret("MAILPING_KEYS", "generated once, kept beside the database") {
            Some(text) => Keyring::from_text(&text)
                .map_err(|error| SettingsError::new("MAILPING_KEYS", error.to_string()))?,
            None if kind == Database::Postgres => {
                let message = "must be given, since all services on one database share their keys. Make one with \
                               `echo \"0:$(openssl rand -base64 32)\"`, and keep it";
                return Err(SettingsError::new("MAILPING_KEYS", message));
            }
            None => keys_beside(Path::new(&format!("{database}.keys")), Path::new(&database))?,
        };
        let admin_token = reader
            .secret("MAILPING_ADMIN_TOKEN", "not set: API and page are open to this machine")
            .map(AdminToken::new);
        if admin_token.is_none() && !listen.ip().is_loopback() {
            let message = "must be set to listen on an address that is not loopback: without it anyone could read the \
                           receipts. Choose one, for example with `openssl rand -hex 32`";
            return Err(SettingsError::new("MAILPING_ADMIN_TOKEN", message));
        }
        Ok(Self {
            listen,
            database,
            spool,
            rust_log,
            base_url,
            keys,
            geo,
            asn,
            client_ip,
            hit_limit,
            admin_token,
            geo_built: OnceLock::new(),
            printed: reader.printed,
        })
    }

    /// One line for each setting, secrets redacted.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.printed.iter().map(String::as_str)
    }

    /// The error of a store that could not open the database.
    #[must_use]
    pub fn refused_database(&self, error: &(dyn std::error::Error + 'static)) -> SettingsError {
        self.refused("MAILPING_DB", error)
    }

    /// The error of what a setting names.
    #[must_use]
    pub fn refused(&self, name: &'static str, error: &(dyn std::error::Error + 'static)) -> SettingsError {
        SettingsError::new(name, with_sources(error))
    }

    /// Builds the tracker on a store.
    ///
    /// # Errors
    /// [`SettingsError`]: a geo file, the base URL or the keys cannot be used, or the store refuses.
    pub async fn tracker(&self, store: impl Store) -> Result<Tracker, SettingsError> {
        let refused = |error: &dyn std::error::Error| SettingsError::new("MAILPING_GEO", with_sources(error));
        let geo = if self.geo.is_empty() {
            let bytes = mailping_fixtures::documentation_ranges().map_err(|error| refused(&error))?;
            MaxMind::from_bytes(bytes)
        } else {
            MaxMind::open_all(&self.geo)
        };
        let geo = geo.map_err(|error| refused(&error))?;
        if !self.geo.is_empty() {
            self.geo_built.get_or_init(|| geo.built());
        }
        let base_url = format!("{}/px", self.base_url.trim_end_matches('/'));
        Tracker::builder(self.keys.clone(), store)
            .base_url(&base_url)
            .map_err(|error| SettingsError::new("MAILPING_BASE_URL", error.to_string()))?
            .geo(geo)
            .classifier(self.classifier()?)
            .client_ip(self.client_ip.clone())
            .ceiling(Detail::Network)
            .hit_limit(self.hit_limit)
            .build()
            .await
            .map_err(|error| SettingsError::new("MAILPING_DB or MAILPING_KEYS", with_sources(&error)))
    }
}

impl Settings {
    /// The built-in rules, with all of an ASN database if one is given.
    fn classifier(&self) -> Result<Classifier, SettingsError> {
        let classifier = Classifier::default();
        let Some(path) = &self.asn else { return Ok(classifier) };
        let database = AsnDatabase::open(path)
            .map_err(|error| SettingsError::new("MAILPING_ASN", with_sources(&error)))?;
        Ok(classifier.asn(database))
    }
}

/// An error with its causes, on one line.
#[must_use]
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {message}")]
pub struct SettingsError {
    name: &'static str,
    message: String,
}

impl SettingsError {
    /// The variable and what is wrong with it.
    pub fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }
}

#[derive(Default)]
struct Reader {
    printed: Vec<String>,
}

impl Reader {
    fn text(&mut self, name: &'static str, default: &str) -> String {
        let (value, note) = match std::env::var(name) {
            Ok(value) if !value.trim().is_empty() => (value.trim().to_owned(), ""),
            _ => (default.to_owned(), " (default)"),
        };
        self.printed.push(format!("{name}={value}{note}"));
        value
    }

    /// A path is printed; an address of a server may hold a password and is not.
    fn database(&mut self, kind: Database) -> Result<String, SettingsError> {
        const NAME: &str = "MAILPING_DB";
        let url = std::env::var(NAME).ok().map(|value| value.trim().to_owned());
        let url = url.filter(|value| value.contains("://"));
        match (kind, url) {
            (Database::File, None) => Ok(self.text(NAME, "mailping.db")),
            (Database::Postgres, Some(url)) if url.starts_with("postgres") => {
                self.printed.push(format!("{NAME}=postgres://[redacted]"));
                Ok(url)
            }
            (Database::File, Some(_)) => Err(SettingsError::new(
                NAME,
                "expected the path of a file; for a PostgreSQL server take the example receipts_postgres",
            )),
            (Database::Postgres, _) => Err(SettingsError::new(
                NAME,
                "must be the address of a PostgreSQL database, such as postgres://user:password@localhost/mailping",
            )),
        }
    }

    fn parsed<T: std::str::FromStr>(
        &mut self,
        name: &'static str,
        default: &str,
        expected: &str,
    ) -> Result<T, SettingsError> {
        let text = self.text(name, default);
        text.parse().map_err(|_| SettingsError::new(name, format!("expected {expected}")))
    }

    fn secret(&mut self, name: &'static str, default: &str) -> Option<String> {
        let value =
            std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let shown = if value.is_some() { "[redacted]".to_owned() } else { format!("({default})") };
        self.printed.push(format!("{name}={shown}"));
        value
    }
}

/// The address to put into URLs: the unspecified one cannot be called, so it becomes loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => ([0, 0, 0, 0, 0, 0, 0, 1], v6.port()).into(),
        other => other,
    }
}

fn client_ip(strategy: &str, trusted: &str) -> Result<ClientIp, SettingsError> {
    const NAME: &str = "MAILPING_CLIENT_IP";
    if strategy == "peer" {
        return Ok(ClientIp::peer());
    }
    if trusted.is_empty() {
        let message =
            "a header is read only from trusted proxies: set MAILPING_TRUSTED_PROXIES to their networks";
        return Err(SettingsError::new(NAME, message));
    }
    let trusted: TrustedProxies = trusted.parse().map_err(|error: mailping_core::ClientIpError| {
        SettingsError::new("MAILPING_TRUSTED_PROXIES", error.to_string())
    })?;
    match strategy {
        "xff" => Ok(ClientIp::x_forwarded_for(trusted)),
        "forwarded" => Ok(ClientIp::forwarded(trusted)),
        _ => match strategy.strip_prefix("header:") {
            Some(name) => {
                ClientIp::header(name, trusted).map_err(|error| SettingsError::new(NAME, error.to_string()))
            }
            None => Err(SettingsError::new(NAME, "expected peer, xff, forwarded or header:NAME")),
        },
    }
}

/// Reads the keys kept beside the database, or makes them once.
fn keys_beside(path: &Path, database: &Path) -> Result<Keyring, SettingsError> {
    const NAME: &str = "MAILPING_KEYS";
    let failed = |what: &str, error: &dyn fmt::Display| {
        SettingsError::new(NAME, format!("{what} {}: {error}", path.display()))
    };
    match std::fs::read_to_string(path) {
        Ok(text) => return Keyring::from_text(&text).map_err(|error| failed("bad keys in", &error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("cannot read", &error)),
    }
    // New keys for an old database would refuse every pixel already sent and forget every objection.
    if std::fs::metadata(database).is_ok_and(|file| file.len() > 0) {
        let message = format!(
            "the database is there, its keys in {} are not: put the file back, or give the keys themselves",
            path.display()
        );
        return Err(SettingsError::new(NAME, message));
    }
    let keys = Keyring::generate().map_err(|error| failed("cannot make", &error))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(keys.secret_text().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| failed("cannot write", &error))?;
    Ok(keys)
}
