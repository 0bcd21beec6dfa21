//! The judge: settings on the outside, one pure function on the inside.

use std::time::Duration;

use ipnet::IpNet;

#[cfg(feature = "maxmind")]
use super::AsnDatabase;
use super::ranges::{Labels, Ranges};
use super::{Evidence, EvidenceSet, FetchSignals, Fetcher, Network, NetworkList, Provider, Verdict};
use super::{agent, combine, network_list, networks};
use crate::MaskedIp;

/// When the fetch came, counted from the ping's sent time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinceSent {
    /// Before the message was sent.
    Before,
    /// So long after it.
    After(Duration),
}

/// What a fetch is judged to be, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Classified {
    /// The software that made the request.
    pub fetcher: Fetcher,
    /// Whose software or network it is, where known.
    pub provider: Option<Provider>,
    /// Did a person displaying the message cause it?
    pub verdict: Verdict,
    /// The reasons.
    pub evidence: EvidenceSet,
    /// May a place be attributed to the recipient from the masked network? False wherever the fetcher is or may be a
    /// proxy, relay, scanner, bot or library, or the network belongs to one, even in part; and without a network.
    pub locatable: bool,
}

/// Judges fetches. Make one and keep it: it holds the network tables.
///
/// ```
/// use std::time::Duration;
/// use mailping_core::fetcher::{Classifier, FetchSignals, Fetcher, SinceSent, Verdict};
///
/// let classifier = Classifier::default();
/// let relay = "172.224.226.0/24".parse().ok();
/// let fetch = FetchSignals::new().user_agent(b"Mozilla/5.0");
/// let judged = classifier.classify(&fetch, relay, SinceSent::After(Duration::from_secs(7_200)));
/// assert_eq!((judged.fetcher, judged.verdict), (Fetcher::AppleMpp, Verdict::Machine));
/// assert!(!judged.locatable);
/// ```
#[derive(Debug, Clone)]
pub struct Classifier {
    early_window: Duration,
    lists: Vec<(Network, NetworkList)>,
    ranges: Ranges,
    #[cfg(feature = "maxmind")]
    asn: Option<AsnDatabase>,
}

impl Default for Classifier {
    fn default() -> Self {
        let mut classifier = Self {
            early_window: Duration::from_secs(30),
            lists: networks::built_in(),
            ranges: Ranges::default(),
            #[cfg(feature = "maxmind")]
            asn: None,
        };
        classifier.flatten();
        classifier
    }
}

impl Classifier {
    /// How long after sending a fetch counts as early, which lowers certainty and proves nothing. Default: 30 s.
    #[must_use]
    pub const fn early_window(mut self, window: Duration) -> Self {
        self.early_window = window;
        self
    }

    /// The sender's own networks, such as the office, in place of those set before. They are masked on entry. A fetch
    /// from there keeps its class and verdict, gets the evidence `net:own` and no place; receipts do not count it as
    /// the recipient's.
    #[must_use]
    pub fn own_networks(self, own: impl IntoIterator<Item = IpNet>) -> Self {
        self.networks(Network::Own, own.into_iter().map(network_list::masked).collect())
    }

    /// Takes `list` as what belongs to `network`, in place of the built-in list or the one set before.
    #[must_use]
    pub fn networks(mut self, network: Network, list: NetworkList) -> Self {
        self.lists.retain(|(known, _)| *known != network);
        self.lists.push((network, list));
        self.flatten();
        self
    }

    /// Takes hints at mail gateways and hosting companies from a database of network numbers, looked up at the middle
    /// of the masked network.
    #[cfg(feature = "maxmind")]
    #[must_use]
    pub fn asn(mut self, database: AsnDatabase) -> Self {
        self.asn = Some(database);
        self
    }

    #[cfg(feature = "maxmind")]
    fn hint(&self, network: MaskedIp) -> Option<Network> {
        self.asn.as_ref()?.hint(network)
    }

    #[cfg(not(feature = "maxmind"))]
    const fn hint(&self, _: MaskedIp) -> Option<Network> {
        None
    }

    /// The bytes that the flattened network tables take: 17,232 with the built-in lists, 49,296 with all of Apple's list
    /// of August 2026. The lists they are made from are kept beside them, in about as much.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        self.ranges.bytes()
    }

    /// Judges one fetch. Pure, without allocation, in time linear in at most the first 2 KB of the User-Agent.
    #[must_use]
    pub fn classify(
        &self,
        signals: &FetchSignals<'_>,
        network: Option<MaskedIp>,
        since_sent: SinceSent,
    ) -> Classified {
        let (kind, provider) = agent::read(signals.agent());
        let labels = network.map_or(Labels::default(), |network| self.ranges.look_up(network));
        let global = network.is_some_and(|network| networks::is_global(network.network()));

        let hint = network.and_then(|network| self.hint(network));

        let judged = combine::from_agent(kind, provider);
        let mut judged = combine::with_network(judged, kind, labels, hint, global);

        let declared = signals.declared();
        judged.evidence = judged.evidence.union(declared);
        if declares_machine(declared) {
            judged.verdict = Verdict::Machine;
        }
        if let Some(early) = self.early(since_sent) {
            judged.evidence.insert(early);
            // Never more than a doubt: one-to-one readers can be fast.
            if judged.verdict == Verdict::Human {
                judged.verdict = Verdict::Uncertain;
            }
        }
        let combine::Judgement { fetcher, provider, verdict, evidence } = judged;
        let locatable = fetcher.is_direct()
            && verdict == Verdict::Human
            && network.is_some()
            && labels.is_none()
            && hint.is_none()
            && !evidence.contains(Evidence::HeaderAnonymousIp);
        Classified { fetcher, provider, verdict, evidence, locatable }
    }

    fn early(&self, since_sent: SinceSent) -> Option<Evidence> {
        match since_sent {
            SinceSent::Before => Some(Evidence::TimeBeforeSent),
            SinceSent::After(elapsed) => (elapsed < self.early_window).then_some(Evidence::TimeEarly),
        }
    }

    fn flatten(&mut self) {
        self.ranges = Ranges::new(self.lists.iter().map(|(network, list)| (*network, list)));
    }
}

/// Does the request itself say that nobody looks?
fn declares_machine(declared: EvidenceSet) -> bool {
    use Evidence::{HeaderPurpose, HeaderSecPurpose, HeaderXMoz, HeaderXPurpose, MethodHead};
    let machine = [HeaderSecPurpose, HeaderPurpose, HeaderXMoz, HeaderXPurpose, MethodHead];
    machine.into_iter().any(|evidence| declared.contains(evidence))
}
