//! Lists of networks as their operators publish them. They are read once and kept in the units of
//! masking.

use std::net::IpAddr;

use ipnet::IpNet;

use super::cover::{Cover, units};
use crate::text::ParseError;

/// No line of a published list comes near it.
const MAX_LINE_BYTES: usize = 4_096;

/// Reads one network a line: Apple's `cidr,country,region,city,`, its collapsed form, or any plain
/// list. What follows a comma, a blank, `#` or `;` is left out, as are empty lines. It is for
/// [`Classifier::networks`](super::Classifier::networks).
///
/// # Errors
/// [`ParseError`] names the first line that is no network, and never repeats what stands there. A
/// list of nothing is refused too: better no list than one that empties a table.
pub fn networks_from_lines(text: &[u8]) -> Result<Vec<IpNet>, ParseError> {
    let mut networks = Vec::new();
    for (line, text) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if text.len() >= MAX_LINE_BYTES {
            return Err(refused(line, "too long for a list of networks"));
        }
        let field = text.split(|byte| matches!(byte, b',' | b'#' | b';')).next().unwrap_or_default();
        let field = std::str::from_utf8(field).map_err(|_| refused(line, NO_NETWORK))?;
        // Some editors put a byte order mark before the first line.
        let Some(field) = field.trim_start_matches('\u{feff}').split_whitespace().next() else {
            continue;
        };
        networks.push(network(field).ok_or_else(|| refused(line, NO_NETWORK))?);
    }
    some(networks)
}

/// Reads Google's `{"prefixes": [{"ipv4Prefix": "…"}, {"ipv6Prefix": "…"}]}`. Other keys are left
/// out.
///
/// # Errors
/// [`ParseError`] names the first line whose prefix is no network; a list of nothing is refused.
pub fn networks_from_google_json(text: &[u8]) -> Result<Vec<IpNet>, ParseError> {
    let mut networks = Vec::new();
    let (mut line, mut is_key) = (1, false);
    // The text between quotes is every second piece. Neither prefixes nor their keys hold an
    // escaped quote.
    for (index, piece) in text.split(|byte| *byte == b'"').enumerate() {
        let quoted = index % 2 == 1;
        if quoted && is_key {
            let prefix = std::str::from_utf8(piece).ok().and_then(network);
            networks.push(prefix.ok_or_else(|| refused(line, NO_PREFIX))?);
            is_key = false;
        } else if quoted {
            is_key = matches!(piece, b"ipv4Prefix" | b"ipv6Prefix");
        } else if is_key && piece.trim_ascii() != b":" {
            return Err(refused(line, NO_PREFIX));
        }
        line += piece.iter().filter(|byte| **byte == b'\n').count();
    }
    some(networks)
}

const NO_NETWORK: &str = "expected a network in CIDR notation at the start of the line";
const NO_PREFIX: &str = "expected `ipv4Prefix` or `ipv6Prefix` with a network in CIDR notation as text";

fn refused(line: usize, problem: &str) -> ParseError {
    ParseError::because(format_args!("line {line}: {problem}"))
}

fn some(networks: Vec<IpNet>) -> Result<Vec<IpNet>, ParseError> {
    if networks.is_empty() { Err(ParseError::new("at least one network")) } else { Ok(networks) }
}

/// A list of networks, in the units of masking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NetworkList {
    v4: Cover,
    v6: Cover,
}

impl NetworkList {
    #[cfg(test)]
    pub(super) fn from_lines(text: &str) -> Self {
        networks_from_lines(text.as_bytes()).unwrap().into_iter().collect()
    }

    /// The same networks, each of them only partly what the list is about.
    pub(super) fn into_hints(mut self) -> Self {
        self.v4.whole.clear();
        self.v6.whole.clear();
        self
    }

    /// The networks of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { v4: self.v4.and(other.v4), v6: self.v6.and(other.v6) }
    }

    pub(super) const fn v4(&self) -> &Cover {
        &self.v4
    }

    pub(super) const fn v6(&self) -> &Cover {
        &self.v6
    }
}

impl FromIterator<IpNet> for NetworkList {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network.trunc() {
                IpNet::V4(net) => v4.push((net.network().to_bits().into(), net.broadcast().to_bits().into())),
                IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits())),
            }
        }
        Self { v4: Cover::new(v4, 8), v6: Cover::new(v6, 80) }
    }
}

/// A network, or an address standing for itself.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The network as masking leaves it, or wider: for networks that are the caller's own.
pub(super) fn masked(network: IpNet) -> IpNet {
    let longest = match network {
        IpNet::V4(_) => 24,
        IpNet::V6(_) if units(network).0 >> 32 == 0x2002 => 40,
        IpNet::V6(_) => 48,
    };
    IpNet::new(network.addr(), network.prefix_len().min(longest)).unwrap_or(network).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apples_csv_and_its_collapsed_form_give_the_same_list() {
        let csv = "172.224.226.0/27,GB,GB-EN,London,\n2a02:26f7:b000:4000::/64,US,US-CA,\"San Jose\",\n";
        let collapsed = "# egress\n\n172.224.226.0/27 ; London\r\n2a02:26f7:b000:4000::/64\n";
        let csv = NetworkList::from_lines(csv);
        assert_eq!(csv, NetworkList::from_lines(collapsed));
        assert_eq!(csv.v4().touched.len(), 1);
        assert!(csv.v4().whole.is_empty());
    }

    #[test]
    fn googles_json_is_read_in_one_line_or_many() {
        let many = "{\n \"creationTime\": \"2026-05-01\",\n \"prefixes\": [{\n  \"ipv6Prefix\": \"2001:4860:4801:4004::/64\"\n }, {\n  \"ipv4Prefix\": \"64.233.172.0/23\"\n }]\n}";
        let one = many.replace(['\n', ' '], "");
        let list = networks_from_google_json(many.as_bytes()).unwrap();
        assert_eq!(list, networks_from_google_json(one.as_bytes()).unwrap());
        assert_eq!(list.into_iter().collect::<NetworkList>().v4().whole, [(0x40E9AC, 0x40E9AD)]);
    }

    #[test]
    fn an_error_names_the_line_and_not_its_content() {
        let error = networks_from_lines(b"192.0.2.0/24\nsecret.example\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected a network in CIDR notation at the start of the line");
        let error = networks_from_google_json(b"{\n\"ipv4Prefix\":\n\"secret\"}").unwrap_err();
        assert!(error.to_string().starts_with("line 3:"), "{error}");
        let error = networks_from_google_json(b"{\"ipv4Prefix\": null, \"a\": \"b\"}").unwrap_err();
        assert!(error.to_string().starts_with("line 1:"), "{error}");
        let long = vec![b'1'; 10_000];
        let error = networks_from_lines(&long).unwrap_err();
        assert!(error.to_string().starts_with("line 1: too long"), "{error}");
        assert!(networks_from_lines(b"# none").is_err());
    }

    #[test]
    fn the_ends_of_the_address_space_are_networks_like_any_other() {
        let list = NetworkList::from_lines("0.0.0.0/0\n::/0\n255.255.255.255\nffff::1\n::1\n0.0.0.1");
        assert_eq!(list.v4().whole, [(0, 0xFF_FFFF)]);
        assert_eq!(list.v6().whole, [(0, 0xFFFF_FFFF_FFFF)]);
    }

    #[test]
    fn ones_own_networks_are_masked_as_addresses_are() {
        for (own, expected) in [
            ("192.0.2.7/32", "192.0.2.0/24"),
            ("192.0.0.0/16", "192.0.0.0/16"),
            ("2001:db8:7:8::1/128", "2001:db8:7::/48"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2002:c000:207::1/128", "2002:c000:200::/40"),
        ] {
            assert_eq!(masked(own.parse().unwrap()), expected.parse().unwrap(), "{own}");
        }
    }
}
