//! HTTP/1.1 as bytes: what a polite library would not send can be sent, and what it would tidy up
//! can be seen.

use std::fmt;
use std::io::{self, Read};

use crate::opt_out::{Stage, Texts};
use crate::{Basis, Ping, PingId, Status, confirm, opt_out, pixel};

/// One request, byte for byte.
#[derive(Clone)]
pub(super) struct Request {
    method: &'static str,
    target: Vec<u8>,
    version: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: &'static [u8],
    says_length: bool,
}

impl Request {
    pub(super) fn new(method: &'static str, target: impl Into<Vec<u8>>) -> Self {
        Self {
            method,
            target: target.into(),
            version: "HTTP/1.1",
            headers: Vec::new(),
            body: b"",
            says_length: true,
        }
    }

    pub(super) fn get(target: impl Into<Vec<u8>>) -> Self {
        Self::new("GET", target)
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, content_type: &'static str, body: &'static [u8]) -> Self {
        self.body = body;
        self.header("Content-Type", content_type)
    }

    /// Says nothing of how long the body is, for a header that does.
    pub(super) fn without_length(mut self) -> Self {
        self.says_length = false;
        self
    }

    pub(super) fn http_1_0(mut self) -> Self {
        self.version = "HTTP/1.0";
        self
    }

    /// What of it comes before its body.
    pub(super) fn head_to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        bytes.truncate(bytes.len() - self.body.len());
        bytes
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.method.as_bytes(), b" ", &self.target, b" ", self.version.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
        if self.version == "HTTP/1.1" {
            bytes.extend_from_slice(b"Host: app.example\r\n");
        }
        let has_body = !self.body.is_empty() || matches!(self.method, "POST" | "PUT");
        if self.says_length && has_body {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        for (name, value) in &self.headers {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body);
        bytes
    }
}

/// Sorted by lower-case name.
type Headers = Vec<(String, Vec<u8>)>;

/// One answer, compared without the headers that are the server's own: `date` and `connection`.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Whether it says `connection: close`.
    pub(super) closes: bool,
    headers: Headers,
    body: Vec<u8>,
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        (self.status, &self.headers, &self.body) == (other.status, &other.headers, &other.body)
    }
}

impl Reply {
    /// The answer to every pixel request.
    pub(super) fn picture() -> Self {
        Self::new(200, &pixel::HEADERS, &pixel::BYTES)
    }

    /// A page of the opt-out route in a language.
    pub(super) fn page(page: Stage, texts: &Texts) -> Self {
        Self::new(page.status(), &opt_out::HEADERS, page.html(texts).as_bytes())
    }

    /// A page of the route that confirms receipt, in a language.
    pub(super) fn confirming(page: confirm::Page, texts: &Texts) -> Self {
        let mut ping = Ping::stored(
            PingId::from_bytes([0; 16]),
            "adapter-table".to_owned(),
            Basis::Contract,
            Status::Live,
        );
        (ping.asked_by, ping.shows_reference) = (Some(super::fixture::ASKED_BY.to_owned()), true);
        let asked = (page == confirm::Page::Ask).then_some(&ping);
        Self::new(page.status(), &opt_out::HEADERS, page.html(texts, asked).as_bytes())
    }

    /// The log's origin and public key.
    pub(super) fn log_key() -> Self {
        let key = super::fixture::log_key();
        let (origin, key) = (key.public().name(), key.public());
        Self::new(200, &crate::mount::LOG_KEY_HEADERS, format!("{origin}\n{key}\n").as_bytes())
    }

    /// The answer to a method that a path does not have.
    pub(super) fn not_allowed(methods: &str) -> Self {
        Self::new(405, &[("allow", methods)], b"")
    }

    fn new(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let length = ("content-length", &*body.len().to_string());
        let headers = headers.iter().copied().chain([length]);
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
        headers.sort();
        Self { status, closes: false, headers, body: body.to_vec() }
    }

    /// The same without its body, as HEAD is answered.
    pub(super) fn head(mut self) -> Self {
        self.body.clear();
        self
    }

    #[cfg(feature = "edges")]
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Reads one answer and nothing after it, so that the next one on the connection can be read.
    pub(super) fn read(stream: &mut impl Read, to_head: bool) -> io::Result<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend_from_slice(&byte);
        }
        let (status, mut headers) =
            parse_head(&head).ok_or_else(|| io::Error::other("not an HTTP answer"))?;
        let closes =
            headers.iter().any(|(name, value)| name == "connection" && value.eq_ignore_ascii_case(b"close"));
        headers.retain(|(name, _)| name != "date" && name != "connection");
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| str::from_utf8(value).ok()?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; if to_head { 0 } else { length }];
        stream.read_exact(&mut body)?;
        Ok(Self { status, closes, headers, body })
    }
}

fn parse_head(head: &[u8]) -> Option<(u16, Headers)> {
    let mut lines = head.strip_suffix(b"\r\n\r\n")?.split(|&byte| byte == b'\n');
    let mut status = lines.next()?.split(|&byte| byte == b' ');
    status.next().filter(|version| version.starts_with(b"HTTP/1."))?;
    let status = str::from_utf8(status.next()?).ok()?.trim().parse().ok()?;
    let mut headers = Vec::new();
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = line.split_at(colon);
        let name = str::from_utf8(name).ok()?.to_ascii_lowercase();
        headers.push((name, value.get(1..)?.trim_ascii().to_vec()));
    }
    headers.sort();
    Some((status, headers))
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            write!(f, "; {name}: {}", value.escape_ascii())?;
        }
        let start = self.body.get(..40).unwrap_or(&self.body);
        write!(f, "; {} bytes: {}", self.body.len(), start.escape_ascii())
    }
}
