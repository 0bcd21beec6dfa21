//! Lists of networks as their operators publish them. They are read once and kept in the units of
//! masking.

use std::io::{BufRead, Read};
use std::net::IpAddr;

use ipnet::IpNet;

use super::ranges::{Cover, units};

/// No line of a published list comes near it.
const LINE_LIMIT: u64 = 4_096;
/// Apple's list, the largest known, has 12 MB.
const FILE_LIMIT: u64 = 256 << 20;

/// Networks from an operator's published file, ready for
/// [`Classifier::networks`](super::Classifier::networks).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkList {
    v4: Cover,
    v6: Cover,
}

/// Why a list of networks was refused. It names the line and never repeats what stands there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkListError {
    /// A line is no network.
    #[error("line {line}: expected a network in CIDR notation at the start of the line")]
    NotANetwork {
        /// Counted from 1.
        line: usize,
    },
    /// The JSON text is not what Google publishes.
    #[error("line {line}: expected `ipv4Prefix` or `ipv6Prefix` with a network in CIDR notation as text")]
    NotAPrefix {
        /// Counted from 1.
        line: usize,
    },
    /// A line or the file is longer than any published list.
    #[error("line {line}: too long for a list of networks")]
    TooLong {
        /// Counted from 1.
        line: usize,
    },
    /// Nothing in it: better no list than one that empties a table.
    #[error("expected at least one network")]
    Empty,
    /// The file could not be read.
    #[error("cannot read the list of networks")]
    Read(#[from] std::io::Error),
}

impl NetworkList {
    /// Reads one network a line: Apple's `cidr,country,region,city,`, its collapsed form, or any
    /// plain list. What follows a comma, a blank, `#` or `;` is left out, as are empty lines. A
    /// text is read as `text.as_bytes()`.
    ///
    /// # Errors
    /// [`NetworkListError`] names the first line that is no network.
    pub fn from_lines(mut reader: impl BufRead) -> Result<Self, NetworkListError> {
        let mut networks = Vec::new();
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            if reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut text)? == 0 {
                break;
            }
            if text.len() as u64 == LINE_LIMIT {
                return Err(NetworkListError::TooLong { line });
            }
            let field = text.split(|byte| matches!(byte, b',' | b'#' | b';')).next().unwrap_or_default();
            let field = std::str::from_utf8(field).map_err(|_| NetworkListError::NotANetwork { line })?;
            // Some editors put a byte order mark before the first line.
            let Some(field) = field.trim_start_matches('\u{feff}').split_whitespace().next() else {
                continue;
            };
            networks.push(network(field).ok_or(NetworkListError::NotANetwork { line })?);
        }
        Self::checked(networks)
    }

    /// Reads Google's `{"prefixes": [{"ipv4Prefix": "…"}, {"ipv6Prefix": "…"}]}`. Other keys are
    /// left out.
    ///
    /// # Errors
    /// [`NetworkListError`] names the first line whose prefix is no network.
    pub fn from_google_json(reader: impl BufRead) -> Result<Self, NetworkListError> {
        let mut text = Vec::new();
        reader.take(FILE_LIMIT).read_to_end(&mut text)?;
        let mut networks = Vec::new();
        let (mut line, mut is_key) = (1, false);
        // The text between quotes is every second piece. Neither prefixes nor their keys hold an
        // escaped quote.
        for (index, piece) in text.split(|byte| *byte == b'"').enumerate() {
            let quoted = index % 2 == 1;
            if quoted && is_key {
                let prefix = std::str::from_utf8(piece).ok().and_then(network);
                networks.push(prefix.ok_or(NetworkListError::NotAPrefix { line })?);
                is_key = false;
            } else if quoted {
                is_key = matches!(piece, b"ipv4Prefix" | b"ipv6Prefix");
            } else if is_key && piece.trim_ascii() != b":" {
                return Err(NetworkListError::NotAPrefix { line });
            }
            line += piece.iter().filter(|byte| **byte == b'\n').count();
        }
        Self::checked(networks)
    }

    fn checked(networks: Vec<IpNet>) -> Result<Self, NetworkListError> {
        if networks.is_empty() {
            return Err(NetworkListError::Empty);
        }
        Ok(networks.into_iter().collect())
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

/// A list made by hand; any network is taken, and none at all.
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

impl Cover {
    /// From ranges of addresses, of which the last `host_bits` bits are masked away.
    fn new(addresses: Vec<(u128, u128)>, host_bits: u32) -> Self {
        let host = (1_u128 << host_bits) - 1;
        let mut cover = Self::default();
        for (first, last) in merge(addresses) {
            cover.touched.push(((first >> host_bits) as u64, (last >> host_bits) as u64));
            // Inwards to the next full unit, on both sides.
            let from = first.checked_add(host).map(|up| up >> host_bits);
            let until = (last >> host_bits).checked_sub(u128::from(last & host != host));
            if let (Some(from), Some(until)) = (from, until)
                && from <= until
            {
                cover.whole.push((from as u64, until as u64));
            }
        }
        Self { whole: cover.whole, touched: merge(cover.touched) }
    }

    fn and(mut self, other: Self) -> Self {
        self.whole.extend(other.whole);
        self.touched.extend(other.touched);
        Self { whole: merge(self.whole), touched: merge(self.touched) }
    }
}

/// Sorts ranges and joins those that meet.
fn merge<T: Ord + Copy + TryInto<u128>>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut merged: Vec<(T, T)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1 || follows(before.1, first) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn follows<T: TryInto<u128>>(last: T, first: T) -> bool {
    match (last.try_into(), first.try_into()) {
        (Ok(last), Ok(first)) => last.checked_add(1) == Some(first),
        _ => false,
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
        let csv = NetworkList::from_lines(csv.as_bytes()).unwrap();
        assert_eq!(csv, NetworkList::from_lines(collapsed.as_bytes()).unwrap());
        assert_eq!(csv.v4().touched.len(), 1);
        assert!(csv.v4().whole.is_empty());
    }

    #[test]
    fn googles_json_is_read_in_one_line_or_many() {
        let many = "{\n \"creationTime\": \"2026-05-01\",\n \"prefixes\": [{\n  \"ipv6Prefix\": \"2001:4860:4801:4004::/64\"\n }, {\n  \"ipv4Prefix\": \"64.233.172.0/23\"\n }]\n}";
        let one = many.replace(['\n', ' '], "");
        let list = NetworkList::from_google_json(many.as_bytes()).unwrap();
        assert_eq!(list, NetworkList::from_google_json(one.as_bytes()).unwrap());
        assert_eq!(list.v4().whole, [(0x40E9AC, 0x40E9AD)]);
    }

    #[test]
    fn an_error_names_the_line_and_not_its_content() {
        let error = NetworkList::from_lines(&b"192.0.2.0/24\nsecret.example\n"[..]).unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected a network in CIDR notation at the start of the line");
        let error = NetworkList::from_google_json(&b"{\n\"ipv4Prefix\":\n\"secret\"}"[..]).unwrap_err();
        assert!(error.to_string().starts_with("line 3:"), "{error}");
        let error = NetworkList::from_google_json(&b"{\"ipv4Prefix\": null, \"a\": \"b\"}"[..]).unwrap_err();
        assert!(error.to_string().starts_with("line 1:"), "{error}");
        let long = vec![b'1'; 10_000];
        assert!(matches!(
            NetworkList::from_lines(long.as_slice()),
            Err(NetworkListError::TooLong { line: 1 })
        ));
        assert!(matches!(NetworkList::from_lines(&b"# none"[..]), Err(NetworkListError::Empty)));
    }

    #[test]
    fn the_ends_of_the_address_space_are_networks_like_any_other() {
        let list =
            NetworkList::from_lines(&b"0.0.0.0/0\n::/0\n255.255.255.255\nffff::1\n::1\n0.0.0.1"[..]).unwrap();
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
