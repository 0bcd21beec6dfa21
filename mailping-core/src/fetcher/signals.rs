//! All that a judgement may see of a request: its method, its User-Agent and the headers that say
//! what made it and why.
//!
//! The headers that carry addresses can not get in: there is no field for them.

use std::fmt;

use super::{Evidence, EvidenceSet};
#[cfg(any(test, feature = "testing"))]
use crate::HeaderSource;

/// How much of a header is read; the longest real values, those of `Sec-CH-UA`, have some 130
/// bytes.
const MAX_VALUE_BYTES: usize = 256;

/// A header whose value says something.
pub(super) struct HeaderRule {
    pub(super) header: &'static str,
    pub(super) says: Says,
    pub(super) proves: Evidence,
    pub(super) source: &'static str,
    pub(super) checked: &'static str,
}

/// What in the value counts.
pub(super) enum Says {
    /// One of its tokens is one of these words.
    Any(&'static [&'static str]),
    /// It is none of these words.
    None(&'static [&'static str]),
    /// It says anything at all: `""` does not.
    Something,
    /// It names another system than the agent.
    OtherSystem,
}

/// The headers, as dated data: add a line here to add one, and nothing elsewhere.
#[rustfmt::skip]
pub(super) const HEADERS: &[HeaderRule] = &[
    HeaderRule { header: "sec-purpose", says: Says::Any(&["prefetch", "prerender"]), proves: Evidence::HeaderSecPurpose,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "sec-purpose", says: Says::Any(&["anonymous-client-ip"]), proves: Evidence::HeaderAnonymousIp,
        source: "chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "purpose", says: Says::Any(&["prefetch", "prerender", "preview"]), proves: Evidence::HeaderPurpose,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "x-moz", says: Says::Any(&["prefetch"]), proves: Evidence::HeaderXMoz,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "x-purpose", says: Says::Any(&["prefetch", "prerender", "preview"]), proves: Evidence::HeaderXPurpose,
        source: "MDN Sec-Purpose; chromium prefetch_headers.cc", checked: "2026-11" },
    HeaderRule { header: "signature-agent", says: Says::Something, proves: Evidence::HeaderSignatureAgent,
        source: "RFC 9421 as agents use it; operators' own pages", checked: "2026-11-27" },
    HeaderRule { header: "sec-ch-ua", says: Says::Any(&["HeadlessChrome", "HeadlessEdg", "HeadlessEdge"]), proves: Evidence::HeaderHeadless,
        source: "chromium user_agent_utils.cc", checked: "2026-11-27" },
    HeaderRule { header: "sec-ch-ua-full-version-list", says: Says::Any(&["HeadlessChrome", "HeadlessEdg", "HeadlessEdge"]), proves: Evidence::HeaderHeadless,
        source: "chromium user_agent_utils.cc", checked: "2026-11-28" },
    HeaderRule { header: "sec-ch-ua-platform", says: Says::OtherSystem, proves: Evidence::HeaderPlatform,
        source: "User-Agent Client Hints; scanners that borrow an agent", checked: "2026-11-27" },
    HeaderRule { header: "sec-fetch-dest", says: Says::None(&["image"]), proves: Evidence::HeaderFetchDest,
        source: "Fetch Metadata: an <img> is always fetched as `image`", checked: "2026-11-27" },
];

/// What one request says of the software that made it. It borrows the User-Agent and copies
/// nothing.
#[derive(Clone, Copy, Default)]
pub struct FetchSignals<'a> {
    user_agent: Option<&'a [u8]>,
    /// What the method and the headers prove.
    declared: EvidenceSet,
    /// The known systems that `Sec-CH-UA-Platform` names, one bit each: a browser names one.
    platforms: u8,
}

/// Signals made by hand, for suites and benches: a tracker reads them line by line.
#[cfg(any(test, feature = "testing"))]
impl<'a> FetchSignals<'a> {
    /// A GET without any header.
    #[must_use]
    pub const fn new() -> Self {
        Self { user_agent: None, declared: EvidenceSet::EMPTY, platforms: 0 }
    }

    /// Reads the headers of a GET in place. Nothing is allocated; values that are not UTF-8, or
    /// long, do no harm.
    #[must_use]
    pub fn from_headers(headers: &'a dyn HeaderSource) -> Self {
        let mut signals = Self::new();
        headers.each(&mut |name, value| signals.read(name, value));
        signals
    }

    /// With this User-Agent.
    #[must_use]
    pub const fn user_agent(mut self, value: &'a [u8]) -> Self {
        self.user_agent = Some(value);
        self
    }

    /// With a header: only those that say why a request was made (`rules` lists them) make a
    /// difference.
    #[must_use]
    pub fn header(mut self, name: &str, value: &[u8]) -> Self {
        for rule in HEADERS.iter().filter(|rule| name.eq_ignore_ascii_case(rule.header)) {
            self.declare(rule, value);
        }
        self
    }

    /// With the method HEAD in place of GET.
    #[must_use]
    pub const fn head(mut self) -> Self {
        self.declared.insert(Evidence::MethodHead);
        self
    }
}

impl<'a> FetchSignals<'a> {
    /// Takes in one line of the headers; `name` is in lower case. Of several agents the first
    /// counts.
    pub(crate) fn read(&mut self, name: &str, value: &'a [u8]) {
        if name == "user-agent" {
            self.user_agent.get_or_insert(value);
        }
        for rule in HEADERS.iter().filter(|rule| name == rule.header) {
            self.declare(rule, value);
        }
    }

    fn declare(&mut self, rule: &HeaderRule, value: &[u8]) {
        let value = value.get(..MAX_VALUE_BYTES).unwrap_or(value);
        let holds = match rule.says {
            Says::Any(words) => names(value, words),
            Says::None(words) => !value.trim_ascii().is_empty() && !names(value, words),
            Says::Something => !bare(value).is_empty(),
            Says::OtherSystem => {
                let items = value.split(|byte| *byte == b',').filter_map(System::of_platform);
                self.platforms = items.fold(self.platforms, |named, system| named | system.bit());
                false
            }
        };
        if holds {
            self.declared.insert(rule.proves);
        }
    }

    pub(crate) const fn agent(&self) -> Option<&'a [u8]> {
        self.user_agent
    }

    /// What method and headers prove of an agent that names `system`.
    pub(super) fn declared_by(&self, system: Option<System>) -> EvidenceSet {
        let mut named = System::ALL.into_iter().filter(|system| self.platforms & system.bit() != 0);
        match system {
            Some(claimed) if named.any(|system| !system.may_be(claimed)) => {
                self.declared.with(Evidence::HeaderPlatform)
            }
            _ => self.declared,
        }
    }
}

impl fmt::Debug for FetchSignals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FetchSignals([redacted])")
    }
}

/// Is one of the value's tokens one of `words`?
fn names(value: &[u8], words: &[&str]) -> bool {
    value
        .split(|byte| matches!(byte, b';' | b',' | b'"' | b' ' | b'\t'))
        .any(|token| words.iter().any(|word| token.eq_ignore_ascii_case(word.as_bytes())))
}

/// The value without its parameters, and without the quotes and blanks around it.
fn bare(value: &[u8]) -> &[u8] {
    let value = value.split(|byte| *byte == b';').next().unwrap_or_default();
    let counts = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'');
    let ends = value.iter().position(counts).zip(value.iter().rposition(counts));
    ends.and_then(|(first, last)| value.get(first..=last)).unwrap_or_default()
}

/// A family of operating systems, as far as agents and headers can contradict each other in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Windows,
    Mac,
    Ios,
    Android,
    /// With Chrome OS, whose agents name X11 too.
    Linux,
}

impl System {
    const ALL: [Self; 5] = [Self::Windows, Self::Mac, Self::Ios, Self::Android, Self::Linux];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// An item of `Sec-CH-UA-Platform`; `None` if it is another or an unknown system.
    fn of_platform(value: &[u8]) -> Option<Self> {
        let known = [
            (&b"Windows"[..], Self::Windows),
            (b"macOS", Self::Mac),
            (b"iOS", Self::Ios),
            (b"Android", Self::Android),
            (b"Linux", Self::Linux),
            (b"Chrome OS", Self::Linux),
            (b"Chromium OS", Self::Linux),
        ];
        let name = bare(value);
        known.into_iter().find(|(text, _)| name.eq_ignore_ascii_case(text)).map(|(_, system)| system)
    }

    /// Can a browser on this system send an agent that names `claimed`? A telephone that asks for a
    /// desktop's page says X11, or Macintosh.
    fn may_be(self, claimed: Self) -> bool {
        let as_desktop = match self {
            Self::Android => Self::Linux,
            Self::Ios => Self::Mac,
            other => other,
        };
        claimed == self || claimed == as_desktop
    }
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
            signals.declared_by(None),
            EvidenceSet::from_iter([
                Evidence::HeaderSecPurpose,
                Evidence::HeaderAnonymousIp,
                Evidence::HeaderPurpose
            ])
        );
    }

    #[test]
    fn every_platform_that_is_named_counts_in_any_spelling() {
        let other = |values: &[&str]| {
            let signals = values.iter().fold(FetchSignals::new(), |signals, value| {
                signals.header("Sec-CH-UA-Platform", value.as_bytes())
            });
            signals.declared_by(Some(System::Windows)).contains(Evidence::HeaderPlatform)
        };
        for values in [
            &["\"Linux\""][..],
            &["\"Windows\"", "\"Linux\""],
            &["\"Windows\", \"Linux\""],
            &["\"Linux\";v=1"],
            &["'Linux'"],
            &[" Linux "],
            &["\"Chrome OS\""],
        ] {
            assert!(other(values), "{values:?}");
        }
        for values in
            [&[][..], &["\"Windows\""], &["\"Windows\"", "'windows';v=1"], &["\"Unheard\""], &["\"\""]]
        {
            assert!(!other(values), "{values:?}");
        }
    }

    #[test]
    fn a_signature_of_nobody_is_none_and_full_versions_name_a_browser_without_a_screen_too() {
        let proves = |name, value: &str, evidence| {
            FetchSignals::new().header(name, value.as_bytes()).declared_by(None).contains(evidence)
        };
        for value in ["", " ", "\"\"", "''", "\" \";v=1"] {
            assert!(!proves("Signature-Agent", value, Evidence::HeaderSignatureAgent), "{value}");
        }
        assert!(proves("Signature-Agent", "\"https://unheard.example\"", Evidence::HeaderSignatureAgent));
        let list = "\"Not)A;Brand\";v=\"8.0.0.0\", \"HeadlessChrome\";v=\"140.0.7339.5\"";
        assert!(proves("Sec-CH-UA-Full-Version-List", list, Evidence::HeaderHeadless));
        let chrome = list.replace("Headless", "");
        assert!(!proves("Sec-CH-UA-Full-Version-List", &chrome, Evidence::HeaderHeadless));
    }

    #[test]
    fn debug_shows_no_agent() {
        let shown = format!("{:?}", FetchSignals::new().user_agent(b"Unheard/7.7"));
        assert_eq!(shown, "FetchSignals([redacted])");
    }

    #[test]
    fn a_word_inside_another_word_says_nothing() {
        assert!(FetchSignals::new().header("sec-purpose", b"no-prefetching").declared_by(None).is_empty());
        assert!(FetchSignals::new().header("purpose", &[0xff; 10_000]).declared_by(None).is_empty());
    }
}
