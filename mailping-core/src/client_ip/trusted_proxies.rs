//! Which peers are our own proxies: only what they wrote into a header is believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::text::ParseError;

/// The networks of one's own proxies. An empty list trusts nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TrustedProxies {
    networks: Vec<IpNet>,
    peers_without_address: bool,
}

/// Loopback and private networks.
const PRIVATE: [IpNet; 6] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7)),
];

impl TrustedProxies {
    /// Whether a peer or a hop is trusted; `address` is canonical (an IPv4-mapped one as IPv4).
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    pub(super) const fn contains_peers_without_address(&self) -> bool {
        self.peers_without_address
    }
}

/// Reads networks and addresses separated by commas, and the words `private` and `unix`.
impl FromStr for TrustedProxies {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut trusted = Self::default();
        for (index, entry) in text.split(',').enumerate() {
            let entry = entry.trim();
            if entry.eq_ignore_ascii_case("unix") {
                trusted.peers_without_address = true;
            } else if entry.eq_ignore_ascii_case("private") {
                trusted.networks.extend(PRIVATE);
            } else if let Ok(network) = entry.parse::<IpNet>() {
                trusted.networks.push(canonical(network));
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                trusted.networks.push(canonical(address.into()));
            } else {
                return Err(not_a_network(index + 1));
            }
        }
        Ok(trusted)
    }
}

fn not_a_network(position: usize) -> ParseError {
    ParseError::because(format_args!(
        "entry {position} of the trusted proxies is not a network: expected a network such as 10.0.0.0/8, an address such as \
         ::1, or the word private or unix, separated by commas"
    ))
}

fn canonical(network: IpNet) -> IpNet {
    let network = network.trunc();
    if let IpNet::V6(v6) = network
        && let Some(v4_prefix) = v6.prefix_len().checked_sub(96)
        && let Some(v4) = v6.network().to_ipv4_mapped()
        && let Ok(folded) = Ipv4Net::new(v4, v4_prefix)
    {
        return folded.into();
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(text: &str) -> TrustedProxies {
        text.parse().unwrap()
    }

    fn trusts(text: &str, address: &str) -> bool {
        trusted(text).contains(address.parse().unwrap())
    }

    #[test]
    fn bare_address_is_that_address_alone() {
        assert!(trusts("10.0.0.1", "10.0.0.1"));
        assert!(!trusts("10.0.0.1", "10.0.0.2"));
        assert!(trusts("2001:db8::1", "2001:db8::1"));
        assert!(!trusts("2001:db8::1", "2001:db8::2"));
    }

    #[test]
    fn host_bits_are_ignored() {
        assert_eq!(trusted("10.1.2.3/8"), trusted("10.0.0.0/8"));
    }

    #[test]
    fn mapped_networks_fold_to_ipv4() {
        assert_eq!(trusted("::ffff:10.0.0.0/104"), trusted("10.0.0.0/8"));
        assert_eq!(trusted("::ffff:0:0/96"), trusted("0.0.0.0/0"));
        assert!(!trusts("::/0", "10.0.0.1"));
    }

    #[test]
    fn unix_is_trusted_by_name_alone() {
        assert!(trusted("unix").contains_peers_without_address());
        assert!(trusted("10.0.0.0/8 ,UNIX").contains_peers_without_address());
        assert!(!trusted("0.0.0.0/0, ::/0").contains_peers_without_address());
        assert!(!trusted("private").contains_peers_without_address());
    }

    #[test]
    fn private_is_the_private_networks_and_no_more() {
        let private = trusted("private");
        assert_eq!(private, trusted("127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"));
    }

    #[test]
    fn error_names_the_position_and_not_the_text() {
        for bad in ["10.0.0.0/8, 192.0.2.999", "10.0.0.0/8,", "10.0.0.0/8, 192.0.2.1/33", "::1, fe80::1%eth0"]
        {
            let error = bad.parse::<TrustedProxies>().unwrap_err();
            assert_eq!(error, not_a_network(2), "{bad}");
            assert!(error.to_string().contains("entry 2"));
            assert!(!error.to_string().contains("192.0.2"));
        }
        assert_eq!("".parse::<TrustedProxies>(), Err(not_a_network(1)));
    }

    #[test]
    fn words_and_networks_can_stand_together() {
        assert_eq!(trusted("10.0.0.0/8, Private, unix").networks.len(), 7);
        assert!(trusts("private, 203.0.113.7", "203.0.113.7") && trusts("private, 203.0.113.7", "fd00::1"));
    }
}
