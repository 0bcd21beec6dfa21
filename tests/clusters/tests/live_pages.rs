//! A page that is live on one instance shows what another one answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use mailping_acceptance::Start;
use mailping_fixture_postgres::Server;
use serde_json::json;

const TOKEN: &str = "open-sesame-7777";

#[test]
#[ignore = "needs PostgreSQL"]
fn a_live_page_shows_what_another_instance_answers_and_ends() {
    let server = Server::quick();
    let start = Start::built_with("mailping-server", "receipts_postgres", "postgres")
        .with("MAILPING_DB", &server.url("postgres"))
        .with("MAILPING_KEYS", "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        .with("MAILPING_ADMIN_TOKEN", TOKEN);
    let (one, other) = (start.run(&[]), start.run(&[]));
    let (reader, writer) = (one.client().bearer(TOKEN), other.client().bearer(TOKEN));
    let ping = json!({ "reference": "invoice-42", "basis": { "kind": "contract" } });
    let ping = writer.post("/api/pings", &ping).json();
    let id = ping["id"].as_str().unwrap();
    let mut page = reader.stream(&format!("/pings/{id}/live"), &[]);
    page.until("No sign of it yet");
    let url = ping["pixel_url"].as_str().unwrap();
    let begun = Instant::now();
    writer.get(&url[url.find("/px/").unwrap()..], &[("user-agent", "curl/8.5.0")]);
    page.until("ua:http_library");
    assert!(begun.elapsed() < Duration::from_secs(8), "asked every five seconds: {:?}", begun.elapsed());
    assert_eq!(writer.send("POST", &format!("/api/pings/{id}/withdraw"), &[], "").status / 100, 2);
    page.until("Stopped");
}
