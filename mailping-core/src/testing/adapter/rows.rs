//! The rows: what is sent, what must come back, and what must be kept of it.

use std::io::{Read, Write};

use super::fixture::{Before, Fixture, Kind, Subject};
use super::sockets::Address;
use super::wire::{Reply, Request};
use crate::confirm;
use crate::fetcher::Fetcher;
use crate::milestone::MilestoneKind;
use crate::opt_out::{ENGLISH, GERMAN, Stage, Texts};
use crate::{Receipt, Status};

/// One request and everything that must follow from it.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) before: Before,
    pub(super) request: fn(&Subject) -> Request,
    pub(super) answer: Answer,
    pub(super) leaves: Leaves,
}

/// What must come back.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// The picture and its headers, to the byte; to HEAD without the bytes.
    Picture,
    /// A page of the opt-out route in a language, with its status and headers, to the byte; to HEAD
    /// without the bytes.
    Page(Stage, &'static Texts),
    /// A page of the route that confirms receipt, likewise.
    Confirming(confirm::Page, &'static Texts),
    /// The log's public key; to HEAD without the bytes.
    LogKey,
    /// 405, with the methods that there are.
    NotAllowed(&'static str),
    /// A status; the rest is the framework's own.
    Status(u16),
}

/// What must be kept.
#[derive(Clone, Copy)]
pub(super) enum Leaves {
    /// Nothing, and the ping is as it was.
    Nothing,
    /// One open. The network is that of the client that a trusted proxy names; where there is no
    /// proxy it is the peer's.
    Open { named: Option<&'static str>, fetcher: Option<Fetcher> },
    /// The ping is withdrawn.
    Objection,
    /// Receipt is confirmed, and nothing else has changed.
    Confirmation,
}

const OPEN: Leaves = Leaves::Open { named: None, fetcher: None };
pub(super) const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const GMAIL: &str =
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

fn named(network: &'static str) -> Leaves {
    Leaves::Open { named: Some(network), fetcher: None }
}

fn fetched_by(fetcher: Fetcher) -> Leaves {
    Leaves::Open { named: None, fetcher: Some(fetcher) }
}

/// The pixel of a ping, as it stands in a message.
fn gif(subject: &Subject) -> String {
    format!("/px/{}.gif", subject.pixel)
}

fn page(subject: &Subject) -> String {
    format!("/px/{}/opt-out", subject.opt_out)
}

/// Another token of the same length, signed by nobody.
pub(super) fn forged(token: &str) -> String {
    token
        .chars()
        .enumerate()
        .map(|(i, c)| if i == 25 { if c == 'a' { 'b' } else { 'a' } } else { c })
        .collect()
}

/// Every character percent-encoded.
pub(super) fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// All rows. A new way for two adapters to differ becomes a new row.
#[rustfmt::skip]
pub(super) fn all() -> Vec<Row> {
    use Answer::{LogKey, NotAllowed, Picture, Status};
    const ASK: Answer = Answer::Page(Stage::Ask, &ENGLISH);
    const DONE: Answer = Answer::Page(Stage::Done, &ENGLISH);
    const DAMAGED: Answer = Answer::Page(Stage::Damaged, &ENGLISH);
    const ASK_GERMAN: Answer = Answer::Page(Stage::Ask, &GERMAN);
    use Leaves::{Nothing, Objection};
    let row = |name, request, answer, leaves| Row { name, before: Before::Sent, request, answer, leaves };
    let after = |before, name| Row { name, before, request: |s| Request::get(gif(s)), answer: Picture, leaves: Nothing };
    vec![
        // Tokens.
        row("valid token with .gif", |s| Request::get(gif(s)), Picture, OPEN),
        row("valid token without .gif", |s| Request::get(format!("/px/{}", s.pixel)), Picture, OPEN),
        row("valid token with a query", |s| Request::get(format!("{}?utm_source=mail&x=%FF", gif(s))), Picture, OPEN),
        row("forged token", |s| Request::get(format!("/px/{}.gif", forged(&s.pixel))), Picture, Nothing),
        row("truncated token", |s| Request::get(format!("/px/{}.gif", &s.pixel[..47])), Picture, Nothing),
        row("token without its first character", |s| Request::get(format!("/px/{}.gif", &s.pixel[1..])), Picture, Nothing),
        row("token in two parts", |s| Request::get(format!("/px/{}/{}.gif", &s.pixel[..20], &s.pixel[20..])), Picture, Nothing),
        row("two other tokens of a forged one", |s| Request::get(format!("/px/{0}/{0}.gif", forged(&s.pixel))), Picture, Nothing),
        row("opt-out token as pixel", |s| Request::get(format!("/px/{}.gif", s.opt_out)), Picture, Nothing),
        row("empty token", |_| Request::get("/px/"), Picture, Nothing),
        row("only .gif", |_| Request::get("/px/.gif"), Picture, Nothing),
        row("percent-encoded byte that is no UTF-8", |_| Request::get("/px/%FF"), Picture, Nothing),
        row("percent-encoded NUL and slash", |_| Request::get("/px/%00%2F..%2Fx.gif"), Picture, Nothing),
        row("broken percent-encoding", |_| Request::get("/px/%zz%"), Picture, Nothing),
        row("token of 10 KB", |_| Request::get(format!("/px/{}.gif", "A".repeat(10_240))), Picture, Nothing),
        row("token of 10 KB of escapes", |_| Request::get(format!("/px/{}", "%FF".repeat(3_414))), Picture, Nothing),
        after(Before::Withdrawn, "withdrawn ping"),
        after(Before::Erased, "erased ping"),
        after(Before::Expired, "expired ping"),
        after(Before::Objected, "ping whose recipient objected"),
        // What mail programs do to a link.
        row("upper case", |s| Request::get(gif(s).to_ascii_uppercase().replace("/PX/", "/px/")), Picture, OPEN),
        row(".GIF", |s| Request::get(format!("/px/{}.GIF", s.pixel)), Picture, OPEN),
        row("escaped full stop", |s| Request::get(format!("/px/{}%2Egif", s.pixel)), Picture, OPEN),
        row("full stop that was escaped twice", |s| Request::get(format!("/px/{}%252egif", s.pixel)), Picture, OPEN),
        row("one escaped character", |s| Request::get(format!("/px/%{:X}{}.gif", s.pixel.as_bytes()[0], &s.pixel[1..])), Picture, OPEN),
        row("every character escaped", |s| Request::get(format!("/px/{}.gif", escaped(&s.pixel))), Picture, OPEN),
        row("double slash before the token", |s| Request::get(format!("/px//{}.gif", s.pixel)), Picture, OPEN),
        row("escaped slash before the token", |s| Request::get(format!("/px/%2F{}.gif", s.pixel)), Picture, OPEN),
        row("slash after the token", |s| Request::get(format!("{}/", gif(s))), Picture, OPEN),
        row("two slashes after the token", |s| Request::get(format!("{}//", gif(s))), Picture, OPEN),
        row("letters after the token", |s| Request::get(format!("/px/{}a.gif", s.pixel)), Picture, OPEN),
        row("letters before the token", |s| Request::get(format!("/px/3D{}.gif", s.pixel)), Picture, OPEN),
        row("full stop at the end", |s| Request::get(format!("{}.", gif(s))), Picture, OPEN),
        row("comma at the end", |s| Request::get(format!("{},", gif(s))), Picture, OPEN),
        row("bracket at the end", |s| Request::get(format!("{}%3E", gif(s))), Picture, OPEN),
        row("parenthesis at the end", |s| Request::get(format!("{})", gif(s))), Picture, OPEN),
        row("quotation mark at the end", |s| Request::get(format!("{}%22", gif(s))), Picture, OPEN),
        row("equals sign at the end", |s| Request::get(format!("{}=", gif(s))), Picture, OPEN),
        row("semicolon at the end", |s| Request::get(format!("{};a=b", gif(s))), Picture, OPEN),
        row("ampersand at the end", |s| Request::get(format!("{}&utm_source=mail", gif(s))), Picture, OPEN),
        row("space at the end", |s| Request::get(format!("{}%20", gif(s))), Picture, OPEN),
        row("line end at the end", |s| Request::get(format!("{}%0D%0A", gif(s))), Picture, OPEN),
        row("quoted-printable line end at the end", |s| Request::get(format!("/px/{}=0D=0A", s.pixel)), Picture, OPEN),
        row("soft line break in the token", |s| Request::get(format!("/px/{}=%0D%0A{}.gif", &s.pixel[..20], &s.pixel[20..])), Picture, OPEN),
        row("path after the token", |s| Request::get(format!("{}/a/b", gif(s))), Picture, OPEN),
        // Other methods and forms of a request.
        row("HEAD", |s| Request::new("HEAD", gif(s)), Picture, Nothing),
        row("HEAD of a forged token", |s| Request::new("HEAD", format!("/px/{}.gif", forged(&s.pixel))), Picture, Nothing),
        row("HEAD of an empty token", |_| Request::new("HEAD", "/px/"), Picture, Nothing),
        row("POST to the pixel", |s| Request::new("POST", gif(s)).body(FORM, b"a=b"), NotAllowed("GET, HEAD"), Nothing),
        row("OPTIONS of the pixel", |s| Request::new("OPTIONS", gif(s)), NotAllowed("GET, HEAD"), Nothing),
        row("PUT to the pixel", |s| Request::new("PUT", gif(s)), NotAllowed("GET, HEAD"), Nothing),
        row("DELETE of the pixel", |s| Request::new("DELETE", gif(s)), NotAllowed("GET, HEAD"), Nothing),
        row("GET with a body", |s| Request::get(gif(s)).body("text/plain", b"hello"), Picture, OPEN),
        row("HTTP/1.0 without a host", |s| Request::get(gif(s)).http_1_0(), Picture, OPEN),
        row("target with scheme and host", |s| Request::get(format!("http://app.example{}", gif(s))), Picture, OPEN),
        row("conditions and ranges", |s| Request::get(gif(s)).header("If-None-Match", "*").header("If-Modified-Since", "Mon, 23 Nov 2026 10:00:00 GMT").header("Range", "bytes=0-1"), Picture, OPEN),
        row("compression and a cookie", |s| Request::get(gif(s)).header("Accept-Encoding", "gzip, br").header("Accept", "text/html").header("Cookie", "a=b").header("Origin", "https://mail.example"), Picture, OPEN),
        // What is read of the headers.
        row("a browser's agent", |s| Request::get(gif(s)).header("User-Agent", CHROME), Picture, fetched_by(Fetcher::Browser)),
        row("Gmail's agent", |s| Request::get(gif(s)).header("user-agent", GMAIL), Picture, fetched_by(Fetcher::GmailProxy)),
        row("agent that is no UTF-8", |s| Request::get(gif(s)).header("User-Agent", *b"\xff\xfe agent"), Picture, OPEN),
        row("agent of 10 KB", |s| Request::get(gif(s)).header("User-Agent", "x".repeat(10_240)), Picture, OPEN),
        row("global privacy control", |s| Request::get(gif(s)).header("Sec-GPC", "1"), Picture, Nothing),
        row("one forwarded address", |s| Request::get(gif(s)).header("X-Forwarded-For", "203.0.113.77"), Picture, named("203.0.113.0/24")),
        row("many forwarded lines", |s| {
            let request = Request::get(gif(s));
            let request = (0..40).fold(request, |request, i| request.header("X-Forwarded-For", format!("198.51.100.{i}")));
            request.header("x-forwarded-for", "2001:db8:7:8::9, 127.0.0.1")
        }, Picture, named("2001:db8:7::/48")),
        row("more forwarded lines than are read", |s| {
            let request = Request::get(gif(s));
            (0..70).fold(request, |request, _| request.header("X-Forwarded-For", "198.51.100.1"))
        }, Picture, OPEN),
        row("forwarded address that is no UTF-8", |s| Request::get(gif(s)).header("X-Forwarded-For", "203.0.113.77").header("X-Forwarded-For", *b"\xff\xfe"), Picture, OPEN),
        row("forwarded line of 10 KB", |s| Request::get(gif(s)).header("X-Forwarded-For", "203.0.113.77, ".repeat(740)), Picture, OPEN),
        // Paths that are none of ours, and one that no framework takes.
        row("one segment more", |_| Request::get("/px/a/b"), Picture, Nothing),
        row("double slash before the prefix", |s| Request::get(format!("/{}", gif(s))), Status(404), Nothing),
        row("no prefix", |s| Request::get(format!("/{}.gif", s.pixel)), Status(404), Nothing),
        row("raw byte that is no UTF-8", |_| Request::get(*b"/px/\xff\xfe.gif"), Status(400), Nothing),
        // The key of the log that receipts are sealed in.
        row("the log's key", |_| Request::get("/px/log-key"), LogKey, Nothing),
        row("HEAD of the log's key", |_| Request::new("HEAD", "/px/log-key?x"), LogKey, Nothing),
        row("POST to the log's key", |_| Request::new("POST", "/px/log-key"), NotAllowed("GET, HEAD"), Nothing),
        row("something below the log's key", |_| Request::get("/px/log-key/"), Picture, Nothing),
        // The opt-out page.
        row("opt-out page", |s| Request::get(page(s)), ASK, Nothing),
        row("opt-out page with an escaped hyphen", |s| Request::get(format!("/px/{}/opt%2Dout", s.opt_out)), ASK, Nothing),
        row("opt-out page with a slash after it", |s| Request::get(format!("{}/", page(s))), ASK, Nothing),
        row("opt-out page of a forged token", |s| Request::get(format!("/px/{}/opt-out", forged(&s.opt_out))), DAMAGED, Nothing),
        row("opt-out page of a pixel's token", |s| Request::get(format!("/px/{}/opt-out", s.pixel)), DAMAGED, Nothing),
        row("opt-out page of no UTF-8", |_| Request::get("/px/%FF/opt-out"), DAMAGED, Nothing),
        row("HEAD of the opt-out page", |s| Request::new("HEAD", page(s)), ASK, Nothing),
        row("HEAD of the opt-out page of a forged token", |s| Request::new("HEAD", format!("/px/{}/opt-out", forged(&s.opt_out))), DAMAGED, Nothing),
        row("the page's button", |s| Request::new("POST", page(s)).header("Content-Type", FORM), DONE, Objection),
        row("one-click form", |s| Request::new("POST", page(s)).body(FORM, b"List-Unsubscribe=One-Click"), DONE, Objection),
        row("one-click form in parts", |s| Request::new("POST", page(s)).body("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"), DONE, Objection),
        row("objection with a query", |s| Request::new("POST", format!("{}?x=/y", page(s))), DONE, Objection),
        row("objection in upper case", |s| Request::new("POST", page(s).to_ascii_uppercase().replace("/PX/", "/px/")), DONE, Objection),
        row("objection with a stray equals sign", |s| Request::new("POST", format!("/px/{}=/opt-out", s.opt_out)), DONE, Objection),
        row("objection with a stray equals sign at the end", |s| Request::new("POST", format!("{}=", page(s))), DONE, Objection),
        row("objection with a soft line break", |s| Request::new("POST", format!("/px/{}=%0D%0A{}/opt-out", &s.opt_out[..30], &s.opt_out[30..])), DONE, Objection),
        row("objection with an escaped character", |s| Request::new("POST", format!("/px/%{:x}{}/opt-out", s.opt_out.as_bytes()[0], &s.opt_out[1..])), DONE, Objection),
        row("objection with every character escaped", |s| Request::new("POST", format!("/px/{}/{}", escaped(&s.opt_out), escaped("opt-out"))), DONE, Objection),
        row("objection with an escaped hyphen", |s| Request::new("POST", format!("/px/{}/opt%2Dout", s.opt_out)), DONE, Objection),
        row("objection with a hyphen that was escaped twice", |s| Request::new("POST", format!("/px/{}/opt%252dout", s.opt_out)), DONE, Objection),
        row("objection with an escaped slash", |s| Request::new("POST", format!("/px/{}%2Fopt-out", s.opt_out)), DONE, Objection),
        row("objection with a slash after it", |s| Request::new("POST", format!("{}/", page(s))), DONE, Objection),
        row("objection with double slashes", |s| Request::new("POST", format!("/px//{}//opt-out", s.opt_out)), DONE, Objection),
        row("objection with text at its end", |s| Request::new("POST", format!("{}.%3E%0D%0A", page(s))), DONE, Objection),
        row("objection by the token alone", |s| Request::new("POST", format!("/px/{}", s.opt_out)), DONE, Objection),
        row("objection with half its last part", |s| Request::new("POST", format!("/px/{}/op", s.opt_out)), DONE, Objection),
        row("objection with a picture's ending", |s| Request::new("POST", format!("{}.gif", page(s))), DONE, Objection),
        row("objection with a path after it", |s| Request::new("POST", format!("{}/x", page(s))), DONE, Objection),
        row("opt-out page by the token alone", |s| Request::get(format!("/px/{}/", s.opt_out)), ASK, Nothing),
        row("HEAD of the opt-out page with half its last part", |s| Request::new("HEAD", format!("/px/{}/op", s.opt_out)), ASK, Nothing),
        row("PUT to the opt-out page by the token alone", |s| Request::new("PUT", format!("/px/{}", s.opt_out)), NotAllowed("GET, HEAD, POST"), Nothing),
        row("POST of a forged opt-out token alone", |s| Request::new("POST", format!("/px/{}", forged(&s.opt_out))), NotAllowed("GET, HEAD"), Nothing),
        row("objection with a forged token", |s| Request::new("POST", format!("/px/{}/opt-out", forged(&s.opt_out))), DAMAGED, Nothing),
        row("objection without the last character", |s| Request::new("POST", format!("/px/{}/opt-out", &s.opt_out[..47])), DAMAGED, Nothing),
        row("objection without the first character", |s| Request::new("POST", format!("/px/{}/opt-out", &s.opt_out[1..])), DAMAGED, Nothing),
        row("objection with a pixel's token", |s| Request::new("POST", format!("/px/{}/opt-out", s.pixel)), DAMAGED, Nothing),
        row("objection with an empty token", |_| Request::new("POST", "/px//opt-out"), DAMAGED, Nothing),
        row("objection with a token of 10 KB", |_| Request::new("POST", format!("/px/{}/opt-out", "A".repeat(10_240))), DAMAGED, Nothing),
        Row { name: "objection to an erased ping", before: Before::Erased, request: |s| Request::new("POST", page(s)), answer: DONE, leaves: Nothing },
        Row { name: "opt-out page of an erased ping", before: Before::Erased, request: |s| Request::get(page(s)), answer: ASK, leaves: Nothing },
        // Its language.
        row("opt-out page in German", |s| Request::get(page(s)).header("Accept-Language", "de-CH, en;q=0.5"), ASK_GERMAN, Nothing),
        row("opt-out page in the more wanted language", |s| Request::get(page(s)).header("Accept-Language", "en;q=0.1, de;q=0.9"), ASK_GERMAN, Nothing),
        row("opt-out page in a language of two lines", |s| Request::get(page(s)).header("Accept-Language", "fr").header("Accept-Language", "de"), ASK_GERMAN, Nothing),
        row("HEAD of the opt-out page in German", |s| Request::new("HEAD", page(s)).header("Accept-Language", "de"), ASK_GERMAN, Nothing),
        row("opt-out page in no language that there is", |s| Request::get(page(s)).header("Accept-Language", "fr, de;q=0"), ASK, Nothing),
        row("opt-out page in a language that is no UTF-8", |s| Request::get(page(s)).header("Accept-Language", *b"\xff\xfe"), ASK, Nothing),
        row("opt-out page in a language of 10 KB", |s| Request::get(page(s)).header("Accept-Language", "xx-".repeat(3_414)), ASK, Nothing),
        row("objection in German", |s| Request::new("POST", page(s)).header("Accept-Language", "de").body(FORM, b"a=b"), Answer::Page(Stage::Done, &GERMAN), Objection),
        row("objection with a forged token in German", |s| Request::new("POST", format!("/px/{}/opt-out", forged(&s.opt_out))).header("Accept-Language", "de"), Answer::Page(Stage::Damaged, &GERMAN), Nothing),
        row("PUT to the opt-out page", |s| Request::new("PUT", page(s)), NotAllowed("GET, HEAD, POST"), Nothing),
        row("opt-out page of an empty token", |_| Request::get("/px//opt-out"), DAMAGED, Nothing),
    ]
}

impl Row {
    pub(super) fn check(&self, fixture: &Fixture, address: &Address) -> Result<(), String> {
        let subject = fixture.subject(self.before);
        let before = fixture.receipt(&subject);
        let request = (self.request)(&subject).header("Connection", "close");
        let reply = exchange(address, &request).map_err(|error| format!("no answer: {error}"))?;
        self.answer.check(&request, &reply)?;
        self.leaves.check(fixture, address, before.as_ref(), fixture.receipt(&subject).as_ref())
    }
}

/// Sends one request on a connection of its own and reads until the server hangs up.
pub(super) fn exchange(address: &Address, request: &Request) -> std::io::Result<Reply> {
    let mut stream = address.connect()?;
    stream.write_all(&request.to_bytes())?;
    let reply = Reply::read(&mut stream, request.is_head())?;
    let mut rest = Vec::new();
    // A server may reset a connection whose body it did not read; the answer is here already.
    let _ = stream.read_to_end(&mut rest);
    if rest.is_empty() { Ok(reply) } else { Err(std::io::Error::other("there are bytes after the answer")) }
}

/// Compares a reply with what must be.
pub(super) fn expect(reply: &Reply, expected: &Reply) -> Result<(), String> {
    if reply == expected { Ok(()) } else { Err(format!("answered {reply}, expected {expected}")) }
}

impl Answer {
    fn check(self, request: &Request, reply: &Reply) -> Result<(), String> {
        let expected = match self {
            Self::Picture => Reply::picture(),
            Self::Page(page, texts) => Reply::page(page, texts),
            Self::Confirming(page, texts) => Reply::confirming(page, texts),
            Self::LogKey => Reply::log_key(),
            Self::NotAllowed(methods) => Reply::not_allowed(methods),
            Self::Status(status) if reply.status == status => return Ok(()),
            Self::Status(status) => return Err(format!("answered {reply}, expected {status}")),
        };
        expect(reply, &if request.is_head() { expected.head() } else { expected })
    }
}

impl Leaves {
    fn check(
        self,
        fixture: &Fixture,
        address: &Address,
        before: Option<&Receipt>,
        after: Option<&Receipt>,
    ) -> Result<(), String> {
        match self {
            Self::Nothing if before == after => Ok(()),
            Self::Nothing => Err("something was kept, expected nothing".to_owned()),
            Self::Objection => match after.map(|after| (after.summary.ping.status, after.opens.len())) {
                Some((Status::Withdrawn, 0)) => Ok(()),
                _ => Err("the objection was not kept".to_owned()),
            },
            Self::Confirmation => {
                let [before, after] =
                    [before, after].map(|receipt| receipt.map(|receipt| receipt.summary.clone()));
                let Some((before, mut after)) = before.zip(after) else {
                    return Err("the ping is gone".to_owned());
                };
                if before.confirmed_at.is_some() || after.confirmed_at.take().is_none() {
                    return Err("receipt is not confirmed, or was before".to_owned());
                }
                after.milestones.retain(|milestone| milestone.kind != MilestoneKind::Confirmed);
                if after == before { Ok(()) } else { Err("more than the confirmation was kept".to_owned()) }
            }
            Self::Open { named, fetcher } => {
                let opens = after.map_or(&[][..], |after| &after.opens);
                let [open] = opens else {
                    return Err(format!("{} opens were kept, expected one", opens.len()));
                };
                let network = open.network.map(|network| network.to_string());
                let client = if fixture.kind == Kind::BehindProxy { named } else { address.client_network() };
                if network.as_deref() != client {
                    return Err(format!("the network is {network:?}, expected {client:?}"));
                }
                match fetcher.filter(|fetcher| *fetcher != open.fetcher) {
                    Some(fetcher) => Err(format!("the fetcher is {}, expected {fetcher}", open.fetcher)),
                    None => Ok(()),
                }
            }
        }
    }
}
