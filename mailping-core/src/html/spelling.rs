//! Whether a value is the address of a pixel of ours, in any spelling that a renderer, a proxy or a
//! gateway turns into it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::{Host, Url};

use crate::links;
use crate::token::CHARS;

/// How often a value is decoded: each proxy or gateway on the way encodes once.
const MAX_LAYERS: usize = 5;
/// How many readings of one value are looked at.
const MAX_READINGS: usize = 24;
/// How many segments of a path are looked at, dots and doubled slashes included.
const MAX_SEGMENTS: usize = 32;

/// A base URL to look for.
pub(super) struct Spelling {
    host: Option<Host<String>>,
    port: Option<u16>,
    path: Vec<String>,
}

impl Spelling {
    pub(super) fn new(base_url: &str) -> Self {
        let url = Url::parse(base_url).ok();
        let url = url.as_ref();
        let path = url.and_then(Url::path_segments).into_iter().flatten();
        Self {
            host: url.and_then(Url::host_str).and_then(host),
            port: url.and_then(Url::port).filter(|port| !is_default(*port)),
            path: path.filter(|segment| !segment.is_empty()).map(folded).collect(),
        }
    }

    /// Whether this value, with the entities of HTML resolved, makes a program fetch a pixel of
    /// ours. `document` is the address that relative ones start from.
    pub(super) fn is_in(&self, value: &str, document: Option<&Url>) -> bool {
        if value.len() < CHARS {
            return false;
        }
        // As browsers read an address.
        let value = value.replace(['\t', '\r', '\n'], "");
        let joined = document.and_then(|document| document.join(value.trim()).ok());
        let mut readings: Vec<Cow<'_, str>> = vec![value.as_str().into()];
        readings.extend(joined.map(|joined| Cow::from(joined.to_string())));
        let mut from = 0;
        for _ in 0..MAX_LAYERS {
            let until = readings.len();
            if readings.iter().skip(from).any(|reading| self.is_written_in(reading)) {
                return true;
            }
            let next: Vec<String> = readings.iter().skip(from).flat_map(|reading| decoded(reading)).collect();
            for reading in next {
                if readings.len() < MAX_READINGS && !readings.iter().any(|known| *known == reading) {
                    readings.push(reading.into());
                }
            }
            from = until;
        }
        readings.iter().skip(from).any(|reading| self.is_written_in(reading))
    }

    fn is_written_in(&self, text: &str) -> bool {
        let segments: Vec<&str> = text.split(['/', '\\']).collect();
        if !segments.iter().any(|segment| links::may_hold_token(segment)) {
            return false;
        }
        segments.iter().enumerate().any(|(at, segment)| {
            let path: Vec<&str> = segments.iter().skip(at + 1).take(MAX_SEGMENTS).copied().collect();
            self.is_host(segment) && self.below(&path).is_some_and(|path| links::may_be_pixel(&path))
        })
    }

    /// What stands below our base URL's path, up to the next URL.
    fn below(&self, path: &[&str]) -> Option<String> {
        let end = path.windows(2).position(|pair| matches!(pair, [scheme, ""] if scheme.ends_with(':')));
        let path = path.get(..end.map_or(path.len(), |end| end + 1))?;
        let folded: Vec<String> = path.iter().map(|segment| folded(segment)).collect();
        let own = (0..=path.len()).find(|own| is_path(folded.get(..*own).unwrap_or_default(), &self.path))?;
        Some(path.get(own..)?.join("/"))
    }

    /// Whether a segment ends in our host and port.
    fn is_host(&self, segment: &str) -> bool {
        let start = segment.rfind(|c: char| c.is_whitespace() || "@=?&#,;\"'()<>|".contains(c));
        let authority = start.and_then(|start| segment.get(start..)).unwrap_or(segment);
        let authority =
            authority.trim_start_matches(|c: char| c.is_whitespace() || "@=?&#,;\"'()<>|".contains(c));
        let authority = ["http:", "https:"]
            .into_iter()
            .find_map(|scheme| {
                let (start, rest) = authority.split_at_checked(scheme.len())?;
                start.eq_ignore_ascii_case(scheme).then_some(rest)
            })
            .unwrap_or(authority);
        let number = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        let (name, port) = match number {
            Some((name, "")) => (name, None),
            Some((name, port)) => match port.parse::<u16>() {
                Ok(port) => (name, Some(port)),
                Err(_) => return false,
            },
            None => (authority, None),
        };
        !name.is_empty() && port.filter(|port| !is_default(*port)) == self.port && self.host == host(name)
    }
}

/// The scheme may have been changed with its port.
const fn is_default(port: u16) -> bool {
    matches!(port, 80 | 443)
}

fn host(name: &str) -> Option<Host<String>> {
    Host::parse(name.trim_end_matches(['.', '\u{3002}'])).ok()
}

/// Case and percent-encoding do not count: gateways change both.
fn folded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().to_lowercase()
}

/// Whether the segments are this path once empty ones and dots are resolved.
fn is_path(segments: &[String], path: &[String]) -> bool {
    let mut expected = path.iter().rev();
    let mut undone = 0_usize;
    for segment in segments.iter().rev() {
        match segment.as_str() {
            "" | "." => {}
            ".." => undone += 1,
            _ if undone > 0 => undone -= 1,
            segment => {
                if expected.next().is_none_or(|expected| expected != segment) {
                    return false;
                }
            }
        }
    }
    expected.next().is_none()
}

/// What a text may have been before a proxy, a gateway or a style sheet encoded it.
fn decoded(text: &str) -> Vec<String> {
    let mut decoded = Vec::new();
    if text.contains('%') {
        decoded.push(percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned());
    }
    // Version 2 of urldefense writes `%` as `-` and `/` as `_`.
    if text.contains("urldefense") {
        let escaped = text.replace('-', "%").replace('_', "/");
        decoded.push(percent_encoding::percent_decode_str(&escaped).decode_utf8_lossy().into_owned());
    }
    if text.contains('\\') {
        decoded.push(without_css_escapes(text));
    }
    if text.contains('&') && text.contains(';') {
        decoded.push(super::strip::text_of(text));
    }
    decoded.extend(text.split(|c: char| !c.is_ascii_hexdigit()).filter_map(of_hex));
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
    decoded.extend(text.split(|c| !is_base64(c)).filter_map(of_base64));
    decoded.extend(text.split(|c| !is_base64(c) && c != '/').filter_map(of_base64));
    decoded.retain(|reading| reading != text);
    decoded
}

/// `\2f` and `\00002f ` are slashes; another escaped character is itself.
fn without_css_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let digits = escape.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        let (code, after) = escape.split_at_checked(digits).unwrap_or(("", escape));
        match u32::from_str_radix(code, 16).ok().and_then(char::from_u32) {
            Some(c) => {
                plain.push(c);
                rest = after.strip_prefix(' ').unwrap_or(after);
            }
            None => rest = escape,
        }
    }
    plain.push_str(rest);
    plain
}

fn of_hex(text: &str) -> Option<String> {
    if text.len() < 2 * CHARS {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    String::from_utf8(bytes?).ok()
}

fn of_base64(text: &str) -> Option<String> {
    // No longer than an address: an image within the page is not worth decoding.
    if !(CHARS..=4_096).contains(&text.len()) {
        return None;
    }
    let any_end = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let bytes = GeneralPurpose::new(alphabet, any_end).decode(text).ok()?;
    String::from_utf8(bytes).ok()
}
