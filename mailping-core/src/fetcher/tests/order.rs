//! What each kind of network means, in its order, and what headers add: each row runs through the
//! public function.

use std::time::Duration;

use ipnet::IpNet;

use super::super::*;

const LATE: SinceSent = SinceSent::After(Duration::from_secs(7_200));
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36";
const MAC_CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36";
const LINUX_CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36";
const PHONE_CHROME: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Mobile Safari/537.36";
const OUTLOOK: &str = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)";
const HOME: &str = "73.162.44.0/24";

fn judge(classifier: &Classifier, agent: &str, network: &str, since: SinceSent) -> Classified {
    let fetch = FetchSignals::new().user_agent(agent.as_bytes());
    classifier.classify(&fetch, Some(network.parse().unwrap()), since)
}

/// Network; the verdict on a browser, on Outlook, on the bare agent; whether a person has a place.
#[test]
fn each_network_means_what_the_table_says() {
    use Verdict::{Human, Machine, Uncertain};
    let classifier = Classifier::default();
    for (network, browser, outlook, bare, place) in [
        (HOME, Human, Human, Uncertain, true),
        ("172.225.0.0/24", Human, Human, Machine, false),
        ("165.225.72.0/24", Human, Human, Uncertain, false), // Zscaler
        ("163.116.180.0/24", Human, Human, Uncertain, false), // Netskope
        ("155.190.3.0/24", Human, Human, Uncertain, false),  // Umbrella
        ("185.65.134.0/24", Human, Human, Uncertain, false), // Mullvad
        ("104.28.200.0/24", Human, Human, Uncertain, false), // Cloudflare
        ("85.115.40.0/24", Uncertain, Uncertain, Uncertain, false), // Forcepoint
        ("94.100.130.0/24", Machine, Uncertain, Machine, false), // Hornetsecurity
        ("85.158.138.0/24", Machine, Uncertain, Machine, false), // Symantec
        ("209.222.82.0/24", Machine, Uncertain, Machine, false), // Barracuda
        ("40.107.22.0/24", Machine, Machine, Machine, false), // Exchange Online Protection
        ("66.249.70.0/24", Machine, Uncertain, Machine, false), // Google's crawlers
        ("74.125.82.0/24", Uncertain, Uncertain, Machine, false), // the rest of Google
        ("54.210.10.0/24", Uncertain, Uncertain, Machine, false), // Amazon
        ("146.70.10.0/24", Uncertain, Uncertain, Machine, false), // M247
        ("2a01:4f8:c0c::/48", Uncertain, Uncertain, Machine, false), // Hetzner
    ] {
        let verdicts = [(CHROME, browser), (OUTLOOK, outlook), ("Mozilla/5.0", bare)];
        for (agent, expected) in verdicts {
            let judged = judge(&classifier, agent, network, LATE);
            assert_eq!(judged.verdict, expected, "{agent} from {network}");
            assert_eq!(judged.locatable, place && agent != "Mozilla/5.0", "{agent} from {network}");
        }
        let early = judge(&classifier, CHROME, network, SinceSent::After(Duration::from_secs(9)));
        assert_ne!(early.verdict, Human, "{network}");
    }
}

#[test]
fn a_6to4_network_means_what_the_ipv4_network_in_it_means() {
    let people: IpNet = "198.18.7.0/24".parse().unwrap();
    let (office, other_office) = ("203.0.114.0/24".parse().unwrap(), "2002:cb00:7300::/40".parse().unwrap());
    let classifier = Classifier::default().people_networks([people]).own_networks([office, other_office]);
    for (network, behind) in [
        (HOME, "2002:49a2:2c00::/40"),
        ("54.210.10.0/24", "2002:36d2:a00::/40"),
        ("165.225.72.0/24", "2002:a5e1:4800::/40"),
        ("94.100.130.0/24", "2002:5e64:8200::/40"),
        ("198.18.7.0/24", "2002:c612:700::/40"),
        ("203.0.114.0/24", "2002:cb00:7200::/40"),
        ("54.210.0.0/16", "2002:36d2::/32"),
    ] {
        for agent in [CHROME, OUTLOOK, "Mozilla/5.0", "YahooMailProxy; https://senders.yahooinc.com"] {
            let judged = judge(&classifier, agent, behind, LATE);
            assert_eq!(judged, judge(&classifier, agent, network, LATE), "{agent} from {behind}");
        }
    }
    let judged = judge(&classifier, CHROME, "2002:cb00:7300::/40", LATE);
    assert!(judged.evidence.contains(Evidence::NetOwn));
}

/// Of ranges on Amazon and in Azure only a part of the /24 is a filter's, and only a part of
/// another is listed by the operator.
#[test]
fn a_network_that_is_touched_in_part_is_a_doubt_and_no_proof() {
    let classifier = Classifier::default();
    for network in ["3.24.133.0/24", "35.157.190.0/24", "52.238.78.0/24", "18.208.22.0/24"] {
        let judged = judge(&classifier, CHROME, network, LATE);
        assert!(judged.verdict == Verdict::Uncertain && !judged.locatable, "{network}");
    }
    let part = networks_from_lines("73.162.44.64/26".as_bytes()).unwrap();
    let classifier = classifier.add_networks(Network::Hosting, part);
    let judged = judge(&classifier, CHROME, HOME, LATE);
    assert!(judged.verdict == Verdict::Uncertain && judged.evidence.contains(Evidence::NetPartial));
    assert_eq!(judge(&classifier, "Mozilla/5.0", HOME, LATE).verdict, Verdict::Uncertain);
    assert!(judge(&classifier, CHROME, "73.162.45.0/24", LATE).locatable, "beside it");
}

#[test]
fn the_operator_adds_replaces_vouches_and_switches_off() {
    let list = |text: &str| networks_from_lines(text.as_bytes()).unwrap();
    let verdict = |classifier: &Classifier, network| judge(classifier, CHROME, network, LATE).verdict;
    let amazon = "54.210.10.0/24";

    let added = Classifier::default().add_networks(Network::Hosting, list("73.162.44.0/24"));
    assert!(verdict(&added, HOME) == Verdict::Uncertain && verdict(&added, amazon) == Verdict::Uncertain);

    let replaced = Classifier::default().networks(Network::Hosting, list("73.162.44.0/24"));
    assert!(verdict(&replaced, HOME) == Verdict::Uncertain && verdict(&replaced, amazon) == Verdict::Human);
    assert!(!judge(&replaced, CHROME, "185.65.134.0/24", LATE).locatable, "VPNs are still known");

    let off = Classifier::default().without_networks_by_number();
    assert!(judge(&off, CHROME, amazon, LATE).locatable);
    assert!(!judge(&off, CHROME, "165.225.72.0/24", LATE).locatable, "what operators publish still counts");
    let none = Classifier::default().networks(Network::WebGateway, []);
    assert!(judge(&none, CHROME, "165.225.72.0/24", LATE).locatable);

    // Whatever else the network is.
    let people = ["54.210.10.128/25", "94.100.130.0/24", "74.125.82.0/24"].map(|text| text.parse().unwrap());
    let vouched = Classifier::default().people_networks(people);
    for network in [amazon, "94.100.130.0/24", "74.125.82.0/24"] {
        for agent in [CHROME, OUTLOOK] {
            let judged = judge(&vouched, agent, network, LATE);
            assert!(judged.verdict == Verdict::Human && judged.locatable, "{agent} from {network}");
            assert!(judged.evidence.contains(Evidence::NetPeople) && judged.evidence.len() == 2);
        }
        assert_eq!(judge(&vouched, "curl/8.9", network, LATE).verdict, Verdict::Machine);
    }
    assert_eq!(verdict(&vouched, "54.210.11.0/24"), Verdict::Uncertain);

    // The sender's own come first, and have no place.
    let both = vouched.own_networks(["54.210.10.0/24".parse().unwrap()]);
    let judged = judge(&both, CHROME, amazon, LATE);
    assert!(judged.verdict == Verdict::Human && !judged.locatable);
    assert!(judged.evidence.contains(Evidence::NetOwn) && !judged.evidence.contains(Evidence::NetHosting));
}

#[test]
fn a_mail_providers_proxy_keeps_its_verdict_in_a_cloud() {
    let classifier = Classifier::default();
    for agent in ["Nextcloud-Server-Crawler/33.0.0", "SnappyMail/2.38", "RainLoop External Proxy"] {
        let judged = judge(&classifier, agent, "95.216.1.0/24", LATE);
        assert_eq!((judged.fetcher, judged.verdict), (Fetcher::OtherMailProxy, Verdict::Human), "{agent}");
        assert!(!judged.locatable);
    }
}

fn with_header(agent: &str, name: &str, value: &str) -> Classified {
    let fetch = FetchSignals::new().user_agent(agent.as_bytes()).header(name, value.as_bytes());
    Classifier::default().classify(&fetch, Some(HOME.parse().unwrap()), LATE)
}

#[test]
fn headers_tell_agents_that_act_by_themselves_and_browsers_without_a_screen() {
    for value in ["\"https://chatgpt.com\"", "sig1=\"https://agent.example\"", "x"] {
        let judged = with_header(CHROME, "Signature-Agent", value);
        assert_eq!((judged.fetcher, judged.verdict), (Fetcher::Crawler, Verdict::Machine), "{value}");
    }
    let headless = "\"Not=A?Brand\";v=\"24\", \"Chromium\";v=\"152\", \"HeadlessChrome\";v=\"152\"";
    let judged = with_header(CHROME, "sec-ch-ua", headless);
    assert_eq!((judged.fetcher, judged.verdict), (Fetcher::HttpClient, Verdict::Machine));
    for (name, value) in [
        ("signature-agent", ""),
        ("signature-agent", "  "),
        ("sec-ch-ua", "\"Chromium\";v=\"152\", \"Google Chrome\";v=\"152\""),
        ("sec-ch-ua", "\"NotHeadlessChromeAtAll\";v=\"1\""),
        ("sec-fetch-dest", "image"),
        ("sec-fetch-dest", " Image "),
        ("sec-fetch-dest", ""),
    ] {
        let judged = with_header(CHROME, name, value);
        assert!(judged.verdict == Verdict::Human && judged.locatable, "{name}: {value}");
    }
}

#[test]
fn what_was_not_fetched_as_an_image_or_from_another_system_is_uncertain() {
    for value in ["document", "empty", "iframe", "imagery"] {
        let judged = with_header(CHROME, "Sec-Fetch-Dest", value);
        assert!(judged.verdict == Verdict::Uncertain && !judged.locatable, "{value}");
        assert!(judged.evidence.contains(Evidence::HeaderFetchDest));
    }
    for (agent, platform, expected) in [
        (CHROME, "\"Linux\"", Verdict::Uncertain),
        (CHROME, "\"macOS\"", Verdict::Uncertain),
        (CHROME, "Linux", Verdict::Uncertain),
        (PHONE_CHROME, "\"Linux\"", Verdict::Uncertain),
        (PHONE_CHROME, "\"Windows\"", Verdict::Uncertain),
        (MAC_CHROME, "\"Windows\"", Verdict::Uncertain),
        (LINUX_CHROME, "\"Windows\"", Verdict::Uncertain),
        (CHROME, "\"Windows\"", Verdict::Human),
        (MAC_CHROME, "\"macOS\"", Verdict::Human),
        (PHONE_CHROME, "\"Android\"", Verdict::Human),
        (LINUX_CHROME, "\"Linux\"", Verdict::Human),
        (LINUX_CHROME, "\"Chrome OS\"", Verdict::Human),
        // A telephone that asks for a desktop's page.
        (LINUX_CHROME, "\"Android\"", Verdict::Human),
        // Nothing that is known.
        (CHROME, "\"Unknown\"", Verdict::Human),
        (CHROME, "\"", Verdict::Human),
        (OUTLOOK, "\"Linux\"", Verdict::Uncertain),
    ] {
        let judged = with_header(agent, "Sec-CH-UA-Platform", platform);
        assert_eq!(judged.verdict, expected, "{agent}: {platform}");
        assert_eq!(judged.evidence.contains(Evidence::HeaderPlatform), expected == Verdict::Uncertain);
    }
    // Never more than a doubt, and a machine stays one.
    assert_eq!(with_header("curl/8.9", "Sec-Fetch-Dest", "document").verdict, Verdict::Machine);
}
