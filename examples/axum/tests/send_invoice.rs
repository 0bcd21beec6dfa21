//! The example `send_invoice`, started as a user starts it beside the service, against a real SMTP
//! server: what it says is parsed from the messages that arrive.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Output;
use std::sync::mpsc::{Receiver, Sender, channel};

use mail_parser::{Message, MessageParser};
use mailin::{Action, Handler, Response, SessionBuilder, response};
use mailping_acceptance::{Program, Reply, Start};

const THUNDERBIRD: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0";

/// A message as the server took it: to whom the envelope says, and its bytes.
struct Received {
    to: Vec<String>,
    bytes: Vec<u8>,
}

impl Received {
    fn message(&self) -> Message<'_> {
        MessageParser::default().parse(&self.bytes).unwrap()
    }

    fn html(&self) -> String {
        self.message().body_html(0).unwrap().into_owned()
    }

    fn text(&self) -> String {
        self.message().body_text(0).unwrap().into_owned()
    }

    fn header(&self, name: &str) -> Option<String> {
        Some(self.message().header_raw(name.to_owned())?.trim().to_owned())
    }

    /// The path of the address that follows `before` and ends at a quote.
    fn path_after(&self, before: &str, program: &Program) -> Option<String> {
        let html = self.html();
        let (_, rest) = html.split_once(before)?;
        let url = rest.split('"').next().unwrap();
        Some(url.strip_prefix(&format!("http://{}", program.server())).unwrap().to_owned())
    }

    fn pixel(&self, program: &Program) -> Option<String> {
        self.path_after("<img src=\"", program)
    }
}

/// The answer that [`converse`] does not give: the line breaks after the message was taken.
const LOST: u16 = 299;

/// Takes mail for everybody but those whose name begins with `nobody`; for `lost` it takes it and
/// does not say so.
struct Mailroom {
    received: Sender<Received>,
    to: Vec<String>,
    bytes: Vec<u8>,
}

impl Handler for Mailroom {
    fn rcpt(&mut self, to: &str) -> Response {
        if to.starts_with("nobody") {
            return Response::custom(550, format!("there is no {to} here"));
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

/// An SMTP server on a free port, which ends with the test.
fn smtp_server() -> (SocketAddr, Receiver<Received>) {
    let (sender, received) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mailroom = Mailroom { received: sender.clone(), to: Vec::new(), bytes: Vec::new() };
            std::thread::spawn(move || converse(&connection.unwrap(), mailroom));
        }
    });
    (address, received)
}

fn converse(mut connection: &TcpStream, mailroom: Mailroom) {
    let mut session = SessionBuilder::new("mail.example").build(IpAddr::from([127, 0, 0, 1]), mailroom);
    session.greeting().write_to(&mut connection).unwrap();
    let mut reader = BufReader::new(connection);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let response = session.process(&line);
        line.clear();
        if response.code == LOST {
            return;
        }
        if response.action != Action::NoReply {
            response.write_to(&mut connection).unwrap();
            connection.flush().unwrap();
        }
        if response.action == Action::Close {
            return;
        }
    }
}

/// The program in the service's folder, so to speak: on its database and its keys.
fn beside(service: &Start, program: &Program, smtp: SocketAddr) -> Start {
    Start::example("send_invoice")
        .with("MAILPING_DB", service.folder().join("mailping.db").to_str().unwrap())
        .with("MAILPING_BASE_URL", &format!("http://{}", program.server()))
        .with("MAILPING_SMTP", &format!("smtp://{smtp}"))
        .with("RUST_LOG", "trace")
        .with("MAILPING_FROM", "Bob <bob@example.com>")
        .with("MAILPING_TO", "Ada Lovelace <ada@example.com>, eve@example.com")
}

fn printed(output: &Output) -> String {
    let printed = [&output.stdout[..], &output.stderr[..]].concat();
    let printed = String::from_utf8(printed).unwrap();
    assert!(!printed.contains("example.com") && !printed.contains("panicked"), "{printed}");
    printed
}

fn sent(start: &Start, received: &Receiver<Received>) -> Vec<Received> {
    let output = start.to_its_end(&[]);
    assert!(output.status.success(), "{}", printed(&output));
    printed(&output);
    received.try_iter().collect()
}

fn states(program: &Program) -> Vec<String> {
    let pings = program.client().get("/api/pings", &[]).json();
    let pings = pings["pings"].as_array().unwrap_or_else(|| panic!("{pings}")).clone();
    pings.iter().map(|ping| ping["state"].as_str().unwrap().to_owned()).collect()
}

fn display(program: &Program, path: &str) -> Reply {
    program.client().from("127.77.1.2").get(path, &[("user-agent", THUNDERBIRD)])
}

#[test]
fn each_recipient_has_a_pixel_of_their_own_and_the_sender_none() {
    let service = Start::example("receipts");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let mails = sent(&beside(&service, &program, smtp), &received);

    let to: Vec<_> = mails.iter().map(|mail| mail.to.join(",")).collect();
    assert_eq!(to, ["ada@example.com", "bob@example.com", "eve@example.com", "bob@example.com"]);
    let [ada, copy, eve, _] = &mails[..] else { panic!("{to:?}") };

    let opt_out = ada.path_after("<a href=\"", &program).unwrap();
    let opt_out_url = format!("http://{}{opt_out}", program.server());
    assert!(ada.text().contains(&opt_out_url), "{}", ada.text());
    assert_eq!(ada.header("List-Unsubscribe").unwrap(), format!("<{opt_out_url}>"));
    // RFC 8058 is for https only, and this service speaks http.
    assert_eq!(ada.header("List-Unsubscribe-Post"), None);
    assert_eq!(ada.html().matches("<img").count(), 1, "{}", ada.html());
    assert!(ada.html().contains(" alt=\"\"></body>"), "the pixel is the body's last: {}", ada.html());

    assert_eq!(copy.header("To").unwrap(), ada.header("To").unwrap());
    assert_eq!((copy.pixel(&program), copy.header("List-Unsubscribe")), (None, None));
    assert_ne!(ada.pixel(&program), eve.pixel(&program));

    assert_eq!(states(&program), ["no_fetch", "no_fetch"]);
    let reply = display(&program, &eve.pixel(&program).unwrap());
    assert_eq!((reply.status, reply.body.starts_with(b"GIF89a")), (200, true));
    let mut now = states(&program);
    now.sort();
    // A fetch within seconds of the sending can be a scanner's.
    assert_eq!(
        now,
        ["no_fetch", "uncertain"],
        "the pixel as received makes the receipt of its own ping only"
    );
}

#[test]
fn one_click_in_the_received_message_stops_the_pixel_in_the_next() {
    let service = Start::example("receipts");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let start = beside(&service, &program, smtp).with("MAILPING_TO", "ada@example.com");
    let first = sent(&start, &received).swap_remove(0);

    let url = first.header("List-Unsubscribe").unwrap();
    let path = url.trim_matches(['<', '>']).strip_prefix(&format!("http://{}", program.server())).unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let reply = program.client().send("POST", path, &form, "List-Unsubscribe=One-Click");
    assert_eq!(reply.status, 200, "{reply:?}");

    let next = sent(&start, &received).swap_remove(0);
    assert_eq!((next.pixel(&program), next.html().contains("<img")), (None, false));
    assert!(first.text().contains("We record") && first.html().contains("We record"));
    assert!(!next.text().contains("We record") && !next.html().contains("We record"), "{}", next.text());
    assert_eq!(next.header("List-Unsubscribe"), None);
    assert_eq!(display(&program, &first.pixel(&program).unwrap()).status, 200);
    assert_eq!(states(&program), ["no_fetch", "no_fetch"], "the first ping records nothing any more");
}

#[test]
fn a_refused_message_leaves_no_ping_and_stops_no_other() {
    let service = Start::example("receipts");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let start = beside(&service, &program, smtp);
    let output = start.to_its_end(&[("MAILPING_TO", "nobody@example.com, ada@example.com")]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("recipient 1: not sent, the SMTP server answered 550"), "{printed}");
    assert!(printed.contains("1 of the messages may not have been sent"), "{printed}");
    let to: Vec<_> = received.try_iter().map(|mail| mail.to.join(",")).collect();
    assert_eq!(to, ["ada@example.com", "bob@example.com"]);
    assert_eq!(states(&program), ["no_fetch"], "only the message that went out has a ping");
}

#[test]
fn a_message_whose_answer_is_lost_keeps_its_opt_out() {
    let service = Start::example("receipts");
    let program = service.run(&[]);
    let (smtp, received) = smtp_server();
    let output = beside(&service, &program, smtp).to_its_end(&[("MAILPING_TO", "lost@example.com")]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("recipient 1: perhaps sent"), "{printed}");
    let mail = received.try_iter().next().unwrap();
    let path = mail.path_after("<a href=\"", &program).unwrap();
    assert_eq!(program.client().send("POST", &path, &[], "").status, 200);
    // The same person; this spelling is answered.
    let next = sent(&beside(&service, &program, smtp).with("MAILPING_TO", "LOST@example.com"), &received);
    assert!(!next[0].html().contains("<img"), "the objection is kept");
}

#[test]
fn wrong_settings_are_named_and_not_repeated() {
    let service = Start::example("receipts");
    let program = service.run(&[]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = beside(&service, &program, free);
    for (name, value, expected) in [
        ("MAILPING_SMTP", "mail.example.com", "MAILPING_SMTP: must look like"),
        ("MAILPING_SMTP", "http://root:sesame@mail.example.com", "MAILPING_SMTP: must look like"),
        ("MAILPING_FROM", "bob at example.com", "MAILPING_FROM: must be an address"),
        ("MAILPING_TO", "ada@example.com; eve@example.com", "MAILPING_TO: must be addresses"),
        ("MAILPING_TO", "", "MAILPING_TO: is set, but empty"),
        ("MAILPING_FROM", "Bob <bob@example.com>, eve@example.com", "MAILPING_FROM: must be an address"),
        ("MAILPING_SMTP", &format!("smtp://{free}"), "MAILPING_SMTP: the SMTP server cannot be reached"),
    ] {
        let output = start.to_its_end(&[(name, value)]);
        let printed = printed(&output);
        assert_eq!(output.status.code(), Some(1), "{expected}: {printed}");
        assert!(printed.contains(expected) && !printed.contains("sesame"), "{expected}: {printed}");
    }
    assert_eq!(states(&program), [""; 0], "nothing was sent, so there is no ping");
}
