//! Which requests a browser was talked into by another site: they are refused before anything else
//! looks at them.

use http::StatusCode;

use crate::call::{Answer, Call};

/// What the guard knows of the service's own addresses.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// Scheme, host and port of the base URL.
    origin: String,
    /// There is no admin token: only this machine's own requests are answered, under names that no
    /// other site can point here.
    open: bool,
}

impl Guard {
    pub(crate) fn new(origin: &str, open: bool) -> Self {
        Self { origin: origin.to_owned(), open }
    }

    /// Whether cookies go over TLS alone.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    pub(crate) fn admit(&self, call: &Call<'_>) -> Result<(), Answer> {
        let host = call.header("host").and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
        if self.open && call.forwarded {
            let message = "without an admin token this service answers its own machine alone, and this came through a proxy: \
                           set MAILPING_ADMIN_TOKEN, or forward the pixels' path only";
            return Err(Answer::error(StatusCode::FORBIDDEN, "forwarded", None, message));
        }
        if self.open && !self.is_own_name(host) {
            let message = "this service is open to its own machine: call it by its address or by `localhost`, or set \
                           MAILPING_BASE_URL to the name that it is called by";
            return Err(Answer::error(StatusCode::MISDIRECTED_REQUEST, "unknown_host", None, message));
        }
        if call.reads() || self.is_same_origin(call, host) {
            return Ok(());
        }
        let message = "this came from a page of another site and was not carried out";
        Err(Answer::error(StatusCode::FORBIDDEN, "cross_site", None, message))
    }

    /// Only a browser sends either header, so that without both it is a program that nobody can be
    /// tricked into running.
    fn is_same_origin(&self, call: &Call<'_>, host: &str) -> bool {
        if let Some(site) = call.header("sec-fetch-site") {
            return matches!(site, b"same-origin" | b"none");
        }
        let Some(origin) = call.header("origin") else { return true };
        let Ok(origin) = std::str::from_utf8(origin) else { return false };
        let origin = origin.to_ascii_lowercase();
        origin == self.origin
            || origin.split_once("://").is_some_and(|(_, named)| named == host.to_ascii_lowercase())
    }

    /// A site that lets its own name lead to 127.0.0.1 would be of the same origin as its pages.
    fn is_own_name(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host.as_str(),
        };
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name.is_empty()
            || name == "localhost"
            || name.ends_with(".localhost")
            || address.parse::<std::net::IpAddr>().is_ok()
            || self.origin.split_once("://").is_some_and(|(_, own)| own == host || own == name)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::call::is_forwarding;

    fn call<'a>(method: Method, host: &'a str, site: Option<&'a str>, origin: Option<&'a str>) -> Call<'a> {
        let bytes = |text: Option<&'a str>| text.map(str::as_bytes);
        let headers = [None, None, Some(host.as_bytes()), bytes(origin), bytes(site)];
        Call { method, path: "/", query: "", headers, forwarded: false, body: None }
    }

    #[test]
    fn only_this_origin_and_programs_change_anything() {
        let guard = Guard::new("https://app.example", false);
        let admits = |site, origin| guard.admit(&call(Method::POST, "app.example", site, origin)).is_ok();
        for (site, origin) in [
            (None, None),
            (Some("same-origin"), Some("https://app.example")),
            (Some("none"), None),
            (None, Some("https://app.example")),
            (None, Some("http://app.example")),
        ] {
            assert!(admits(site, origin), "{site:?} {origin:?}");
        }
        for (site, origin) in [
            (Some("cross-site"), None),
            (Some("same-site"), Some("https://app.example")),
            (None, Some("null")),
            (None, Some("https://evil.example")),
            (None, Some("https://app.example.evil.example")),
            (None, Some("https://app.example:8443")),
            (Some(""), None),
        ] {
            assert!(!admits(site, origin), "{site:?} {origin:?}");
        }
        assert!(guard.admit(&call(Method::GET, "app.example", Some("cross-site"), None)).is_ok());
    }

    #[test]
    fn an_open_service_answers_nothing_that_was_forwarded() {
        let forwarded = || Call { forwarded: true, ..call(Method::GET, "localhost", None, None) };
        let refused = Guard::new("http://localhost", true).admit(&forwarded()).unwrap_err();
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(Guard::new("http://localhost", false).admit(&forwarded()).is_ok());
        for name in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded",
            "x-real-ip",
            "cf-connecting-ip",
            "true-client-ip",
        ] {
            assert!(is_forwarding(name), "{name}");
        }
        for name in ["host", "accept", "authorization", "x-requested-with", "user-agent"] {
            assert!(!is_forwarding(name), "{name}");
        }
    }

    #[test]
    fn an_open_service_answers_to_no_foreign_name() {
        let guard = Guard::new("http://mail.example:3000", true);
        for (host, admitted) in [
            ("127.0.0.1:3000", true),
            ("[::1]:3000", true),
            ("localhost:3000", true),
            ("mail.example:3000", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example:3000", false),
        ] {
            let admits = guard.admit(&call(Method::GET, host, None, None)).is_ok();
            assert_eq!(admits, admitted, "{host}");
        }
    }
}
