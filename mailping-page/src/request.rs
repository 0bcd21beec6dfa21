//! One request to the page, in no framework's types.

use http::Method;
use http::header::{COOKIE, HOST};
use http::request::Parts;

/// The most bytes of a body that are read.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// How long the body of a request may take to arrive.
pub(crate) const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Says that a request's peer is this machine itself, for [`Access::this_machine`]: put it into the
/// request's extensions if the peer's address is a loopback one. The modules `axum` and `actix` do
/// so. The address itself is no business of the page.
///
/// [`Access::this_machine`]: crate::Access::this_machine
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "it says one thing")]
pub struct FromThisMachine;

/// A request below the page.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) head: &'a Parts,
    /// The path below the page, not decoded.
    pub(crate) path: &'a str,
    /// `None` if it has more than [`MAX_BODY`] bytes.
    pub(crate) body: Option<&'a [u8]>,
}

impl<'a> Call<'a> {
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.head.headers.get(name).map(|value| value.as_bytes())
    }

    /// The values of all its lines: over HTTP/2 a browser sends each cookie in one of its own.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &'a [u8]> {
        self.head.headers.get_all(COOKIE).iter().map(|value| value.as_bytes())
    }

    pub(crate) fn method(&self) -> &'a Method {
        &self.head.method
    }

    pub(crate) fn query(&self) -> &'a str {
        self.head.uri.query().unwrap_or_default()
    }

    pub(crate) fn reads(&self) -> bool {
        *self.method() == Method::GET || *self.method() == Method::HEAD
    }

    /// The name that it was called by, with the port if there is one. HTTP/2 has it in the URI.
    pub(crate) fn host(&self) -> &'a str {
        let header = self.head.headers.get(HOST).and_then(|host| host.to_str().ok());
        header.or(self.head.uri.authority().map(|named| named.as_str())).unwrap_or_default()
    }

    /// Whether it came through a proxy: by HTTP/1.0, as nginx forwards by default, or with a header
    /// that proxies add.
    pub(crate) fn is_forwarded(&self) -> bool {
        self.head.version < http::Version::HTTP_11
            || self.head.headers.keys().any(|name| is_forwarding(name.as_str()))
    }
}

/// Whether a header, by lower-case name, is one that proxies and content networks add: one that
/// names a client's address or what was asked of the proxy, whoever's it is.
fn is_forwarding(name: &str) -> bool {
    const NAMES: [&str; 6] =
        ["akamai-origin-hop", "cdn-loop", "cf-ray", "max-forwards", "proxy-connection", "x-scheme"];
    const PARTS: [&str; 13] = [
        "forwarded",
        "clientip",
        "connectingip",
        "connectionip",
        "externaladdress",
        "originalhost",
        "originatingip",
        "realip",
        "remoteaddr",
        "remoteip",
        "socketip",
        "sourceip",
        "userip",
    ];
    let letters: String = name.chars().filter(|sign| !"-_".contains(*sign)).collect();
    NAMES.contains(&name)
        || PARTS.iter().any(|part| letters.contains(part))
        || name.split(['-', '_']).any(|word| word == "via")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proxies_add_is_known() {
        for name in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded",
            "x-real-ip",
            "cf-connecting-ip",
            "true-client-ip",
            "x-vercel-forwarded-for",
            "x-original-forwarded-for",
            "x_forwarded_for",
            "x-forwardedfor",
            "x-azure-socketip",
            "x-appengine-user-ip",
            "x-envoy-external-address",
            "x-nf-client-connection-ip",
            "x-proxyuser-ip",
            "x-remote-addr",
            "x-via",
            "cdn-loop",
        ] {
            assert!(is_forwarding(name), "{name}");
        }
        for name in [
            "host",
            "accept",
            "authorization",
            "x-requested-with",
            "user-agent",
            "sec-fetch-user",
            "traceparent",
        ] {
            assert!(!is_forwarding(name), "{name}");
        }
    }
}
