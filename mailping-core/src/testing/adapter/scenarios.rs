//! What one row cannot show: connections that go on, clients that hang up, stores that fail.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::confirming;
use super::fixture::{Before, Fixture, Kind, Subject};
use super::rows::{exchange, expect, forged};
use super::sockets::Address;
use super::wire::{Reply, Request};
use crate::confirm;
use crate::fetcher::Evidence;
use crate::opt_out::{ENGLISH, GERMAN, Stage};
use crate::testing::faulty::Fault;
use crate::{Open, Status};

pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) check: fn(&Fixture, &Address) -> Result<(), String>,
}

const fn scenario(
    name: &'static str,
    kind: Kind,
    check: fn(&Fixture, &Address) -> Result<(), String>,
) -> Scenario {
    Scenario { name, kind, check }
}

pub(super) const ALL: &[Scenario] = &[
    scenario("keep-alive", Kind::Direct, keep_alive),
    scenario("pipelining", Kind::Direct, pipelining),
    scenario("pipelined HEAD", Kind::Direct, pipelined_head),
    scenario("pipelining that ends the connection", Kind::StoreHangs, pipelining_that_ends_the_connection),
    scenario("one-click form in two packets", Kind::Direct, form_in_two_packets),
    scenario("half-sent body", Kind::Direct, half_sent_body),
    scenario("GET behind a HEAD", Kind::Direct, get_behind_a_head),
    scenario("two clicks", Kind::Direct, two_clicks),
    scenario("client hangs up in its request", Kind::Direct, hangs_up_in_its_request),
    scenario("client hangs up before the answer", Kind::StoreHangs, hangs_up_before_the_answer),
    scenario("answer waits for the store", Kind::StoreHangs, answer_waits_for_the_store),
    scenario("store is down", Kind::StoreDown, store_is_down),
    #[cfg(feature = "edges")]
    scenario("batch of an edge", Kind::Direct, super::edges::batch_of_an_edge),
];

fn pixel(subject: &Subject) -> Request {
    Request::get(format!("/px/{}.gif", subject.pixel))
}

pub(super) fn failed(error: impl std::fmt::Display) -> String {
    format!("no answer: {error}")
}

/// Every kind of request in turn on one connection: none may leave bytes or close it.
fn keep_alive(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    let mut stream = address.connect().map_err(failed)?;
    let page = format!("/px/{}/opt-out", subject.opt_out);
    for (request, reply) in [
        (pixel(&subject), Reply::picture()),
        (Request::new("HEAD", format!("/px/{}.gif", subject.pixel)), Reply::picture().head()),
        (Request::get("/px/x"), Reply::picture()),
        (Request::new("HEAD", page.as_str()), Reply::page(Stage::Ask, &ENGLISH).head()),
        (Request::get(page.as_str()), Reply::page(Stage::Ask, &ENGLISH)),
        (pixel(&subject), Reply::picture()),
    ] {
        stream.write_all(&request.to_bytes()).map_err(failed)?;
        expect(&Reply::read(&mut stream, request.is_head()).map_err(failed)?, &reply)?;
    }
    expect_opens(fixture, &subject, 2)
}

fn pipelining(fixture: &Fixture, address: &Address) -> Result<(), String> {
    pipelined(fixture, address, |subject| [pixel(subject), Request::get("/px/x.gif"), pixel(subject)])
}

/// What sends a HEAD checks links, and the GET behind it is the checker's too.
fn get_behind_a_head(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    let head = Request::new("HEAD", format!("/px/{}.gif", subject.pixel));
    for (request, reply) in [(head, Reply::picture().head()), (pixel(&subject), Reply::picture())] {
        let request = request.header("Connection", "close");
        expect(&exchange(address, &request).map_err(failed)?, &reply)?;
    }
    let opens = fixture.receipt(&subject).map(|receipt| receipt.opens).unwrap_or_default();
    // Behind a socket without an address nobody can tell what came before.
    let is_marked = |open: &Open| open.network.is_none() || open.evidence.contains(Evidence::SeqAfterHead);
    match opens.as_slice() {
        [open] if is_marked(open) => Ok(()),
        opens => Err(format!("{} opens were kept, expected one that tells of the HEAD", opens.len())),
    }
}

/// Twice is once: the first stays, and from then on the page says that receipt is confirmed.
fn two_clicks(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::SentLongAgo);
    let target = confirming::page(&subject);
    let done = Reply::confirming(confirm::Page::Done, &ENGLISH);
    let mut confirmed = None;
    for request in [
        confirming::click(target.as_str()),
        confirming::click(target.as_str()),
        Request::get(target.as_str()),
    ] {
        expect(&exchange(address, &request.header("Connection", "close")).map_err(failed)?, &done)?;
        let milestones =
            fixture.receipt(&subject).map(|receipt| receipt.summary.milestones).unwrap_or_default();
        if milestones.len() != 1 || confirmed.get_or_insert_with(|| milestones.clone()) != &milestones {
            return Err(format!("{} milestones were kept, expected the first alone", milestones.len()));
        }
    }
    Ok(())
}

/// A server that takes the method of a later request for the one it answers sends HEAD a body, or
/// GET none.
fn pipelined_head(fixture: &Fixture, address: &Address) -> Result<(), String> {
    pipelined(fixture, address, |subject| [pixel(subject), Request::new("HEAD", "/px/x.gif"), pixel(subject)])
}

/// The second of two requests in one write asks for the end of the connection: what the first
/// answer says of it must be the same for a token that waits for the store and for one that does
/// not.
fn pipelining_that_ends_the_connection(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    let first_closes = |first: Request, waits: bool| {
        fixture.set(Fault::RecordHangs);
        let mut stream = address.connect().map_err(failed)?;
        let second = Request::get("/px/x.gif").header("Connection", "close");
        stream.write_all(&[first.to_bytes(), second.to_bytes()].concat()).map_err(failed)?;
        let queued = !waits || soon(|| fixture.waiting() == 1);
        fixture.set(Fault::None);
        let reply = Reply::read(&mut stream, false).map_err(failed)?;
        expect(&reply, &Reply::picture())?;
        expect(&Reply::read(&mut stream, false).map_err(failed)?, &Reply::picture())?;
        if queued {
            Ok(reply.closes)
        } else {
            Err("the open was not queued when the request was in".to_owned())
        }
    };
    let live = first_closes(pixel(&subject), true)?;
    let forged = first_closes(Request::get("/px/y.gif"), false)?;
    if live == forged {
        return expect_opens(fixture, &subject, 1);
    }
    Err(format!("says `connection: close` for a live token: {live}, for a forged one: {forged}"))
}

/// Whoever sends the body after the head gets an answer, and a connection that goes on or says that
/// it does not.
fn form_in_two_packets(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    let form = Request::new("POST", format!("/px/{}/opt-out", subject.opt_out))
        .body("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click");
    let head = form.head_to_bytes();
    let bytes = form.to_bytes();
    let mut stream = address.connect().map_err(failed)?;
    stream.write_all(&head).map_err(failed)?;
    let withdrawn =
        || fixture.receipt(&subject).is_some_and(|of| of.summary.ping.status == Status::Withdrawn);
    if !soon(withdrawn) {
        return Err("the objection was not kept".to_owned());
    }
    stream.write_all(bytes.get(head.len()..).unwrap_or_default()).map_err(failed)?;
    let reply = Reply::read(&mut stream, false).map_err(failed)?;
    expect(&reply, &Reply::page(Stage::Done, &ENGLISH))?;
    if reply.closes {
        return Ok(());
    }
    stream.write_all(&pixel(&subject).to_bytes()).map_err(failed)?;
    let next = Reply::read(&mut stream, false)
        .map_err(|_| "the connection was closed without saying so".to_owned())?;
    expect(&next, &Reply::picture())
}

/// A body that never ends is answered as any other, and holds no connection. It takes as long as
/// the adapter waits, so it is sent over IPv4 alone.
fn half_sent_body(fixture: &Fixture, address: &Address) -> Result<(), String> {
    if !address.is_ipv4() {
        return Ok(());
    }
    let [subject, objecting] = [fixture.subject(Before::Sent), fixture.subject(Before::Sent)];
    let post = |path: &str| Request::new("POST", path).without_length();
    let opt_out = format!("/px/{}/opt-out", objecting.opt_out);
    let done = Reply::page(Stage::Done, &ENGLISH);
    let not_allowed = Reply::not_allowed("GET, HEAD");
    let ten = ("Content-Length", "10");
    let chunked = ("Transfer-Encoding", "chunked");
    let mut half_sent = vec![
        (pixel(&subject), ten, "", Some(Reply::picture())),
        (pixel(&subject), chunked, "", Some(Reply::picture())),
        (pixel(&subject), chunked, "1\r\n", Some(Reply::picture())),
        (Request::new("HEAD", "/px/x.gif"), ten, "abc", Some(Reply::picture().head())),
        (post("/px/x.gif"), chunked, "3\r\nabc\r\n", Some(not_allowed)),
        (post(&opt_out), ten, "List-", Some(done)),
    ];
    if cfg!(feature = "edges") {
        half_sent.push((post("/px/edges"), ten, "mail", None));
        half_sent.push((post("/px/edges"), chunked, "4\r\nmail\r\n", None));
    }
    let mut streams = Vec::new();
    for (request, (name, value), sent, reply) in half_sent {
        let mut stream = address.connect().map_err(failed)?;
        let head = request.clone().header(name, value).to_bytes();
        stream.write_all(&[&head, sent.as_bytes()].concat()).map_err(failed)?;
        streams.push((request, stream, reply));
    }
    for (request, mut stream, expected) in streams {
        let reply = Reply::read(&mut stream, request.is_head()).map_err(failed)?;
        if let Some(expected) = expected {
            expect(&reply, &expected)?;
        }
        if stream.read_to_end(&mut Vec::new()).is_err_and(|error| is_timeout(&error)) {
            return Err("the connection was left open".to_owned());
        }
    }
    expect_opens(fixture, &subject, 3)
}

/// The server has neither closed the connection nor reset it.
fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Three requests in one write: three answers in order.
fn pipelined(
    fixture: &Fixture,
    address: &Address,
    requests: impl Fn(&Subject) -> [Request; 3],
) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    let mut stream = address.connect().map_err(failed)?;
    let requests = requests(&subject);
    let bytes: Vec<u8> = requests.iter().flat_map(Request::to_bytes).collect();
    stream.write_all(&bytes).map_err(failed)?;
    for request in requests {
        let to_head = request.is_head();
        let expected = if to_head { Reply::picture().head() } else { Reply::picture() };
        expect(&Reply::read(&mut stream, to_head).map_err(failed)?, &expected)?;
    }
    expect_opens(fixture, &subject, 2)
}

fn hangs_up_in_its_request(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    let bytes = pixel(&subject).to_bytes();
    for length in [10, bytes.len() - 2] {
        let mut stream = address.connect().map_err(failed)?;
        stream.write_all(bytes.get(..length).unwrap_or(&bytes)).map_err(failed)?;
        stream.hang_up();
    }
    // The server still serves, and nothing is kept of half a request.
    let other = fixture.subject(Before::Sent);
    expect(
        &exchange(address, &pixel(&other).header("Connection", "close")).map_err(failed)?,
        &Reply::picture(),
    )?;
    expect_opens(fixture, &subject, 0)
}

fn hangs_up_before_the_answer(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    fixture.set(Fault::RecordHangs);
    let mut stream = address.connect().map_err(failed)?;
    stream.write_all(&pixel(&subject).to_bytes()).map_err(failed)?;
    let queued = soon(|| fixture.waiting() == 1);
    stream.hang_up();
    // Long enough for the server to notice and to drop whatever waits for the answer.
    std::thread::sleep(Duration::from_millis(100));
    fixture.set(Fault::None);
    if !queued {
        return Err("the open was not queued when the request was in".to_owned());
    }
    if soon(|| opens(fixture, &subject) == 1) { Ok(()) } else { Err("the open was lost".to_owned()) }
}

fn answer_waits_for_the_store(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::Sent);
    fixture.set(Fault::RecordHangs);
    let mut stream = address.connect().map_err(failed)?;
    stream.write_all(&pixel(&subject).to_bytes()).map_err(failed)?;
    let answered_early = std::thread::scope(|scope| {
        let reading = scope.spawn(|| Reply::read(&mut stream, false));
        soon(|| fixture.waiting() == 1);
        std::thread::sleep(Duration::from_millis(100));
        let early = reading.is_finished();
        fixture.set(Fault::None);
        let reply = reading.join().map_err(|_| "reading the answer failed".to_owned())?.map_err(failed)?;
        expect(&reply, &Reply::picture()).map(|()| early)
    })?;
    if answered_early {
        return Err("answered before the open was on disk".to_owned());
    }
    expect_opens(fixture, &subject, 1)
}

/// The pixel is answered as ever and its open kept for later; an objection or a confirmation that
/// is not kept is not said to be.
fn store_is_down(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let [subject, objecting] = [fixture.subject(Before::Sent), fixture.subject(Before::Sent)];
    fixture.set(Fault::Down);
    let close = |request: Request| exchange(address, &request.header("Connection", "close")).map_err(failed);
    let page = format!("/px/{}/opt-out", objecting.opt_out);
    let replies = [
        (close(pixel(&subject)), Reply::picture()),
        (close(Request::get(page.as_str())), Reply::page(Stage::Ask, &ENGLISH)),
        (close(Request::new("POST", page.as_str())), Reply::page(Stage::Failed, &ENGLISH)),
        (
            close(Request::new("POST", page.as_str()).header("Accept-Language", "de")),
            Reply::page(Stage::Failed, &GERMAN),
        ),
        (
            close(confirming::click(confirming::page(&objecting))),
            Reply::confirming(confirm::Page::Failed, &ENGLISH),
        ),
        (
            close(Request::get(confirming::page(&objecting))),
            Reply::confirming(confirm::Page::Unavailable, &ENGLISH),
        ),
        (
            close(confirming::click(format!("/px/{}/confirm", forged(&objecting.confirm)))),
            Reply::confirming(confirm::Page::Damaged, &ENGLISH),
        ),
    ];
    fixture.set(Fault::None);
    for (reply, expected) in replies {
        expect(&reply?, &expected)?;
    }
    let untouched = |receipt: &crate::Receipt| {
        receipt.summary.ping.status == Status::Live && receipt.summary.confirmed_at.is_none()
    };
    if !fixture.receipt(&objecting).as_ref().is_some_and(untouched) {
        return Err("something was kept, though it was answered that it was not".to_owned());
    }
    if soon(|| opens(fixture, &subject) == 1) { Ok(()) } else { Err("the open was lost".to_owned()) }
}

fn opens(fixture: &Fixture, subject: &Subject) -> usize {
    fixture.receipt(subject).map_or(0, |receipt| receipt.opens.len())
}

pub(super) fn expect_opens(fixture: &Fixture, subject: &Subject, expected: usize) -> Result<(), String> {
    let kept = opens(fixture, subject);
    if kept == expected { Ok(()) } else { Err(format!("{kept} opens were kept, expected {expected}")) }
}

/// Whether it comes true within some seconds.
fn soon(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
