//! The labelled corpus, judged with the rules as they come.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not tests to clippy")]

use std::time::Duration;

mod common;

use common::{Clock, build, builder, new_ping, ping};
use mailping_core::fetcher::{Classifier, Verdict};
use mailping_core::geo::MaxMind;
use mailping_core::intake::{Observation, PixelRequest};
use mailping_core::receipts::OpenId;
use mailping_core::testing::fetchers::{self, FetchSignals, SinceSent};
use mailping_core::{ClientIp, Detail, MemoryStore};

const CORPUS: &str = include_str!("corpus/fetchers.jsonl");
const NEXT_YEAR: &str = include_str!("corpus/next_year.jsonl");
const ADVERSARIAL: &str = include_str!("corpus/adversarial.jsonl");

/// `MAILPING_FETCHER_CORPUS` names another corpus of the same form.
fn corpus() -> String {
    let named = std::env::var_os("MAILPING_FETCHER_CORPUS");
    named.map_or_else(|| CORPUS.to_owned(), |path| std::fs::read_to_string(path).unwrap())
}

fn hold_every_score(corpus: &str) {
    let report = fetchers::run(&Classifier::default(), corpus).unwrap();
    println!("{report}");
    assert!(report.fetcher_right.of > 0);
    assert!(report.holds(), "{report}");
}

#[test]
fn every_score_holds_on_the_labelled_corpus() {
    hold_every_score(&corpus());
}

/// Rules that knew strings and not their form would fail here.
#[test]
fn every_score_holds_on_agents_that_stand_in_no_list_yet() {
    hold_every_score(NEXT_YEAR);
}

/// Clouds, gateways, VPNs, filters, homes, borrowed agents: what no list of agents can tell.
#[test]
fn every_score_holds_on_rows_made_to_attack_the_rules() {
    hold_every_score(ADVERSARIAL);
}

/// Nothing that a geo database knows may become a place if there is none: this one knows every
/// address.
#[test]
fn no_row_gets_a_place_that_it_must_not_have() {
    let clock = Clock::new();
    let geo = MaxMind::from_bytes(mailping_fixtures::everywhere().unwrap()).unwrap();
    let client_ip = ClientIp::x_forwarded_for("127.0.0.0/8").unwrap();
    let tracker =
        build(builder(MemoryStore::new(), &clock).geo(geo).client_ip(client_ip).ceiling(Detail::Network));
    let sent = ping(&tracker, new_ping().detail(Detail::Network));
    let path = sent.pixel_url().unwrap().strip_prefix("https://app.example").unwrap();
    let (mut with, mut without) = (0, 0);
    for line in [CORPUS, NEXT_YEAR, ADVERSARIAL].into_iter().flat_map(str::lines) {
        let row = row(line);
        // A row without an address could come from anywhere: from a home, too.
        let address = row["ip"].as_str().unwrap_or("73.162.44.10");
        let early = row["since_sent_s"].as_i64().unwrap_or(7_200);
        let mut headers = http::HeaderMap::new();
        let mut add = |name: &str, value: &str| {
            if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
                headers.append(name, value);
            }
        };
        add("x-forwarded-for", address);
        row["user_agent"].as_str().into_iter().for_each(|agent| add("user-agent", agent));
        for (name, value) in row["headers"].as_object().into_iter().flatten() {
            add(name, value.as_str().unwrap());
        }
        let now = clock.now();
        let now =
            if early < 0 { now - Duration::from_secs(5) } else { now + Duration::from_secs(early as u64) };
        let request = PixelRequest::new(path, "127.0.0.1".parse().ok(), &headers);
        // The pure function knows no methods: a HEAD is never observed.
        if row["method"].as_str() == Some("HEAD") {
            continue;
        }
        let observed = tracker.intake().observe(&request, now, OpenId::from_bytes([7; 8]));
        let Some(Observation::Open(open)) = observed else { continue };
        let placed = open.country.is_some() || open.city.is_some();
        let may_have = row["expect"]["location_is_recipient"].as_bool() == Some(true);
        assert!(may_have || !placed, "{line}");
        *if placed { &mut with } else { &mut without } += 1;
    }
    assert!(with > 400 && without > 600, "{with} with a place, {without} without");
}

/// Is the row's fetch a machine's?
type Judge<'a> = &'a dyn Fn(&str) -> Option<bool>;

/// The same rows as "machine or not", beside two crates that judge agents alone. They know no
/// "uncertain", so a row that nobody can tell is a claim of theirs either way; ours may abstain.
#[test]
fn machine_or_not_beside_other_crates() {
    let corpus = corpus();
    let (isbot, woothee, ours) =
        (isbot::Bots::default(), woothee::parser::Parser::new(), Classifier::default());
    let others: [(&str, Judge<'_>); 4] = [
        ("mailping, all signals", &|line| verdict(&ours, line, true)),
        ("mailping, agent alone", &|line| verdict(&ours, line, false)),
        ("isbot 0.1", &|line| Some(isbot.is_bot(&agent(line)))),
        ("woothee 0.13, crawler", &|line| {
            Some(woothee.parse(&agent(line)).is_some_and(|found| found.category == "crawler"))
        }),
    ];
    println!(
        "{:24}{:>26}{:>26}{:>24}",
        "", "machines called machine", "people called machine", "undecidable claimed"
    );
    for (name, is_machine) in others {
        let mut counts = [[0, 0]; 3];
        for line in corpus.lines() {
            let label = row(line)["expect"]["is_machine"].as_bool();
            let claim = is_machine(line);
            let (slot, hit) = match label {
                Some(true) => (0, claim == Some(true)),
                Some(false) => (1, claim == Some(true)),
                None => (2, claim.is_some()),
            };
            counts[slot][0] += usize::from(hit);
            counts[slot][1] += 1;
        }
        let cell =
            |[hits, of]: [usize; 2]| format!("{hits} of {of} = {:.1} %", hits as f64 * 100.0 / of as f64);
        println!("{name:24}{:>26}{:>26}{:>24}", cell(counts[0]), cell(counts[1]), cell(counts[2]));
    }
}

fn row(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

fn agent(line: &str) -> String {
    row(line)["user_agent"].as_str().unwrap_or_default().to_owned()
}

/// `None` if it is uncertain.
fn verdict(classifier: &Classifier, line: &str, all_signals: bool) -> Option<bool> {
    let verdict = if all_signals {
        fetchers::judge(classifier, line).unwrap().verdict
    } else {
        let late = SinceSent::After(Duration::from_secs(7_200));
        let agent = agent(line);
        fetchers::classify(classifier, &FetchSignals::new().user_agent(agent.as_bytes()), None, late).verdict
    };
    match verdict {
        Verdict::Human => Some(false),
        Verdict::Machine => Some(true),
        _ => None,
    }
}
