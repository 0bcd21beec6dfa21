//! All that a judgement rests on, in one list: every name, network, header, form and time with what
//! it proves, where that stands and when it was checked. The rows stand as data beside what reads
//! them; nothing here takes part in judging.

use super::agent_names::BLOCKS;
use super::networks::BUILT_IN;
use super::signals::HEADERS;
use super::{Evidence, Provider, as_numbers, as_ranges};

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// What is looked for: a name in a User-Agent, the ranges of a network, a header's name, a form
    /// in words.
    pub name: &'static str,
    /// What it proves, or hints at if it is a time, a number of a network, or a network that
    /// belongs only in part.
    pub proves: Evidence,
    /// Whose it is, if that is known.
    pub provider: Option<Provider>,
    /// Where it stands.
    pub source: &'static str,
    /// When that was checked: year and month, with the day if it is known.
    pub checked: &'static str,
}

/// Every rule of [`RULES_VERSION`](super::RULES_VERSION): agents, forms, networks, headers, times.
pub fn rules() -> impl Iterator<Item = Rule> {
    let agents = BLOCKS.iter().flat_map(|block| {
        block.names.iter().map(|agent| Rule {
            name: agent.name,
            proves: agent.means.kind().evidence(),
            provider: agent.provider,
            source: block.source,
            checked: block.checked,
        })
    });
    let networks = BUILT_IN.iter().map(|built| Rule {
        name: built.ranges,
        proves: built.network.evidence(),
        provider: built.network.provider(),
        source: built.source,
        checked: built.checked,
    });
    let headers = HEADERS.iter().map(|rule| Rule {
        name: rule.header,
        proves: rule.proves,
        provider: None,
        source: rule.source,
        checked: rule.checked,
    });
    agents
        .chain(FORMS.iter().copied())
        .chain(networks)
        .chain(numbers())
        .chain(headers)
        .chain(TIMES.iter().copied())
}

fn numbers() -> impl Iterator<Item = Rule> {
    as_numbers::listed().map(|listed| Rule {
        name: listed.about,
        proves: listed.network.evidence(),
        provider: listed.network.provider(),
        source: as_ranges::SOURCE,
        checked: as_ranges::CHECKED,
    })
}

const fn form(name: &'static str, proves: Evidence, source: &'static str, checked: &'static str) -> Rule {
    Rule { name, proves, provider: None, source, checked }
}

/// What an agent's form proves without any name. `shape.rs`, `hints.rs` and `user_agent.rs` read
/// it.
#[rustfmt::skip]
const FORMS: &[Rule] = &[
    Rule { name: "ends in a second Mozilla/5.0", proves: Evidence::UaGmailPrefetch, provider: Some(Provider::Gmail),
        source: "sparkpost.com gmail-prefetching-images; ankane/ahoy_email#139; mautic/mautic#10245", checked: "2026-11" },
    form("exactly Mozilla/5.0", Evidence::UaBareMozilla, "ua-parser/uap-core#509; SocketLabs; public sources on Google's scanners", "2026-11"),
    Rule { name: "WebKit on an Apple device with nothing after it", proves: Evidence::UaBareWebkit, provider: Some(Provider::Apple),
        source: "ua-parser/uap-core#528; medama-io/go-useragent#10; warmbly#564", checked: "2026-11" },
    form("a name ending in imageproxy or mailproxy, with or without hyphens, or a comment that begins with via", Evidence::UaMailProxy, "the proxies above, without their names", "2026-11"),
    form("a product that starts or ends in mail, or has Mail as a word inside", Evidence::UaMailClient, "yauaa EMailClients.yaml; uap-core", "2026-11"),
    form("such a product that is a webmail, or has a word ending in server, proxy, gateway and such", Evidence::UaMailServer, "their own pages", "2026-11-28"),
    form("Network and an Apple system, each with a version", Evidence::UaAppStack, "agents seen of iOS 26 and macOS 26", "2026-11-27"),
    form("Chrome or Firefox with a word in place of a version", Evidence::UaHeadless, "Firefox/Camoufox", "2026-11-27"),
    form("HTTP with a version inside a comment", Evidence::UaBot, "scrapers inside comments", "2026-11-27"),
    form("a name ending in bot, crawler, spider, checker, monitor and such, outside of a device's description", Evidence::UaBot,
        "crawler-user-agents 1.60.0; crawlerdetect 0.4.2; isbot", "2026-11-24"),
    form("Google-NAME, NAME-Google, NAME-User", Evidence::UaBot, "crawler-user-agents 1.60.0", "2026-11-24"),
    form("a domain in place of a name, unless a mail program or an app on a telephone has it", Evidence::UaBot,
        "crawler-user-agents 1.60.0; crawlerdetect 0.4.2", "2026-11-28"),
    form("a name after compatible, or behind KHTML, like Gecko", Evidence::UaBot, "crawler-user-agents 1.60.0", "2026-11"),
    form("a web or mail address", Evidence::UaContact, "crawler-user-agents 1.60.0", "2026-11"),
    form("a name with http or httpclient as a word, without Mozilla before it", Evidence::UaHttpLibrary, "crawlerdetect 0.4.2", "2026-11-24"),
    form("a name ending in preview", Evidence::UaLinkPreview, "isbot; crawler-user-agents 1.60.0", "2026-11-24"),
    form("no Mozilla, no telephone and nothing of the above", Evidence::UaNoBrowser, "crawler-user-agents 1.60.0; isbot", "2026-11"),
    form("no Mozilla and a telephone's system, as apps send by default", Evidence::UaAppStack, "device lists of crawlerdetect 0.4.2 and isbot", "2026-11-24"),
    form("a current desktop browser's with an unknown name that has a short version or none, or on Electron", Evidence::UaAddedName,
        "crawler-user-agents 1.60.0 against the agents of yauaa and user-agents 2.1.198", "2026-11-24"),
    form("Chrome and Firefox below 100, Safari below 14", Evidence::UaStaleBrowser, "opencollective/opencollective#3656; gophish#2357", "2026-11"),
    form("an Android app's view with nothing added", Evidence::UaWebview, "yauaa", "2026-11"),
    form("no User-Agent", Evidence::UaMissing, "gophish#2549", "2026-11"),
];

/// What time hints at. It lowers certainty and proves nothing.
#[rustfmt::skip]
const TIMES: &[Rule] = &[
    form("within the early window after sending, or after acceptance if that is known", Evidence::TimeEarly, "gophish#3086 and #2803; thresholds of public senders, 1 s to 60 s", "2026-11"),
    form("before sending", Evidence::TimeBeforeSent, "wordtothewise.com, January 2019: fetches before the mail was accepted", "2026-11"),
    form("after sending and before acceptance, if that is known", Evidence::TimeBeforeAccepted,
        "wordtothewise.com, January 2019: fetches before the mail was accepted", "2026-11-27"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_a_source_and_a_day() {
        for rule in rules() {
            let dated = rule.checked.len() >= 7 && rule.checked.starts_with("20");
            assert!(!rule.name.is_empty() && !rule.source.is_empty() && dated, "{rule:?}");
        }
    }

    /// Told at run time and by no rule: what the app sets, and how a network came to be known.
    const NO_RULE: [Evidence; 9] = [
        Evidence::NetPartial,
        Evidence::NetForeign,
        Evidence::NetOwn,
        Evidence::NetPeople,
        Evidence::NetBurst,
        Evidence::NetByAsn,
        Evidence::MethodHead,
        Evidence::SeqAfterHead,
        Evidence::SeqSameAgent,
    ];

    #[test]
    fn every_evidence_has_a_rule() {
        let proven: HashSet<Evidence> = rules().map(|rule| rule.proves).chain(NO_RULE).collect();
        for evidence in Evidence::ALL {
            assert!(proven.contains(evidence), "{evidence}");
        }
    }
}
