//! Whether a request can be a press of the page's button. Browsers say what made a request in
//! headers that no page can change, so that a page of another site, a frame, a script or a ping
//! gives itself away. Mail programs and old browsers say nothing, and that proves nothing.

use crate::HeaderSource;

/// The page's form has no other type, and some programs leave it out.
const FORM: &[u8] = b"application/x-www-form-urlencoded";

pub(super) fn may_be_press(headers: &dyn HeaderSource, base_url: &str) -> bool {
    let (mut may_be, mut says_site, mut host) = (true, false, None);
    let mut origins = Vec::new();
    headers.each(&mut |name, value| match name {
        "sec-fetch-site" => {
            says_site = true;
            may_be &= matches!(value, b"same-origin" | b"none");
        }
        "sec-fetch-mode" => may_be &= value == b"navigate",
        "sec-fetch-dest" => may_be &= value == b"document",
        "content-type" => may_be &= is_form(value),
        "origin" => origins.push(value),
        "host" => {
            host.get_or_insert(value);
        }
        _ => {}
    });
    may_be && (says_site || origins.into_iter().all(|origin| is_own(origin, host, base_url)))
}

fn is_form(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    kind.is_empty() || kind.eq_ignore_ascii_case(FORM)
}

/// The page has the policy `no-referrer`, for which browsers say `null`. A proxy may give the host
/// another name than the base URL does.
fn is_own(origin: &[u8], host: Option<&[u8]>, base_url: &str) -> bool {
    let named = |url: &str| {
        url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default().to_owned())
    };
    let Ok(origin) = std::str::from_utf8(origin) else { return false };
    let Some(origin) = named(origin) else { return origin == "null" };
    let is = |own: &[u8]| origin.as_bytes().eq_ignore_ascii_case(own);
    host.is_some_and(is) || named(base_url).is_some_and(|own| is(own.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn may_be(lines: &[(&'static str, &'static str)]) -> bool {
        let lines = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        may_be_press(&headers, "https://app.example/px")
    }

    /// As browsers, web views and mail programs send it.
    #[test]
    fn a_press_in_any_browser_is_one() {
        for lines in [
            &[][..],
            &[("content-type", "application/x-www-form-urlencoded")],
            &[("content-type", "Application/X-WWW-Form-Urlencoded ; charset=UTF-8")],
            &[("content-type", "")],
            &[("origin", "null"), ("host", "app.example")],
            &[("origin", "https://app.example")],
            &[("origin", "https://APP.example")],
            &[("origin", "http://other.example:8080"), ("host", "other.example:8080")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
                ("sec-fetch-user", "?1"),
                ("origin", "null"),
            ],
            &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
            // The browser compared, and a gateway between may have renamed the host.
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://gateway.example"),
                ("host", "app.internal"),
            ],
        ] {
            assert!(may_be(lines), "{lines:?}");
        }
    }

    #[test]
    fn what_a_browser_marks_as_something_else_is_none() {
        for lines in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-mode", "no-cors")],
            &[("sec-fetch-mode", "cors")],
            &[("sec-fetch-mode", "same-origin")],
            &[("sec-fetch-mode", "websocket")],
            &[("sec-fetch-dest", "empty")],
            &[("sec-fetch-dest", "iframe")],
            &[("sec-fetch-dest", "image")],
            &[("sec-fetch-dest", "report")],
            &[("sec-fetch-dest", "fencedframe")],
            &[("content-type", "text/ping")],
            &[("content-type", "text/plain;charset=UTF-8")],
            &[("content-type", "application/csp-report")],
            &[("content-type", "application/reports+json")],
            &[("content-type", "application/json")],
            &[("content-type", "multipart/form-data; boundary=x")],
            &[("origin", "https://evil.example"), ("host", "app.example")],
            &[("origin", "https://app.example.evil.example")],
            &[("origin", "https://app.example:8443"), ("host", "app.example")],
            &[("origin", "null"), ("origin", "https://evil.example")],
            &[("origin", "")],
        ] {
            assert!(!may_be(lines), "{lines:?}");
        }
    }
}
