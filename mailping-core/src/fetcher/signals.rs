//! All that a judgement may see of a request: its method, its User-Agent and its purpose headers.
//!
//! The headers that carry addresses can not get in: there is no field for them.

use std::fmt;

use super::{Evidence, EvidenceSet};
use crate::HeaderSource;

/// How much of a purpose header is read; the longest real value is `prefetch;anonymous-client-ip`.
const PURPOSE_LIMIT: usize = 128;

/// What a header proves when one of its tokens is one of these words.
pub(super) struct HeaderRule {
    pub(super) header: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) proves: Evidence,
    pub(super) source: &'static str,
    pub(super) checked: &'static str,
}

/// The headers, as dated data: add a line here to add one, and nothing elsewhere.
#[rustfmt::skip]
pub(super) const HEADERS: &[HeaderRule] = &[
    HeaderRule { header: "sec-purpose", words: &["prefetch", "prerender"], proves: Evidence::HeaderSecPurpose,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "sec-purpose", words: &["anonymous-client-ip"], proves: Evidence::HeaderAnonymousIp,
        source: "chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "purpose", words: &["prefetch", "prerender", "preview"], proves: Evidence::HeaderPurpose,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "x-moz", words: &["prefetch"], proves: Evidence::HeaderXMoz,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "x-purpose", words: &["prefetch", "prerender", "preview"], proves: Evidence::HeaderXPurpose,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
];

/// What one request says of the software that made it. It borrows the User-Agent and copies nothing.
///
/// ```
/// use mailping_core::fetcher::FetchSignals;
/// let signals = FetchSignals::new().user_agent(b"Mozilla/5.0").header("Sec-Purpose", b"prefetch");
/// assert_eq!(format!("{signals:?}"), "FetchSignals([redacted])");
/// ```
#[derive(Clone, Copy, Default)]
pub struct FetchSignals<'a> {
    user_agent: Option<&'a [u8]>,
    /// What the method and the purpose headers prove.
    declared: EvidenceSet,
}

impl<'a> FetchSignals<'a> {
    /// A GET without any header.
    #[must_use]
    pub const fn new() -> Self {
        Self { user_agent: None, declared: EvidenceSet::EMPTY }
    }

    /// Reads the headers of a GET in place. Nothing is allocated; values that are not UTF-8, or long, do no harm.
    #[must_use]
    pub fn from_headers(headers: &'a dyn HeaderSource) -> Self {
        let mut signals = Self::new();
        headers.each(&mut |name, value| signals.read(name, value));
        signals
    }

    /// Takes in one line of the headers; `name` is in lower case. Of several agents the first counts.
    pub(crate) fn read(&mut self, name: &str, value: &'a [u8]) {
        if name == "user-agent" {
            self.user_agent.get_or_insert(value);
        }
        for rule in HEADERS.iter().filter(|rule| name == rule.header) {
            self.declare(rule, value);
        }
    }

    /// With this User-Agent.
    #[must_use]
    pub const fn user_agent(mut self, value: &'a [u8]) -> Self {
        self.user_agent = Some(value);
        self
    }

    /// With a header: only those that say why a request was made ([`rules`](super::rules) lists them) make a difference.
    #[must_use]
    pub fn header(mut self, name: &str, value: &[u8]) -> Self {
        for rule in HEADERS.iter().filter(|rule| name.eq_ignore_ascii_case(rule.header)) {
            self.declare(rule, value);
        }
        self
    }

    fn declare(&mut self, rule: &HeaderRule, value: &[u8]) {
        if says(value, rule.words) {
            self.declared.insert(rule.proves);
        }
    }

    /// With the method HEAD in place of GET.
    #[must_use]
    pub const fn head(mut self) -> Self {
        self.declared.insert(Evidence::MethodHead);
        self
    }

    pub(super) const fn agent(&self) -> Option<&'a [u8]> {
        self.user_agent
    }

    pub(super) const fn declared(&self) -> EvidenceSet {
        self.declared
    }
}

impl fmt::Debug for FetchSignals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FetchSignals([redacted])")
    }
}

/// Does one of the header's tokens equal one of `words`?
fn says(value: &[u8], words: &[&str]) -> bool {
    let value = value.get(..PURPOSE_LIMIT).unwrap_or(value);
    value
        .split(|byte| matches!(byte, b';' | b',' | b' ' | b'\t'))
        .any(|token| words.iter().any(|word| token.eq_ignore_ascii_case(word.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purpose_headers_are_read_from_a_header_map() {
        let mut headers = http::HeaderMap::new();
        headers.insert("user-agent", http::HeaderValue::from_static("curl/8"));
        headers.insert("sec-purpose", http::HeaderValue::from_static("prefetch;anonymous-client-ip"));
        headers.append("purpose", http::HeaderValue::from_static("Prefetch"));
        let signals = FetchSignals::from_headers(&headers);
        assert_eq!(signals.agent(), Some(&b"curl/8"[..]));
        assert_eq!(
            signals.declared(),
            EvidenceSet::from_iter([
                Evidence::HeaderSecPurpose,
                Evidence::HeaderAnonymousIp,
                Evidence::HeaderPurpose
            ])
        );
    }

    #[test]
    fn debug_shows_no_agent() {
        let shown = format!("{:?}", FetchSignals::new().user_agent(b"Unheard/7.7"));
        assert_eq!(shown, "FetchSignals([redacted])");
    }

    #[test]
    fn a_word_inside_another_word_says_nothing() {
        assert!(FetchSignals::new().header("sec-purpose", b"no-prefetching").declared().is_empty());
        assert!(FetchSignals::new().header("purpose", &[0xff; 10_000]).declared().is_empty());
    }
}
