//! What leaves an edge, seen on the wire and on its disk; and what the centre makes of batches that
//! are made up, changed, cut or sent again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, SystemTime};

use common::{Beside, Line, Node, edge_keys, eventually};
use mailping_axum::Keyring;
use mailping_axum::edge::Batch;
use mailping_axum::fetcher::{Fetcher, Verdict};
use mailping_axum::receipts::{Open, OpenId};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn no_address_or_agent_is_in_what_an_edge_sends_keeps_or_logs() {
    let centre = Node::centre();
    let line = Line::to(centre.server());
    let edge = Node::edge_that("fra", line.at, |start| {
        let temporary = start.folder().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        start.with("RUST_LOG", "trace").with("TMPDIR", temporary.to_str().unwrap())
    });
    let beside = Beside::new(&centre);
    let (ping, pixel) = beside.ping();
    // One that is handed over, and then some that wait on the edge's disk.
    let fetch = || {
        let headers = [
            ("user-agent", FIREFOX),
            ("x-forwarded-for", "203.0.113.77"),
            ("referer", "https://mail.quagga.example/inbox/77"),
            ("accept-language", "tlh-QX"),
            ("cookie", "session=quokka-77"),
        ];
        let client = edge.program().client().from("127.77.66.55");
        assert_eq!(client.get(&format!("{pixel}?to=numbat-77"), &headers).body.len(), 43);
    };
    fetch();
    eventually("an open is handed over", || beside.opens(ping).len() == 1);
    line.cut();
    fetch();
    fetch();
    let on_disk = edge.start.files();
    assert_eq!(edge.health("/spool/waiting"), 2);
    let sent = line.sent();
    let log = edge.program().log();

    let all = |needle: &[u8]| {
        let of_files = on_disk
            .iter()
            .filter(|(_, bytes)| holds(bytes, needle))
            .map(|(path, _)| path.display().to_string());
        let of_line = sent.iter().filter(|bytes| holds(bytes, needle)).map(|_| "the line".to_owned());
        let of_log = holds(log.as_bytes(), needle).then(|| "the log".to_owned());
        of_files.chain(of_line).chain(of_log).collect::<Vec<_>>()
    };
    // That these are the right places: what may be kept is in them.
    let network = all(b"203.0.113.0/24");
    assert!(
        network.iter().any(|place| place == "the line")
            && network.iter().any(|place| place.contains("spool"))
    );
    assert!(log.contains("ureq"), "the client's own log is looked at: {log}");
    assert_eq!(all(b"Nairobi").len(), network.len(), "the place of the reader's network");
    for secret in [
        &b"203.0.113.77"[..],
        &[203, 0, 113, 77],
        b"cb00714d",
        b"CB00714D",
        b"127.77.66.55",
        &[127, 77, 66, 55],
        b"7f4d4237",
        b"rv:140",
        b"quagga",
        b"tlh-QX",
        b"quokka",
        b"numbat",
        b"ada@example.com",
        b"invoice-42",
        &edge_keys("fra").secret_text().into_bytes()[13..],
    ] {
        assert_eq!(all(secret), Vec::<String>::new(), "{}", secret.escape_ascii());
    }
    line.mend();
    edge.waits_for_empty_spool();
    assert_eq!(beside.opens(ping).len(), 3);
}

/// Sends these bytes as a batch, with the length that it is said to have, and hangs up behind
/// them if they are fewer.
fn post(centre: SocketAddr, body: &[u8], length: usize) -> Option<u16> {
    let mut socket = TcpStream::connect(centre).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /px/edges HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let _ = socket.write_all(body);
    // A client that has sent all of it waits for the answer.
    if body.len() < length {
        let _ = socket.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

#[test]
fn forged_replayed_cut_and_oversized_batches_store_nothing() {
    let centre = Node::centre();
    let line = Line::to(centre.server());
    let edge = Node::edge("fra", line.at);
    let beside = Beside::new(&centre);
    let (ping, pixel) = beside.ping();
    for _ in 0..3 {
        assert_eq!(edge.program().client().get(&pixel, &[]).body.len(), 43);
    }
    edge.waits_for_empty_spool();
    eventually("they are at the centre", || beside.opens(ping).len() == 3);
    let opens = beside.opens(ping);

    // Each request that went over the line, once more, by somebody who listened.
    let mut replayed = 0;
    for sent in line.sent() {
        let text = String::from_utf8_lossy(&sent).into_owned();
        for request in text.split("POST ").skip(1) {
            let body = request.split_once("\r\n\r\n").unwrap().1.as_bytes();
            for _ in 0..3 {
                assert_eq!(post(centre.server(), body, body.len()), Some(200));
            }
            replayed += 1;
        }
    }
    assert!(replayed >= 2, "one asks for the database, and one at least has opens: {replayed}");
    assert_eq!(beside.opens(ping), opens, "a batch that comes again changes nothing");

    let forged = |keys: &Keyring, n| {
        let open = Open::new(
            ping,
            OpenId::from_bytes([n; 8]),
            SystemTime::now().into(),
            Fetcher::Browser,
            Verdict::Human,
        );
        Batch::sign(keys, SystemTime::now(), None, &[open], &[]).unwrap().as_bytes().to_vec()
    };
    let signed = forged(&edge_keys("fra"), 1);
    let of_nobody = forged(&edge_keys("gru"), 2);
    let of_others = forged(&Keyring::generate().unwrap().for_edge("fra").unwrap(), 3);
    for body in [&of_nobody, &of_others] {
        assert_eq!(post(centre.server(), body, body.len()), Some(401));
    }
    let first = signed.iter().position(|byte| *byte == b'\n').unwrap();
    for place in [0, 20, first - 3, first + 3, signed.len() - 9] {
        let mut changed = signed.clone();
        changed[place] ^= 1;
        assert!(matches!(post(centre.server(), &changed, changed.len()), Some(400 | 401)), "byte {place}");
    }
    for length in [0, 1, first / 2, first, first + 1, signed.len() - 1] {
        let cut = &signed[..length];
        assert!(post(centre.server(), cut, length).is_some_and(|status| status == 400), "cut to {length}");
        // The line was cut, rather than the batch.
        assert!(
            post(centre.server(), cut, signed.len()).is_none_or(|status| status >= 400),
            "cut at {length}"
        );
    }
    let huge = vec![b'x'; 3 << 20];
    assert!(post(centre.server(), &huge, huge.len()).is_none_or(|status| status == 400));
    assert_eq!(
        post(centre.server(), &[signed.clone(), huge[..900_000].to_vec()].concat(), signed.len() + 900_000),
        Some(400)
    );
    assert_eq!(beside.opens(ping), opens, "nothing of that is kept");
    assert_eq!(post(centre.server(), &signed, signed.len()), Some(200));
    assert_eq!(beside.opens(ping).len(), 4, "as it was signed, it is");
}

#[test]
fn an_edge_without_its_centre_answers_from_its_disk_and_says_so() {
    let mut centre = Node::centre();
    let beside = Beside::new(&centre);
    let (ping, pixel) = beside.ping();
    centre.kill();
    let mut edge = Node::edge("sin", centre.server());
    for _ in 0..5 {
        assert_eq!(edge.program().client().get(&pixel, &[]).body.len(), 43);
    }
    assert_eq!((edge.health("/spooled"), edge.health("/late"), edge.health("/spool/waiting")), (5, 0, 5));
    for page in ["opt-out", "confirm"] {
        let token = pixel.strip_suffix(".gif").unwrap();
        for method in ["GET", "POST"] {
            let reply = edge.program().client().send(method, &format!("{token}/{page}"), &[], "");
            assert_eq!(reply.status, 503, "{page} is for the centre: {reply:?}");
        }
    }
    edge.dies();
    centre.run();
    edge.waits_for_empty_spool();
    assert_eq!(beside.opens(ping).len(), 5);
}
