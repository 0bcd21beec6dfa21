//! Settings of a tracker. What weakens privacy is not here; what narrows it is.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::acceptances::Acceptances;
use crate::base_url::check_base_url;
use crate::burst::DEFAULT_BURST;
use crate::fetcher::Classifier;
use crate::geo::GeoResolver;
use crate::key_check::KeyCheck;
use crate::limiter::{DEFAULT_HIT_LIMIT, HitLimiter};
use crate::notification::Rules;
use crate::observe::Observer;
use crate::opt_out::{Languages, Texts};
use crate::queue::{
    DEFAULT_DEADLINE, DEFAULT_PURGE_INTERVAL, DEFAULT_QUEUE_CAPACITY, Limits, MIN_PURGE_INTERVAL, Queue,
};
use crate::refusals::Refusals;
use crate::repeats::DEFAULT_REPEAT_WINDOW;
use crate::sequences::Sequences;
use crate::text::ParseError;
use crate::tracker::Inner;
use crate::{ClientIp, Detail, Error, Keyring, Store, StoreError, TimeStep, Timestamp, Tracker};

/// Builds a [`Tracker`]. Keys, a store and a base URL are required; everything else has a default.
#[must_use]
pub struct TrackerBuilder {
    observer: Observer,
    store: Arc<dyn Store>,
    base_url: Option<String>,
    limits: Limits,
    hit_limit: u32,
    burst: (usize, Duration),
    repeat_window: Duration,
    notification_rules: Rules,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    languages: Languages,
    default_language: Option<String>,
    #[cfg(feature = "edges")]
    edges: Vec<crate::keyring::EdgeName>,
    #[cfg(feature = "certified")]
    seal_log: Option<crate::certified::SealLog>,
}

impl Tracker {
    /// Starts building a tracker. The keys sign the pixels of mail that is sent: keep them.
    pub fn builder(keys: Keyring, store: impl Store) -> TrackerBuilder {
        TrackerBuilder::new(keys, Arc::new(store))
    }
}

impl TrackerBuilder {
    fn new(keys: Keyring, store: Arc<dyn Store>) -> Self {
        Self {
            observer: Observer::new(keys),
            store,
            base_url: None,
            limits: Limits {
                capacity: DEFAULT_QUEUE_CAPACITY,
                deadline: DEFAULT_DEADLINE,
                purge_every: DEFAULT_PURGE_INTERVAL,
            },
            hit_limit: DEFAULT_HIT_LIMIT,
            burst: DEFAULT_BURST,
            repeat_window: DEFAULT_REPEAT_WINDOW,
            notification_rules: Rules::default(),
            clock: Arc::new(SystemTime::now),
            languages: Languages::default(),
            default_language: None,
            #[cfg(feature = "edges")]
            edges: Vec::new(),
            #[cfg(feature = "certified")]
            seal_log: None,
        }
    }

    /// The routes' address as seen from outside, such as `https://app.example/px`: the start of
    /// every pixel's URL. It also goes into a header line, so it is converted to ASCII:
    /// `https://exämple.com/täst` becomes `https://xn--exmple-cua.com/t%C3%A4st`.
    ///
    /// # Errors
    /// [`ParseError`] for anything but an absolute `http` or `https` URL of at most 512 bytes
    /// without query, fragment or user name.
    pub fn base_url(mut self, url: &str) -> Result<Self, ParseError> {
        let refused = |error| ParseError::because(error).in_field("base_url");
        self.base_url = Some(check_base_url(url).map_err(refused)?);
        Ok(self)
    }

    /// The words of the pages that recipients see, to object and to confirm, in one more language,
    /// or in the place of those that there are: English and German without this call. A reader gets
    /// the first language of `Accept-Language` that there is.
    ///
    /// # Errors
    /// [`ParseError`] for a language that is no tag, and a text that is empty or longer than 8 KiB.
    pub fn opt_out_texts(mut self, texts: &Texts) -> Result<Self, ParseError> {
        self.languages.insert(texts)?;
        Ok(self)
    }

    /// The language of these pages for readers who want none of those that there are, such as
    /// `de`; English without this call. [`build`](Self::build) refuses one that there are no texts
    /// of.
    pub fn default_language(mut self, tag: &str) -> Self {
        self.default_language = Some(tag.to_owned());
        self
    }

    /// Where places come from; without this call no open has a place.
    pub fn geo(mut self, geo: impl GeoResolver + 'static) -> Self {
        self.observer = self.observer.geo(geo);
        self
    }

    /// As [`geo`](Self::geo), for a resolver that the app shares, for example to reload its files.
    pub fn shared_geo(mut self, geo: Arc<dyn GeoResolver>) -> Self {
        self.observer.geo = geo;
        self
    }

    /// How to find the client's address. The default is the socket's peer, and no header.
    pub fn client_ip(mut self, client_ip: ClientIp) -> Self {
        self.observer = self.observer.client_ip(client_ip);
        self
    }

    /// How many bits of an address are kept: 24 of IPv4 and 48 of IPv6 without this call, which is
    /// also the most. [`Observer::mask`] says what fewer cost.
    ///
    /// # Errors
    /// [`ParseError`] for more than 24 or 48 bits: finer networks name single households.
    pub fn mask(mut self, v4_prefix: u8, v6_prefix: u8) -> Result<Self, ParseError> {
        self.observer = self.observer.mask(v4_prefix, v6_prefix)?;
        Ok(self)
    }

    /// Judges who fetched. The default is the built-in rules.
    pub fn classifier(mut self, classifier: Classifier) -> Self {
        self.observer = self.observer.classifier(classifier);
        self
    }

    /// The most that is kept of any open, whatever a ping asks for. The default is
    /// [`Detail::City`]. It also limits pings that were made before.
    pub fn ceiling(mut self, detail: Detail) -> Self {
        self.observer = self.observer.ceiling(detail);
        self
    }

    /// The finest time step that is kept, whatever a ping asks for. The default is
    /// [`TimeStep::Exact`].
    pub fn time_step_ceiling(mut self, step: TimeStep) -> Self {
        self.observer = self.observer.time_step_ceiling(step);
        self
    }

    /// The most that is kept of an open whose reader sends `Sec-GPC: 1`. The default is
    /// [`Detail::None`], which leaves nothing of it; [`Detail::Network`] does not read the signal.
    pub fn gpc_ceiling(mut self, detail: Detail) -> Self {
        self.observer = self.observer.gpc_ceiling(detail);
        self
    }

    /// The same for `DNT: 1`. The default is [`Detail::Opens`]: neither place nor network.
    pub fn dnt_ceiling(mut self, detail: Detail) -> Self {
        self.observer = self.observer.dnt_ceiling(detail);
        self
    }

    /// How long a pixel's answer waits for its open to be on disk. The default is 2 seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// How many opens may wait for the store at once, each about 300 bytes. The default is 65,536,
    /// the least 1.
    pub fn queue_capacity(mut self, opens: usize) -> Self {
        self.limits.capacity = opens.max(1);
        self
    }

    /// The most opens that are kept per ping and clock hour, the rest is counted; 100 without this
    /// call, 0 for no limit. Machines use up half of it at most, and they and the uncertain three
    /// quarters, so that neither can hide a person. Only what is stored counts; at the detail
    /// `last_day`, where a ping has one value, there is no limit. For more than 131,072 pings in
    /// one hour a newcomer takes over the count of the ping that it displaces, as far as machines
    /// use it up. The count is this process's own: several instances allow as much each.
    pub fn hit_limit(mut self, opens_per_hour: u32) -> Self {
        self.hit_limit = opens_per_hour;
        self
    }

    /// How many different pings must be fetched from one masked network within `window` before a
    /// fetch counts as uncertain, as one scanner's rather than many readers'; 5 within 10 seconds
    /// without this call, 0 pings for never, and at most 64. Earlier fetches keep their verdicts,
    /// since stored verdicts never change. Mail proxies and [people's networks] are not counted,
    /// since many readers share theirs. The count is this process's own.
    ///
    /// [people's networks]: crate::fetcher::Classifier::people_networks
    pub fn burst(mut self, pings: usize, window: Duration) -> Self {
        self.burst = (pings, window);
        self
    }

    /// A fetch within this time after another of the same kind counts as its repeat, unless the two
    /// came from different places. The default is 30 seconds.
    pub fn repeat_window(mut self, window: Duration) -> Self {
        self.repeat_window = window;
        self
    }

    /// A display counts as a reopening if at least this much time has passed since the person's
    /// previous display; the default is a day. At a time step of an hour or a day it is the steps
    /// that are compared.
    pub fn reopened_after(mut self, pause: Duration) -> Self {
        self.notification_rules.reopened_after = pause;
        self
    }

    /// How long after the sent time a message without a person's display counts as not opened. The
    /// default is three days.
    pub fn not_opened_after(mut self, patience: Duration) -> Self {
        self.notification_rules.not_opened_after = patience;
        self
    }

    /// How often pings and opens that are due are deleted. The default is every hour.
    pub fn purge_every(mut self, interval: Duration) -> Self {
        self.limits.purge_every = interval.max(MIN_PURGE_INTERVAL);
        self
    }

    /// Takes what [edge nodes](crate::edge) of these names send, at `…/edges` below the base URL;
    /// without this call nobody's, and there is no such route. Each name is 1 to 32 lower-case
    /// letters, digits and hyphens, and [`Keyring::for_edge`] makes its keys. To lock an edge out
    /// whose keys were stolen, take its name off the list.
    ///
    /// What an edge sends is not counted against this tracker's [hit limit](Self::hit_limit): it
    /// was against the edge's own.
    ///
    /// # Errors
    /// [`ParseError`] for another name.
    #[cfg(feature = "edges")]
    pub fn accept_edges<Name: AsRef<str>>(
        mut self,
        names: impl IntoIterator<Item = Name>,
    ) -> Result<Self, ParseError> {
        for name in names {
            let name = name.as_ref().parse().map_err(|error: ParseError| error.in_field("accept_edges"))?;
            self.edges.push(name);
        }
        Ok(self)
    }

    /// Seals what is kept of the pings that are made from now on into a signed log, so that their
    /// receipts can be [certified](crate::receipts::Receipts::certified). All programs that make
    /// pings on one database seal, or none does. [`build`](Self::build) refuses a store that cannot
    /// seal, the key of another log, and a file of the last head that cannot be written.
    #[cfg(feature = "certified")]
    pub fn seal(mut self, log: crate::certified::SealLog) -> Self {
        self.seal_log = Some(log);
        self
    }

    /// The clock, for tests.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings against the store. It starts no thread: the [intake](Tracker::intake)
    /// does.
    ///
    /// If the database is away and a spool stands in front of it, the tracker is built all the
    /// same. The keys are checked when the database comes, and nothing that needs them is done
    /// before.
    ///
    /// # Errors
    /// [`Error::is_invalid`], with the setting's name as its [`field`](Error::field): no
    /// `base_url`, a `default_language` without texts, or `keys` without one that objections need,
    /// or with another in its place. A store that cannot be read. With sealing [`Error::Log`], if
    /// the key is that of another log, and [`Error::File`], if the file of its last head cannot be
    /// written.
    pub async fn build(mut self) -> Result<Tracker, Error> {
        let base_url = self.base_url.ok_or(ParseError::because(NO_BASE_URL).in_field("base_url"))?;
        if let Some(tag) = &self.default_language {
            let unknown = |_| ParseError::because(NO_TEXTS).in_field("default_language");
            self.languages.put_first(tag).map_err(unknown)?;
        }
        let key_check = Arc::new(KeyCheck::new(&self.observer.keys));
        match key_check.look(&*self.store).await {
            Err(Error::Store(StoreError::Unavailable { source })) if self.store.spool().is_some() => {
                let failure = source.to_string();
                tracing::warn!(
                    failure,
                    "the database is away: opens go into the spool, and the keys are checked when it comes"
                );
            }
            looked => looked?,
        }
        tracing::info!("{}", when_answered(self.store.copies(), self.store.spool().is_some()));
        let system = Arc::clone(&self.clock);
        let clock: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(move || system().into());
        let limiter = Arc::new(HitLimiter::new(self.hit_limit));
        let (store, check) = (Arc::clone(&self.store), Arc::clone(&key_check));
        let at_contact = move || pollster::block_on(check.pass(&*store)).is_ok();
        #[cfg(feature = "certified")]
        let sealing = match self.seal_log {
            None => None,
            Some(log) => {
                let keys = self.observer.keys.clone();
                let sealer =
                    crate::certified::Sealer::new(log, Arc::clone(&self.store), keys, Arc::clone(&clock));
                let refused = || ParseError::because(CANNOT_SEAL).in_field("seal");
                let sealer = sealer.ok_or_else(refused)?;
                match sealer.check().await {
                    // As with the keys.
                    Err(Error::Store(StoreError::Unavailable { .. })) if self.store.spool().is_some() => {}
                    checked => checked?,
                }
                Some(crate::certified::SealingThread::new(sealer))
            }
        };
        let queue = Queue::new(
            Arc::clone(&self.store),
            clock,
            self.limits,
            Arc::clone(&limiter),
            Box::new(at_contact),
        );
        let (burst_pings, burst_window) = self.burst;
        Ok(Tracker::new(Inner {
            observer: self.observer,
            store: self.store,
            base_url,
            limiter,
            sequences: Sequences::new(burst_pings, burst_window),
            acceptances: Acceptances::default(),
            repeat_window: self.repeat_window,
            notification_rules: self.notification_rules,
            queue,
            clock: self.clock,
            key_check,
            refusals: Refusals::default(),
            languages: self.languages,
            #[cfg(feature = "edges")]
            edges: crate::edge::Edges::new(self.edges),
            #[cfg(feature = "certified")]
            sealing,
        }))
    }
}

impl fmt::Debug for TrackerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackerBuilder")
            .field("observer", &self.observer)
            .field("store", &self.store)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

const NO_BASE_URL: &str = "no base URL: call `base_url` with the public address of the pixel routes";
#[cfg(feature = "certified")]
const CANNOT_SEAL: &str = "the store keeps nothing for sealing: take another, or build without `seal`";
const NO_TEXTS: &str = "the default language of the opt-out page has no texts: add them with opt_out_texts";

/// What a hit's answer waits for, within the deadline.
fn when_answered(copies: usize, has_spool: bool) -> String {
    let place = match copies {
        0 => "in memory alone, where it survives no restart".to_owned(),
        1 => "on one machine's disk".to_owned(),
        copies => format!("on the disks of {copies} machines"),
    };
    let or_spooled = if has_spool { ", or in the spool on this machine's" } else { "" };
    format!("until the deadline, a hit's answer waits for its open to be {place}{or_spooled}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_at_start_promises_no_more_than_is_kept() {
        for (copies, has_spool, end) in [
            (0, false, "in memory alone, where it survives no restart"),
            (1, false, "on one machine's disk"),
            (2, false, "on the disks of 2 machines"),
            (2, true, "on the disks of 2 machines, or in the spool on this machine's"),
        ] {
            let line = when_answered(copies, has_spool);
            assert!(line.starts_with("until the deadline") && line.ends_with(end), "{line}");
        }
    }
}
