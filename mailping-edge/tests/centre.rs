//! The store of an edge before centres of all kinds: one that keeps, one that is another now, and
//! servers that are no centre at all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::error::Error as _;
use std::future::IntoFuture as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use mailping_axum::fetcher::{Fetcher, Verdict};
use mailping_axum::pings::{Ping, Status, TimeStep};
use mailping_axum::receipts::{LastDay, Open, OpenId};
use mailping_axum::store::{Attempt, ObjectionScope, OpenQuery, PingQuery, Recorded, Store, StoreError};
use mailping_axum::{Basis, Detail, Keyring, PingId, Timestamp, Tracker};
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_edge::EdgeStore;
use mailping_spool::Spool;
use pollster::block_on;

const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

fn later(days: i64) -> Timestamp {
    Timestamp::from_unix_millis(now().unix_millis() + days * 86_400_000)
}

/// A ping of a message that was sent in 2004.
fn id(n: u8) -> PingId {
    let mut bytes = [1; 16];
    bytes[15] = n;
    PingId::from_bytes(bytes)
}

fn ping(n: u8) -> Ping {
    let mut ping = Ping::stored(id(n), "x".to_owned(), Basis::Contract, Status::Live);
    (ping.detail, ping.time_step) = (Detail::City, TimeStep::Exact);
    (ping.record_until, ping.keep_until) = (later(9), later(99));
    ping
}

fn open(of: u8, n: u64) -> Open {
    let id = OpenId::from_bytes(n.to_be_bytes());
    Open::new(self::id(of), id, now(), Fetcher::Browser, Verdict::Human)
}

fn edge_keys() -> Keyring {
    Keyring::from_text(KEYS).unwrap().for_edge("fra").unwrap()
}

/// A centre with the ping 1, which serves until it is dropped.
struct Centre {
    store: FaultyStore,
    at: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Centre {
    fn new(at: &str) -> Self {
        let (runtime, store) = (tokio::runtime::Runtime::new().unwrap(), FaultyStore::default());
        block_on(store.insert_ping(&ping(1), None)).unwrap();
        let builder = Tracker::builder(Keyring::from_text(KEYS).unwrap(), store.clone());
        let builder = builder.base_url("https://px.example/px").unwrap().accept_edges(["fra"]).unwrap();
        let app = axum::Router::new().merge(mailping_axum::routes(block_on(builder.build()).unwrap()));
        let listener = runtime.block_on(tokio::net::TcpListener::bind(at)).unwrap();
        let at = listener.local_addr().unwrap();
        runtime.spawn(axum::serve(listener, app).into_future());
        Self { store, at, _runtime: runtime }
    }

    fn edge(&self) -> EdgeStore {
        EdgeStore::new(&format!("http://{}/px", self.at), edge_keys()).unwrap()
    }

    fn kept(&self) -> usize {
        block_on(self.store.memory().opens(&OpenQuery::oldest(id(1), 10_000))).unwrap().items.len()
    }
}

fn record(store: &EdgeStore, opens: &[Open]) -> Result<Vec<Recorded>, StoreError> {
    block_on(store.record(opens, &[], Attempt::First))
}

#[test]
fn what_the_centre_has_on_disk_is_durable_and_what_it_filters_is_filtered() {
    let centre = Centre::new("127.0.0.1:0");
    let edge = centre.edge();
    let opens: Vec<Open> = (0..2_500).map(|n| open(1, n)).chain([open(2, 0)]).collect();
    let days = [LastDay::new(id(2), now())];
    for attempt in [Attempt::First, Attempt::Repeat] {
        let written = block_on(edge.record(&opens, &days, attempt)).unwrap();
        assert_eq!(written.len(), 2_502, "in several batches");
        assert_eq!(written.iter().filter(|answer| **answer == Recorded::Durable).count(), 2_500);
        assert_eq!(&written[2_500..], [Recorded::Filtered; 2]);
    }
    assert_eq!(centre.kept(), 2_500);
    assert_eq!(block_on(edge.identity()).unwrap(), block_on(centre.store.identity()).unwrap());
}

#[test]
fn a_refused_open_is_set_aside_and_the_others_are_handed_over() {
    let (centre, folder) = (Centre::new("127.0.0.1:0"), tempfile::tempdir().unwrap());
    let store = Spool::open(folder.path()).unwrap().patience(Duration::ZERO).before(centre.edge());
    let mut ahead = open(1, 7);
    ahead.at = later(1);
    let opens = [open(1, 1), ahead, open(1, 2), open(3, 1)];
    assert_eq!(block_on(store.record(&opens, &[], Attempt::First)).unwrap(), [Recorded::Spooled; 4]);
    let spool = store.spool().unwrap();
    while spool.hand_over().unwrap() {}
    let backlog = spool.backlog();
    assert_eq!((backlog.waiting, backlog.set_aside, backlog.filtered), (0, 1, 1));
    assert_eq!(centre.kept(), 2);
}

#[test]
fn what_waits_is_not_given_to_another_database() {
    let (centre, folder) = (Centre::new("127.0.0.1:0"), tempfile::tempdir().unwrap());
    let store = Spool::open(folder.path()).unwrap().patience(Duration::ZERO).before(centre.edge());
    let spool = store.spool().unwrap();
    block_on(store.record(&[open(1, 1)], &[], Attempt::First)).unwrap();
    while spool.hand_over().unwrap() {}
    block_on(store.record(&[open(1, 2)], &[], Attempt::First)).unwrap();
    let at = centre.at.to_string();
    drop(centre);
    assert!(spool.hand_over().is_err());
    let other = Centre::new(&at);
    block_on(other.store.erase(id(1))).unwrap();
    while spool.hand_over().unwrap_or(true) {}
    let backlog = spool.backlog();
    assert_eq!((backlog.waiting, backlog.set_aside, backlog.filtered), (0, 1, 0), "it waits for its own");
}

#[test]
fn a_centre_that_fails_confirms_nothing() {
    let centre = Centre::new("127.0.0.1:0");
    let edge = centre.edge();
    centre.store.fault(Fault::Down);
    assert!(matches!(record(&edge, &[open(1, 1)]), Err(StoreError::Unavailable { .. })));
    centre.store.fault(Fault::None);
    assert_eq!(record(&edge, &[open(1, 1)]).unwrap(), [Recorded::Durable]);
}

/// A server that gives this answer to every request, and where it is.
fn gives(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 8_192]);
            let _ = socket.write_all(answer.as_bytes());
        }
    });
    at
}

#[test]
fn what_no_centre_has_signed_confirms_nothing_and_the_log_says_why() {
    let centre = Centre::new("127.0.0.1:0");
    let says = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nlocation: http://{}/px/edges\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            centre.at,
            body.len()
        )
    };
    let signed = "mailping-answer 1 0011223344556677 k ";
    for (answer, reason) in [
        (says("200 OK", "welcome to the hotel"), "not one of the centre's"),
        (says("200 OK", ""), "not one of the centre's"),
        (says("200 OK", &format!("{signed}{}\n", "0".repeat(64))), "not one of the centre's"),
        (says("200 OK", &"k".repeat(100_000)), "exchange with the centre failed"),
        (says("307 Temporary Redirect", ""), "status 307"),
        (says("401 Unauthorized", ""), "does not let this edge in"),
        (says("404 Not Found", ""), "must accept edges"),
        (says("405 Method Not Allowed", ""), "must accept edges"),
        (says("413 Content Too Large", ""), "status 413"),
        (says("502 Bad Gateway", ""), "status 502"),
        (says("503 Service Unavailable", ""), "cannot keep"),
        (String::new(), "exchange with the centre failed"),
    ] {
        let edge = EdgeStore::new(&format!("http://{}/px", gives(answer.clone())), edge_keys()).unwrap();
        let error = record(&edge, &[open(1, 1)]).unwrap_err();
        let source = error.source().unwrap().to_string();
        assert!(source.contains(reason), "{answer}: {source}");
    }
    assert_eq!(centre.kept(), 0, "no redirect is followed");
}

#[test]
fn why_a_centre_is_not_reached_is_told_with_every_source() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (centre, reason) in [
        (format!("http://{free}/px"), "refused"),
        ("http://centre.invalid/px".to_owned(), "lookup"),
        (format!("http://{}/px", gives("SSH-2.0-OpenSSH_9.2\r\n".to_owned())), "protocol"),
    ] {
        let text =
            record(&EdgeStore::new(&centre, edge_keys()).unwrap(), &[open(1, 1)]).unwrap_err().with_sources();
        assert!(text.contains(reason), "{centre}: {text}");
    }
}

#[test]
fn a_client_of_ones_own_is_what_sends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/px", listener.local_addr().unwrap());
    let config = ureq::Agent::config_builder().user_agent("our own client");
    let agent = config.timeout_global(Some(Duration::from_secs(15))).build().into();
    let edge = EdgeStore::new(&url, edge_keys()).unwrap().agent(agent);
    let sending = std::thread::spawn(move || record(&edge, &[open(1, 1)]));
    let (mut socket, _) = listener.accept().unwrap();
    let mut head = [0; 8_192];
    let length = socket.read(&mut head).unwrap();
    drop((socket, listener));
    assert!(sending.join().unwrap().is_err(), "nothing was answered");
    let head = String::from_utf8_lossy(&head[..length]);
    assert!(head.contains("our own client"), "{head}");
}

#[test]
fn an_edge_does_nothing_that_needs_the_database_and_says_so() {
    let centre = Centre::new("127.0.0.1:0");
    let (edge, id) = (centre.edge(), id(1));
    block_on(async {
        assert!(edge.insert_ping(&ping(5), None).await.is_err());
        assert!(edge.ping(id).await.is_err() && edge.pings(&PingQuery::newest(9)).await.is_err());
        assert!(
            edge.opens(&OpenQuery::oldest(id, 9)).await.is_err() && edge.opens_of(&[id], 9).await.is_err()
        );
        assert!(edge.withdraw(id).await.is_err() && edge.erase(id).await.is_err());
        assert!(edge.object_by_ping(id).await.is_err() && edge.mark().await.is_err());
        let mark = "7".parse().unwrap();
        assert!(edge.news(&mark, 9).await.is_err());
        let nobody = mailping_core::store::RecipientHash::from_parts(
            mailping_core::store::KeyFingerprint::from_bits(1).unwrap(),
            [7; 32],
        );
        let nobody = mailping_core::store::RecipientHashes::from_parts(nobody, Vec::new());
        assert!(edge.object(&nobody, ObjectionScope::Opens).await.is_err());
        assert!(edge.objection(&nobody).await.is_err() && edge.erase_recipient(&nobody).await.is_err());
        assert!(edge.pings_of(&nobody, None, 9).await.is_err());
        // What a tracker asks by itself.
        assert!(edge.recipient_keys().await.unwrap().is_empty());
        assert_eq!(edge.purge(now(), 9).await.unwrap(), mailping_core::store::Deleted::default());
    });
    assert!(edge.spool().is_none() && edge.copies() == 1);
    let shown = format!("{edge:?}");
    assert!(shown.contains("edge fra") && !shown.contains("AAEC"), "{shown}");
    assert!(EdgeStore::new("centre.example", edge_keys()).is_err());
    let whole = EdgeStore::new("https://centre.example/px", Keyring::from_text(KEYS).unwrap()).unwrap_err();
    assert_eq!(whole.field(), Some("keys"));
}
