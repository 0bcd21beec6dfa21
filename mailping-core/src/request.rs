//! One HTTP request for a pixel, before anything is decided. Opaque: the raw client address goes in
//! and is read by `client_ip` alone; nothing prints it.

use std::fmt;
use std::net::IpAddr;

/// The headers of a request, read in place: implement it for your framework's header map.
///
/// `http::HeaderMap` (1.x) has it already. Once through all lines costs less than to look up the
/// dozen names that matter.
pub trait HeaderSource {
    /// Calls `visit` with the name and the value of each header line: the name in lower case, the
    /// lines of one name in the order received.
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a [u8]));
}

impl HeaderSource for http::HeaderMap {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a [u8])) {
        for (name, value) in self {
            visit(name.as_str(), value.as_bytes());
        }
    }
}

/// One GET for a pixel, as an adapter hands it over.
///
/// It borrows what the framework holds and copies nothing. It has no accessors and its `Debug`
/// prints nothing of the client.
pub struct PixelRequest<'a> {
    pub(crate) path: &'a str,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) headers: &'a dyn HeaderSource,
}

impl<'a> PixelRequest<'a> {
    /// `path` is the request's path as it came, not percent-decoded; the token is found in it.
    /// `peer` is the socket's peer, `None` if it has no address (a Unix socket, a client that is
    /// gone already, or a server that does not say).
    pub fn new(path: &'a str, peer: Option<IpAddr>, headers: &'a dyn HeaderSource) -> Self {
        Self { path, peer, headers }
    }
}

impl fmt::Debug for PixelRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PixelRequest([redacted])")
    }
}
