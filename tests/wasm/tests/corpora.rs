//! The harness asks what the corpora hold: without this, equal answers could be empty ones.
#![allow(clippy::unwrap_used, reason = "helpers of tests are not tests to clippy")]

use std::path::Path;

use mailping_wasm_tests::{BadLine, answers};

/// The answers to one corpus, each with its line's number.
fn judged(corpus: &str) -> Vec<(usize, String)> {
    let places = mailping_fixtures::everywhere().unwrap();
    let text = answers(&read(corpus), Some(&places)).unwrap();
    text.lines().map(|line| (number(line), line.to_owned())).collect()
}

fn read(corpus: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mailping-core/tests/corpus");
    std::fs::read_to_string(folder.join(corpus)).unwrap()
}

fn number(answer: &str) -> usize {
    answer.split(['.', ':']).next().unwrap().parse().unwrap()
}

fn count(answers: &[(usize, String)], detail: &str, what: &str) -> usize {
    answers.iter().filter(|(_, answer)| answer.contains(detail) && answer.contains(what)).count()
}

#[test]
fn every_line_of_every_corpus_is_judged_at_every_detail() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mailping-core/tests/corpus");
    let mut corpora = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".jsonl") {
            let lines = read(&name).lines().count();
            let answers = judged(&name);
            for line in 1..=lines {
                let of_line = answers.iter().filter(|(number, _)| *number == line).count();
                assert!(of_line >= 9, "{name}: line {line}");
            }
            assert_eq!(count(&answers, "forged", "Some"), 0, "{name}");
            assert_eq!(count(&answers, "none, exact", "Some"), 0, "{name}");
            assert!(count(&answers, "network, exact", "Some") >= lines, "{name}");
            corpora += 1;
        }
    }
    assert!(corpora >= 8);
}

#[test]
fn the_answers_hold_verdicts_places_days_and_networks() {
    let answers = judged("fetchers.jsonl");
    for verdict in ["verdict: Human", "verdict: Machine", "verdict: Uncertain"] {
        assert!(count(&answers, "opens, exact", verdict) > 50, "{verdict}");
    }
    assert!(count(&answers, "last_day, exact", "LastDay") > 100);
    let adversarial = judged("adversarial.jsonl");
    let places = [("opens", 0), ("country", 0), ("city", 50)];
    for (detail, least) in places {
        let cities = count(&adversarial, &format!("{detail}, exact"), "city: Some");
        assert!(cities >= least && (least > 0 || cities == 0), "{detail}: {cities}");
    }
    assert!(count(&adversarial, "country, exact", "country: Some") > 50);
    assert!(count(&adversarial, "network, exact", "network: Some") > 290);
}

/// What masking leaves is known for each address of the corpus, if its mask is an allowed one.
#[test]
fn masked_addresses_are_those_that_the_corpus_expects() {
    let text = read("truncate.jsonl");
    let answers = judged("truncate.jsonl");
    let mut checked = 0;
    for (line, row) in (1..).zip(text.lines()) {
        let field = |name: &str| {
            let start = row.find(&format!("\"{name}\": ")).unwrap() + name.len() + 4;
            row[start..].trim_start_matches('"').split(['"', ',']).next().unwrap().to_owned()
        };
        let expected = field("expect");
        let is_refused = field("v6_prefix").parse::<u8>().unwrap() > 48;
        // The unspecified address is nobody's, whatever could be left of it.
        let is_nobody = matches!(field("input").as_str(), "0.0.0.0" | "::" | "::ffff:0.0.0.0");
        let of_line =
            |what: &str| answers.iter().any(|(number, answer)| *number == line && answer.contains(what));
        assert_eq!(of_line("mask keeps too much"), is_refused, "line {line}");
        if !is_refused {
            let has_none = expected == "error" || is_nobody;
            let expected = if has_none {
                "network: None".to_owned()
            } else {
                format!("network: Some(MaskedIp({expected}))")
            };
            assert!(of_line(&expected), "line {line}: {expected}");
            checked += 1;
        }
    }
    assert!(checked > 80);
}

#[test]
fn a_line_of_no_known_form_is_an_error() {
    assert_eq!(answers("\n{}\n{\"hits\": 1}", None), Err(BadLine { line: 3 }));
}
