//! The programs that mount the routes: pictures are answered, and opens are kept.

use mailping_axum::State;

use crate::{Beside, display, example, printed_pixel};

/// The ping that it makes, and one that was sent an hour ago by another program.
fn keeps_opens(name: &str) -> String {
    let start = example(name);
    let program = start.run(&[]);
    let client = program.client();
    let pixel = printed_pixel(&program);
    assert_eq!(client.get(&pixel, &[]).body.len(), 43);
    let beside = Beside::sqlite(&start);
    let (sent_before, its_pixel) = beside.sent_an_hour_ago("invoice-7");
    assert_eq!(beside.state(sent_before), State::NoFetch);
    display(client, &its_pixel);
    assert_eq!(beside.state(sent_before), State::Opened);
    client.get("/", &[]).text()
}

#[test]
fn axum_keeps_opens_and_shows_the_receipt_of_its_own_ping() {
    let receipt = keeps_opens("axum");
    assert!(receipt.starts_with("Fetched by "), "{receipt}");
}

#[test]
fn actix_keeps_opens_and_shows_the_receipt_of_its_own_ping() {
    let receipt = keeps_opens("actix");
    assert!(receipt.starts_with("Fetched by "), "{receipt}");
}

#[test]
fn tower_keeps_opens() {
    keeps_opens("tower");
}

#[test]
fn a_store_of_ones_own_keeps_opens_and_times_them() {
    let start = example("custom_store");
    let program = start.run(&[]);
    assert_eq!(program.client().get(&printed_pixel(&program), &[]).body.len(), 43);
    let beside = Beside::sqlite(&start);
    let (ping, pixel) = beside.sent_an_hour_ago("invoice-7");
    display(program.client(), &pixel);
    assert_eq!(beside.state(ping), State::Opened);
    program.wait_for("1 opens took ", 2);
}

#[test]
fn own_html_lists_receipts_and_a_reference_stays_text() {
    let start = example("own_html");
    let program = start.run(&[]);
    let beside = Beside::sqlite(&start);
    let (_, pixel) = beside.sent_an_hour_ago("invoice-7");
    display(program.client(), &pixel);
    let page = program.client().get("/receipts", &[]);
    assert!(page.head.contains("text/html"), "{page:?}");
    let html = page.text();
    assert!(html.contains("<td>invoice-7</td><td>opened</td>") && html.contains("last opened 20"), "{html}");
    assert!(html.contains("<td>no_fetch</td>") && !html.contains("<42>"), "{html}");
}
