//! The labelled corpus, judged with the rules as they come.
#![cfg(feature = "testing")]

use mailping_core::fetcher::Classifier;
use mailping_core::testing::fetchers;

/// `MAILPING_FETCHER_CORPUS` names another corpus of the same form.
fn corpus() -> String {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/fetchers.jsonl");
    let path = std::env::var("MAILPING_FETCHER_CORPUS").unwrap_or_else(|_| own.to_owned());
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_score_holds_on_the_labelled_corpus() {
    let report = fetchers::run(&Classifier::default(), &corpus()).unwrap();
    println!("{report}");
    assert!(report.fetcher_right.of > 0);
    assert!(report.holds(), "{report}");
}
