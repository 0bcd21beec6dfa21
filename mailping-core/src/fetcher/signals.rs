//! All that a judgement may see of a request: its method, its User-Agent and its purpose headers.
//!
//! The headers that carry addresses can not get in: there is no field for them.

use std::fmt;

use super::{Evidence, EvidenceSet};
use crate::HeaderSource;

/// How much of a purpose header is read; the longest real value is `prefetch;anonymous-client-ip`.
const PURPOSE_LIMIT: usize = 128;

/// What one request says of the software that made it. It borrows the User-Agent and copies nothing.
///
/// ```
/// use mailping_core::fetcher::FetchSignals;
/// let signals = FetchSignals::new().user_agent(b"Mozilla/5.0").sec_purpose(b"prefetch");
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
        let mut signals = Self { user_agent: headers.first("user-agent"), declared: EvidenceSet::EMPTY };
        headers.visit("sec-purpose", &mut |value| signals = signals.sec_purpose(value));
        headers.visit("purpose", &mut |value| signals = signals.purpose(value));
        headers.visit("x-moz", &mut |value| signals = signals.x_moz(value));
        headers.visit("x-purpose", &mut |value| signals = signals.x_purpose(value));
        signals
    }

    /// With this User-Agent.
    #[must_use]
    pub const fn user_agent(mut self, value: &'a [u8]) -> Self {
        self.user_agent = Some(value);
        self
    }

    /// With this `Sec-Purpose` header.
    #[must_use]
    pub fn sec_purpose(mut self, value: &[u8]) -> Self {
        if says(value, &["prefetch", "prerender"]) {
            self.declared.insert(Evidence::HeaderSecPurpose);
        }
        if says(value, &["anonymous-client-ip"]) {
            self.declared.insert(Evidence::HeaderAnonymousIp);
        }
        self
    }

    /// With this `Purpose` header.
    #[must_use]
    pub fn purpose(mut self, value: &[u8]) -> Self {
        if says(value, &["prefetch", "prerender", "preview"]) {
            self.declared.insert(Evidence::HeaderPurpose);
        }
        self
    }

    /// With this `X-Moz` header.
    #[must_use]
    pub fn x_moz(mut self, value: &[u8]) -> Self {
        if says(value, &["prefetch"]) {
            self.declared.insert(Evidence::HeaderXMoz);
        }
        self
    }

    /// With this `X-Purpose` header.
    #[must_use]
    pub fn x_purpose(mut self, value: &[u8]) -> Self {
        if says(value, &["prefetch", "prerender", "preview"]) {
            self.declared.insert(Evidence::HeaderXPurpose);
        }
        self
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
    fn a_word_inside_another_word_says_nothing() {
        assert!(FetchSignals::new().sec_purpose(b"no-prefetching").declared().is_empty());
        assert!(FetchSignals::new().purpose(&[0xff; 10_000]).declared().is_empty());
    }
}
