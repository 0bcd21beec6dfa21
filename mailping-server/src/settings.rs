//! The settings of the server and of programs like it, from environment variables. Each is printed
//! at start; secrets are not.

mod base_url;
mod database;
mod error;
mod keys;
mod program;
mod reader;
mod seal;
mod secret_file;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mailping_core::fetcher::Classifier;
use mailping_core::geo::MaxMind;
use mailping_core::store::Store;
use mailping_core::{ClientIp, Detail, Error, Keyring, MemoryStore, ParseError, Tracker};
use mailping_page::{Access, Page};

use self::base_url::BaseUrl;
pub use self::error::{SettingsError, with_sources};
pub use self::program::Program;
use self::reader::Reader;
use self::seal::Seal;
use self::secret_file::SecretFile;

/// What the environment says, checked.
pub struct Settings {
    /// `MAILPING_LISTEN`: where to listen.
    pub listen: SocketAddr,
    /// `MAILPING_DB`: the database.
    pub database: String,
    /// `RUST_LOG`: what to log.
    pub rust_log: String,
    base_url: BaseUrl,
    keys: Keyring,
    geo: Vec<PathBuf>,
    asn: Option<PathBuf>,
    client_ip: ClientIp,
    ceiling: Detail,
    hit_limit: u32,
    access: Access,
    seal: Option<Seal>,
    own: BTreeMap<&'static str, String>,
    /// The geo files, once they are read; nothing for the small built-in one.
    geo_files: OnceLock<MaxMind>,
    printed: Vec<String>,
}

impl Settings {
    /// Reads a program's settings, and makes the file of keys if there is neither a database nor
    /// keys: call it before the database is opened.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable that is wrong and says what it must be. A name that the
    /// program does not know is wrong, too.
    pub fn from_env(program: Program) -> Result<Self, SettingsError> {
        Self::from_variables(program, std::env::vars_os())
    }

    fn from_variables(
        program: Program,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(program, variables)?;
        let listen: SocketAddr = reader.parsed(
            "MAILPING_LISTEN",
            "127.0.0.1:3000",
            "an address and port such as 127.0.0.1:3000",
        )?;
        let listen = with_port(listen).map_err(|error| {
            SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}"))
        })?;
        let database = database::read(program, &mut reader)?;
        let base_url = base_url(listen, &mut reader)?;
        let rust_log = reader.text("RUST_LOG", "info");
        let log = tracing_subscriber::EnvFilter::try_new(&rust_log);
        log.map_err(|_| {
            SettingsError::new("RUST_LOG", "expected a level or targets, such as info,mailping_core=debug")
        })?;
        let hit_limit =
            reader.parsed("MAILPING_HIT_LIMIT", "100", "a number of opens per hour, 0 for no limit")?;
        let ceiling = reader.parsed(
            "MAILPING_CEILING",
            Detail::City.as_str(),
            "none, last_day, opens, country, city or network",
        )?;
        let client_ip = client_ip(&mut reader)?;
        let geo = geo(&mut reader)?;
        let asn = reader.optional("MAILPING_ASN").map(PathBuf::from);
        let admin_token = admin_token(&mut reader)?;
        let is_open = admin_token.is_none();
        let access = admin_token.unwrap_or_else(Access::this_machine);
        if is_open {
            let proxied = reader.optional("MAILPING_CLIENT_IP").is_some_and(|strategy| strategy != "peer");
            refuse_an_open_door(listen, &base_url, proxied)?;
        }
        for name in ["MAILPING_COPIES", "MAILPING_SPOOL"] {
            let Some(value) = reader.optional(name) else { continue };
            if !database::is_postgres(&database) {
                let message = "is for a PostgreSQL database: an SQLite file is on this machine anyway";
                return Err(SettingsError::new(name, message));
            }
            reader.print(name, &value);
        }
        let own = program.own().filter_map(|name| Some((name, reader.optional(name)?))).collect();
        let seal = Seal::read(&database, &mut reader)?;
        let keys = keyring(&database, &mut reader)?;
        // The core has the last word on a URL, and before it is printed.
        let _ = Tracker::builder(keys.clone(), MemoryStore::new())
            .base_url(&base_url.pixels())
            .map_err(refused_base_url)?;
        Ok(Self {
            listen,
            database,
            rust_log,
            base_url,
            keys,
            geo,
            asn,
            client_ip,
            ceiling,
            hit_limit,
            access,
            seal,
            own,
            geo_files: OnceLock::new(),
            printed: reader.printed,
        })
    }

    /// One line for each setting, secrets redacted.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.printed.iter().map(String::as_str)
    }

    /// The value of one of the program's own settings, such as `MAILPING_SPOOL`; `None` if it is
    /// not set.
    #[must_use]
    pub fn own(&self, name: &str) -> Option<&str> {
        self.own.get(name).map(String::as_str)
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

    /// The page, below the path of the base URL: for whoever has the admin token, or for this
    /// machine if there is none.
    #[must_use]
    pub fn page(&self, tracker: Tracker) -> Page {
        let page = Page::at(self.base_url.path(), tracker, self.access.clone());
        match self.geo_files.get() {
            Some(geo) => page.geo(geo),
            None => page,
        }
    }

    /// The paths to mount the pixel's routes at: a proxy may take a path prefix off, or leave it.
    #[must_use]
    pub fn pixel_paths(&self) -> Vec<String> {
        self.base_url.pixel_paths()
    }

    /// Whether the database is a PostgreSQL server.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        database::is_postgres(&self.database)
    }

    /// Builds the tracker on a store.
    ///
    /// # Errors
    /// [`SettingsError`]: a geo file, the base URL or the keys cannot be used, or the store
    /// refuses.
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
            self.geo_files.get_or_init(|| geo.clone());
        }
        if let Some(seal) = &self.seal {
            seal.save_key(&store).await?;
        }
        let builder = Tracker::builder(self.keys.clone(), store);
        let builder = match &self.seal {
            Some(seal) => builder.seal(seal.log()?),
            None => builder,
        };
        builder
            .base_url(&self.base_url.pixels())
            .map_err(refused_base_url)?
            .geo(geo)
            .classifier(self.classifier()?)
            .client_ip(self.client_ip.clone())
            .ceiling(self.ceiling)
            .hit_limit(self.hit_limit)
            .build()
            .await
            .map_err(|error| SettingsError::new(blamed(&error), with_sources(&error)))
    }
}

/// Shows what is printed at start, and no secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.printed).finish()
    }
}

impl Settings {
    /// The built-in rules, with all of an ASN database if one is given.
    fn classifier(&self) -> Result<Classifier, SettingsError> {
        let classifier = Classifier::default();
        let Some(path) = &self.asn else { return Ok(classifier) };
        let refused = |error: &dyn std::error::Error| {
            SettingsError::new("MAILPING_ASN", format!("{}: {}", path.display(), with_sources(error)))
        };
        let database = std::fs::read(path).map_err(|error| refused(&error))?;
        classifier.asn(database).map_err(|error| refused(&error))
    }
}

fn blamed(error: &Error) -> &'static str {
    match error {
        Error::Log { .. } => return seal::KEY,
        Error::File(_) => return seal::HEAD,
        _ => {}
    }
    match error.field() {
        Some("keys") => "MAILPING_KEYS",
        Some("base_url") => "MAILPING_BASE_URL",
        _ => "MAILPING_DB",
    }
}

fn refused_base_url(error: mailping_core::ParseError) -> SettingsError {
    SettingsError::new("MAILPING_BASE_URL", error.to_string())
}

fn base_url(listen: SocketAddr, reader: &mut Reader) -> Result<BaseUrl, SettingsError> {
    const NAME: &str = "MAILPING_BASE_URL";
    let given = reader.optional(NAME);
    let note = if given.is_some() { "" } else { " (default)" };
    let text = given.unwrap_or_else(|| format!("http://{}", reachable(listen)));
    let base_url = BaseUrl::parse(&text).map_err(|message| SettingsError::new(NAME, message))?;
    reader.print(NAME, &format!("{base_url}{note}"));
    Ok(base_url)
}

/// The address with a port that is free now if it has none: the links in mail need to say it.
fn with_port(listen: SocketAddr) -> std::io::Result<SocketAddr> {
    if listen.port() == 0 { std::net::TcpListener::bind(listen)?.local_addr() } else { Ok(listen) }
}

/// The address to put into URLs: the unspecified one cannot be called, so it becomes loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => ([0, 0, 0, 0, 0, 0, 0, 1], v6.port()).into(),
        other => other,
    }
}

fn client_ip(reader: &mut Reader) -> Result<ClientIp, SettingsError> {
    const NAME: &str = "MAILPING_CLIENT_IP";
    const PROXIES: &str = "MAILPING_TRUSTED_PROXIES";
    let trusted = reader.text(PROXIES, "");
    let strategy = reader.text(NAME, "peer");
    match (strategy.as_str(), trusted.is_empty()) {
        ("peer", true) => return Ok(ClientIp::peer()),
        ("peer", false) => {
            let message = "has no effect while MAILPING_CLIENT_IP is peer: set that to the header which your proxies write \
                           (xff, forwarded or header:NAME)";
            return Err(SettingsError::new(PROXIES, message));
        }
        (_, true) => {
            let message =
                "a header is read only from trusted proxies: set MAILPING_TRUSTED_PROXIES to their networks";
            return Err(SettingsError::new(NAME, message));
        }
        (_, false) => {}
    }
    let refused = |name: &'static str| move |error: ParseError| SettingsError::new(name, error.to_string());
    // Apart from the header's name, so that each message names its setting.
    ClientIp::x_forwarded_for(&trusted).map_err(refused(PROXIES))?;
    match strategy.as_str() {
        "xff" => ClientIp::x_forwarded_for(&trusted).map_err(refused(PROXIES)),
        "forwarded" => ClientIp::forwarded(&trusted).map_err(refused(PROXIES)),
        _ => match strategy.strip_prefix("header:") {
            Some(name) => ClientIp::header(name, &trusted).map_err(refused(NAME)),
            None => Err(SettingsError::new(NAME, "expected peer, xff, forwarded or header:NAME")),
        },
    }
}

fn geo(reader: &mut Reader) -> Result<Vec<PathBuf>, SettingsError> {
    const NAME: &str = "MAILPING_GEO";
    let text = reader.text(NAME, "");
    let paths: Vec<_> =
        text.split(',').map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    if paths.is_empty() && !text.is_empty() {
        return Err(SettingsError::new(NAME, "expected paths of mmdb files, with commas between them"));
    }
    Ok(paths)
}

fn admin_token(reader: &mut Reader) -> Result<Option<Access>, SettingsError> {
    const NAME: &str = "MAILPING_ADMIN_TOKEN";
    let token = reader.secret(NAME, "not set: API and page are open to this machine");
    let access = token.map(Access::admin_token).transpose();
    access.map_err(|weak| SettingsError::new(NAME, weak.to_string()))
}

/// Without a token everybody who reaches the service may read and erase, so nobody else's requests
/// may reach it.
fn refuse_an_open_door(listen: SocketAddr, base_url: &BaseUrl, proxied: bool) -> Result<(), SettingsError> {
    let from_elsewhere = if !listen.ip().to_canonical().is_loopback() {
        "MAILPING_LISTEN is an address that is not loopback"
    } else if !base_url.is_local() {
        "MAILPING_BASE_URL is reached from other machines"
    } else if proxied {
        "MAILPING_CLIENT_IP says that a proxy stands in front"
    } else {
        return Ok(());
    };
    let message = format!(
        "must be set, since {from_elsewhere}: without it anyone could read and erase the receipts. Choose one, for \
         example with `openssl rand -hex 32`"
    );
    Err(SettingsError::new("MAILPING_ADMIN_TOKEN", message))
}

fn keyring(database: &str, reader: &mut Reader) -> Result<Keyring, SettingsError> {
    const NAME: &str = "MAILPING_KEYS";
    match reader.secret(NAME, "generated once, kept beside the database") {
        Some(text) => Keyring::from_text(&text).map_err(|error| SettingsError::new(NAME, error.to_string())),
        None if database::is_postgres(database) => {
            let message = "must be given, since all services on one database share their keys. Make one with \
                           `echo \"0:$(openssl rand -base64 32)\"`, and keep it";
            Err(SettingsError::new(NAME, message))
        }
        None => {
            let path = PathBuf::from(format!("{database}.keys"));
            keys::beside(Path::new(database), &SecretFile { setting: NAME, path })
        }
    }
}

#[cfg(test)]
mod tests;
