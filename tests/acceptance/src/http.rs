//! As much HTTP/1.1 as the tests need, on blocking sockets whose source address can be chosen.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

/// Sends requests to one server, one connection each.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    server: SocketAddr,
    source: Option<IpAddr>,
    bearer: Option<&'static str>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The header block, in lower case.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The message of an error answer with this status and field.
    pub fn error(&self, status: u16, field: Option<&str>) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let error = &self.json()["error"];
        assert_eq!(error["field"].as_str(), field, "{error}");
        error["message"].as_str().expect("a message").to_owned()
    }
}

/// How long a stream is waited for: it may send comments meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer that goes on.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Stream {
    /// Waits until `expected` has come, and returns all up to and with it.
    pub fn until(&mut self, expected: &str) -> String {
        let begun = Instant::now();
        loop {
            let found = self.read.windows(expected.len()).position(|window| window == expected.as_bytes());
            if let Some(found) = found {
                let rest = self.read.split_off(found + expected.len());
                let before = std::mem::replace(&mut self.read, rest);
                return String::from_utf8_lossy(&before).into_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "{expected:?} never came");
            let read = self.more();
            assert!(read > 0, "it ended before {expected:?}: {}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Waits until it ends.
    pub fn until_end(&mut self) {
        let begun = Instant::now();
        while !self.read.ends_with(b"\r\n0\r\n\r\n") && self.more() > 0 {
            assert!(begun.elapsed() < PATIENCE, "it never ended");
        }
    }

    fn more(&mut self) -> usize {
        let mut buffer = [0; 8 * 1024];
        let read = self.socket.read(&mut buffer).unwrap();
        self.read.extend_from_slice(&buffer[..read]);
        read
    }
}

impl Client {
    /// A client of this server.
    pub fn new(server: SocketAddr) -> Self {
        Self { server, source: None, bearer: None }
    }

    /// The same from another loopback address, such as 127.77.1.2.
    pub fn from(self, source: &str) -> Self {
        Self { source: Some(source.parse().unwrap()), ..self }
    }

    /// The same with an admin token in each request.
    pub fn bearer(self, token: &'static str) -> Self {
        Self { bearer: Some(token), ..self }
    }

    /// A GET with header lines.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, "")
    }

    /// A POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[("content-type", "application/json")], &body.to_string())
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut socket = self.connect();
        let lines = self.lines(headers);
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n{lines}\r\n{body}",
            self.server
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole answer");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        Reply { status, head, body: answer[end + 4..].to_vec() }
    }

    /// A GET whose answer goes on.
    pub fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let mut socket = self.connect();
        let lines = self.lines(headers);
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{lines}\r\n", self.server);
        socket.write_all(request.as_bytes()).unwrap();
        Stream { socket, read: Vec::new() }
    }

    fn lines(&self, headers: &[(&str, &str)]) -> String {
        let bearer = self.bearer.map(|token| format!("authorization: Bearer {token}\r\n"));
        let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        bearer.into_iter().chain(lines).collect()
    }

    fn connect(&self) -> TcpStream {
        let socket = Socket::new(Domain::for_address(self.server), Type::STREAM, None).unwrap();
        if let Some(source) = self.source {
            socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
        }
        socket.connect(&self.server.into()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.into()
    }
}
