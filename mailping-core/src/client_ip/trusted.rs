//! Which peers are our own proxies: only what they wrote into a header is believed.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

use super::ClientIpError;

/// The networks of your own proxies. There is no default list: an empty one trusts nobody.
///
/// IPv4 addresses also match in their IPv6 form (`::ffff:10.0.0.1`), in the list and in a request;
/// IPv6 networks that are wider than `::ffff:0:0/96`, such as `::/0`, match IPv6 addresses alone.
///
/// An address does not authenticate a tenant: anyone can point their own account at a shared CDN to
/// your server, and its networks change. Behind a CDN, prefer mutual TLS or a secret header between
/// it and you.
///
/// ```
/// use mailping_core::TrustedProxies;
///
/// let trusted: TrustedProxies = "10.0.0.0/8, 2001:db8::7, unix".parse()?;
/// # Ok::<(), mailping_core::intake::ClientIpError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    peers_without_address: bool,
}

impl TrustedProxies {
    /// Loopback and private networks: 127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16
    /// and fc00::/7.
    ///
    /// Right if every peer in these networks is a proxy of yours; wrong if clients sit in them too,
    /// as in an office network: such a client could then name any address as its own.
    #[must_use]
    pub fn private_networks() -> Self {
        use std::net::{Ipv4Addr, Ipv6Addr};

        use ipnet::Ipv6Net;
        const NETWORKS: [IpNet; 6] = [
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8)),
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12)),
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7)),
        ];
        NETWORKS.into_iter().collect()
    }

    /// Trusts peers that have no address too: a proxy that connects over a Unix socket.
    ///
    /// Not the default, since a server that merely does not tell its peer looks the same, and then
    /// every client would be trusted.
    #[must_use]
    pub const fn trust_peers_without_address(mut self) -> Self {
        self.peers_without_address = true;
        self
    }

    /// Whether a peer or a hop is trusted; `address` is canonical (an IPv4-mapped one as IPv4).
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    pub(super) const fn contains_peers_without_address(&self) -> bool {
        self.peers_without_address
    }
}

/// Host bits are ignored: `10.1.2.3/8` is 10.0.0.0/8.
impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self { networks: networks.into_iter().map(canonical).collect(), peers_without_address: false }
    }
}

/// Adds networks, for instance to a preset.
impl Extend<IpNet> for TrustedProxies {
    fn extend<I: IntoIterator<Item = IpNet>>(&mut self, networks: I) {
        self.networks.extend(networks.into_iter().map(canonical));
    }
}

/// Reads networks and addresses separated by commas; the word `unix` trusts peers without an
/// address.
impl FromStr for TrustedProxies {
    type Err = ClientIpError;

    fn from_str(text: &str) -> Result<Self, ClientIpError> {
        let mut trusted = Self::default();
        for (index, entry) in text.split(',').enumerate() {
            let entry = entry.trim();
            if entry.eq_ignore_ascii_case("unix") {
                trusted.peers_without_address = true;
            } else if let Ok(network) = entry.parse::<IpNet>() {
                trusted.networks.push(canonical(network));
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                trusted.networks.push(canonical(address.into()));
            } else {
                return Err(ClientIpError::NotANetwork { position: index + 1 });
            }
        }
        Ok(trusted)
    }
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
        assert!(!TrustedProxies::private_networks().contains_peers_without_address());
        assert!(TrustedProxies::default().trust_peers_without_address().contains_peers_without_address());
    }

    #[test]
    fn preset_has_the_private_networks_and_no_more() {
        let preset = TrustedProxies::private_networks();
        assert_eq!(preset, trusted("127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"));
    }

    #[test]
    fn error_names_the_position_and_not_the_text() {
        for bad in ["10.0.0.0/8, 192.0.2.999", "10.0.0.0/8,", "10.0.0.0/8, 192.0.2.1/33", "::1, fe80::1%eth0"]
        {
            let error = bad.parse::<TrustedProxies>().unwrap_err();
            assert_eq!(error, ClientIpError::NotANetwork { position: 2 }, "{bad}");
            assert!(error.to_string().contains("entry 2"));
            assert!(!error.to_string().contains("192.0.2"));
        }
        assert_eq!("".parse::<TrustedProxies>(), Err(ClientIpError::NotANetwork { position: 1 }));
    }

    #[test]
    fn a_preset_can_be_extended_and_mapped_networks_fold_there_too() {
        let mut extended = trusted("10.0.0.0/8");
        extended.extend(["::ffff:192.0.2.0/120".parse::<IpNet>().unwrap()]);
        assert_eq!(extended, trusted("10.0.0.0/8, 192.0.2.0/24"));
    }
}
