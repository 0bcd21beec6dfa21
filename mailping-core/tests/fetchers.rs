//! The labelled corpus, judged with the rules as they come.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not tests to clippy")]

use std::time::Duration;

use mailping_core::fetcher::{Classifier, FetchSignals, SinceSent, Verdict};
use mailping_core::testing::fetchers;

const CORPUS: &str = include_str!("corpus/fetchers.jsonl");
const NEXT_YEAR: &str = include_str!("corpus/next_year.jsonl");

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

/// Is the row's fetch a machine's?
type Judge<'a> = &'a dyn Fn(&str) -> Option<bool>;

/// The same rows as "machine or not", beside two crates that judge agents alone. They know no "uncertain", so a row that
/// nobody can tell is a claim of theirs either way; ours may abstain.
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

/// `None` where it is uncertain.
fn verdict(classifier: &Classifier, line: &str, all_signals: bool) -> Option<bool> {
    let verdict = if all_signals {
        fetchers::judge(classifier, line).unwrap().verdict
    } else {
        let late = SinceSent::After(Duration::from_secs(7_200));
        classifier.classify(&FetchSignals::new().user_agent(agent(line).as_bytes()), None, late).verdict
    };
    match verdict {
        Verdict::Human => Some(false),
        Verdict::Machine => Some(true),
        _ => None,
    }
}
