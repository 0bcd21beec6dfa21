//! The example `receipts_webhooks`, started as a user starts it, against a real receiver that can
//! be down, slow or failing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod receiver;

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use mailping_acceptance::{Program, Start, keeps_promises};
use mailping_core::intake::{PixelRequest, Recorded};
use mailping_core::{Basis, Keyring, NewPing, PingId, Tracker};
use mailping_sqlite::SqliteStore;
use serde_json::{Value, json};

use self::receiver::{PATIENCE, Receiver, SECRET, nobody};

const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
fn telling(target: SocketAddr) -> Start {
    prepared(Start::example("receipts_webhooks"), target)
}

fn prepared(start: Start, target: SocketAddr) -> Start {
    start
        .with("MAILPING_WEBHOOK_URL", &format!("http://{target}/hooks"))
        .with("MAILPING_WEBHOOK_SECRET", SECRET)
        .with("MAILPING_WEBHOOK_PRIVATE", "allow")
        // A proxy would connect to where the resolver does not look: none of the environment's is
        // used.
        .with("http_proxy", "http://127.0.0.1:1")
        .with("RUST_LOG", "trace")
}

// Its receiver is down: what it promises besides does not depend on it.
keeps_promises!(telling(nobody()) =>
    nothing_personal_is_in_the_files_or_the_log,
    sigterm_ends_it_cleanly,
    an_answered_open_survives_kill_nine,
    wrong_settings_are_refused_in_one_clear_line,
    arguments_are_answered_or_refused_and_nothing_is_made,
);

fn sent_before(days: i64) -> String {
    let now = mailping_core::Timestamp::from(std::time::SystemTime::now()).unix_millis();
    mailping_core::Timestamp::from_unix_millis(now - days * 24 * 3_600_000).to_string()
}

fn make(program: &Program, reference: &str, sent_at: &str) -> Value {
    let ping = json!({ "reference": reference, "basis": { "kind": "contract" }, "sent_at": sent_at,
        "recipient": "ada@lovelace-mail.example", "owner": "billing" });
    let reply = program.client().post("/api/pings", &ping);
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

fn display(program: &Program, ping: &Value) {
    let url = ping["pixel_url"].as_str().unwrap();
    let path = &url[url.find("/px/").unwrap()..];
    let reply = program.client().from("127.77.1.2").get(path, &[("user-agent", FIREFOX)]);
    assert_eq!((reply.status, reply.body.starts_with(b"GIF89a")), (200, true));
}

/// A ping of yesterday's message, displayed now.
fn opened(program: &Program, reference: &str) -> Value {
    let ping = make(program, reference, &sent_before(1));
    display(program, &ping);
    ping
}

fn fetches(program: &Program, ping: &Value) -> u64 {
    let path = format!("/api/pings/{}", ping["id"].as_str().unwrap());
    program.client().get(&path, &[]).json()["fetches"].as_u64().unwrap()
}

#[test]
fn the_first_open_is_told_once_signed_and_without_anything_of_the_reader() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    let ping = opened(&program, "invoice-42");
    let arrived = receiver.next();
    let id = ping["id"].as_str().unwrap();
    let message = arrived.json();
    assert_eq!(arrived.id(), format!("{id}.opened"));
    assert_eq!(arrived.headers["content-type"], "application/json");
    let expected = json!({ "ping": id, "reference": "invoice-42", "owner": "billing", "state": "opened",
        "delivery": "unknown" });
    assert_eq!((&message["type"], &message["data"]), (&json!("ping.opened"), &expected));
    assert!(message["timestamp"].as_str().unwrap().ends_with('Z') && message.as_object().unwrap().len() == 3);
    arrived.answer(204);

    display(&program, &ping);
    opened(&program, "invoice-43");
    let arrived = receiver.next();
    assert_eq!(
        arrived.json()["data"]["reference"],
        "invoice-43",
        "the second display of the first is not told"
    );
    arrived.answer(200);
}

/// An open while nobody listens, `kill -9`, and then a receiver and the next start.
fn told_after_a_crash(meanwhile: impl FnOnce(&Start)) {
    let address = nobody();
    let start = telling(address);
    let program = start.run(&[]);
    let ping = opened(&program, "invoice-42");
    assert_eq!(fetches(&program, &ping), 1);
    program.kill();
    meanwhile(&start);
    let receiver = Receiver::on(address);
    let _program = start.run(&[]);
    let arrived = receiver.next();
    assert_eq!(arrived.json()["data"]["ping"], ping["id"]);
    arrived.answer(200);
}

#[test]
fn a_receiver_that_was_down_is_told_after_a_crash_and_a_restart() {
    told_after_a_crash(|_| {});
}

#[test]
fn an_open_that_the_outbox_never_saw_is_told_after_a_restart() {
    told_after_a_crash(|start| {
        // As after a crash between the open's commit and the outbox's.
        std::fs::remove_file(start.folder().join("webhooks.db")).unwrap();
        let _ = std::fs::remove_file(start.folder().join("webhooks.db-journal"));
    });
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Another program on the database, by whose clock it is so many days ago.
fn days_ago(start: &Start, days: u32) -> Tracker {
    let store = SqliteStore::open(start.folder().join("mailping.db")).unwrap();
    let builder = Tracker::builder(Keyring::from_text(KEYS).unwrap(), store);
    let builder = builder.base_url("http://localhost/px").unwrap();
    pollster::block_on(builder.clock(move || SystemTime::now() - days * DAY).build()).unwrap()
}

/// A message that it sent; what the program's API says of it, as far as the tests ask.
fn sent_by(tracker: &Tracker, reference: &str, days: u32) -> Value {
    let new = NewPing::one_to_one(reference, Basis::Contract).sent_at(SystemTime::now() - days * DAY);
    let ping = pollster::block_on(tracker.pings().create(new)).unwrap();
    json!({ "id": ping.id(), "pixel_url": ping.pixel_url().unwrap() })
}

/// A person displays a message of five days ago, four days ago, while the program does not run.
fn opened_days_ago(start: &Start) -> String {
    let tracker = days_ago(start, 4);
    let ping = sent_by(&tracker, "invoice-4", 5);
    let headers = http::HeaderMap::from_iter([(http::header::USER_AGENT, FIREFOX.parse().unwrap())]);
    let path = ping["pixel_url"].as_str().unwrap().trim_start_matches("http://localhost");
    let request = PixelRequest::new(path, Some([127, 77, 1, 2].into()), &headers);
    pollster::block_on(async {
        assert_eq!(tracker.intake().record(&request).await.unwrap(), Recorded::Durable);
        tracker.intake().close(Duration::from_secs(20)).await;
    });
    ping["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_open_of_days_ago_is_told_if_nobody_was_told_of_it() {
    let receiver = Receiver::start();
    let start = telling(receiver.address).with("MAILPING_KEYS", KEYS);
    start.run(&[]).terminate();
    let ping = opened_days_ago(&start);
    let program = start.run(&[]);
    let arrived = receiver.next();
    let message = arrived.json();
    assert_eq!((&message["type"], &message["data"]["ping"]), (&json!("ping.opened"), &json!(ping)));
    arrived.answer(200);
    // The mark has gone on: it is not told again, also if the outbox forgets what it has told.
    opened(&program, "invoice-42");
    receiver.next().answer(200);
    program.terminate();
    let outbox = rusqlite::Connection::open(start.folder().join("webhooks.db")).unwrap();
    outbox
        .execute("DELETE FROM notice WHERE ping = ?1", [ping.parse::<PingId>().unwrap().as_bytes()])
        .unwrap();
    drop(outbox);
    let program = start.run(&[]);
    let last = opened(&program, "invoice-43");
    let arrived = receiver.next();
    assert_eq!(arrived.json()["data"]["ping"], last["id"]);
    arrived.answer(200);
}

#[test]
fn what_was_told_is_not_told_again_after_a_restart() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    opened(&program, "invoice-42");
    receiver.next().answer(200);
    // The second is noted after the first was kept as told.
    let second = opened(&program, "invoice-43");
    let arrived = receiver.next();
    assert_eq!(arrived.json()["data"]["ping"], second["id"]);
    arrived.answer(500);
    program.terminate();
    let _program = start.run(&[]);
    let arrived = receiver.next();
    assert_eq!(arrived.json()["data"]["ping"], second["id"], "only what was not taken");
    arrived.answer(200);
}

#[test]
fn a_failing_receiver_is_asked_again_with_the_same_message() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    opened(&program, "invoice-42");
    let mut messages = Vec::new();
    for status in [500, 302, 200] {
        let arrived = receiver.next();
        messages.push((arrived.id(), arrived.json()));
        arrived.answer(status);
    }
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
}

#[test]
fn a_receiver_that_does_not_answer_holds_up_no_pixel_and_no_list() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    // A fifth one within ten seconds from one network would be a scanner's.
    let pings: Vec<_> =
        (0..4).map(|number| make(&program, &format!("invoice-{number}"), &sent_before(1))).collect();
    display(&program, &pings[0]);
    let unanswered = receiver.next();
    for ping in &pings {
        display(&program, ping);
        assert!(fetches(&program, ping) > 0);
    }
    unanswered.answer(200);
    let mut told: Vec<_> = (1..pings.len())
        .map(|_| {
            let arrived = receiver.next();
            let id = arrived.json()["data"]["ping"].clone();
            arrived.answer(200);
            id.as_str().unwrap().to_owned()
        })
        .collect();
    told.sort();
    let mut expected: Vec<_> =
        pings[1..].iter().map(|ping| ping["id"].as_str().unwrap().to_owned()).collect();
    expected.sort();
    assert_eq!(told, expected, "each is told, those that came while the receiver was busy too");
}

#[test]
fn a_message_that_nobody_opened_for_days_is_told() {
    let receiver = Receiver::start();
    let start = telling(receiver.address).with("MAILPING_KEYS", KEYS);
    let another = days_ago(&start, 0);
    let due = sent_by(&another, "invoice-4", 4);
    sent_by(&another, "invoice-2", 2);
    sent_by(&another, "invoice-9", 9);
    let program = start.run(&[]);
    let arrived = receiver.next();
    let message = arrived.json();
    assert_eq!((&message["type"], &message["data"]["ping"]), (&json!("ping.not_opened"), &due["id"]));
    assert_eq!(message["data"]["state"], "no_fetch");
    arrived.answer(200);
    display(&program, &due);
    let arrived = receiver.next();
    let message = arrived.json();
    assert_eq!(
        (&message["type"], &message["data"]["ping"]),
        (&json!("ping.opened"), &due["id"]),
        "and no other"
    );
    arrived.answer(200);
}

/// Whether the outbox holds anything of a ping.
fn remembered(start: &Start, ping: &Value) -> bool {
    let id: mailping_core::PingId = ping["id"].as_str().unwrap().parse().unwrap();
    let bytes = std::fs::read(start.folder().join("webhooks.db")).unwrap();
    bytes.windows(16).any(|window| window == id.as_bytes())
}

fn erase(program: &Program, ping: &Value) {
    let path = format!("/api/pings/{}", ping["id"].as_str().unwrap());
    assert_eq!(program.client().send("DELETE", &path, &[], "").status, 204);
}

#[test]
fn an_erased_ping_is_not_told_and_the_outbox_forgets_it() {
    let address = nobody();
    let start = telling(address);
    let program = start.run(&[]);
    let erased = make(&program, "invoice-42", &sent_before(1));
    let kept = make(&program, "invoice-43", &sent_before(1));
    display(&program, &erased);
    display(&program, &kept);
    erase(&program, &erased);
    let receiver = Receiver::on(address);
    let arrived = receiver.next();
    assert_eq!(arrived.json()["data"]["ping"], kept["id"]);
    arrived.answer(200);
    let begun = Instant::now();
    while remembered(&start, &erased) {
        assert!(begun.elapsed() < PATIENCE, "the outbox still has it");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_outbox_forgets_what_was_told_of_a_ping_that_is_erased_later() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    let told = opened(&program, "invoice-42");
    receiver.next().answer(200);
    assert!(remembered(&start, &told));
    erase(&program, &told);
    program.terminate();
    let program = start.run(&[]);
    let last = opened(&program, "invoice-44");
    // Everything is looked at before anything is sent.
    let arrived = receiver.next();
    assert_eq!(arrived.json()["data"]["ping"], last["id"]);
    arrived.answer(200);
    assert!(!remembered(&start, &told));
}

#[test]
fn what_is_erased_is_forgotten_before_the_answer() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    let [by_id, by_recipient] = ["invoice-42", "invoice-43"].map(|reference| opened(&program, reference));
    for _ in 0..2 {
        receiver.next().answer(200);
    }
    assert!(remembered(&start, &by_id) && remembered(&start, &by_recipient));
    erase(&program, &by_id);
    assert!(!remembered(&start, &by_id) && remembered(&start, &by_recipient));
    let recipient = json!({ "recipient": "ada@lovelace-mail.example" });
    assert_eq!(program.client().post("/api/erase", &recipient).json()["pings"], 1);
    assert!(!remembered(&start, &by_recipient));
    let on_the_page = opened(&program, "invoice-44");
    receiver.next().answer(200);
    assert!(remembered(&start, &on_the_page));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let path = format!("/pings/{}/erase", on_the_page["id"].as_str().unwrap());
    assert_eq!(program.client().send("POST", &path, &form, "").status, 303);
    assert!(!remembered(&start, &on_the_page));
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_until_the_next_start() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    let first = opened(&program, "invoice-42");
    receiver.next().answer(410);
    let second = opened(&program, "invoice-43");
    // An attempt after a second, as after any other answer, would arrive meanwhile.
    assert!(receiver.is_quiet_for(Duration::from_secs(5)));
    let (status, log) = program.terminate();
    assert!(status == Some(0) && log.contains("410 Gone"), "{log}");
    let _program = start.run(&[]);
    let mut told = [receiver.next(), receiver.next()].map(|arrived| {
        let id = arrived.json()["data"]["ping"].clone();
        arrived.answer(200);
        id.to_string()
    });
    let mut expected = [first["id"].to_string(), second["id"].to_string()];
    told.sort();
    expected.sort();
    assert_eq!(told, expected, "nothing is lost");
}

#[test]
fn a_receiver_that_asks_for_a_pause_gets_one_from_every_message() {
    let receiver = Receiver::start();
    let start = telling(receiver.address);
    let program = start.run(&[]);
    let first = opened(&program, "invoice-42");
    let arrived = receiver.next();
    let asked = Instant::now();
    arrived.ask_for_a_pause(503, "4");
    // Before this the program cannot know of it.
    program.wait_for("a webhook was not taken", 1);
    opened(&program, "invoice-43");
    let mut told = Vec::new();
    for _ in 0..2 {
        let arrived = receiver.next();
        assert!(asked.elapsed() >= Duration::from_secs(4), "{:?}", asked.elapsed());
        told.push(arrived.json()["data"]["ping"].clone());
        arrived.answer(200);
    }
    assert!(told.contains(&first["id"]), "{told:?}");

    let until = std::time::SystemTime::now() + Duration::from_secs(4);
    let third = opened(&program, "invoice-44");
    receiver.next().ask_for_a_pause(429, &httpdate::fmt_http_date(until));
    let arrived = receiver.next();
    assert!(std::time::SystemTime::now() >= until - Duration::from_secs(1), "a date has whole seconds");
    assert_eq!(arrived.json()["data"]["ping"], third["id"]);
    arrived.answer(200);
}

#[test]
fn wrong_targets_are_refused_in_one_clear_line_without_a_secret() {
    let start = telling(nobody());
    for (name, value, expected) in [
        ("MAILPING_WEBHOOK_URL", "", "MAILPING_WEBHOOK_URL: is set, but empty"),
        ("MAILPING_WEBHOOK_URL", "https://sesame@", "MAILPING_WEBHOOK_URL: must be an address"),
        ("MAILPING_WEBHOOK_SECRET", "", "MAILPING_WEBHOOK_SECRET: is set, but empty"),
        ("MAILPING_WEBHOOK_SECRET", "whsec_sesame", "MAILPING_WEBHOOK_SECRET: must be whsec_"),
        ("MAILPING_WEBHOOK_PRIVATE", "", "MAILPING_WEBHOOK_PRIVATE: is set, but empty"),
        ("MAILPING_WEBHOOK_PRIVATE", "yes", "MAILPING_WEBHOOK_PRIVATE: must be `allow`"),
        ("MAILPING_WEBHOOK_OUTBOX", "missing/webhooks.db", "MAILPING_WEBHOOK_OUTBOX: "),
    ] {
        let output = start.to_its_end(&[(name, value)]);
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {printed}");
        assert!(printed.contains(expected), "{expected}: {printed}");
        assert!(!printed.contains("sesame") && !printed.contains("panicked"), "{printed}");
    }
    let public = Start::example("receipts_webhooks").with("MAILPING_WEBHOOK_SECRET", SECRET);
    for (url, expected) in [
        (None, "MAILPING_WEBHOOK_URL: must be an address"),
        (Some("http://app.example/"), "MAILPING_WEBHOOK_URL: must begin with https"),
        (Some("https://10.0.0.1/"), "MAILPING_WEBHOOK_URL: leads into a private network"),
    ] {
        let settings: Vec<_> = url.iter().map(|url| ("MAILPING_WEBHOOK_URL", *url)).collect();
        let printed = String::from_utf8_lossy(&public.to_its_end(&settings).stderr).into_owned();
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
}
