//! `edge` and `centre`: a hit at the edge is an open at the centre.

use mailping_axum::State;

use crate::{Beside, block_on, display, example};

#[test]
fn an_edge_answers_hits_and_the_centre_has_their_opens() {
    let start = example("centre");
    let keys = start.command(&[]).args(["keys", "fra"]).output().unwrap();
    let keys = String::from_utf8(keys.stdout).unwrap();
    assert!(keys.starts_with("0:edge-fra:"), "{keys}");
    let centre = start.run(&[]);
    let edge = example("edge").with("MAILPING_EDGE_KEYS", keys.trim());
    let edge = edge.with("MAILPING_CENTRE", &format!("http://{}/px", centre.server()));
    let running = edge.run(&[]);
    let beside = Beside::sqlite(&start);
    let (ping, pixel) = beside.sent_an_hour_ago("invoice-7");
    display(running.client(), &pixel);
    let begun = std::time::Instant::now();
    while beside.state(ping) != State::Opened {
        assert!(begun.elapsed().as_secs() < 60, "{}", running.client().get("/", &[]).text());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // What the centre has ended gains nothing more.
    assert!(block_on(beside.0.pings().withdraw(ping)).unwrap());
    display(running.client(), &pixel);
    while !running.client().get("/", &[]).text().starts_with("0 opens wait") {
        assert!(begun.elapsed().as_secs() < 60, "{}", running.client().get("/", &[]).text());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(block_on(beside.0.receipts().get(ping)).unwrap().unwrap().opens.len(), 1);
}

#[test]
fn an_edge_logs_why_its_opens_wait() {
    let keys = mailping_axum::Keyring::from_text(crate::KEYS).unwrap().for_edge("fra").unwrap();
    let edge = example("edge").with("MAILPING_EDGE_KEYS", &keys.secret_text());
    let running = edge.with("MAILPING_CENTRE", "http://127.0.0.1:1/px").run(&[]);
    running.wait_for("the exchange with the centre failed: io: Connection refused", 1);
}

#[test]
fn an_edge_is_given_no_whole_keyring() {
    let edge = example("edge").with("MAILPING_EDGE_KEYS", crate::KEYS);
    let output = edge.to_its_end(&[("MAILPING_CENTRE", "http://127.0.0.1:1/px")]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && printed.contains("keys of its own"), "{printed}");
}
