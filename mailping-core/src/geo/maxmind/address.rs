//! Which address of a network a database is asked about, and which networks it is not asked about
//! at all.

use std::net::{IpAddr, Ipv4Addr};

use crate::mask::MaskedIp;

/// Coarser networks are not looked up: measured on city databases, a /16 has the city of an address
/// in it in 60 % of cases only.
const COARSEST_V4: u8 = 16;
const COARSEST_V6: u8 = 32;

/// The middle of the network; none if no database can say something true about it.
///
/// Databases alias Teredo (2001::/32) to the IPv4 of the Teredo *server*, and Cloudflare's "Pseudo
/// IPv4" is made up in 240.0.0.0/4. Both would give a place that is wrong, not just none. Local
/// networks have no place at all.
pub(super) fn to_look_up(network: MaskedIp) -> Option<IpAddr> {
    // Asked for a 6to4 address, DB-IP's IPv6 file names one city for all of 2002::/16.
    let network = network.without_6to4();
    let prefix = network.network().prefix_len();
    match network.middle() {
        IpAddr::V4(v4) => (prefix >= COARSEST_V4 && is_global_v4(v4)).then_some(v4.into()),
        IpAddr::V6(v6) => match v6.segments() {
            _ if prefix < COARSEST_V6 => None,
            [0x2001, 0, ..] => None,
            // Global unicast is 2000::/3; NAT64 (64:ff9b::/96) holds an IPv4 that the mask has
            // taken away.
            [first, ..] => (first & 0xe000 == 0x2000).then_some(v6.into()),
        },
    }
}

/// Not private, shared (RFC 6598), loopback, link-local, multicast, reserved or "this network". The
/// documentation ranges count as global: examples map them to cities.
fn is_global_v4(v4: Ipv4Addr) -> bool {
    let [first, second, ..] = v4.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared || first == 0 || first >= 224)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(network: &str) -> Option<String> {
        to_look_up(network.parse().unwrap()).map(|address| address.to_string())
    }

    #[test]
    fn middle_of_a_global_network_is_looked_up() {
        for (network, expect) in [
            ("192.0.2.0/24", "192.0.2.128"),
            ("192.0.0.0/16", "192.0.128.0"),
            ("100.63.0.0/24", "100.63.0.128"),
            ("100.128.0.0/24", "100.128.0.128"),
            ("2001:db8::/48", "2001:db8:0:8000::"),
            ("2001:db8::/32", "2001:db8:8000::"),
            ("2001:1::/48", "2001:1:0:8000::"),
        ] {
            assert_eq!(address(network).as_deref(), Some(expect), "{network}");
        }
    }

    #[test]
    fn network_of_6to4_is_looked_up_as_the_ipv4_network_inside() {
        assert_eq!(address("2002:c000:200::/40").as_deref(), Some("192.0.2.128"));
        assert_eq!(address("2002:c000::/32").as_deref(), Some("192.0.128.0"));
        assert_eq!(address("2002:a00:100::/40"), None);
        assert_eq!(address("2002:f001:200::/40"), None);
    }

    #[test]
    fn made_up_local_and_coarse_networks_are_not_looked_up() {
        for network in [
            "2001::/32",
            "2001:0:4136::/48",
            "240.1.2.0/24",
            "255.255.255.0/24",
            "224.0.0.0/24",
            "0.0.0.0/24",
            "10.1.2.0/24",
            "172.16.0.0/24",
            "192.168.1.0/24",
            "127.0.0.0/24",
            "169.254.1.0/24",
            "100.64.9.0/24",
            "fd00:1234:5678::/48",
            "fe80::/48",
            "::/48",
            "64:ff9b::/48",
            "ff02::/48",
            "192.0.0.0/15",
            "0.0.0.0/0",
            "2001:da0::/31",
            "2002::/16",
            "::/0",
        ] {
            assert_eq!(address(network), None, "{network}");
        }
    }
}
