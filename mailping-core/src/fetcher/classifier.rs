//! The judge: settings on the outside, one pure function on the inside.

use std::fmt;
use std::time::Duration;

use ipnet::IpNet;

#[cfg(feature = "maxmind")]
use super::AsnDatabase;
use super::network_list::NetworkList;
use super::ranges::{Labels, Ranges};
use super::timing::{DEFAULT_EARLY_WINDOW, SinceSent};
use super::{Evidence, EvidenceSet, FetchSignals, Fetcher, Network, Provider, Verdict};
use super::{as_ranges, combine, network_list, networks, user_agent};
#[cfg(feature = "maxmind")]
use crate::Error;
use crate::MaskedIp;

/// What a fetch is judged to be, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Classified {
    /// The software that made the request.
    pub fetcher: Fetcher,
    /// Whose software or network it is, if known.
    pub provider: Option<Provider>,
    /// Did a person displaying the message cause it?
    pub verdict: Verdict,
    /// The reasons.
    pub evidence: EvidenceSet,
    /// May a place be attributed to the recipient from the masked network? False wherever the
    /// fetcher is or may be a proxy, relay, scanner, bot or library, or the network belongs to one,
    /// even in part; and without a network.
    pub locatable: bool,
}

/// Judges fetches. Make one and keep it: it holds the network tables.
///
/// ```
/// use std::time::Duration;
/// use mailping_core::fetcher::Classifier;
///
/// let office = "198.51.100.0/24".parse().unwrap();
/// let classifier = Classifier::default().own_networks([office]);
/// let classifier = classifier.early_window(Duration::from_secs(10));
/// # let _ = classifier;
/// ```
#[derive(Clone)]
pub struct Classifier {
    early_window: Duration,
    lists: Vec<(Network, NetworkList)>,
    ranges: Ranges,
    /// Of which networks the ranges by AS number count.
    by_number: u32,
    #[cfg(feature = "maxmind")]
    asn: Option<AsnDatabase>,
}

/// Shows the size of the network tables, not what stands in them.
impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classifier")
            .field("early_window", &self.early_window)
            .field("lists", &self.lists.len())
            .field("bytes", &self.ranges.bytes())
            .finish_non_exhaustive()
    }
}

impl Default for Classifier {
    fn default() -> Self {
        let mut classifier = Self {
            early_window: DEFAULT_EARLY_WINDOW,
            lists: networks::built_in(),
            ranges: Ranges::default(),
            by_number: as_ranges::KINDS.iter().fold(0, |bits, network| bits | network.bit()),
            #[cfg(feature = "maxmind")]
            asn: None,
        };
        classifier.flatten();
        classifier
    }
}

impl Classifier {
    /// How long after sending a fetch counts as early, which lowers certainty and proves nothing.
    /// Default: 30 s.
    #[must_use]
    pub const fn early_window(mut self, window: Duration) -> Self {
        self.early_window = window;
        self
    }

    /// The sender's own networks, such as the office, in place of those set before. They are masked
    /// on entry. A fetch from there keeps its class and verdict, gets the evidence `net:own` and no
    /// place; receipts do not count it as the recipient's.
    #[must_use]
    pub fn own_networks(self, own: impl IntoIterator<Item = IpNet>) -> Self {
        self.networks(Network::Own, own.into_iter().map(network_list::masked))
    }

    /// Networks that people come from, such as a customer's office behind a cloud's addresses, in
    /// place of those set before. They are masked on entry. Whatever other lists say of them, a
    /// browser or mail program from there is a person's and has a place, and many pings at once are
    /// no burst; only the [sender's own](Self::own_networks) count before them.
    #[must_use]
    pub fn people_networks(self, people: impl IntoIterator<Item = IpNet>) -> Self {
        self.networks(Network::People, people.into_iter().map(network_list::masked))
    }

    /// Takes a list as what belongs to `network`, in place of the built-in list or the one set
    /// before. An empty list switches the network off.
    ///
    /// ```
    /// use mailping_core::fetcher::{Classifier, Network, networks_from_lines};
    ///
    /// let clouds = networks_from_lines(b"192.0.2.0/24\n2001:db8::/32")?;
    /// let classifier = Classifier::default()
    ///     .networks(Network::Hosting, clouds) // instead of the built-in clouds
    ///     .networks(Network::Vpn, []) // no VPN is known
    ///     .add_networks(Network::WebGateway, networks_from_lines(b"198.51.100.0/24")?);
    /// # Ok::<(), mailping_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn networks(mut self, network: Network, list: impl IntoIterator<Item = IpNet>) -> Self {
        self.by_number &= !network.bit();
        self.lists.retain(|(kind, _)| *kind != network);
        self.lists.push((network, list.into_iter().collect()));
        self.flatten();
        self
    }

    /// Takes a list as what belongs to `network` too, beside what is known of it.
    #[must_use]
    pub fn add_networks(mut self, network: Network, list: impl IntoIterator<Item = IpNet>) -> Self {
        let list = list.into_iter().collect();
        match self.lists.iter_mut().find(|(kind, _)| *kind == network) {
            Some((_, before)) => *before = std::mem::take(before).and(list),
            None => self.lists.push((network, list)),
        }
        self.flatten();
        self
    }

    /// Leaves out the ranges of clouds, web gateways, VPNs and mail gateways that are built in by
    /// AS number. The short lists that operators publish, and those given by
    /// [`networks`](Self::networks), still count.
    #[must_use]
    pub fn without_networks_by_number(mut self) -> Self {
        self.by_number = 0;
        self
    }

    /// Takes hints at clouds, web gateways, VPNs and mail gateways from a database of AS numbers
    /// too, looked up at the middle of the masked network. The built-in ranges are of the day that
    /// [`Network::source`] names; a database that you keep current knows those since.
    ///
    /// `database` is the content of such a file in MaxMind's format, such as GeoLite2-ASN or
    /// DB-IP's. All of it is checked, which takes a moment.
    ///
    /// # Errors
    /// [`Error::File`] if it is damaged, or holds no network numbers.
    #[cfg(feature = "maxmind")]
    pub fn asn(mut self, database: Vec<u8>) -> Result<Self, Error> {
        self.asn = Some(AsnDatabase::from_bytes(database)?);
        Ok(self)
    }

    #[cfg(feature = "maxmind")]
    fn hint(&self, network: MaskedIp) -> Option<Network> {
        self.asn.as_ref()?.hint(network)
    }

    #[cfg(not(feature = "maxmind"))]
    const fn hint(&self, _: MaskedIp) -> Option<Network> {
        None
    }

    /// The bytes that the flattened network tables take on the heap: 18,624 with the built-in
    /// lists, 50,688 with all of Apple's list of August 2026. The lists they are made from are kept
    /// beside them, in about as much; the ranges by AS number stay in the program's file and take
    /// none.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        self.ranges.bytes()
    }

    /// Judges one fetch. Pure, without allocation, in time linear in at most the first 2 KB of the
    /// User-Agent.
    pub(crate) fn classify(
        &self,
        signals: &FetchSignals<'_>,
        network: Option<MaskedIp>,
        since_sent: SinceSent,
    ) -> Classified {
        let user_agent::Software { kind, provider, system } = user_agent::read(signals.agent());
        let labels = network.map_or(Labels::default(), |network| self.labels(network));
        let origin = network.map(MaskedIp::without_6to4);
        let global = origin.is_some_and(|network| networks::is_global(network.network()));
        let hint = origin.and_then(|network| self.hint(network));

        let judged = combine::from_agent(kind, provider);
        let judged = combine::with_network(judged, kind, labels, hint, global);
        let mut judged = combine::with_headers(judged, signals.declared_by(system));
        if let Some(early) = since_sent.hint(self.early_window) {
            judged.evidence.insert(early);
            // Never more than a doubt: one-to-one readers can be fast.
            judged = judged.no_longer_certain();
        }
        let combine::Judgement { fetcher, provider, verdict, evidence } = judged;
        let readers_own = labels.is_wholly(Network::People) || (labels.is_none() && hint.is_none());
        let locatable = fetcher.is_direct()
            && verdict == Verdict::Human
            && network.is_some()
            && readers_own
            && !evidence.contains(Evidence::HeaderAnonymousIp);
        Classified { fetcher, provider, verdict, evidence, locatable }
    }

    fn labels(&self, network: MaskedIp) -> Labels {
        let origin = network.without_6to4();
        let listed = self.ranges.look_up(origin);
        // A list can name either form.
        let listed = if origin == network { listed } else { listed.and(self.ranges.look_up(network)) };
        listed.and(as_ranges::look_up(origin).among(self.by_number)).decided()
    }

    fn flatten(&mut self) {
        self.ranges = Ranges::new(self.lists.iter().map(|(network, list)| (*network, list)));
    }
}
