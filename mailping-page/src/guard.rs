//! Which requests a browser was talked into by another site: they are refused before anything else
//! looks at them.

use http::StatusCode;

use crate::answer::Answer;
use crate::request::{Call, FromThisMachine};

/// What the guard knows of the page's own addresses.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// Scheme, host and port of the base URL.
    origin: String,
    /// Only this machine's own requests are answered, under names that no other site can point
    /// here.
    this_machine: bool,
}

impl Guard {
    pub(crate) fn new(base_url: &str, this_machine: bool) -> Self {
        let (scheme, rest) = base_url.split_once("://").unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        Self { origin: format!("{scheme}://{host}").to_ascii_lowercase(), this_machine }
    }

    /// Whether cookies go over TLS alone.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    pub(crate) fn admit(&self, call: &Call<'_>) -> Result<(), Answer> {
        if self.this_machine {
            self.admit_this_machine(call)?;
        }
        if call.reads() || self.is_same_origin(call) {
            return Ok(());
        }
        let message = "this came from a page of another site and was not carried out";
        Err(Answer::error(StatusCode::FORBIDDEN, "cross_site", None, message))
    }

    fn admit_this_machine(&self, call: &Call<'_>) -> Result<(), Answer> {
        let forbidden = |code, message| Err(Answer::error(StatusCode::FORBIDDEN, code, None, message));
        if call.is_forwarded() {
            return forbidden(
                "forwarded",
                "without an admin token (MAILPING_ADMIN_TOKEN, `Access::admin_token`) this page answers its own machine \
                 alone, and this came through a proxy: set one, or forward the pixels' path only",
            );
        }
        if call.head.extensions.get::<FromThisMachine>().is_none() {
            return forbidden(
                "not_this_machine",
                "without an admin token (MAILPING_ADMIN_TOKEN, `Access::admin_token`) this page answers its own machine \
                 alone, and this did not come from it",
            );
        }
        if self.is_own_name(call.host()) {
            return Ok(());
        }
        let message = "this page is open to its own machine: call it by its address or by `localhost`, or set the base URL \
                       (MAILPING_BASE_URL, `base_url`) to the name that it is called by";
        Err(Answer::error(StatusCode::MISDIRECTED_REQUEST, "unknown_host", None, message))
    }

    /// Only a browser sends either header, so that without both it is a program that nobody can be
    /// tricked into running.
    fn is_same_origin(&self, call: &Call<'_>) -> bool {
        if let Some(site) = call.header("sec-fetch-site") {
            return matches!(site, b"same-origin" | b"none");
        }
        let Some(origin) = call.header("origin") else { return true };
        let Ok(origin) = std::str::from_utf8(origin) else { return false };
        let origin = origin.to_ascii_lowercase();
        origin == self.origin
            || origin.split_once("://").is_some_and(|(_, named)| named == call.host().to_ascii_lowercase())
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
    use http::request::Parts;
    use http::{Request, Version};

    use super::*;

    fn head(method: &str, host: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/").header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.extension(FromThisMachine).body(()).unwrap().into_parts().0
    }

    fn refusal(guard: &Guard, head: &Parts) -> Option<StatusCode> {
        guard.admit(&Call { head, path: "/", body: None }).err().map(|answer| answer.status)
    }

    #[test]
    fn only_this_origin_and_programs_change_anything() {
        let guard = Guard::new("https://app.example/px", false);
        let refused = |headers: &[(&str, &str)]| refusal(&guard, &head("POST", "app.example", headers));
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://app.example")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://app.example")],
            &[("origin", "http://app.example")],
        ] {
            assert_eq!(refused(headers), None, "{headers:?}");
        }
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "https://app.example")],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://app.example.evil.example")],
            &[("origin", "https://app.example:8443")],
            &[("sec-fetch-site", "")],
        ] {
            assert_eq!(refused(headers), Some(StatusCode::FORBIDDEN), "{headers:?}");
        }
        let link = head("GET", "app.example", &[("sec-fetch-site", "cross-site")]);
        assert_eq!(refusal(&guard, &link), None);
    }

    #[test]
    fn a_page_for_this_machine_answers_nothing_from_elsewhere() {
        let (own, any) = (Guard::new("http://localhost/px", true), Guard::new("http://localhost/px", false));
        let plain = head("GET", "localhost", &[]);
        let mut old = head("GET", "localhost", &[]);
        old.version = Version::HTTP_10;
        let mut stranger = head("GET", "localhost", &[]);
        stranger.extensions.clear();
        assert_eq!(refusal(&own, &plain), None);
        for elsewhere in [old, stranger, head("GET", "localhost", &[("via", "1.1 caddy")])] {
            assert_eq!(refusal(&own, &elsewhere), Some(StatusCode::FORBIDDEN), "{elsewhere:?}");
            assert_eq!(refusal(&any, &elsewhere), None);
        }
    }

    #[test]
    fn a_page_for_this_machine_answers_to_no_foreign_name() {
        let guard = Guard::new("http://mail.example:3000/px", true);
        for (host, admitted) in [
            ("127.0.0.1:3000", true),
            ("[::1]:3000", true),
            ("localhost:3000", true),
            ("mail.example:3000", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example:3000", false),
        ] {
            assert_eq!(refusal(&guard, &head("GET", host, &[])).is_none(), admitted, "{host}");
        }
    }
}
