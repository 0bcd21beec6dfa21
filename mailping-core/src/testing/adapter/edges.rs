//! The batches of edges: taken whole in however many packets, and refused without a trace.

use std::io::Write;

use super::fixture::{Before, Fixture};
use super::scenarios::{expect_opens, failed};
use super::sockets::Address;
use super::wire::{Reply, Request};
use crate::edge::{Batch, Outcome};
use crate::fetcher::{Fetcher, Verdict};
use crate::{Open, OpenId};

/// The name of the edge that the tracker accepts.
pub(super) const EDGE: &str = "fra";
const OPENS: u8 = 200;

/// Sends this body in packets of so many bytes, on a connection that goes on.
fn post(address: &Address, body: &[u8], packet: usize) -> Result<(Reply, bool), String> {
    let mut stream = address.connect().map_err(failed)?;
    let length = body.len().to_string();
    let head = Request::new("GET", "/px/edges").to_bytes();
    let head = String::from_utf8_lossy(&head).replacen("GET", "POST", 1);
    let head = head.replacen("\r\n\r\n", &format!("\r\nContent-Length: {length}\r\n\r\n"), 1);
    stream.write_all(head.as_bytes()).map_err(failed)?;
    for part in body.chunks(packet) {
        stream.write_all(part).map_err(failed)?;
    }
    let reply = Reply::read(&mut stream, false).map_err(failed)?;
    let next = Request::get("/px/x.gif").header("Connection", "close");
    let goes_on = !reply.closes
        && stream.write_all(&next.to_bytes()).is_ok()
        && Reply::read(&mut stream, false).is_ok_and(|reply| reply == Reply::picture());
    Ok((reply, goes_on))
}

/// Some 60 KB, more than is read of any other body.
pub(super) fn batch_of_an_edge(fixture: &Fixture, address: &Address) -> Result<(), String> {
    let subject = fixture.subject(Before::SentLongAgo);
    let now = std::time::SystemTime::now();
    let open = |n| {
        let id = OpenId::from_bytes([n; 8]);
        Open::new(subject.id, id, now.into(), Fetcher::Browser, Verdict::Human)
    };
    let opens: Vec<Open> = (0..OPENS).map(open).collect();
    let edge = fixture.keys().for_edge(EDGE).map_err(failed)?;
    let batch = Batch::sign(&edge, now, None, &opens, &[]).map_err(failed)?;
    let stranger = fixture.keys().for_edge("gru").map_err(failed)?;
    let strangers = Batch::sign(&stranger, now, None, &opens, &[]).map_err(failed)?;
    let mut forged = batch.as_bytes().to_vec();
    if let Some(last) = forged.iter_mut().rev().nth(7) {
        *last ^= 1;
    }
    let end = batch.as_bytes().len() - 9;
    let cut = batch.as_bytes().get(..end).unwrap_or_default();
    for (body, status) in [(strangers.as_bytes(), 401), (&forged, 400), (cut, 400), (&[b'x'; 70_000], 400)] {
        let (reply, goes_on) = post(address, body, 30_000)?;
        if reply.status != status || !goes_on && !reply.closes {
            return Err(format!("answered {reply}, expected {status} and a connection that goes on"));
        }
    }
    expect_opens(fixture, &subject, 0)?;
    for packet in [1_000_000, 999] {
        let (reply, goes_on) = post(address, batch.as_bytes(), packet)?;
        let answer = batch.read_answer(reply.body());
        if reply.status != 200
            || answer.is_none_or(|answer| answer.outcomes != [Outcome::Kept; OPENS as usize])
        {
            return Err(format!("answered {reply}, expected that each open is kept"));
        }
        if !goes_on {
            return Err("the connection ended, though all of the batch was read".to_owned());
        }
    }
    expect_opens(fixture, &subject, usize::from(OPENS))
}
