//! The promises themselves, each a function that starts the program and a browser.

use mailping_acceptance::{Client, Program, Start, hours_ago};
use serde_json::{Value, json};

use crate::looks::check;
use crate::{Browser, Options};

const GMAIL: &str =
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const ADMIN_TOKEN: &str = "open-sesame-7777";
const BEHIND_PROXY: [(&str, &str); 3] = [
    ("MAILPING_CLIENT_IP", "xff"),
    ("MAILPING_TRUSTED_PROXIES", "127.0.0.0/8"),
    ("MAILPING_ADMIN_TOKEN", ADMIN_TOKEN),
];
const CONTROL_V: &str = "\u{e009}v\u{e000}";
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

fn browser(program: &Program) -> Browser {
    Browser::start(program.server(), Options::default())
}

/// Logs in, as one has to behind a proxy.
fn log_in(browser: &Browser) {
    browser.open("/login");
    browser.type_into("#token", &format!("{ADMIN_TOKEN}{ENTER}"));
    browser.sees("h1", "Messages");
}

/// Makes a ping in the form of the page that the browser is at.
fn make(browser: &Browser, reference: &str, recipient: &str) {
    browser.type_into("#reference", reference);
    browser.type_into("#reason", "proof of delivery");
    if !recipient.is_empty() {
        browser.click(".more summary");
        browser.type_into("#recipient", recipient);
    }
    browser.click(".make button");
    browser.eventually("the receipt", || browser.path().starts_with("/pings/").then_some(()));
}

/// The service listens on a free port that its URLs do not know.
fn path_of(url: &str) -> &str {
    &url[url.find("/px/").expect("under /px/")..]
}

fn fetch(program: &Program, url: &str, agent: &str, from: &str) {
    let reply = program.client().get(path_of(url), &[("user-agent", agent), ("x-forwarded-for", from)]);
    assert_eq!((reply.status, reply.body.len()), (200, 43));
}

/// A ping that was sent an hour ago, so that a person's fetch is one.
fn api_ping(client: &Client, reference: &str) -> Value {
    let ping = json!({
        "reference": reference,
        "owner": "billing",
        "basis": { "kind": "legitimate_interest", "reason": "proof of delivery" },
        "sent_at": hours_ago(1).to_string(),
    });
    client.post("/api/pings", &ping).json()
}

fn no_console_errors(browser: &Browser) {
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// From the empty state: the form makes a ping, one click copies its HTML, a fetch shows up without
/// a reload.
pub fn a_ping_is_made_copied_and_watched_without_a_reload(start: &Start) {
    let program = start.run(&BEHIND_PROXY);
    let browser = browser(&program);
    log_in(&browser);
    browser.sees(".empty", "Name a message");
    make(&browser, "invoice-42", "ada@example.com");
    browser.sees("h1", "invoice-42");
    browser.sees(".answer", "No sign of it yet");
    browser.sees(".findings", "reached from this machine only");
    browser.sees("#pulse", "Live");

    let tag = browser.value("#tag");
    assert!(tag.starts_with("<img src=\"http://127.0.0.1:") && tag.contains(".gif"), "{tag}");
    browser.click("[data-copy=tag]");
    browser.sees("[data-copy=tag]", "Copied");

    browser.run("window.stayed = true");
    let url = browser.value("#url");
    fetch(&program, &url, GMAIL, "66.249.84.10");
    browser.sees(".timeline", "Gmail");
    fetch(&program, &url, "curl/8.5.0", "198.51.100.77");
    browser.sees(".event.machine", "A tool such as curl");
    browser.sees("#pulse", "Just now");
    assert_eq!(browser.run("return window.stayed"), true, "it was not reloaded");
    assert_eq!(browser.run("return document.querySelectorAll('.event').length"), 2);
    assert_eq!(browser.run("return document.querySelector('.findings')"), Value::Null);

    browser.open("/");
    browser.sees("tbody", "invoice-42");
    browser.type_into("#by-reference", CONTROL_V);
    assert_eq!(browser.value("#by-reference"), tag, "the clipboard holds what was copied");
    no_console_errors(&browser);
}

/// Stopping shows its status; erasing asks first, and nothing is left.
pub fn an_erasure_asks_first_and_a_withdrawal_shows(start: &Start) {
    let program = start.run(&[]);
    let browser = browser(&program);
    browser.open("/");
    make(&browser, "contract-7", "");
    let receipt = browser.path();
    browser.click(".actions form button");
    browser.sees(".answer", "Stopped");
    browser.sees(".side", "No pixel");
    browser.click(".actions .danger");
    browser.sees("h1", "Erase this message’s record?");
    browser.click(".actions .quiet");
    browser.sees("h1", "contract-7");
    assert_eq!(browser.path(), receipt);
    browser.click(".actions .danger");
    browser.click(".actions button.danger");
    browser.sees(".empty", "Name a message");
    browser.open(&receipt);
    browser.sees("h1", "There is nothing here");
    assert!(browser.console().iter().all(|line| line.contains("404")), "only the page that is gone");
}

/// The recipient's link asks, then keeps the objection, and the receipt says so by itself.
pub fn the_opt_out_page_keeps_an_objection(start: &Start) {
    let program = start.run(&[]);
    let browser = browser(&program);
    browser.open("/");
    make(&browser, "offer-1", "ada@example.com");
    let receipt = browser.path();
    let opt_out = browser.value("#opt-out");
    browser.open(path_of(&opt_out));
    browser.sees("h1", "Object to open receipts");
    check(&browser, "the opt-out page");
    browser.picture("opt-out");
    browser.click("button");
    browser.sees("h1", "Opening this message is no longer recorded");
    check(&browser, "the objection");
    let before = browser.console();
    // The page has no icon of its own, which browsers then look for.
    assert!(before.iter().all(|line| line.contains("favicon")), "{before:?}");
    browser.open(&receipt);
    browser.sees(".answer", "Stopped");
    browser.open("/");
    browser.click("summary");
    make(&browser, "offer-2", "ADA@example.com");
    browser.sees(".answer", "Not tracked");
    browser.sees(".findings", "The recipient has objected");
    no_console_errors(&browser);
}

/// Under an admin token the page asks for it, keeps a session that scripts cannot read, and ends
/// it.
pub fn a_login_lets_in_and_a_logout_out(start: &Start) {
    let program = start.run(&BEHIND_PROXY);
    let browser = browser(&program);
    browser.open("/why");
    browser.sees("h1", "Log in");
    assert!(browser.path().starts_with("/login"));
    check(&browser, "the login");
    browser.picture("login");
    browser.type_into("#token", &format!("open-sesame-76{ENTER}"));
    browser.sees(".alert", "not the token");
    check(&browser, "the refused login");
    let console = browser.console();
    assert!(console.iter().all(|line| line.contains("401")), "{console:?}");
    browser.type_into("#token", &format!("open-sesame-7777{ENTER}"));
    browser.sees("h1", "Why is nothing recorded?");

    let cookies = browser.cookies();
    let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Strict")));
    assert!(!cookie["value"].as_str().unwrap().contains("sesame"));
    assert_eq!(browser.run("return document.cookie"), "");

    browser.open("/");
    make(&browser, "invoice-42", "");
    let receipt = browser.path();
    browser.sees("#pulse", "Live");
    let url = browser.value("#url");
    fetch(&program, &url, FIREFOX, "198.51.100.77");
    browser.sees(".timeline", "A browser");
    browser.click("nav form button");
    browser.sees("h1", "Log in");
    browser.open(&receipt);
    browser.sees("h1", "Log in");
    no_console_errors(&browser);
}

/// References and owners are shown as they are, whatever they hold.
pub fn no_text_of_anybody_becomes_markup(start: &Start) {
    let program = start.run(&BEHIND_PROXY);
    let browser = browser(&program);
    log_in(&browser);
    let evil = "</title><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&";
    let ping = api_ping(&program.client().bearer(ADMIN_TOKEN), evil);
    browser.open("/");
    assert_eq!(browser.text("tbody th a"), evil);
    browser.click("tbody th a");
    assert_eq!(browser.text("h1"), evil);
    browser.sees("#pulse", "Live");
    fetch(&program, ping["pixel_url"].as_str().unwrap(), FIREFOX, "198.51.100.77");
    browser.sees(".timeline", "A browser");
    browser.click(".actions .danger");
    browser.sees("main", evil);
    assert_eq!(browser.run("return document.querySelectorAll('main img, main script').length"), 0);
    no_console_errors(&browser);
}

/// The keyboard alone leads past the menu, through the form and to the copying.
pub fn all_of_it_can_be_done_from_the_keyboard(start: &Start) {
    let program = start.run(&[]);
    let browser = browser(&program);
    let focus =
        || browser.run("return (document.activeElement.id || document.activeElement.textContent).trim()");
    browser.open("/");
    browser.press(TAB);
    assert_eq!(focus(), "Skip to content");
    browser.press(ENTER);
    browser.press(TAB);
    assert_eq!(focus(), "See a sample receipt", "the menu is skipped");
    browser.press(TAB);
    assert_eq!(focus(), "reference");
    browser.press("invoice-42");
    browser.press(TAB);
    browser.press("proof");
    browser.press(ENTER);
    browser.sees("h1", "invoice-42");
    browser.press(TAB);
    browser.press(ENTER);
    browser.press(TAB);
    assert_eq!(focus(), "← All messages");
    // The order of the page's source is the order of the focus.
    let seen: Vec<Value> = (0..8)
        .map(|_| {
            browser.press(TAB);
            focus()
        })
        .collect();
    let expected = ["Paste into the message", "tag", "Copy the HTML", "url"].map(|name| json!(name));
    assert!(seen.starts_with(&expected), "{seen:?}");
    let outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle");
    assert_ne!(outline, "none", "where the focus is can be seen");
}

/// Without scripts a ping is made, its pixel can be read, and its receipt shows what came.
pub fn without_scripts_a_ping_is_made_and_read(start: &Start) {
    let program = start.run(&BEHIND_PROXY);
    let options = Options { scripts: false, ..Options::default() };
    let browser = Browser::start(program.server(), options);
    log_in(&browser);
    make(&browser, "invoice-42", "");
    fetch(&program, &browser.value("#url"), GMAIL, "66.249.84.10");
    browser.open(&browser.path());
    browser.sees(".timeline", "Gmail");
    browser.click(".actions .danger");
    browser.click(".actions button.danger");
    browser.sees(".empty", "Name a message");
}

/// What happened is grouped as it is counted, its reasons are folded and stay as they were while it
/// is live; times are local with UTC beside them, places are on a map, and the pixel folds away.
pub fn a_receipt_groups_folds_and_says_local_times(start: &Start) {
    let program = start.run(&BEHIND_PROXY);
    let ping = api_ping(&program.client().bearer(ADMIN_TOKEN), "invoice-42");
    let url = ping["pixel_url"].as_str().unwrap();
    (0..3).for_each(|_| fetch(&program, url, "curl/8.5.0", "192.0.2.9"));
    fetch(&program, url, FIREFOX, "198.51.100.77");
    let browser = browser(&program);
    log_in(&browser);
    browser.open(&format!("/pings/{}", ping["id"].as_str().unwrap()));
    browser.sees("#pulse", "Live");
    browser.sees("#answer", "Opened just now in Kyoto, Japan, in a browser");
    browser.sees(".event.machine", "A tool such as curl, 3 times");
    let numbers = "return [...document.querySelectorAll('.counts dd')].map((number) => number.textContent)";
    assert_eq!(browser.run(numbers), json!(["1", "0", "1"]));
    assert_eq!(browser.run("return document.querySelectorAll('.event').length"), 2);
    assert_eq!(browser.run("return document.querySelector('.paste').open"), false, "it is not pasted again");
    browser.sees(".places", "Kyoto, Japan");
    assert!(
        browser.run("return document.querySelector('.map').ariaLabel").as_str().unwrap().contains("Japan")
    );
    let time = "const time = document.querySelector('.when time[data-at]'); return [time.title, time.textContent, \
                new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time.dateTime))]";
    let time = browser.run(time);
    assert!(time[0].as_str().unwrap().ends_with(" UTC"), "{time}");
    assert_eq!(time[1], time[2]);

    browser.click(".event.human summary");
    browser.sees(".event.human details", "ua:browser");
    fetch(&program, url, GMAIL, "66.249.84.10");
    browser.sees("#answer", "in Gmail");
    browser.sees("#pulse", "Just now: Opened");
    assert_eq!(browser.run("return document.querySelectorAll('.event details[open]').length"), 1);
    assert_eq!(browser.run("return document.activeElement.textContent"), "Why this counts as a person");
    no_console_errors(&browser);
}

/// Every page, by day, by night and on a phone: contrast, labels, headings, width, and nothing from
/// elsewhere.
pub fn every_page_can_be_seen_and_named_in_light_dark_and_on_a_phone(start: &Start) {
    let program = start.run(&BEHIND_PROXY);
    let client = program.client().bearer(ADMIN_TOKEN);
    let wide = Options::default();
    let empty = Browser::start(program.server(), wide);
    log_in(&empty);
    check(&empty, "the empty state");
    empty.picture("empty");
    drop(empty);

    let ping = api_ping(&client, "invoice-42");
    let quiet =
        api_ping(&client, "proposal with a rather long reference, for the Northern branch, second version");
    let url = ping["pixel_url"].as_str().unwrap();
    fetch(&program, url, GMAIL, "66.249.84.10");
    fetch(&program, url, FIREFOX, "198.51.100.77");
    fetch(&program, url, "curl/8.5.0", "192.0.2.9");
    fetch(&program, url, GMAIL, "203.0.113.9");
    for number in 0..4 {
        api_ping(&client, &format!("contract-{number}"));
    }
    let path = |ping: &Value| format!("/pings/{}", ping["id"].as_str().unwrap());
    let pages = [
        ("list", "/".to_owned()),
        ("none-found", "/?owner=nobody".to_owned()),
        ("receipt", path(&ping)),
        ("receipt-quiet", path(&quiet)),
        ("erase", format!("{}/erase", path(&ping))),
        ("why", "/why".to_owned()),
        ("sample", "/sample".to_owned()),
        ("opened", "/?state=opened".to_owned()),
    ];
    for (name, options) in [
        ("light", wide),
        ("dark", Options { dark: true, ..wide }),
        ("phone", Options { window: (390, 844), ..wide }),
        ("phone-dark", Options { window: (320, 640), dark: true, ..wide }),
    ] {
        let browser = Browser::start(program.server(), options);
        log_in(&browser);
        for (page, path) in &pages {
            browser.open(path);
            if page.starts_with("receipt") {
                browser.sees("#pulse", "Live");
            }
            browser.picture(&format!("{page}-{name}"));
            browser.run("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })");
            check(&browser, &format!("{page} {name}"));
        }
        browser.open("/");
        browser.click("summary");
        browser.type_into("#reference", "x");
        browser.click(".make button");
        browser.sees("#wrong-reason", "Say why");
        check(&browser, &format!("the refused form {name}"));
        browser.picture(&format!("refused-{name}"));
        let console = browser.console();
        assert!(console.iter().all(|line| line.contains("422")), "{console:?}");
    }
}
