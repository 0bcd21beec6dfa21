//! What is kept of a hit, at most. There is no field here for an address, an agent or a recipient.

use serde::Serialize;

use crate::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use crate::geo::{City, Country};
use crate::{MaskedIp, OpenId, PingId, TimeStep, Timestamp};

/// What is kept of one fetch of a pixel, at most; a ping's detail can leave less of it.
///
/// ```compile_fail,E0308
/// # use mailping_core::Open;
/// fn keep(open: &mut Open, raw: std::net::IpAddr) {
///     open.network = Some(raw); // only a masked network fits
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Open {
    /// The ping it belongs to.
    #[serde(skip)]
    pub ping: PingId,
    /// Its id within the ping.
    #[serde(skip)]
    pub id: OpenId,
    /// When: the start of the time step that it is kept in.
    pub at: Timestamp,
    /// How exactly the time is kept: the ping's step, or a coarser one where the tracker's ceiling was lowered since.
    pub time_step: TimeStep,
    /// Who fetched.
    pub fetcher: Fetcher,
    /// The provider that the fetcher belongs to, where it is known.
    pub provider: Option<Provider>,
    /// Whether a person displaying the message caused it.
    pub verdict: Verdict,
    /// The reasons of the verdict.
    pub evidence: EvidenceSet,
    /// The version of the rules that judged it.
    #[serde(skip)]
    pub rules_version: u16,
    /// The masked network it came from.
    pub network: Option<MaskedIp>,
    /// The country, where the fetch came from the reader's own network.
    pub country: Option<Country>,
    /// The city, likewise.
    pub city: Option<City>,
}

impl Open {
    /// An open of which nothing but id, exact time, fetcher and verdict is known yet.
    #[must_use]
    pub fn new(ping: PingId, id: OpenId, at: Timestamp, fetcher: Fetcher, verdict: Verdict) -> Self {
        Self {
            ping,
            id,
            at,
            time_step: TimeStep::Exact,
            fetcher,
            provider: None,
            verdict,
            evidence: EvidenceSet::default(),
            rules_version: crate::fetcher::RULES_VERSION,
            network: None,
            country: None,
            city: None,
        }
    }
}

/// What is kept of a fetch at the detail `last_day`: the day of the latest one that a person caused, and no count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastDay {
    /// The ping.
    pub ping: PingId,
    /// The day, at 00:00 UTC.
    pub day: Timestamp,
}

impl LastDay {
    /// The day of a fetch that a person caused.
    #[must_use]
    pub const fn new(ping: PingId, day: Timestamp) -> Self {
        Self { ping, day }
    }
}
