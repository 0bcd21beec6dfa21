//! A file that is damaged under the example `receipts`: pictures go on, and the next start is
//! refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use mailping_examples_acceptance::{Client, Start};
use serde_json::{Value, json};

fn make(client: Client) -> Value {
    let ping = json!({ "reference": "invoice-42", "basis": { "kind": "contract" } });
    let reply = client.post("/api/pings", &ping);
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

fn fetch(client: Client, ping: &Value) {
    let url = ping["pixel_url"].as_str().unwrap();
    let reply = client.get(&url[url.find("/px/").unwrap()..], &[]);
    assert_eq!((reply.status, reply.body.len()), (200, 43));
}

fn overwrite(file: &Path) {
    let length = fs::metadata(file).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
}

/// SQLite does not read again what it has in memory, so the fault can stay unseen until the next
/// start.
#[test]
fn a_file_corrupted_under_it_fails_no_picture_and_is_refused_at_the_next_start() {
    let start = Start::example("receipts");
    let program = start.run(&[]);
    let client = program.client();
    let ping = make(client);
    fetch(client, &ping);
    for file in ["mailping.db", "mailping.db-wal"] {
        overwrite(&start.folder().join(file));
    }
    for _ in 0..3 {
        fetch(client, &ping);
    }
    let (_, log) = program.terminate();
    assert!(!log.contains("panicked"), "{log}");
    overwrite(&start.folder().join("mailping.db"));
    let refused = start.to_its_end(&[]);
    let printed = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{printed}");
    assert!(printed.contains("MAILPING_DB: ") && !printed.contains("panicked"), "{printed}");
}
