//! What is kept of a hit, at most. There is no field here for an address, an agent or a recipient.

use serde::{Serialize, Serializer};

use crate::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use crate::geo::{City, Country, Place};
use crate::{MaskedIp, OpenId, PingId, StepTime, TimeStep, Timestamp};

/// What is kept of one fetch of a pixel, at most; a ping's detail can leave less of it.
///
/// ```compile_fail,E0308
/// # use mailping_core::receipts::Open;
/// fn keep(open: &mut Open, raw: std::net::IpAddr) {
///     open.network = Some(raw); // only a masked network fits
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Open {
    /// The ping it belongs to.
    pub ping: PingId,
    /// Its id within the ping.
    pub id: OpenId,
    /// The time of the fetch: the start of its time step.
    pub at: Timestamp,
    /// How exactly the time is kept: the ping's step, or a coarser one if the tracker's ceiling was
    /// lowered later.
    pub time_step: TimeStep,
    /// Who fetched.
    pub fetcher: Fetcher,
    /// The provider that the fetcher belongs to, if it is known.
    pub provider: Option<Provider>,
    /// Whether a person caused it by displaying the message.
    pub verdict: Verdict,
    /// The reasons for the verdict.
    pub evidence: EvidenceSet,
    /// The version of the rules that judged it.
    pub rules_version: u16,
    /// The masked network it came from.
    pub network: Option<MaskedIp>,
    /// The country, if the fetch came from the reader's own network.
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

impl Open {
    /// When, in the time step that it is kept in: what to show to people.
    #[must_use]
    pub fn time(&self) -> StepTime {
        StepTime::new(self.at, self.time_step)
    }

    /// Where the fetch came from, if country or city are kept.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let place = Place::new(self.country, self.city.clone());
        (!place.is_unknown()).then_some(place)
    }
}

/// An open as it is shown: without its ping, which stands around it, and with its time in its step.
#[derive(Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema), schema(as = Open))]
struct OpenJson<'a> {
    /// When, in the time step that it is kept in.
    at: StepTime,
    /// How exactly the time is kept.
    time_step: TimeStep,
    /// Who fetched.
    fetcher: Fetcher,
    /// The provider that the fetcher belongs to, if it is known.
    provider: Option<Provider>,
    /// Whether a person displaying the message caused it.
    verdict: Verdict,
    /// The reasons of the verdict.
    evidence: EvidenceSet,
    /// The masked network it came from.
    network: Option<MaskedIp>,
    /// The country, if the fetch came from the reader's own network.
    country: Option<Country>,
    /// The city, likewise.
    city: Option<&'a City>,
}

/// As an object without the ids, `at` in its [step](StepTime).
impl Serialize for Open {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = OpenJson {
            at: self.time(),
            time_step: self.time_step,
            fetcher: self.fetcher,
            provider: self.provider,
            verdict: self.verdict,
            evidence: self.evidence,
            network: self.network,
            country: self.country,
            city: self.city.as_ref(),
        };
        json.serialize(serializer)
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::PartialSchema for Open {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        OpenJson::schema()
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::ToSchema for Open {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        OpenJson::schemas(schemas);
    }
}

/// What is kept of a fetch at the detail `last_day`: the day of the latest one that a person
/// caused, and no count.
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
