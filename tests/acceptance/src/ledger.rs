//! 64 connections that fetch pictures and note what they were answered. Each hit says that it comes
//! from a network of its own, which its open keeps: so each is found again, or missed.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mailping_core::PingId;

/// Between two hits of a connection, so that the servers of the cluster get their turn on a small
/// machine.
const PAUSE: Duration = Duration::from_millis(40);

/// Connections that fetch until they are told to end.
#[derive(Debug)]
pub struct Load {
    over: Arc<AtomicBool>,
    connections: Vec<JoinHandle<Vec<Hit>>>,
}

/// What a client knows of a hit.
#[derive(Debug)]
struct Hit {
    /// Which of the pings.
    ping: usize,
    /// The number of its network.
    network: u32,
    /// `None`: no answer came, and its open may be there or not.
    answered_after: Option<Duration>,
}

/// All hits.
#[derive(Debug)]
pub struct Ledger(Vec<Hit>);

impl Load {
    /// One connection for each picture.
    pub fn start(server: SocketAddr, pictures: impl Iterator<Item = String>) -> Self {
        let (over, networks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let connections = pictures.enumerate().map(|(ping, picture)| {
            let (over, networks) = (Arc::clone(&over), Arc::clone(&networks));
            std::thread::spawn(move || {
                let (mut hits, mut connection) = (Vec::new(), None);
                while !over.load(Ordering::Relaxed) {
                    let network = networks.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    let answered = fetch(&mut connection, server, &picture, network);
                    let answered_after = answered.ok().map(|()| begun.elapsed());
                    if answered_after.is_none() {
                        connection = None;
                    }
                    hits.push(Hit { ping, network, answered_after });
                    std::thread::sleep(PAUSE);
                }
                hits
            })
        });
        Self { connections: connections.collect(), over }
    }

    /// Ends the hits.
    pub fn end(self) -> Ledger {
        self.over.store(true, Ordering::Relaxed);
        Ledger(self.connections.into_iter().flat_map(|connection| connection.join().unwrap()).collect())
    }
}

/// Fetches over the connection that there is, or a new one.
fn fetch(
    connection: &mut Option<TcpStream>,
    server: SocketAddr,
    picture: &str,
    network: u32,
) -> std::io::Result<()> {
    let failed = || std::io::Error::other("no picture");
    let socket = match connection {
        Some(socket) => socket,
        none => {
            let socket = TcpStream::connect(server)?;
            socket.set_read_timeout(Some(Duration::from_secs(20)))?;
            socket.set_nodelay(true)?;
            none.insert(socket)
        }
    };
    let from = address(network);
    let request = format!("GET {picture} HTTP/1.1\r\nhost: {server}\r\nx-forwarded-for: {from}.7\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 2_048]);
    loop {
        let read = socket.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..read]);
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|head| answer.len() == head + 4 + 43) {
            return if answer.starts_with(b"HTTP/1.1 200") { Ok(()) } else { Err(failed()) };
        }
        if read == 0 || answer.len() > 4_096 {
            return Err(failed());
        }
    }
}

/// The first three numbers of an address in the network, of those that are given to somebody.
fn address(network: u32) -> String {
    format!("{}.{}.{}", 20 + (network >> 16), (network >> 8) & 0xff, network & 0xff)
}

impl Ledger {
    /// How many hits were answered.
    pub fn answered(&self) -> usize {
        self.0.iter().filter(|hit| hit.answered_after.is_some()).count()
    }

    /// How many were not.
    pub fn unanswered(&self) -> usize {
        self.0.len() - self.answered()
    }

    /// The longest that an answer took.
    pub fn longest(&self) -> Duration {
        self.0.iter().filter_map(|hit| hit.answered_after).max().unwrap()
    }

    /// So many of a hundred answers took no longer.
    pub fn quantile(&self, percent: usize) -> Duration {
        let mut all: Vec<_> = self.0.iter().filter_map(|hit| hit.answered_after).collect();
        all.sort_unstable();
        all[all.len() * percent / 100]
    }

    /// How many answered hits have no open, how many hits have two, and how many opens of these
    /// pings are of no hit. A row is a ping in hexadecimal digits, `|`, and a network.
    pub fn compare(&self, pings: &[PingId], rows: &str) -> (usize, usize, usize) {
        let hex =
            |ping: &PingId| ping.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let hexes: HashSet<String> = pings.iter().map(hex).collect();
        let mut found: HashMap<String, usize> = HashMap::new();
        for row in rows.lines().filter(|row| hexes.contains(row.split('|').next().unwrap())) {
            *found.entry(row.to_owned()).or_default() += 1;
        }
        let twice = found.values().filter(|count| **count > 1).count();
        let mut lost = 0;
        for hit in &self.0 {
            let key = format!("{}|{}.0/24", hex(&pings[hit.ping]), address(hit.network));
            let kept = found.remove(&key).is_some();
            lost += usize::from(hit.answered_after.is_some() && !kept);
        }
        (lost, twice, found.len())
    }
}
