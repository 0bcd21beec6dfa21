//! A centre, its edges, and the line between them, which can be cut and is listened to.
#![allow(unreachable_pub, dead_code, reason = "each test uses a part of what all share")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mailping_acceptance::{Program, Start, hours_ago};
use mailping_axum::receipts::Open;
use mailping_axum::store::{OpenQuery, Store as _};
use mailping_axum::{Basis, Detail, Keyring, NewPing, PingId, Receipt, Tracker};
use mailping_sqlite::SqliteStore;
use pollster::block_on;

pub const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub fn edge_keys(name: &str) -> Keyring {
    Keyring::from_text(KEYS).unwrap().for_edge(name).unwrap()
}

/// A program that keeps its address when it is killed and started again.
pub struct Node {
    pub start: Start,
    listen: SocketAddr,
    program: Option<Program>,
}

impl Node {
    fn new(start: Start) -> Self {
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut node = Self { start, listen, program: None };
        node.run();
        node
    }

    pub fn centre() -> Self {
        Self::new(Start::example("hub").with("MAILPING_KEYS", KEYS))
    }

    pub fn edge(name: &str, centre: SocketAddr) -> Self {
        Self::edge_that(name, centre, |start| start)
    }

    pub fn edge_that(name: &str, centre: SocketAddr, set: impl FnOnce(Start) -> Start) -> Self {
        let start = Start::example("node").with("MAILPING_EDGE_KEYS", &edge_keys(name).secret_text());
        Self::new(set(start.with("MAILPING_CENTRE", &format!("http://{centre}/px"))))
    }

    pub fn run(&mut self) {
        self.program = Some(self.start.run(&[("MAILPING_LISTEN", &self.listen.to_string())]));
    }

    pub fn program(&self) -> &Program {
        self.program.as_ref().unwrap()
    }

    pub fn server(&self) -> SocketAddr {
        self.listen
    }

    /// Ends it at once and starts it again after a while.
    pub fn dies(&mut self) {
        self.program.take().unwrap().kill();
        std::thread::sleep(Duration::from_millis(300));
        self.run();
    }

    pub fn kill(&mut self) {
        self.program.take().unwrap().kill();
    }

    /// A number of an edge's health, such as `/spool/waiting`.
    pub fn health(&self, pointer: &str) -> u64 {
        self.program().client().get("/", &[]).json().pointer(pointer).unwrap().as_u64().unwrap()
    }

    pub fn waits_for_empty_spool(&self) {
        eventually("nothing waits at the edge", || {
            self.health("/queue_depth") == 0 && self.health("/spool/waiting") == 0
        });
    }
}

/// The centre's database, as a second program sees it.
pub struct Beside {
    pub tracker: Tracker,
    store: Arc<SqliteStore>,
}

impl Beside {
    pub fn new(centre: &Node) -> Self {
        Self::at(centre.start.folder())
    }

    /// The one in a folder.
    pub fn at(folder: &Path) -> Self {
        let path = folder.join("mailping.db");
        let builder = Tracker::builder(Keyring::from_text(KEYS).unwrap(), SqliteStore::open(&path).unwrap());
        let builder = builder.ceiling(Detail::Network).base_url("http://localhost:3000/px").unwrap();
        Self {
            tracker: block_on(builder.build()).unwrap(),
            store: Arc::new(SqliteStore::open(path).unwrap()),
        }
    }

    /// A ping that was sent an hour ago, and the path of its pixel.
    pub fn ping(&self) -> (PingId, String) {
        let new = NewPing::one_to_one("invoice-42", Basis::Contract).detail(Detail::Network);
        let new = new.to("ada@example.com").sent_at(hours_ago(1));
        let ping = block_on(self.tracker.pings().create(new)).unwrap();
        let url = ping.pixel_url().unwrap();
        (ping.id(), url[url.find("/px/").unwrap()..].to_owned())
    }

    /// A ping that asks for a confirmation.
    pub fn confirmable(&self) -> Links {
        let new = NewPing::one_to_one("invoice-42", Basis::Contract).confirmable("Bob's Bakery");
        let ping = block_on(self.tracker.pings().create(new.sent_at(hours_ago(1)))).unwrap();
        let path = |url: &str| url[url.find("/px/").unwrap()..].to_owned();
        Links {
            id: ping.id(),
            pixel: path(ping.pixel_url().unwrap()),
            opt_out: path(ping.opt_out_url()),
            confirm: path(ping.confirm_url().unwrap()),
        }
    }

    pub fn receipt(&self, ping: PingId) -> Receipt {
        block_on(self.tracker.receipts().get(ping)).unwrap().unwrap()
    }

    pub fn opens(&self, ping: PingId) -> Vec<Open> {
        block_on(self.store.opens(&OpenQuery::oldest(ping, 1_000_000))).unwrap().items
    }

    /// A line for each open: its ping in hexadecimal digits, `|`, and its network.
    pub fn rows(&self, pings: &[PingId]) -> String {
        let mut rows = String::new();
        for ping in pings {
            let hex: String = ping.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            for open in self.opens(*ping) {
                rows += &format!("{hex}|{}\n", open.network.unwrap());
            }
        }
        rows
    }
}

/// The paths of a message's links.
pub struct Links {
    pub id: PingId,
    pub pixel: String,
    pub opt_out: String,
    pub confirm: String,
}

/// The line from edges to the centre.
pub struct Line {
    pub at: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    is_over: AtomicBool,
    /// What edges sent, by connection.
    sent: Mutex<BTreeMap<u64, Vec<u8>>>,
}

impl Line {
    pub fn to(centre: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (at, shared) = (listener.local_addr().unwrap(), Arc::<Shared>::default());
        let line = Self { at, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for (number, edge) in (0..).zip(listener.incoming()) {
                if shared.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (edge, shared) = (edge.unwrap(), Arc::clone(&shared));
                std::thread::spawn(move || shared.carry(number, &edge, centre));
            }
        });
        line
    }

    /// Carries nothing for a time: no packet comes through, and no connection ends.
    pub fn is_cut_for(&self, time: Duration) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        std::thread::sleep(time);
        self.mend();
    }

    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }

    /// What each connection has carried to the centre.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.shared.sent.lock().unwrap().values().cloned().collect()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.mend();
        drop(TcpStream::connect(self.at));
    }
}

impl Shared {
    fn carry(self: Arc<Self>, number: u64, edge: &TcpStream, centre: SocketAddr) {
        self.wait_while_cut();
        let Ok(centre) = TcpStream::connect(centre) else { return };
        let (from, to) = (edge.try_clone().unwrap(), centre.try_clone().unwrap());
        let back = Arc::clone(&self);
        let returning = std::thread::spawn({
            let (from, to) = (centre.try_clone().unwrap(), edge.try_clone().unwrap());
            move || back.copy(&from, &to, None)
        });
        self.copy(&from, &to, Some(number));
        returning.join().unwrap();
    }

    fn copy(&self, mut from: &TcpStream, mut to: &TcpStream, listened_to: Option<u64>) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if let Some(number) = listened_to {
                self.sent.lock().unwrap().entry(number).or_default().extend_from_slice(&buffer[..read]);
            }
            self.wait_while_cut();
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(std::net::Shutdown::Both);
        let _ = to.shutdown(std::net::Shutdown::Both);
    }

    fn wait_while_cut(&self) {
        while self.is_cut.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
