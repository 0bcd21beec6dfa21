//! Judges hits with the settings that judging needs, and with nothing else.

use std::sync::Arc;

use super::{Hit, Observation};
use crate::detail::{DEFAULT_CEILING, DEFAULT_DNT_CEILING, DEFAULT_GPC_CEILING, Precision};
use crate::fetcher::Classifier;
use crate::geo::{GeoResolver, NoGeo};
use crate::mask::Mask;
use crate::{ClientIp, Detail, Keyring, OpenId, ParseError, PixelRequest, TimeStep, Timestamp};

/// Judges hits, each by itself: no thread, no clock, no random number, no file, no store. Make one
/// and keep it: it holds the network tables.
///
/// The settings are those of a [`TrackerBuilder`](crate::TrackerBuilder) and have its defaults. The
/// [module](crate::observe) has an example.
#[derive(Debug, Clone)]
#[must_use]
pub struct Observer {
    pub(crate) keys: Keyring,
    pub(crate) client_ip: ClientIp,
    pub(crate) mask: Mask,
    pub(crate) classifier: Classifier,
    pub(crate) geo: Arc<dyn GeoResolver>,
    pub(crate) ceiling: Precision,
    pub(crate) gpc_ceiling: Detail,
    pub(crate) dnt_ceiling: Detail,
}

impl Observer {
    /// Takes tokens that one of these keys has signed.
    pub fn new(keys: Keyring) -> Self {
        Self {
            keys,
            client_ip: ClientIp::default(),
            mask: Mask::default(),
            classifier: Classifier::default(),
            geo: Arc::new(NoGeo),
            ceiling: DEFAULT_CEILING,
            gpc_ceiling: DEFAULT_GPC_CEILING,
            dnt_ceiling: DEFAULT_DNT_CEILING,
        }
    }

    /// How to find the client's address. The default is the socket's peer, and no header.
    pub fn client_ip(mut self, client_ip: ClientIp) -> Self {
        self.client_ip = client_ip;
        self
    }

    /// How many bits of an address are kept: 24 of IPv4 and 48 of IPv6 without this call, which is
    /// also the most.
    ///
    /// A /48 is not always many people's:
    /// [RIPE-690](https://www.ripe.net/publications/docs/ripe-690/) recommends that providers give
    /// one to each business, or to every customer, for good. A provider's own allocation is a /32
    /// or shorter: `.mask(16, 32)` is the stricter choice.
    ///
    /// With fewer than 24 or 48 an open has no place: in DB-IP's city database the middle address
    /// of a /22 has the city of the full address in 84.2 % of cases, that of a /16 in 60.1 %, and
    /// its country in 90.4 %.
    ///
    /// # Errors
    /// [`ParseError`] for more than 24 or 48 bits: finer networks name single households.
    pub fn mask(mut self, v4_prefix: u8, v6_prefix: u8) -> Result<Self, ParseError> {
        self.mask = Mask::new(v4_prefix, v6_prefix)?;
        Ok(self)
    }

    /// Judges who fetched. The default is the built-in rules.
    pub fn classifier(mut self, classifier: Classifier) -> Self {
        self.classifier = classifier;
        self
    }

    /// Where places come from; without this call no open has a place.
    pub fn geo(mut self, geo: impl GeoResolver + 'static) -> Self {
        self.geo = Arc::new(geo);
        self
    }

    /// The most that is kept of any open, whatever its token says. The default is [`Detail::City`].
    pub fn ceiling(mut self, detail: Detail) -> Self {
        self.ceiling.detail = detail;
        self
    }

    /// The finest time step that is kept, whatever the token says. The default is
    /// [`TimeStep::Exact`].
    pub fn time_step_ceiling(mut self, step: TimeStep) -> Self {
        self.ceiling.step = step;
        self
    }

    /// The most that is kept of an open whose reader sends `Sec-GPC: 1`. The default is
    /// [`Detail::None`], which leaves nothing of it; [`Detail::Network`] does not read the signal.
    pub fn gpc_ceiling(mut self, detail: Detail) -> Self {
        self.gpc_ceiling = detail;
        self
    }

    /// The same for `DNT: 1`. The default is [`Detail::Opens`]: neither place nor network.
    pub fn dnt_ceiling(mut self, detail: Detail) -> Self {
        self.dnt_ceiling = detail;
        self
    }

    /// What may be kept of a GET for a pixel that comes `now` and whose open shall have this id.
    ///
    /// `None` if nothing may be: the token is forged or of another keyring, its detail or a signal
    /// of the reader forbids it, or at [`Detail::LastDay`] no person caused the fetch. The answer
    /// to the request must not depend on it.
    #[must_use]
    pub fn observe(
        &self,
        request: &PixelRequest<'_>,
        now: Timestamp,
        open_id: OpenId,
    ) -> Option<Observation> {
        self.judge(Hit { request, now, open_id }, |_| None).ok()?.cut()
    }
}
