//! Messages over real SMTP to a server that accepts, defers, refuses and bounces, and the reports
//! that come back over SMTP too: each has a receipt that says so, and nothing of a server's words,
//! an address or a message is kept.

use std::collections::HashMap;
use std::error::Error as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::lettre::address::Envelope;
use ::lettre::message::SinglePart;
use ::lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mailin::{Handler, Response, response};
use mailping_axum::pings::SmtpReply;
use mailping_axum::receipts::MilestoneKind;
use mailping_axum::{Basis, Keyring, NewPing, PingId, PreparedPing, Receipt, Tracker};
use mailping_sqlite::SqliteStore;

use crate::smtp;

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// The sender's domain for what comes back.
const BOUNCES: &str = "bounces.sender.example";
const MESSAGE_TEXT: &str = "thirty-three-barrels-of-cider";
const SERVER_TEXT: &str = "quota-of-the-cellar";

/// A message in the sender's own mailbox for what comes back.
type Inbox = Sender<Vec<u8>>;

/// The recipient's mail server, and the sender's mailbox for bounces: who a message is for decides
/// what becomes of it.
struct Mailroom {
    address: SocketAddr,
    inbox: Inbox,
    /// How often each was asked to come back.
    deferred: Arc<Mutex<HashMap<String, usize>>>,
    from: String,
    to: Vec<String>,
    bytes: Vec<u8>,
}

impl Handler for Mailroom {
    fn rcpt(&mut self, to: &str) -> Response {
        if to.starts_with("nobody") {
            return Response::custom(550, format!("5.1.1 <{to}>: {SERVER_TEXT}, user unknown"));
        }
        let mut deferred = self.deferred.lock().unwrap();
        let times = deferred.entry(to.to_owned()).or_default();
        if to.starts_with("later") && *times == 0 {
            *times += 1;
            return Response::custom(451, format!("4.7.1 <{to}>: {SERVER_TEXT}, come back"));
        }
        response::OK
    }

    fn data_start(&mut self, _domain: &str, from: &str, _is8bit: bool, to: &[String]) -> Response {
        (self.from, self.to) = (from.to_owned(), to.to_vec());
        self.bytes.clear();
        response::START_DATA
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.bytes.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let to = self.to.first().cloned().unwrap_or_default();
        if to.ends_with(BOUNCES) {
            self.inbox.send(std::mem::take(&mut self.bytes)).unwrap();
            return response::OK;
        }
        let action = match to.split('@').next().unwrap_or_default() {
            "full" => Some(("failed", "5.2.2")),
            "slow" => Some(("delayed", "4.4.1")),
            "there" => Some(("delivered", "2.0.0")),
            _ => None,
        };
        if let Some((action, status)) = action {
            let report = report(&self.from, &to, action, status, &self.bytes);
            let (address, from) = (self.address, self.from.clone());
            // A server bounces after it has answered.
            std::thread::spawn(move || deliver(address, &from, &report));
        }
        Response::custom(250, format!("2.0.0 Ok: queued for {to}, {SERVER_TEXT}"))
    }
}

/// A report as Postfix writes it, with the message that it is about.
fn report(to: &str, about: &str, action: &str, status: &str, message: &[u8]) -> Vec<u8> {
    let message = String::from_utf8_lossy(message);
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.recipient.example (Mail Delivery System)\r\n\
         Subject: Delivery Status Notification\r\nTo: {to}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"4X/mx.recipient.example\"\r\n\r\n\
         This is a MIME-encapsulated message.\r\n\r\n--4X/mx.recipient.example\r\nContent-Description: Notification\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\r\n<{about}>: {SERVER_TEXT}\r\n\r\n--4X/mx.recipient.example\r\n\
         Content-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.recipient.example\r\nX-Postfix-Queue-ID: 4X\r\nX-Postfix-Sender: rfc822; {to}\r\n\r\n\
         Final-Recipient: rfc822; {about}\r\nOriginal-Recipient: rfc822;{about}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: X-Postfix; {SERVER_TEXT}\r\n\r\n--4X/mx.recipient.example\r\n\
         Content-Description: Undelivered Message\r\nContent-Type: message/rfc822\r\n\r\n{message}\r\n\
         --4X/mx.recipient.example--\r\n"
    )
    .into_bytes()
}

/// Hands a report over. Servers send it with an empty sender, which `mailin` does not read.
fn deliver(server: SocketAddr, to: &str, message: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let envelope =
        Envelope::new("MAILER-DAEMON@mx.recipient.example".parse().ok(), vec![to.parse().unwrap()]).unwrap();
    runtime.block_on(client(server).send_raw(&envelope, message)).unwrap();
}

fn client(server: SocketAddr) -> Smtp {
    Smtp::builder_dangerous(server.ip().to_string()).port(server.port()).build()
}

/// The server, and what comes to the sender's mailbox.
fn server() -> (SocketAddr, Receiver<Vec<u8>>) {
    let (inbox, received) = channel();
    let deferred = Arc::default();
    let address = smtp::serve(move |address| Mailroom {
        address,
        inbox: inbox.clone(),
        deferred: Arc::clone(&deferred),
        from: String::new(),
        to: Vec::new(),
        bytes: Vec::new(),
    });
    (address, received)
}

struct Office {
    tracker: Tracker,
    smtp: Smtp,
}

impl Office {
    async fn new(server: SocketAddr, database: &Path) -> Self {
        let builder = Tracker::builder(Keyring::generate().unwrap(), SqliteStore::open(database).unwrap());
        let tracker = builder.base_url("https://sender.example/px").unwrap().build().await.unwrap();
        Self { tracker, smtp: client(server) }
    }

    async fn ping(&self, to: &str) -> PreparedPing {
        let new = NewPing::one_to_one("invoice-42", Basis::Contract).to(to).confirmable("Bob's Bakery");
        self.tracker.pings().create(new).await.unwrap()
    }

    /// Hands a message over, and on what the server answered.
    async fn hand_over(&self, ping: &PreparedPing, to: &str) -> MilestoneKind {
        let message = Message::builder().from("Bob <bob@sender.example>".parse().unwrap());
        let message = message.to(to.parse().unwrap()).message_id(Some(ping.message_id("sender.example")));
        let message = message.singlepart(SinglePart::plain(MESSAGE_TEXT.to_owned())).unwrap().formatted();
        let from = ping.return_path(BOUNCES).parse().unwrap();
        let envelope = Envelope::new(Some(from), vec![to.parse().unwrap()]).unwrap();
        let reply = match self.smtp.send_raw(&envelope, &message).await {
            Ok(said) => SmtpReply::new(said.code().into(), said.first_line().unwrap_or_default()),
            Err(error) => {
                let said = error.source().map(ToString::to_string).unwrap_or_default();
                error.status().and_then(|code| SmtpReply::new(code.into(), &said))
            }
        };
        let reply = reply.unwrap();
        assert!(self.tracker.pings().handed_over(ping.id(), reply).await.unwrap());
        reply.outcome()
    }

    async fn receipt(&self, ping: PingId) -> Receipt {
        self.tracker.receipts().get(ping).await.unwrap().unwrap()
    }

    /// The furthest of its way, and each milestone with its codes.
    async fn told(&self, ping: PingId) -> (MilestoneKind, Vec<String>) {
        let summary = self.receipt(ping).await.summary;
        let shown = summary.milestones.iter().map(|milestone| {
            let status = milestone.status_code.map(|status| status.to_string()).unwrap_or_default();
            format!("{} {} {status}", milestone.kind, milestone.reply_code.unwrap_or_default())
        });
        (summary.delivery, shown.collect())
    }
}

fn next(inbox: &Receiver<Vec<u8>>) -> Vec<u8> {
    inbox.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("no report came back"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_deferred_refused_or_bounced_has_a_receipt_that_says_so() {
    use MilestoneKind::{Accepted, Deferred, Delayed, Delivered, Failed, Refused};
    let folder = tempfile::tempdir().unwrap();
    let (server, inbox) = server();
    let sender = Office::new(server, &folder.path().join("mailping.db")).await;
    let names = ["ada", "later", "nobody", "full", "slow", "there"];
    let mut pings = HashMap::new();
    for name in names {
        pings.insert(name, sender.ping(&format!("{name}@recipient.example")).await);
    }
    let to = |name: &str| format!("{name}@recipient.example");

    assert_eq!(sender.hand_over(&pings["ada"], &to("ada")).await, Accepted);
    assert_eq!(sender.told(pings["ada"].id()).await, (Accepted, vec!["accepted 250 2.0.0".to_owned()]));

    assert_eq!(sender.hand_over(&pings["later"], &to("later")).await, Deferred);
    assert_eq!(sender.told(pings["later"].id()).await.0, Deferred);
    assert_eq!(sender.hand_over(&pings["later"], &to("later")).await, Accepted);
    let both = vec!["deferred 451 4.7.1".to_owned(), "accepted 250 2.0.0".to_owned()];
    assert_eq!(sender.told(pings["later"].id()).await, (Accepted, both));

    assert_eq!(sender.hand_over(&pings["nobody"], &to("nobody")).await, Refused);
    assert_eq!(sender.told(pings["nobody"].id()).await, (Refused, vec!["refused 550 5.1.1".to_owned()]));

    for (name, kind, told) in [
        ("full", Failed, "failed 0 5.2.2"),
        ("slow", Delayed, "delayed 0 4.4.1"),
        ("there", Delivered, "delivered 0 2.0.0"),
    ] {
        assert_eq!(sender.hand_over(&pings[name], &to(name)).await, Accepted);
        let report = next(&inbox);
        let ping = pings[name].id();
        assert_eq!(sender.tracker.pings().report(&report).await.unwrap(), Some(ping), "{name}");
        let expected = (kind, vec!["accepted 250 2.0.0".to_owned(), told.to_owned()]);
        assert_eq!(sender.told(ping).await, expected);
        // Replayed, it changes nothing, and neither does one that says less.
        let before = sender.receipt(ping).await;
        assert_eq!(sender.tracker.pings().report(&report).await.unwrap(), Some(ping));
        assert!(sender.receipt(ping).await == before);
    }
    assert!(inbox.try_recv().is_err(), "nothing else came back");

    // Without the envelope's address, the returned message says which it was.
    let other = sender.ping("eve@recipient.example").await;
    let original = format!(
        "Message-ID: {}\r\nTo: eve@recipient.example\r\n\r\n{MESSAGE_TEXT}",
        other.message_id("sender.example")
    );
    let bounce =
        report("bob@sender.example", "eve@recipient.example", "failed", "5.0.0", original.as_bytes());
    assert_eq!(sender.tracker.pings().report(&bounce).await.unwrap(), Some(other.id()));

    // What is malformed, foreign or forged changes nothing.
    let before = sender.receipt(pings["ada"].id()).await;
    let path = pings["ada"].return_path(BOUNCES);
    let mut forged = path.clone();
    forged.replace_range(30..31, if &path[30..31] == "a" { "b" } else { "a" });
    let real = report(&path, "ada@recipient.example", "failed", "5.0.0", b"");
    let text = String::from_utf8(real.clone()).unwrap();
    for wrong in [
        report(&forged, "ada@recipient.example", "failed", "5.0.0", b""),
        report(
            "bob@sender.example",
            "ada@recipient.example",
            "failed",
            "5.0.0",
            b"Message-ID: <1@elsewhere.example>\r\n\r\n",
        ),
        report(&path, "ada@recipient.example", "read", "2.0.0", b""),
        text.replace("multipart/report", "multipart/mixed").into_bytes(),
        text.replace("message/delivery-status", "text/plain").into_bytes(),
        real[..real.len() / 3].to_vec(),
        b"From: ada@recipient.example\r\nSubject: Re: Invoice\r\n\r\nThank you.".to_vec(),
        vec![0xff; 300_000],
        Vec::new(),
    ] {
        assert_eq!(sender.tracker.pings().report(&wrong).await.unwrap(), None);
    }
    assert!(sender.receipt(pings["ada"].id()).await == before);

    sender.tracker.intake().close(Duration::from_secs(5)).await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for words in [MESSAGE_TEXT, SERVER_TEXT, "recipient.example", BOUNCES, "MAILER-DAEMON", "queued for"]
        {
            let found =
                bytes.windows(words.len()).any(|window| window.eq_ignore_ascii_case(words.as_bytes()));
            assert!(!found, "{words} is in {}", path.display());
        }
    }
}
