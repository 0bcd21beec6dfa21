//! The judge: settings on the outside, one pure function on the inside.

use std::time::Duration;

use ipnet::IpNet;

use super::{Evidence, EvidenceSet, FetchSignals, Fetcher, Provider, Verdict};
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
    /// proxy, relay, scanner, bot or library, or the network belongs to one, even in part.
    pub locatable: bool,
}

/// Judges fetches. Make one and keep it: it holds the network tables.
#[derive(Debug, Clone)]
pub struct Classifier {
    early_window: Duration,
    own: Vec<IpNet>,
}

impl Default for Classifier {
    fn default() -> Self {
        Self { early_window: Duration::from_secs(30), own: Vec::new() }
    }
}

impl Classifier {
    /// How long after sending a fetch counts as early, which lowers certainty and proves nothing. Default: 30 s.
    #[must_use]
    pub const fn early_window(mut self, window: Duration) -> Self {
        self.early_window = window;
        self
    }

    /// The sender's own networks, such as the office. They are masked on entry. A fetch from there keeps its class and
    /// verdict and gets the evidence `net:own`; receipts do not count it as the recipient's.
    #[must_use]
    pub fn own_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.own.extend(networks);
        self
    }

    /// Judges one fetch. Pure, without allocation, in time linear in at most the first 2 KB of the User-Agent.
    #[must_use]
    pub fn classify(
        &self,
        signals: &FetchSignals<'_>,
        network: Option<MaskedIp>,
        since_sent: SinceSent,
    ) -> Classified {
        let _ = network;
        let mut evidence = signals.declared();
        match since_sent {
            SinceSent::Before => evidence.insert(Evidence::TimeBeforeSent),
            SinceSent::After(elapsed) if elapsed < self.early_window => evidence.insert(Evidence::TimeEarly),
            SinceSent::After(_) => {}
        }
        if signals.agent().is_none() {
            evidence.insert(Evidence::UaMissing);
        }
        Classified {
            fetcher: Fetcher::Unknown,
            provider: None,
            verdict: Verdict::Uncertain,
            evidence,
            locatable: false,
        }
    }
}
