//! The promises of a judgement, each kept by one test, run through the public function.

mod names;
mod order;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::MaskedIp;

const LATE: SinceSent = SinceSent::After(Duration::from_secs(7_200));
const GMAIL: &str =
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
const PREFETCH: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const OLD_CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.109 Safari/537.36";
const OUTLOOK: &str = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)";
/// Somebody's network, in no table.
const ELSEWHERE: &str = "9.9.9.0/24";

fn judge(agent: &str, network: &str) -> Classified {
    judge_at(&Classifier::default(), agent, network, LATE)
}

fn judge_at(classifier: &Classifier, agent: &str, network: &str, since_sent: SinceSent) -> Classified {
    let network: Option<MaskedIp> = (!network.is_empty()).then(|| network.parse().unwrap());
    classifier.classify(&FetchSignals::new().user_agent(agent.as_bytes()), network, since_sent)
}

fn is(judged: Classified, fetcher: Fetcher, verdict: Verdict) -> bool {
    (judged.fetcher, judged.verdict) == (fetcher, verdict)
}

#[test]
fn bare_mozilla_is_apples_prefetch_from_the_relay_a_scanner_from_google_and_uncertain_elsewhere() {
    // Wholly relay, partly relay, and IPv6.
    for relay in ["172.224.226.0/24", "104.28.28.0/24", "2a02:26f7:b000::/48", "2a04:4e41:275f::/48"] {
        let judged = judge("Mozilla/5.0", relay);
        assert!(is(judged, Fetcher::AppleMpp, Verdict::Machine), "{relay}: {judged:?}");
        assert!(judged.evidence.contains(Evidence::NetPrivateRelay));
    }
    assert!(is(judge("Mozilla/5.0", "66.249.84.0/24"), Fetcher::SecurityScanner, Verdict::Machine));
    assert!(is(judge("Mozilla/5.0", "40.107.22.0/24"), Fetcher::SecurityScanner, Verdict::Machine));
    for network in ["", ELSEWHERE, "17.58.0.0/24", "203.0.113.0/24"] {
        assert!(is(judge("Mozilla/5.0", network), Fetcher::Unknown, Verdict::Uncertain), "{network}");
    }
}

#[test]
fn googles_image_proxy_from_a_foreign_network_is_uncertain() {
    for own in ["66.249.93.0/24", "66.249.84.0/24", "2001:4860:4801::/48"] {
        assert!(is(judge(GMAIL, own), Fetcher::GmailProxy, Verdict::Human), "{own}");
    }
    let spoofed = judge(GMAIL, ELSEWHERE);
    assert!(is(spoofed, Fetcher::Unknown, Verdict::Uncertain));
    assert!(spoofed.evidence.contains(Evidence::NetForeign));
    // Google's own space, though not among the published blocks: nobody else fetches from there.
    assert!(is(judge(GMAIL, "74.125.82.0/24"), Fetcher::GmailProxy, Verdict::Uncertain));
}

#[test]
fn an_unknown_or_non_global_network_is_never_foreign() {
    for network in ["", "10.1.2.0/24", "203.0.113.0/24", "2001:db8::/48", "fd00::/48"] {
        let judged = judge(GMAIL, network);
        assert!(is(judged, Fetcher::GmailProxy, Verdict::Human), "{network}");
        assert!(!judged.evidence.contains(Evidence::NetForeign));
    }
}

#[test]
fn safari_from_the_relay_is_a_human_without_a_place() {
    for relay in ["172.225.0.0/24", "104.28.30.0/24"] {
        let judged = judge(SAFARI, relay);
        assert!(is(judged, Fetcher::Browser, Verdict::Human), "{relay}");
        assert!(!judged.locatable);
    }
    assert!(judge(SAFARI, ELSEWHERE).locatable);
}

#[test]
fn any_agent_of_mail_protection_is_a_scanner() {
    for agent in [OLD_CHROME, CHROME, OUTLOOK, ""] {
        let judged = judge(agent, "40.107.235.0/24");
        assert!(is(judged, Fetcher::SecurityScanner, Verdict::Machine), "{agent}");
    }
    assert!(is(judge(CHROME, "148.163.139.0/24"), Fetcher::SecurityScanner, Verdict::Machine));
    assert!(is(judge(OUTLOOK, "148.163.139.0/24"), Fetcher::OutlookClient, Verdict::Uncertain));
}

#[test]
fn webmail_front_ends_are_kept_apart_from_mail_protection() {
    let judged = judge(CHROME, "40.99.10.0/24");
    assert!(is(judged, Fetcher::OtherMailProxy, Verdict::Uncertain));
    assert_eq!(judged.provider, Some(Provider::Microsoft));
    assert!(is(judge(CHROME, "98.139.1.0/24"), Fetcher::YahooProxy, Verdict::Uncertain));
    assert!(is(judge(CHROME, "185.30.176.0/24"), Fetcher::OtherMailProxy, Verdict::Uncertain));
}

#[test]
fn a_second_mozilla_at_the_end_is_gmails_prefetch() {
    for network in ["66.249.84.0/24", ""] {
        assert!(is(judge(PREFETCH, network), Fetcher::GmailProxy, Verdict::Machine), "{network}");
    }
    assert!(is(judge(PREFETCH, ELSEWHERE), Fetcher::Unknown, Verdict::Uncertain));
}

#[test]
fn prefetch_headers_and_head_are_machines_without_a_place() {
    let chrome = FetchSignals::new().user_agent(CHROME.as_bytes());
    let declared = [
        chrome.header("sec-purpose", b"prefetch"),
        chrome.header("sec-purpose", b"prefetch;prerender"),
        chrome.header("purpose", b"prefetch"),
        chrome.header("x-moz", b"prefetch"),
        chrome.header("x-purpose", b"preview"),
        chrome.head(),
    ];
    for signals in declared {
        let judged = Classifier::default().classify(&signals, ELSEWHERE.parse().ok(), LATE);
        assert!(is(judged, Fetcher::Browser, Verdict::Machine) && !judged.locatable, "{judged:?}");
    }
    let hidden = chrome.header("sec-purpose", b"anonymous-client-ip");
    let judged = Classifier::default().classify(&hidden, ELSEWHERE.parse().ok(), LATE);
    assert!(judged.verdict == Verdict::Human && !judged.locatable);
}

#[test]
fn seconds_since_sending_lower_certainty_and_never_prove_a_machine() {
    let classifier = Classifier::default();
    let after = |milliseconds| SinceSent::After(Duration::from_millis(milliseconds));
    for early in [SinceSent::Before, after(0), after(29_999)] {
        for agent in [CHROME, GMAIL, OUTLOOK] {
            let judged = judge_at(&classifier, agent, "", early);
            assert_eq!(judged.verdict, Verdict::Uncertain, "{early:?}");
        }
        assert!(!judge_at(&classifier, CHROME, ELSEWHERE, early).locatable);
        let relay = judge_at(&classifier, "Mozilla/5.0", "172.224.226.0/24", early);
        assert_eq!(relay.verdict, Verdict::Machine);
    }
    assert_eq!(judge_at(&classifier, CHROME, "", after(30_000)).verdict, Verdict::Human);
    let short = classifier.early_window(Duration::from_secs(1));
    assert_eq!(judge_at(&short, CHROME, "", after(2_000)).verdict, Verdict::Human);
}

#[test]
fn own_networks_are_named_and_change_nothing_else() {
    let classifier = Classifier::default().own_networks(["9.9.9.77/32".parse().unwrap()]);
    let judged = judge_at(&classifier, CHROME, ELSEWHERE, LATE);
    assert!(is(judged, Fetcher::Browser, Verdict::Human));
    assert!(judged.evidence.contains(Evidence::NetOwn) && !judged.locatable);
    assert!(!judged.evidence.contains(Evidence::NetPartial));
    assert!(!judge_at(&classifier, CHROME, "9.9.8.0/24", LATE).evidence.contains(Evidence::NetOwn));
}

#[test]
fn a_network_that_belongs_only_in_part_is_a_hint_without_a_place() {
    let list = networks_from_lines("9.9.9.0/27".as_bytes()).unwrap();
    let classifier = Classifier::default().networks(Network::MailProtection, list);
    let judged = judge_at(&classifier, CHROME, ELSEWHERE, LATE);
    assert!(is(judged, Fetcher::Browser, Verdict::Uncertain) && !judged.locatable);
    assert!(judged.evidence.contains(Evidence::NetPartial));
}

#[test]
fn a_loaded_list_takes_the_place_of_the_built_in_one() {
    let list = networks_from_lines("9.9.9.0/24".as_bytes()).unwrap();
    let classifier = Classifier::default().networks(Network::PrivateRelay, list);
    assert_eq!(judge_at(&classifier, "Mozilla/5.0", ELSEWHERE, LATE).fetcher, Fetcher::AppleMpp);
    assert_eq!(judge_at(&classifier, "Mozilla/5.0", "172.224.226.0/24", LATE).fetcher, Fetcher::Unknown);
}

#[test]
fn the_tables_take_what_their_docs_say() {
    assert_eq!(Classifier::default().table_bytes(), 18_624);
}

#[test]
fn an_agent_is_read_to_its_limit_and_no_further() {
    let padded = |blanks: usize| format!("{CHROME}{} GoogleImageProxy", " ".repeat(blanks));
    assert_eq!(judge(&padded(10), "").fetcher, Fetcher::GmailProxy);
    assert_eq!(judge(&padded(10_000), "").fetcher, Fetcher::Browser);
}

/// Pieces of which agents are made, so that random texts reach every rule.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(
        &[
            "Mozilla/5.0",
            " ",
            "(",
            ")",
            ";",
            "/",
            "+",
            "compatible",
            "KHTML",
            "Mail",
            "OS 1",
            "\u{ff}",
            "@a.bc",
            "http://",
        ][..],
    );
    let known = prop::sample::select(&agent_names::AGENTS[..]).prop_map(|agent| agent.name);
    let text = prop_oneof![piece, known].prop_map(|text| text.as_bytes().to_vec());
    prop::collection::vec(prop_oneof![4 => text, 1 => any::<Vec<u8>>()], 0..60).prop_map(|all| all.concat())
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic_and_never_give_a_place_that_i9_forbids(
        agent in pieces(),
        purpose in any::<Vec<u8>>(),
        network in any::<(u32, u8)>(),
        early in any::<bool>(),
    ) {
        let (address, prefix) = network;
        let network = ipnet::Ipv4Net::new(address.into(), prefix % 25).unwrap().trunc();
        let network = MaskedIp::from_network(network.into()).ok();
        let since_sent = if early { SinceSent::Before } else { LATE };
        let signals = FetchSignals::new().user_agent(&agent).header("sec-purpose", &purpose).header("purpose", &purpose);
        let judged = Classifier::default().classify(&signals, network, since_sent);
        prop_assert!(!judged.locatable || (judged.fetcher.is_direct() && judged.verdict == Verdict::Human));
        prop_assert_eq!(EvidenceSet::from_bits(judged.evidence.bits()), judged.evidence);
    }

    #[test]
    fn what_stands_behind_the_limit_changes_nothing(agent in pieces(), tail in pieces()) {
        let mut long = agent;
        long.resize(tokens::LIMIT, b' ');
        long.push(b'x');
        let short = user_agent::read(long.get(..=tokens::LIMIT));
        long.extend(tail);
        long.push(b'x');
        prop_assert_eq!(user_agent::read(Some(&long)), short);
    }
}
