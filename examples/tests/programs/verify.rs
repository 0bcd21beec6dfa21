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
    for key in ["example.com", "example.com/receipts\nexample.com/receipts+568fe56e+AYqI"] {
        let (verified, printed, error) = verify(&receipt, key, &[]);
        assert!(!verified && printed.is_empty() && error.starts_with("KEY is not the public key"), "{error}");
    }
    std::fs::write(start.folder().join("binary"), b"\xff\xfe").unwrap();
    for (file, why) in
        [("binary", "refused: this is no certified receipt\n"), ("none", "none could not be read")]
    {
        let output = start.command(&[]).args([KEY, file]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.starts_with(why), "{error}");
    }
}
