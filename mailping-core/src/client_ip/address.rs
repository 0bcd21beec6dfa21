//! The one grammar for an address in text, used for every header: an address with an optional port,
//! brackets or zone.
//!
//! What it refuses is refused for good: nothing is resolved, guessed or passed through.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Which ports may follow an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    /// One to five digits, at most 65535.
    Numeric,
    /// Those, or a made-up one such as `_hidden`: `Forwarded` alone knows these.
    NumericOrObfuscated,
}

/// Reads one address: blanks, port, brackets and zone off, an IPv4-mapped address as IPv4.
///
/// A text with two or more colons outside brackets is an IPv6 address without a port:
/// `2001:db8::1:8080` has none.
pub(super) fn parse(text: &[u8], ports: Ports) -> Option<IpAddr> {
    let text = trim(text);
    let address = if let Some(rest) = text.strip_prefix(b"[") {
        let end = rest.iter().position(|&byte| byte == b']')?;
        match rest.get(end + 1..)? {
            [] => {}
            [b':', port @ ..] if is_port(port, ports) => {}
            _ => return None,
        }
        parse_v6(rest.get(..end)?)?.into()
    } else {
        match text.iter().filter(|&&byte| byte == b':').count() {
            0 => std_parse::<Ipv4Addr>(text)?.into(),
            1 => {
                let colon = text.iter().position(|&byte| byte == b':')?;
                if !is_port(text.get(colon + 1..)?, ports) {
                    return None;
                }
                std_parse::<Ipv4Addr>(text.get(..colon)?)?.into()
            }
            _ => parse_v6(text)?.into(),
        }
    };
    Some(IpAddr::to_canonical(&address))
}

/// Takes off the optional white space of HTTP (RFC 9110, section 5.6.3): space and tab, never a
/// line feed.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn parse_v6(text: &[u8]) -> Option<Ipv6Addr> {
    let address = match text.iter().position(|&byte| byte == b'%') {
        Some(percent) => {
            let zone = text.get(percent + 1..)?;
            let is_zone = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'[' | b']');
            if zone.is_empty() || !zone.iter().all(is_zone) {
                return None;
            }
            text.get(..percent)?
        }
        None => text,
    };
    std_parse(address)
}

/// The standard library's parsers refuse leading zeros, short forms and integers (CVE-2021-29922).
fn std_parse<T: FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn is_port(port: &[u8], ports: Ports) -> bool {
    match port {
        [b'_', name @ ..] => {
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            ports == Ports::NumericOrObfuscated && !name.is_empty() && name.iter().all(is_name)
        }
        digits => {
            (1..=5).contains(&digits.len())
                && digits.iter().all(u8::is_ascii_digit)
                && digits.iter().fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0')) <= 65_535
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        parse(text.as_bytes(), Ports::Numeric).map(|address| address.to_string())
    }

    #[test]
    fn port_has_one_to_five_digits_up_to_65535() {
        for good in ["0", "80", "00080", "65535"] {
            assert_eq!(read(&format!("192.0.2.1:{good}")).as_deref(), Some("192.0.2.1"), "{good}");
            assert_eq!(read(&format!("[2001:db8::1]:{good}")).as_deref(), Some("2001:db8::1"), "{good}");
        }
        for bad in ["", "65536", "99999", "000080", "8o", "-1", "+1", " 80", "_x"] {
            assert_eq!(read(&format!("192.0.2.1:{bad}")), None, "{bad}");
            assert_eq!(read(&format!("[2001:db8::1]:{bad}")), None, "{bad}");
        }
    }

    #[test]
    fn obfuscated_port_is_read_for_forwarded_alone() {
        assert!(parse(b"192.0.2.1:_a.B-9_", Ports::NumericOrObfuscated).is_some());
        assert!(parse(b"192.0.2.1:_", Ports::NumericOrObfuscated).is_none());
        assert!(parse(b"192.0.2.1:_a b", Ports::NumericOrObfuscated).is_none());
        assert!(parse(b"192.0.2.1:_a", Ports::Numeric).is_none());
    }

    #[test]
    fn zone_belongs_to_ipv6_alone() {
        assert_eq!(read("fe80::1%eth0").as_deref(), Some("fe80::1"));
        assert_eq!(read("[fe80::1%25eth0]:80").as_deref(), Some("fe80::1"));
        assert_eq!(read("::ffff:192.0.2.1%eth0").as_deref(), Some("192.0.2.1"));
        for bad in
            ["192.0.2.1%eth0", "192.0.2.1%eth0:80", "fe80::1%", "fe80::1%a b", "fe80::1%[", "fe80::1%a\u{e9}"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_no_address() {
        assert!(parse(b"192.0.2.1\xff", Ports::Numeric).is_none());
        assert!(parse(b"\xff\xfe::1", Ports::Numeric).is_none());
    }
}
