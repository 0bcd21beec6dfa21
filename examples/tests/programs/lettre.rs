//! `lettre` beside `axum`, against a real SMTP server: what it says is parsed from the messages
//! that arrive.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};

use mail_parser::{Message, MessageParser};
use mailin::{Handler, Response, response};
use mailping_acceptance::Start;
use mailping_axum::State;
use mailping_axum::store::PingQuery;

use crate::smtp::{self, LOST};
use crate::{Beside, block_on, display, example};

const SERVICE: &str = "http://localhost:3000";

/// A message as the server took it: to whom the envelope says, and its bytes.
pub(crate) struct Received {
    to: Vec<String>,
    bytes: Vec<u8>,
}

impl Received {
    pub(crate) fn message(&self) -> Message<'_> {
        MessageParser::default().parse(&self.bytes).unwrap()
    }

    pub(crate) fn html(&self) -> String {
        self.message().body_html(0).unwrap().into_owned()
    }

    fn text(&self) -> String {
        self.message().body_text(0).unwrap().into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        Some(self.message().header_raw(name.to_owned())?.trim().to_owned())
    }

    /// The path of the address that follows `before` and ends at a quote.
    fn path_after(&self, before: &str) -> Option<String> {
        let html = self.html();
        let (_, rest) = html.split_once(before)?;
        let url = rest.split('"').next().unwrap();
        Some(url.strip_prefix(SERVICE).unwrap().to_owned())
    }

    fn confirm(&self) -> String {
        let html = self.html();
        let (before, _) = html.split_once("\">Confirm receipt</a>").unwrap();
        let url = before.rsplit_once('"').unwrap().1;
        url.strip_prefix(SERVICE).unwrap().to_owned()
    }

    fn pixel(&self) -> Option<String> {
        self.path_after("<img src=\"")
    }
}

/// Takes mail for everybody but those whose name begins with `nobody`, and those of `later`, who
/// are greylisted; for `lost` it takes it and does not say so.
struct Mailroom {
    received: Sender<Received>,
    to: Vec<String>,
    bytes: Vec<u8>,
}

impl Handler for Mailroom {
    fn rcpt(&mut self, to: &str) -> Response {
        if to.starts_with("nobody") {
            return Response::custom(550, format!("5.1.1 there is no {to} here"));
        }
        if to.starts_with("later") {
            return Response::custom(451, format!("4.7.1 come back later, {to}"));
        }
        response::OK
    }

    fn data_start(&mut self, _domain: &str, _from: &str, _is8bit: bool, to: &[String]) -> Response {
        self.to = to.to_vec();
        self.bytes.clear();
        response::START_DATA
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.bytes.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let received = Received { to: std::mem::take(&mut self.to), bytes: std::mem::take(&mut self.bytes) };
        let lost = received.to[0].starts_with("lost");
        self.received.send(received).unwrap();
        if lost { Response::custom(LOST, String::new()) } else { response::OK }
    }
}

pub(crate) fn smtp_server() -> (SocketAddr, Receiver<Received>) {
    let (sender, received) = channel();
    let mailroom = move |_| Mailroom { received: sender.clone(), to: Vec::new(), bytes: Vec::new() };
    (smtp::serve(mailroom), received)
}

/// Runs it in the folder of the service, and returns what it printed and whether it succeeded.
fn send(service: &Start, smtp: SocketAddr, to: &str) -> (String, bool) {
    let settings = [
        ("MAILPING_SMTP", &*format!("smtp://{smtp}")),
        ("MAILPING_FROM", "Bob <bob@example.com>"),
        ("MAILPING_TO", to),
    ];
    let output = example("lettre").command(&settings).current_dir(service.folder()).output().unwrap();
    let printed = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
    assert!(!printed.contains("example.com") && !printed.contains("panicked"), "{printed}");
    (printed, output.status.success())
}

fn sent(service: &Start, smtp: SocketAddr, received: &Receiver<Received>, to: &str) -> Vec<Received> {
    let (printed, succeeded) = send(service, smtp, to);
    assert!(succeeded, "{printed}");
    received.try_iter().collect()
}

/// Those of the recipients' messages, without that of the ping that the service makes.
fn states(beside: &Beside) -> Vec<State> {
    let page = block_on(beside.0.receipts().list(&PingQuery::newest(10))).unwrap();
    let mut states: Vec<_> = page.items.iter().map(|summary| summary.state).collect();
    states.pop();
    states.sort();
    states
}

#[test]
fn each_recipient_has_a_pixel_of_their_own_and_the_sender_none() {
    let service = example("axum");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let mails = sent(&service, smtp, &received, "Ada Lovelace <ada@example.com>, eve@example.com");

    let to: Vec<_> = mails.iter().map(|mail| mail.to.join(",")).collect();
    assert_eq!(to, ["ada@example.com", "bob@example.com", "eve@example.com", "bob@example.com"]);
    let [ada, copy, eve, _] = &mails[..] else { panic!("{to:?}") };

    let opt_out = format!("{SERVICE}{}", ada.path_after("<a href=\"").unwrap());
    assert!(ada.text().contains(&opt_out), "{}", ada.text());
    assert_eq!(ada.header("List-Unsubscribe").unwrap(), format!("<{opt_out}>"));
    // RFC 8058 is for https only, and this service speaks http.
    assert_eq!(ada.header("List-Unsubscribe-Post"), None);
    assert_eq!(ada.html().matches("<img").count(), 1, "{}", ada.html());
    assert!(ada.html().contains(" alt=\"\"></body>"), "the pixel is the body's last: {}", ada.html());
    let confirm = ada.confirm();
    assert!(ada.text().contains(&format!("Confirm receipt: {SERVICE}{confirm}")), "{}", ada.text());
    assert_ne!(confirm, eve.confirm());
    assert!(!copy.html().contains("/confirm") && !copy.text().contains("/confirm"), "{}", copy.html());

    assert_eq!(copy.header("To").unwrap(), ada.header("To").unwrap());
    assert_eq!((copy.pixel(), copy.header("List-Unsubscribe")), (None, None));
    assert_ne!(ada.pixel(), eve.pixel());

    let beside = Beside::sqlite(&service);
    assert_eq!(states(&beside), [State::NoFetch, State::NoFetch]);
    display(program.client(), &eve.pixel().unwrap());
    // A fetch within seconds of the sending can be a scanner's.
    assert_eq!(states(&beside), [State::NoFetch, State::Uncertain], "only that of its own ping");
}

#[test]
fn one_click_in_the_received_message_stops_the_pixel_in_the_next() {
    let service = example("axum");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let first = sent(&service, smtp, &received, "ada@example.com").swap_remove(0);

    let url = first.header("List-Unsubscribe").unwrap();
    let path = url.trim_matches(['<', '>']).strip_prefix(SERVICE).unwrap().to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let reply = program.client().send("POST", &path, &form, "List-Unsubscribe=One-Click");
    assert_eq!(reply.status, 200, "{reply:?}");

    let next = sent(&service, smtp, &received, "ada@example.com").swap_remove(0);
    assert_eq!((next.pixel(), next.html().contains("<img")), (None, false));
    assert!(first.text().contains("We record") && first.html().contains("We record"));
    assert!(!next.text().contains("We record") && !next.html().contains("We record"), "{}", next.text());
    assert_eq!(next.header("List-Unsubscribe"), None);
    display(program.client(), &first.pixel().unwrap());
    let states = states(&Beside::sqlite(&service));
    assert_eq!(states, [State::NoFetch, State::NoFetch], "the first ping records nothing any more");
}

#[test]
fn what_the_server_answered_is_in_the_receipt_and_its_words_are_not() {
    let service = example("axum");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let (printed, _) = send(&service, smtp, "nobody@example.com, later@example.com, ada@example.com");
    assert!(printed.contains("1: refused\nrecipient 2: deferred\nrecipient 3: accepted"), "{printed}");
    let mails: Vec<_> = received.try_iter().collect();
    let to: Vec<_> = mails.iter().map(|mail| mail.to.join(",")).collect();
    assert_eq!(to, ["ada@example.com", "bob@example.com"]);
    let page = block_on(Beside::sqlite(&service).0.receipts().list(&PingQuery::newest(3))).unwrap();
    let mut told: Vec<_> = page
        .items
        .iter()
        .map(|summary| {
            let milestone = summary.milestones[0];
            let status = milestone.status_code.map(|status| status.to_string());
            (summary.delivery.as_str(), milestone.reply_code, status)
        })
        .collect();
    told.sort();
    let some = |status: &str| Some(status.to_owned());
    assert_eq!(
        told,
        [
            ("accepted", Some(250), None),
            ("deferred", Some(451), some("4.7.1")),
            ("refused", Some(550), some("5.1.1")),
        ]
    );
    // The recipient signs; in the same moment as it was sent, so that nobody can say who it was.
    let click = [("user-agent", crate::FIREFOX), ("content-type", "application/x-www-form-urlencoded")];
    let reply = program.client().send("POST", &mails[0].confirm(), &click, "");
    assert_eq!(reply.status, 200, "{reply:?}");
    let page = block_on(Beside::sqlite(&service).0.receipts().list(&PingQuery::newest(1))).unwrap();
    assert!(page.items[0].confirmed_at.is_some());
    for (path, bytes) in service.files() {
        for words in ["example.com", "there is no", "come back"] {
            let found = bytes.windows(words.len()).any(|window| window == words.as_bytes());
            assert!(!found, "{words} is in {}", path.display());
        }
    }
}

#[test]
fn a_message_whose_answer_is_lost_keeps_its_opt_out() {
    let service = example("axum");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let (printed, _) = send(&service, smtp, "lost@example.com");
    assert!(printed.contains("recipient 1: no answer"), "{printed}");
    let mail = received.try_iter().next().unwrap();
    let path = mail.path_after("<a href=\"").unwrap();
    assert_eq!(program.client().send("POST", &path, &[], "").status, 200);
    // The same person; this spelling is answered.
    let next = sent(&service, smtp, &received, "LOST@example.com");
    assert!(!next[0].html().contains("<img"), "the objection is kept");
}
