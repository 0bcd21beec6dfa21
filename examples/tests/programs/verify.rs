//! A certified receipt, verified by the program as whoever was given it does.

use std::path::Path;

use crate::example;

const KEY: &str = "example.com/receipts+568fe56e+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";

#[test]
fn the_worked_example_is_verified_and_a_changed_one_is_refused() {
    let start = example("verify");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mailping-core/docs/certified_receipt.txt");
    let receipt = std::fs::read_to_string(path).unwrap();
    let page = receipt.split("\nProof\n").next().unwrap();
    let verify = |text: &str, key: &str, settings: &[(&str, &str)]| {
        std::fs::write(start.folder().join("receipt.txt"), text).unwrap();
        let output = start.command(settings).args([key, "receipt.txt"]).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(verify(&receipt, KEY, &[]), (true, page.to_owned(), String::new()));
    let (verified, html, _) = verify(&receipt, KEY, &[("HTML", "1")]);
    assert!(verified && html.starts_with("<!doctype html>") && html.contains("ended: withdrawn"));
    let changed = receipt.replace("open: machine", "open: human");
    let (verified, printed, error) = verify(&changed, KEY, &[]);
    assert!(!verified && printed.is_empty() && error.contains("refused: the file was changed"), "{error}");
    assert!(!verify(&receipt, KEY, &[("MAIL_HEADER", "another")]).0);
    assert!(!verify(&receipt, "example.com", &[]).0);
}
