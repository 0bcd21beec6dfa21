//! `Accept-Language` (RFC 9110, 12.5.4), read for one page and kept nowhere.

use super::texts::is_tag;
use crate::HeaderSource;

/// The most bytes of all lines that are looked at.
const MAX_BYTES: usize = 1_024;
/// The most languages that are looked at.
const MAX_RANGES: usize = 32;

/// The languages that a reader takes, the most wanted first; `*` is any. Those that are refused
/// (`q=0`) are left out.
pub(super) fn wanted(headers: &dyn HeaderSource) -> Vec<&str> {
    let mut ranges: Vec<(&str, u16)> = Vec::new();
    let mut left = MAX_BYTES;
    headers.each(&mut |name, value| {
        if name != "accept-language" {
            return;
        }
        let value = value.get(..left).unwrap_or(value);
        left -= value.len();
        let Ok(value) = str::from_utf8(value) else { return };
        let room = MAX_RANGES - ranges.len();
        ranges.extend(value.split(',').filter_map(range).take(room));
    });
    ranges.retain(|(_, quality)| *quality > 0);
    // Those of one quality stay in their order.
    ranges.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
    ranges.into_iter().map(|(tag, _)| tag).collect()
}

/// A language and how much it is wanted, in thousandths. What is no tag or no quality is left out.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| *tag == "*" || is_tag(tag))?;
    let mut thousandths = 1_000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") {
            thousandths = quality(value.trim())?;
        }
    }
    Some((tag, thousandths))
}

/// `0`, `0.5`, `1.000`: at most three decimals.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{decimals:0<3}").parse().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&[u8]]) -> http::HeaderMap {
        let mut headers = http::HeaderMap::new();
        for line in lines {
            headers.append("accept-language", http::HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn the_most_wanted_language_comes_first() {
        for (lines, expected) in [
            (&[][..], &[][..]),
            (&[b"".as_slice()], &[]),
            (&[b"de"], &["de"]),
            (&[b"de-DE,de;q=0.9,en;q=0.8"], &["de-DE", "de", "en"]),
            (&[b"en;q=0.8 , de;q=0.9"], &["de", "en"]),
            (&[b"en;q=0.8", b"de;q=0.9"], &["de", "en"]),
            (&[b"fr;q=0, en;q=0.0, de;q=0.001"], &["de"]),
            (&[b"*;q=0.5, da"], &["da", "*"]),
            (&[b"en ; Q=0.1 , de ; q = 1.000"], &["de", "en"]),
            (&[b"de;q=2, en;q=x, fr;q=0.1234, da;q=-1, nl;q=1.5, sv;q, it;q="], &[]),
            (&[b"\xff\xfe", b"de"], &["de"]),
            (&[b"<script>, d e, de_DE, \"de\", en"], &["en"]),
        ] {
            assert_eq!(wanted(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn reading_is_bounded() {
        let many = "xx;q=0.5,".repeat(1_000) + "de";
        assert_eq!(wanted(&headers(&[many.as_bytes()])).len(), MAX_RANGES);
        let far = " ".repeat(MAX_BYTES - 1) + "d, de";
        assert_eq!(wanted(&headers(&[far.as_bytes()])), ["d"]);
        let lines = vec![b"xx,yy".as_slice(); 10_000];
        assert_eq!(wanted(&headers(&lines)).len(), MAX_RANGES);
    }
}
