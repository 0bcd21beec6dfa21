//! One request to the service and its answer, in no framework's types.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::live::Live;
use crate::settings::Prefix;

/// The most bytes of a body that are read: an adapter must not collect more, and hands over `None`
/// then.
pub const MOST_BODY_BYTES: usize = 64 * 1024;

/// The headers that an adapter hands over, by lower-case name; no other is looked at.
pub const HEADERS: [&str; 5] = ["authorization", "cookie", "host", "origin", "sec-fetch-site"];

/// How long the head of a request may take to arrive: a server sets it, so that half-sent ones do
/// not pile up.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the body of a request may take to arrive: an adapter answers [`Answer::too_slow`] then.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// A request that is not for a pixel.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The path, not decoded.
    pub path: &'a str,
    /// The query without its `?`.
    pub query: &'a str,
    /// The values of [`HEADERS`], in their order.
    pub headers: [Option<&'a [u8]>; HEADERS.len()],
    /// Whether it came through a proxy: by HTTP/1.0, as nginx forwards by default, or with a header
    /// for which [`is_forwarding`] holds.
    pub forwarded: bool,
    /// The body; `None` if it has more than [`MOST_BODY_BYTES`].
    pub body: Option<&'a [u8]>,
}

impl<'a> Call<'a> {
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        HEADERS.iter().position(|known| *known == name).and_then(|index| self.headers[index])
    }

    pub(crate) fn reads(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// Whether a header, by lower-case name, is one that proxies and content networks add.
#[must_use]
pub fn is_forwarding(name: &str) -> bool {
    const NAMES: [&str; 24] = [
        "akamai-origin-hop",
        "cdn-loop",
        "cf-connecting-ip",
        "cf-ray",
        "client-ip",
        "do-connecting-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "forwarded",
        "max-forwards",
        "proxy-connection",
        "true-client-ip",
        "via",
        "x-appengine-user-ip",
        "x-azure-clientip",
        "x-azure-socketip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-original-forwarded-for",
        "x-originating-ip",
        "x-proxyuser-ip",
        "x-real-ip",
        "x-scheme",
    ];
    name.starts_with("x-forwarded") || NAMES.contains(&name)
}

/// What to answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header lines.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// What comes as it happens.
    Live(Live),
}

impl Answer {
    pub(crate) fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status, headers, body: Body::Whole(body.into()) }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(body) => Self::new(status, "application/json", body + "\n"),
            Err(_) => {
                Self::error(StatusCode::INTERNAL_SERVER_ERROR, "internal", None, "the answer is no JSON")
            }
        }
    }

    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Body::Whole(Bytes::new()) }
    }

    /// To a body that took longer than [`BODY_TIMEOUT`].
    #[must_use]
    pub fn too_slow() -> Self {
        let message = "the body did not arrive in time";
        Self::error(StatusCode::REQUEST_TIMEOUT, "too_slow", None, message).with("connection", "close")
    }

    /// To another page of this service, to be fetched with GET.
    pub(crate) fn to(prefix: &Prefix, path: &str) -> Self {
        Self { status: StatusCode::SEE_OTHER, ..Self::empty() }
            .with("location", format!("{prefix}{path}"))
            .with("cache-control", "no-store")
    }

    /// `message` must not repeat what was sent: it may be personal.
    pub(crate) fn error(status: StatusCode, code: &str, field: Option<&str>, message: &str) -> Self {
        let body = json!({ "error": { "code": code, "field": field, "message": message } });
        Self::new(status, "application/json", format!("{body}\n"))
    }
}
