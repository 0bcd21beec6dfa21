//! The README's lines for curl, pasted into a shell.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;

use mailping_acceptance::{Start, hours_ago};

const README: &str = include_str!("../../../README.md");

#[test]
#[ignore = "needs curl"]
fn the_readmes_curl_lines_end_with_an_opened_receipt() {
    let start = Start::built("mailping-server", "receipts");
    let program = start.run(&[]);
    let block = README.split("```sh\n").find(|block| block.starts_with("curl ")).unwrap();
    let lines = block.split("```").next().unwrap();
    // In the first half minute of a day midnight would be too late: a fetch then may be a
    // scanner's.
    let midnight = "$(date -u +%Y-%m-%dT00:00:00Z)";
    assert!(lines.contains(midnight) && lines.contains("localhost:3000"), "{lines}");
    let lines = lines
        .replace(midnight, &hours_ago(1).to_string())
        .replace("localhost:3000", &program.server().to_string());
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh").args(["-euc", &lines]).current_dir(folder.path()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let pings: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let receipt = &pings["pings"][0];
    assert_eq!(
        (receipt["state"].as_str(), receipt["human_opens"].as_u64(), receipt["machine_fetches"].as_u64()),
        (Some("opened"), Some(1), Some(1)),
        "{receipt}"
    );
}
