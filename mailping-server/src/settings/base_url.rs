//! Where the service is reached from outside, and the path prefix that its pages stand below.

use std::fmt;
use std::net::IpAddr;

/// The path of the pixels, below the base URL.
const PIXELS: &str = "/px";
/// The first segments of the service's own paths: a prefix that begins with one could not be told
/// from them.
const OWN: [&str; 9] = ["api", "assets", "login", "logout", "metrics", "pings", "pings.csv", "px", "why"];

/// The base URL, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseUrl {
    /// Scheme, host and port, in lower case.
    origin: String,
    /// A path such as `/tools` that a proxy serves the pages below, or nothing.
    path: String,
}

impl BaseUrl {
    /// Reads it. A `/px` at its end is taken for the pixels' own path.
    ///
    /// # Errors
    /// What it must be. The text is not repeated, as it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected http:// or https:// and a host, such as https://app.example, without user name, \
                                password, query and fragment";
        const PORT: &str = "its port must be a number from 1 to 65535, such as https://app.example:8443";
        let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(EXPECTED.to_owned());
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let unwanted = |sign: char| matches!(sign, '@' | '?' | '#' | '\\' | '%') || sign.is_whitespace();
        if authority.contains(unwanted) || path.contains(['?', '#']) {
            return Err(EXPECTED.to_owned());
        }
        let (_, port) = host_and_port(authority).ok_or(EXPECTED)?;
        if port.is_some_and(|port| !matches!(port.parse::<u16>(), Ok(1..))) {
            return Err(PORT.to_owned());
        }
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix(PIXELS).unwrap_or(path).trim_end_matches('/');
        check_path(path)?;
        let origin = format!("{scheme}://{}", authority.to_ascii_lowercase());
        Ok(Self { origin, path: path.to_owned() })
    }

    /// The base URL of the pixels.
    pub(super) fn pixels(&self) -> String {
        format!("{self}{PIXELS}")
    }

    /// The path that the pages stand below.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The paths at which the pixels are mounted: a proxy may take the path off, or leave it.
    pub(super) fn pixel_paths(&self) -> Vec<String> {
        let below = Some(format!("{}{PIXELS}", self.path)).filter(|_| !self.path.is_empty());
        [PIXELS.to_owned()].into_iter().chain(below).collect()
    }

    /// Whether it leads to this machine alone.
    pub(super) fn is_local(&self) -> bool {
        let authority = self.origin.split_once("://").map_or("", |(_, authority)| authority);
        let Some((host, _)) = host_and_port(authority) else { return false };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

/// `None` if there is no host.
fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let after_host = authority.find(']').map_or(0, |end| end + 1);
    let end = authority[after_host..].find(':').map_or(authority.len(), |colon| after_host + colon);
    let (host, port) = authority.split_at(end);
    let whole = !host.is_empty() && (after_host == 0 || after_host == host.len());
    whole.then_some((host, port.strip_prefix(':')))
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

fn check_path(path: &str) -> Result<(), String> {
    for segment in path.split('/').skip(1) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if segment.is_empty() || segment.chars().all(|sign| sign == '.') || !segment.bytes().all(plain) {
            return Err(
                "its path must be of letters, digits, `-`, `.`, `_` and `~`, such as https://app.example/tools".to_owned()
            );
        }
    }
    match path.split('/').nth(1).filter(|first| OWN.contains(first)) {
        Some(first) => Err(format!(
            "its path must not begin with /{first}, which is a path of the service's own: name the address that \
             the service is reached at, such as https://app.example"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixels_are_found_below_each_spelling_of_the_base_url() {
        for (text, pixels) in [
            ("https://app.example", "https://app.example/px"),
            ("https://app.example/", "https://app.example/px"),
            ("https://app.example/px", "https://app.example/px"),
            ("https://app.example/px/", "https://app.example/px"),
            ("HTTPS://App.Example/px", "https://app.example/px"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000/px"),
            ("https://app.example/tools", "https://app.example/tools/px"),
            ("https://app.example/tools/px//", "https://app.example/tools/px"),
            ("https://app.example/a/b", "https://app.example/a/b/px"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().pixels(), pixels, "{text}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_and_not_repeated() {
        for text in [
            "app.example",
            "/px",
            "ftp://app.example",
            "https://",
            "https:///px",
            "https://:3000",
            "https://app.example:sesame",
            "https://app.example:65536",
            "https://[::1]sesame",
            "https://ada:sesame@app.example",
            "https://sesame@app.example/px",
            "https://app.example?key=sesame",
            "https://app.example/#sesame",
            "https://app.example/a b",
            "https://app.example/{sesame}",
            "https://app.example/a//sesame",
            "https://app.example/../sesame",
            "https://app.example/sesame@x",
            "https://app.example/px/px",
            "https://app.example/api/sesame",
        ] {
            let refusal = BaseUrl::parse(text).unwrap_err();
            assert!(
                !refusal.contains("sesame") && refusal.contains("https://app.example"),
                "{text}: {refusal}"
            );
        }
    }

    #[test]
    fn a_wrong_port_is_called_that() {
        for text in ["http://h:65536", "http://h:0", "http://h:", "http://h:x", "http://[::1]:65536/px"] {
            let refusal = BaseUrl::parse(text).unwrap_err();
            assert!(refusal.starts_with("its port must be"), "{text}: {refusal}");
        }
    }

    #[test]
    fn only_this_machine_is_local() {
        let is_local = |text| BaseUrl::parse(text).unwrap().is_local();
        for local in
            ["http://127.0.0.1:3000", "http://[::1]:80/x", "http://localhost", "https://A.LOCALHOST:1"]
        {
            assert!(is_local(local), "{local}");
        }
        for remote in
            ["http://10.0.0.7", "https://app.example", "http://127.0.0.1.evil.example", "http://[::2]"]
        {
            assert!(!is_local(remote), "{remote}");
        }
    }
}
