// Links for rustdoc: see the comment in `guide.rs`.
//! [`ClientIp`]: crate::ClientIp
//! [`Keyring`]: crate::Keyring
//! [`MaxMind::from_bytes`]: crate::geo::MaxMind::from_bytes
//! [`Observation`]: crate::observe::Observation
//! [`Observer`]: crate::observe::Observer
//! [`Tracker`]: crate::Tracker
//! [`pixel`]: crate::pixel
//! [verdicts]: crate::guide::verdicts
#![doc = include_str!("../docs/observe.md")]

// The raw address ends in the first lines of `Observer::judge`; what is kept is cut to its detail
// in `Judged::cut`.

mod observer;

pub use self::observer::Observer;
pub use crate::id::OpenId;
pub use crate::mask::MaskedIp;
pub use crate::milestone::{Milestone, MilestoneKind};
pub use crate::open::{LastDay, Open};
pub use crate::request::{HeaderSource, PixelRequest};
pub use crate::time::{StepTime, TimeStep};

use crate::client_ip::{ClientAddress, ClientReader};
use crate::detail::Precision;
use crate::fetcher::{Evidence, FetchSignals, SinceSent, Verdict};
#[cfg(feature = "edges")]
use crate::mask::Mask;
#[cfg(feature = "edges")]
use crate::store::line::Entry;
use crate::token::{Label, Token};
use crate::{Detail, PingId, Timestamp, links};

/// One hit with everything that a pure function cannot make up by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit<'a> {
    pub(crate) request: &'a PixelRequest<'a>,
    pub(crate) now: Timestamp,
    /// The id that its open shall have.
    pub(crate) open_id: OpenId,
}

/// What may be kept of a hit, and what a store has kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// An open, cut down to its detail.
    Open(Open),
    /// At the detail `last_day`: the day of a fetch that a person caused. Kept, it is the ping's
    /// latest.
    LastDay(LastDay),
    /// A milestone of the message, the first of its kind. No hit leaves one.
    Milestone(Milestone),
}

impl Observation {
    /// The ping that it belongs to.
    #[must_use]
    pub const fn ping(&self) -> PingId {
        match self {
            Self::Open(open) => open.ping,
            Self::LastDay(last) => last.ping,
            Self::Milestone(milestone) => milestone.ping,
        }
    }
}

/// A hit that was judged and not yet cut: it lives for the length of a call and is kept nowhere.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    open: Open,
    signals: FetchSignals<'a>,
    precision: Precision,
    pub(crate) no_peer_address: bool,
    pub(crate) forwarding_ignored: bool,
    pub(crate) geo_failed: bool,
}

/// Why a hit leaves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Token,
    Detail,
    Signal,
}

impl Observer {
    /// `accepted_at` tells when the recipient's mail server took a message: the early window begins
    /// then, rather than at the sent time.
    pub(crate) fn judge<'a>(
        &self,
        hit: Hit<'a>,
        accepted_at: impl FnOnce(PingId) -> Option<Timestamp>,
    ) -> Result<Judged<'a>, Refused> {
        let Hit { request, now: at, open_id } = hit;
        let token = links::token(request.path, Label::Pixel, &self.keys).ok_or(Refused::Token)?;
        let mut client = self.client_ip.reader(request.peer);
        let lines = Lines::read(request.headers, &mut client);
        let signalled = self.signalled(&lines).ok_or(Refused::Signal)?;
        let precision = token.precision.narrowed(self.ceiling).narrowed(signalled);
        if precision.detail == Detail::None {
            return Err(Refused::Detail);
        }

        let forwarding_ignored = client.forwarding_ignored();
        let client = client.client();
        let no_peer_address = matches!(client, ClientAddress::NoPeerAddress);
        let network = client.masked(self.mask);

        let since_sent = since_sent(token.ping, at, accepted_at(token.ping));
        let judged = self.classifier.classify(&lines.signals, network, since_sent);

        let mut open = Open::new(token.ping, open_id, at, judged.fetcher, judged.verdict);
        open.provider = judged.provider;
        open.evidence = judged.evidence;
        open.network = network;
        let mut geo_failed = false;
        if judged.locatable && precision.detail >= Detail::Country {
            let finest = network.filter(MaskedIp::is_finest);
            let located = finest.map(|network| self.geo.locate(network)).transpose();
            geo_failed = located.is_err();
            if let Some(place) = located.ok().flatten().flatten() {
                open.country = place.country;
                open.city = place.city;
            }
        }
        Ok(Judged {
            open,
            signals: lines.signals,
            precision,
            no_peer_address,
            forwarding_ignored,
            geo_failed,
        })
    }

    /// What may be kept of a request that confirms receipt: the time in its step, the verdict and,
    /// from the detail `opens` on, the reasons. It is a deliberate act, so that neither `none` nor
    /// a signal of the browser keeps it from being kept; no place and no network is. `None` if a
    /// program sent it, or it came from the sender's own network.
    pub(crate) fn judge_confirmation(
        &self,
        token: Token,
        request: &PixelRequest<'_>,
        at: Timestamp,
        accepted_at: Option<Timestamp>,
    ) -> Option<Milestone> {
        let precision = token.precision.narrowed(self.ceiling);
        let mut client = self.client_ip.reader(request.peer);
        let mut signals = FetchSignals::default();
        request.headers.each(&mut |name, value| {
            // The rule is for pictures, and a form leads to a page: `confirm::press` looks at it.
            if !client.visit(name, value) && name != "sec-fetch-dest" {
                signals.read(name, value);
            }
        });
        let network = client.client().masked(self.mask);
        let judged = self.classifier.classify(&signals, network, since_sent(token.ping, at, accepted_at));
        // A button is pressed in a browser or in a mail program's own; what an app's stack of HTTP
        // sends may be a person's picture, and is nobody's click.
        let may_be_pressed = judged.fetcher.is_direct() && !judged.evidence.contains(Evidence::UaAppStack);
        let is_own = judged.evidence.contains(Evidence::NetOwn);
        if judged.verdict == Verdict::Machine || !may_be_pressed || is_own {
            return None;
        }
        let mut milestone = Milestone::new(token.ping, MilestoneKind::Confirmed, precision.kept_time(at));
        milestone.time_step = precision.kept_step();
        milestone.verdict = Some(judged.verdict);
        milestone.rules_version = crate::fetcher::RULES_VERSION;
        if precision.detail >= Detail::Opens {
            milestone.evidence = judged.evidence;
        }
        Some(milestone)
    }

    /// What may be kept here of what an edge has judged: no more than of a hit here, and what came
    /// before the sent time is judged as here. `of_ping` is what its ping permits.
    #[cfg(feature = "edges")]
    pub(crate) fn narrowed(&self, judged: Entry, of_ping: Precision) -> Option<Observation> {
        let precision = of_ping.narrowed(self.ceiling);
        match judged {
            Entry::LastDay(last) if precision.detail >= Detail::LastDay => {
                let first = last.ping.sent_at().floor(TimeStep::Day.millis());
                let day = last.day.floor(TimeStep::Day.millis());
                (day >= first).then_some(Observation::LastDay(LastDay { ping: last.ping, day }))
            }
            Entry::LastDay(_) => None,
            Entry::Open(mut open) => {
                open.network = open.network.map(|network| self.mask.narrow(network));
                let is_own = open.evidence.contains(Evidence::NetOwn);
                let is_readers_own = open.fetcher.is_direct() && open.verdict == Verdict::Human && !is_own;
                if !is_readers_own || self.mask != Mask::default() {
                    (open.country, open.city) = (None, None);
                }
                if open.at < open.ping.sent_at().floor(open.time_step.millis()) {
                    doubt(&mut open, Evidence::TimeBeforeSent);
                }
                let own = Precision { detail: Detail::Network, step: open.time_step };
                cut(open, precision.narrowed(own))
            }
        }
    }

    /// How far the reader's signals narrow what is kept; `None` if they forbid all of it.
    fn signalled(&self, lines: &Lines<'_>) -> Option<Precision> {
        let mut precision = self.ceiling;
        for (signal, most) in [(lines.gpc, self.gpc_ceiling), (lines.dnt, self.dnt_ceiling)] {
            if signal != Some(b"1") {
                continue;
            }
            if most == Detail::None {
                return None;
            }
            precision.detail = precision.detail.min(most);
        }
        Some(precision)
    }
}

fn since_sent(ping: PingId, at: Timestamp, accepted_at: Option<Timestamp>) -> SinceSent {
    let sent = ping.sent_at();
    let accepted = accepted_at.map_or(sent, |accepted| sent.max(accepted));
    match (at.since(sent), at.since(accepted)) {
        (None, _) => SinceSent::Before,
        (Some(_), None) => SinceSent::BeforeAccepted,
        (Some(_), Some(elapsed)) => SinceSent::After(elapsed),
    }
}

/// What judging needs of the headers. Those that carry addresses are `client_ip`'s alone.
#[derive(Default)]
struct Lines<'a> {
    signals: FetchSignals<'a>,
    gpc: Option<&'a [u8]>,
    dnt: Option<&'a [u8]>,
}

impl<'a> Lines<'a> {
    /// One walk through all lines.
    fn read(headers: &'a dyn HeaderSource, client: &mut ClientReader<'_, 'a>) -> Self {
        let mut lines = Self::default();
        headers.each(&mut |name, value| match name {
            _ if client.visit(name, value) => {}
            "sec-gpc" => {
                lines.gpc.get_or_insert(value);
            }
            "dnt" => {
                lines.dnt.get_or_insert(value);
            }
            _ => lines.signals.read(name, value),
        });
        lines
    }
}

impl Judged<'_> {
    pub(crate) fn open(&self) -> &Open {
        &self.open
    }

    /// The network that a sequence of hits is told by; `None` for a mail proxy, whose networks many
    /// readers share by design.
    pub(crate) fn unshared_network(&self) -> Option<MaskedIp> {
        use crate::fetcher::Fetcher;
        let shared = matches!(
            self.open.fetcher,
            Fetcher::GmailProxy | Fetcher::YahooProxy | Fetcher::AppleMpp | Fetcher::OtherMailProxy
        );
        self.open.network.filter(|_| !shared)
    }

    /// The agent if it is a browser's: the kind that scanners borrow.
    pub(crate) fn browser_agent(&self) -> Option<&[u8]> {
        use Evidence::{UaAddedName, UaBrowser, UaStaleBrowser, UaWebview};
        let kinds = [UaBrowser, UaStaleBrowser, UaAddedName, UaWebview];
        self.signals.agent().filter(|_| kinds.into_iter().any(|kind| self.open.evidence.contains(kind)))
    }

    /// Did it come too early for a person, or as a machine?
    pub(crate) fn is_early_or_machine(&self) -> bool {
        let early = [Evidence::TimeEarly, Evidence::TimeBeforeSent, Evidence::TimeBeforeAccepted];
        self.open.verdict == Verdict::Machine
            || early.into_iter().any(|early| self.open.evidence.contains(early))
    }

    /// Does the operator say that people come from there?
    pub(crate) fn is_from_people(&self) -> bool {
        self.open.evidence.contains(Evidence::NetPeople)
    }

    /// Marks a fetch that belongs to what came before it: it is uncertain, and its place may be a
    /// scanner's.
    pub(crate) fn doubt(&mut self, evidence: Evidence) {
        doubt(&mut self.open, evidence);
    }

    /// Takes away what the detail does not allow; `None` if nothing is left.
    pub(crate) fn cut(self) -> Option<Observation> {
        cut(self.open, self.precision)
    }
}

fn doubt(open: &mut Open, evidence: Evidence) {
    open.evidence.insert(evidence);
    if open.verdict == Verdict::Human {
        open.verdict = Verdict::Uncertain;
    }
    (open.country, open.city) = (None, None);
}

/// Takes away what a precision does not allow; `None` if nothing is left.
fn cut(mut open: Open, precision: Precision) -> Option<Observation> {
    let Precision { detail, .. } = precision;
    let at = precision.kept_time(open.at);
    if detail <= Detail::LastDay {
        let own = open.evidence.contains(Evidence::NetOwn);
        let human = open.verdict == Verdict::Human && !own && detail == Detail::LastDay;
        return human.then_some(Observation::LastDay(LastDay { ping: open.ping, day: at }));
    }
    open.at = at;
    open.time_step = precision.kept_step();
    if detail < Detail::Country {
        open.country = None;
    }
    if detail < Detail::City {
        open.city = None;
    }
    if detail < Detail::Network {
        open.network = None;
    }
    Some(Observation::Open(open))
}
