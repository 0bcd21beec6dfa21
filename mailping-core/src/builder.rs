//! Settings of a tracker. What weakens privacy is not here; what narrows it is.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::base_url::{BaseUrlError, check_base_url};
use crate::delivery::acceptances::Acceptances;
use crate::detail::Precision;
use crate::fetcher::Classifier;
use crate::geo::{GeoResolver, NoGeo};
use crate::intake::Refusals;
use crate::key_check::KeyCheck;
use crate::keyring::KeyId;
use crate::limiter::HitLimiter;
use crate::observe::Observer;
use crate::opt_out::{Languages, Texts, TextsError};
use crate::queue::{Limits, Queue};
use crate::sequences::Sequences;
use crate::tracker::Inner;
use crate::{ClientIp, Detail, Keyring, Mask, SignalPolicy, Store, StoreError, TimeStep, Timestamp, Tracker};

/// About 20 MB of opens.
const DEFAULT_QUEUE_CAPACITY: usize = 65_536;
const DEFAULT_DEADLINE: Duration = Duration::from_secs(2);
const DEFAULT_PURGE_INTERVAL: Duration = Duration::from_secs(3_600);
const MIN_PURGE_INTERVAL: Duration = Duration::from_millis(10);
const DEFAULT_HIT_LIMIT: u32 = 100;
const DEFAULT_BURST: (usize, Duration) = (5, Duration::from_secs(10));
const DEFAULT_REPEAT_WINDOW: Duration = Duration::from_secs(30);

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
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    languages: Languages,
    default_language: Option<String>,
}

impl TrackerBuilder {
    pub(crate) fn new(keys: Keyring, store: Arc<dyn Store>) -> Self {
        Self {
            observer: Observer {
                keys,
                client_ip: ClientIp::default(),
                mask: Mask::default(),
                classifier: Classifier::default(),
                geo: Arc::new(NoGeo),
                ceiling: Precision { detail: Detail::City, step: TimeStep::Exact },
                gpc: SignalPolicy::Drop,
                dnt: SignalPolicy::Narrow,
            },
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
            clock: Arc::new(SystemTime::now),
            languages: Languages::default(),
            default_language: None,
        }
    }

    /// The routes' address as seen from outside, such as `https://app.example/px`: the start of
    /// every pixel's URL. It also goes into a header line, so it is converted to ASCII:
    /// `https://exämple.com/täst` becomes `https://xn--exmple-cua.com/t%C3%A4st`.
    ///
    /// # Errors
    /// [`BaseUrlError`] for anything but an absolute `http` or `https` URL of at most 512 bytes
    /// without query, fragment or user name.
    pub fn base_url(mut self, url: &str) -> Result<Self, BaseUrlError> {
        self.base_url = Some(check_base_url(url)?);
        Ok(self)
    }

    /// The words of the pages that recipients see, to object and to confirm, in one more language, or in the place of those that there are:
    /// English and German without this call. A reader gets the first language of `Accept-Language`
    /// that there is.
    ///
    /// # Errors
    /// [`TextsError`] for a language that is no tag, and a text that is empty or longer than 8 KiB.
    pub fn opt_out_texts(mut self, texts: &Texts) -> Result<Self, TextsError> {
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
        self.observer.geo = Arc::new(geo);
        self
    }

    /// As [`geo`](Self::geo), for a resolver that the app shares, for example to reload its files.
    pub fn shared_geo(mut self, geo: Arc<dyn GeoResolver>) -> Self {
        self.observer.geo = geo;
        self
    }

    /// How to find the client's address. The default is the socket's peer, and no header.
    pub fn client_ip(mut self, client_ip: ClientIp) -> Self {
        self.observer.client_ip = client_ip;
        self
    }

    /// How much of an address is masked. The default keeps /24 and /48, which is also the most.
    pub fn mask(mut self, mask: Mask) -> Self {
        self.observer.mask = mask;
        self
    }

    /// Judges who fetched. The default is the built-in rules.
    pub fn classifier(mut self, classifier: Classifier) -> Self {
        self.observer.classifier = classifier;
        self
    }

    /// The most that is kept of any open, whatever a ping asks for. The default is
    /// [`Detail::City`]. It also limits pings that were made before.
    pub fn ceiling(mut self, detail: Detail) -> Self {
        self.observer.ceiling.detail = detail;
        self
    }

    /// The finest time step that is kept, whatever a ping asks for. The default is
    /// [`TimeStep::Exact`].
    pub fn time_step_ceiling(mut self, step: TimeStep) -> Self {
        self.observer.ceiling.step = step;
        self
    }

    /// What to do on `Sec-GPC: 1`. The default is [`SignalPolicy::Drop`].
    pub fn on_gpc(mut self, policy: SignalPolicy) -> Self {
        self.observer.gpc = policy;
        self
    }

    /// What to do on `DNT: 1`. The default is [`SignalPolicy::Narrow`].
    pub fn on_dnt(mut self, policy: SignalPolicy) -> Self {
        self.observer.dnt = policy;
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

    /// From how many different pings fetched within `window` from one masked network on a fetch is
    /// held uncertain, as one scanner's rather than many readers'; 5 within 10 seconds without this
    /// call, 0 pings for never, and at most 64. Those before count as they are judged, since stored
    /// verdicts never change. Mail proxies and [people's networks] are not counted, since many
    /// readers share theirs. The count is this process's own.
    ///
    /// [people's networks]: crate::fetcher::Classifier::people_networks
    pub fn burst(mut self, pings: usize, window: Duration) -> Self {
        self.burst = (pings, window);
        self
    }

    /// A fetch within this time after another of the same kind counts as its repeat. The default is
    /// 30 seconds.
    pub fn repeat_window(mut self, window: Duration) -> Self {
        self.repeat_window = window;
        self
    }

    /// How often pings and opens that are due are deleted. The default is every hour.
    pub fn purge_every(mut self, interval: Duration) -> Self {
        self.limits.purge_every = interval.max(MIN_PURGE_INTERVAL);
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
    /// [`BuildError`]: no base URL, a default language without texts, a store that cannot be read,
    /// or a keyring without a key that objections need, or with another in its place.
    pub async fn build(mut self) -> Result<Tracker, BuildError> {
        let base_url = self.base_url.ok_or(BuildError::NoBaseUrl)?;
        if let Some(tag) = &self.default_language {
            self.languages.put_first(tag).map_err(|_| BuildError::UnknownLanguage)?;
        }
        let key_check = Arc::new(KeyCheck::new(&self.observer.keys));
        match key_check.look(&*self.store).await {
            Err(BuildError::Store { source: StoreError::Unavailable { source } })
                if self.store.spool().is_some() =>
            {
                let failure = source.to_string();
                tracing::warn!(
                    failure,
                    "the database is away: opens go into the spool, and the keys are checked when it comes"
                );
            }
            looked => looked?,
        }
        let system = Arc::clone(&self.clock);
        let clock: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(move || system().into());
        let limiter = Arc::new(HitLimiter::new(self.hit_limit));
        let (store, check) = (Arc::clone(&self.store), Arc::clone(&key_check));
        let at_contact = move || pollster::block_on(check.pass(&*store)).is_ok();
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
            queue,
            clock: self.clock,
            key_check,
            refusals: Refusals::default(),
            languages: self.languages,
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

/// Why a tracker could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// [`TrackerBuilder::base_url`] was not called.
    #[error("no base URL: call `base_url` with the public address of the pixel routes")]
    NoBaseUrl,
    /// There are no texts in the language of [`TrackerBuilder::default_language`].
    #[error("the default language of the opt-out page has no texts: add them with opt_out_texts")]
    UnknownLanguage,
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Store {
        /// Why.
        source: StoreError,
    },
    /// Recipient hashes are kept under a key that is not in the keyring: without it objections
    /// would be forgotten.
    #[error(
        "the keyring lacks key {id}, under which recipients and objections are kept: add it after the newer keys"
    )]
    KeyMissing {
        /// The id of the key.
        id: KeyId,
    },
    /// Recipient hashes are kept under another key of this id: with this one objections would be
    /// forgotten.
    #[error(
        "key {id} of the keyring is not the key {id} under which recipients and objections are kept: bring that one back, \
         and give the new key an id of its own"
    )]
    KeyDiffers {
        /// The id of the key.
        id: KeyId,
    },
}
