//! How agent and network confirm or contradict each other. Data stands elsewhere; here is only what
//! follows from it.

use super::kind::Kind;
use super::ranges::Labels;
use super::{Evidence, EvidenceSet, Fetcher, Network, Provider, Verdict};

/// A judgement in the making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judgement {
    pub(super) fetcher: Fetcher,
    pub(super) provider: Option<Provider>,
    pub(super) verdict: Verdict,
    pub(super) evidence: EvidenceSet,
}

impl Judgement {
    fn is(mut self, fetcher: Fetcher, verdict: Verdict) -> Self {
        (self.fetcher, self.verdict) = (fetcher, verdict);
        self
    }

    fn at(mut self, network: Network) -> Self {
        self.provider = network.provider().or(self.provider);
        self
    }

    pub(super) fn no_longer_certain(mut self) -> Self {
        if self.verdict == Verdict::Human {
            self.verdict = Verdict::Uncertain;
        }
        self
    }
}

/// What the agent says by itself.
pub(super) fn from_agent(kind: Kind, provider: Option<Provider>) -> Judgement {
    use Fetcher as F;
    use Verdict::{Human, Machine, Uncertain};
    let (fetcher, verdict) = match kind {
        Kind::GoogleImageProxy => (F::GmailProxy, Human),
        Kind::GmailPrefetch => (F::GmailProxy, Machine),
        Kind::YahooMailProxy => (F::YahooProxy, Human),
        Kind::DisplayProxy => (F::OtherMailProxy, Human),
        Kind::OtherProxy => (F::OtherMailProxy, Uncertain),
        Kind::Scanner => (F::SecurityScanner, Machine),
        Kind::Preview => (F::LinkPreviewBot, Machine),
        Kind::Library | Kind::Headless => (F::HttpClient, Machine),
        Kind::Bot | Kind::Contact | Kind::NoBrowser => (F::Crawler, Machine),
        Kind::Thunderbird => (F::Thunderbird, Human),
        Kind::AppleMail | Kind::BareWebkit => (F::AppleMailDirect, Human),
        Kind::MailClient => (F::OtherMailClient, Human),
        Kind::Outlook => (F::OutlookClient, Human),
        Kind::Office => (F::OutlookClient, Uncertain),
        Kind::Browser | Kind::Webview => (F::Browser, Human),
        Kind::StaleBrowser | Kind::AddedName => (F::Browser, Uncertain),
        Kind::AppStack => (F::HttpClient, Uncertain),
        Kind::AppleStack => (F::OtherMailClient, Uncertain),
        Kind::MailServer => (F::OtherMailProxy, Uncertain),
        Kind::BareMozilla | Kind::Missing | Kind::Opaque => (F::Unknown, Uncertain),
    };
    Judgement { fetcher, provider, verdict, evidence: kind.evidence().into() }
}

/// What the network adds. `global` is false if it is unknown or nobody's in the Internet: then
/// nothing is foreign. `hint` is what its number says, and `labels` are [decided](Labels::decided).
pub(super) fn with_network(
    mut judged: Judgement,
    kind: Kind,
    mut labels: Labels,
    hint: Option<Network>,
    global: bool,
) -> Judgement {
    for network in Network::ALL.iter().copied().filter(|network| labels.touches(*network)) {
        judged.evidence.insert(network.evidence());
    }
    // Partly one operator's: unless another one's label covers the whole.
    if labels.part != 0 && labels.whole & !Network::Own.bit() == 0 {
        judged.evidence.insert(Evidence::NetPartial);
    }
    // A number tells nothing new of a network that a list covers as a whole.
    if let Some(network) = hint.filter(|network| labels.whole == 0 && !labels.touches(*network)) {
        judged.evidence.extend([network.evidence(), Evidence::NetByAsn]);
        labels.part |= network.bit();
    }
    match kind {
        Kind::GoogleImageProxy | Kind::GmailPrefetch => google(judged, labels, global),
        Kind::YahooMailProxy if labels.touches(Network::Yahoo) || !global => judged,
        Kind::YahooMailProxy => foreign(judged),
        Kind::BareMozilla => bare(judged, labels),
        Kind::BareWebkit
        | Kind::Browser
        | Kind::StaleBrowser
        | Kind::AddedName
        | Kind::Webview
        | Kind::Missing
        | Kind::AppStack
        | Kind::AppleStack
        | Kind::Opaque => ordinary(judged, labels),
        Kind::Thunderbird | Kind::AppleMail | Kind::MailClient | Kind::Outlook | Kind::Office => {
            client(judged, labels)
        }
        _ => judged,
    }
}

/// Google's published ranges drift, but nobody else can fetch from Google's own space.
fn google(judged: Judgement, labels: Labels, global: bool) -> Judgement {
    if labels.touches(Network::GoogleImageProxy) || !global {
        judged
    } else if labels.is_wholly(Network::Google) || labels.is_wholly(Network::GoogleCrawler) {
        judged.no_longer_certain()
    } else {
        foreign(judged)
    }
}

/// What the request's own method and headers add: they say that nobody looks, or do not fit an
/// image in the agent's browser.
pub(super) fn with_headers(mut judged: Judgement, declared: EvidenceSet) -> Judgement {
    use Evidence::{
        HeaderFetchDest, HeaderHeadless, HeaderPlatform, HeaderPurpose, HeaderSecPurpose,
        HeaderSignatureAgent, HeaderXMoz, HeaderXPurpose, MethodHead,
    };
    if declared.is_empty() {
        return judged;
    }
    judged.evidence = judged.evidence.union(declared);
    let any = |of: &[Evidence]| of.iter().any(|evidence| declared.contains(*evidence));
    if any(&[HeaderSecPurpose, HeaderPurpose, HeaderXMoz, HeaderXPurpose, MethodHead]) {
        judged.verdict = Verdict::Machine;
    } else if any(&[HeaderFetchDest, HeaderPlatform]) {
        judged = judged.no_longer_certain();
    }
    // These two name the software, whatever agent it borrows.
    let borrowed = judged.fetcher.is_direct() || judged.fetcher == Fetcher::Unknown;
    for (evidence, fetcher) in
        [(HeaderHeadless, Fetcher::HttpClient), (HeaderSignatureAgent, Fetcher::Crawler)]
    {
        if declared.contains(evidence) {
            judged = judged.is(if borrowed { fetcher } else { judged.fetcher }, Verdict::Machine);
        }
    }
    judged
}

/// A known proxy's agent from where that proxy never fetches: anyone can send it.
fn foreign(mut judged: Judgement) -> Judgement {
    judged.evidence.insert(Evidence::NetForeign);
    judged.provider = None;
    judged.is(Fetcher::Unknown, Verdict::Uncertain)
}

/// The bare `Mozilla/5.0`. With it even a part of a relay network is enough: Apple's prefetch is
/// the one sender known there, and whatever else sends it is no person.
fn bare(judged: Judgement, labels: Labels) -> Judgement {
    if let Some(scanner) = scanner(labels) {
        judged.at(scanner).is(Fetcher::SecurityScanner, Verdict::Machine)
    } else if labels.touches(Network::PrivateRelay) {
        judged.at(Network::PrivateRelay).is(Fetcher::AppleMpp, Verdict::Machine)
    } else if let Some(network) =
        [Network::Google, Network::Hosting].into_iter().find(|network| labels.is_wholly(*network))
    {
        // Apple's prefetch never comes from a cloud.
        judged.at(network).is(Fetcher::SecurityScanner, Verdict::Machine)
    } else {
        judged
    }
}

/// An agent that anybody can have: the network may know better.
fn ordinary(judged: Judgement, labels: Labels) -> Judgement {
    use Fetcher::{OtherMailProxy, SecurityScanner, YahooProxy};
    if let Some(scanner) = scanner(labels) {
        return judged.at(scanner).is(SecurityScanner, Verdict::Machine);
    }
    let proxies = [
        (Network::ExchangeOnline, OtherMailProxy),
        (Network::Yahoo, YahooProxy),
        (Network::MailRu, OtherMailProxy),
    ];
    for (network, fetcher) in proxies {
        if labels.is_wholly(network) {
            return judged.at(network).is(fetcher, Verdict::Uncertain);
        }
    }
    if labels.has_doubt() { judged.no_longer_certain() } else { judged }
}

/// A program that names itself on the reader's device. Mail protection has no readers; a gateway's
/// office may have.
fn client(judged: Judgement, labels: Labels) -> Judgement {
    if labels.is_wholly(Network::MailProtection) {
        return judged.at(Network::MailProtection).is(Fetcher::SecurityScanner, Verdict::Machine);
    }
    if labels.has_doubt() { judged.no_longer_certain() } else { judged }
}

/// The network from which only scanners send ordinary agents, if it is one.
fn scanner(labels: Labels) -> Option<Network> {
    let candidates = [
        Network::MailProtection,
        Network::GoogleCrawler,
        Network::GoogleImageProxy,
        Network::Proofpoint,
        Network::Mimecast,
        Network::Barracuda,
        Network::Cisco,
        Network::TrendMicro,
        Network::OtherGateway,
    ];
    candidates.into_iter().find(|network| labels.is_wholly(*network))
}

impl Labels {
    /// Networks of which a hint is enough to doubt a person. The relay, Exchange Online, VPNs and
    /// web gateways carry people.
    const fn has_doubt(self) -> bool {
        let doubtful = Network::GATEWAYS
            | Network::MailProtection.bit()
            | Network::Google.bit()
            | Network::GoogleCrawler.bit()
            | Network::GoogleImageProxy.bit()
            | Network::MixedGateway.bit()
            | Network::Yahoo.bit()
            | Network::MailRu.bit()
            | Network::Hosting.bit();
        (self.whole | self.part) & doubtful != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_known_by_its_number_alone_is_a_doubt_and_never_proof() {
        let judged =
            |kind, hint| with_network(from_agent(kind, None), kind, Labels::default(), Some(hint), true);
        for hint in [Network::Hosting, Network::Proofpoint, Network::OtherGateway] {
            for kind in [Kind::Browser, Kind::Outlook] {
                let judged = judged(kind, hint);
                assert_eq!(judged.verdict, Verdict::Uncertain, "{kind:?} from {hint:?}");
                assert!(judged.evidence.contains(Evidence::NetByAsn));
            }
        }
        // People browse through a company's web gateway.
        assert_eq!(judged(Kind::Browser, Network::WebGateway).verdict, Verdict::Human);
    }

    fn wholly(networks: &[Network]) -> Labels {
        Labels { whole: networks.iter().fold(0, |bits, network| bits | network.bit()), part: 0 }
    }

    fn partly(network: Network) -> Labels {
        Labels { whole: 0, part: network.bit() }
    }

    fn judged(kind: Kind, labels: Labels, global: bool) -> Judgement {
        with_network(from_agent(kind, None), kind, labels, None, global)
    }

    #[test]
    fn a_part_of_a_network_is_told_unless_anothers_label_covers_the_whole() {
        let told = |labels| judged(Kind::Browser, labels, true).evidence.contains(Evidence::NetPartial);
        let part = partly(Network::PrivateRelay);
        assert!(told(part));
        assert!(told(Labels { whole: Network::Own.bit(), ..part }));
        assert!(!told(Labels { whole: Network::Google.bit(), ..part }));
        assert!(!told(wholly(&[Network::PrivateRelay])));
    }

    #[test]
    fn yahoos_agent_is_yahoos_from_its_network_or_where_none_can_be_foreign() {
        let fetcher = |labels, global| judged(Kind::YahooMailProxy, labels, global).fetcher;
        assert_eq!(fetcher(wholly(&[Network::Yahoo]), true), Fetcher::YahooProxy);
        assert_eq!(fetcher(Labels::default(), false), Fetcher::YahooProxy);
        assert_eq!(fetcher(Labels::default(), true), Fetcher::Unknown);
    }

    #[test]
    fn a_hint_of_each_network_without_readers_is_a_doubt_and_of_the_others_is_none() {
        let carry_people = [
            Network::PrivateRelay,
            Network::Apple,
            Network::ExchangeOnline,
            Network::WebGateway,
            Network::Vpn,
            Network::People,
            Network::Own,
        ];
        for network in Network::ALL.iter().copied() {
            let expected = if carry_people.contains(&network) { Verdict::Human } else { Verdict::Uncertain };
            for kind in [Kind::Browser, Kind::Outlook] {
                assert_eq!(judged(kind, partly(network), true).verdict, expected, "{kind:?} {network:?}");
            }
        }
    }

    #[test]
    fn a_mail_program_in_a_network_is_doubted_where_scanners_or_webmail_are() {
        let verdict = |network| judged(Kind::Outlook, wholly(&[network]), true).verdict;
        for network in
            [Network::Yahoo, Network::MailRu, Network::Proofpoint, Network::Google, Network::Hosting]
        {
            assert_eq!(verdict(network), Verdict::Uncertain, "{network:?}");
        }
        assert_eq!(verdict(Network::MailProtection), Verdict::Machine);
        assert_eq!(verdict(Network::ExchangeOnline), Verdict::Human);
    }
}
