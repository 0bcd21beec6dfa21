use sha2::{Digest, Sha256};

use super::*;

fn labels(text: &str) -> Labels {
    look_up(text.parse().unwrap())
}

fn wholly(network: Network) -> Labels {
    Labels { whole: network.bit(), part: 0 }
}

fn partly(network: Network) -> Labels {
    Labels { whole: 0, part: network.bit() }
}

/// What `scripts/networks` printed: a change of the list or of its making shows here.
#[test]
fn the_file_is_the_one_that_the_script_made() {
    let digest: String = Sha256::digest(BYTES).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "b7256f10e36f67db012949c6cc3debaa23138c847c3bdeffcff43e594ca863fc");
    assert_eq!((V4.len(), V6.len(), BYTES.len()), (32_640, 5_991, 178_492));
    assert_eq!(BYTES.len(), 4 + 4 * V4.len() + 8 * V6.len(), "nothing is left over");
}

fn entries() -> [Vec<Entry>; 2] {
    [V4.iter().map(v4).collect(), V6.iter().map(v6).collect()]
}

#[test]
fn entries_are_sorted_aligned_of_a_known_kind_and_do_not_overlap() {
    for (entries, bits) in entries().into_iter().zip([24, 48]) {
        for entry in &entries {
            assert!(entry.kind() < KINDS.len() && (entry.size() == PART || entry.size() <= bits));
            assert!(entry.size() == PART || entry.unit % (1 << entry.size()) == 0);
        }
        for pair in entries.windows(2) {
            let both_in_part = pair.iter().all(|entry| entry.size() == PART);
            let follows = pair[0].last() < pair[1].unit || (both_in_part && pair[0].unit == pair[1].unit);
            assert!(follows, "{:x} {:x}", pair[0].unit, pair[1].unit);
        }
    }
}

/// Every block at both its ends, inside and one unit outside: the search against a walk through all
/// entries.
#[test]
fn a_unit_is_found_in_its_block_and_not_beside_it() {
    for (entries, bits) in entries().into_iter().zip([24_u32, 48]) {
        let network = |unit: u64| -> MaskedIp {
            let network = match bits {
                24 => IpNet::new(std::net::Ipv4Addr::from_bits((unit as u32) << 8).into(), 24),
                _ => IpNet::new(std::net::Ipv6Addr::from_bits(u128::from(unit) << 80).into(), 48),
            };
            MaskedIp::from_network(network.unwrap()).unwrap()
        };
        let mut next = 0;
        for (index, entry) in entries.iter().enumerate() {
            let found = |unit| look_up(network(unit));
            let network_of_entry = KINDS[entry.kind()];
            let bit = network_of_entry.bit();
            let doubt = entry.size() == PART || network_of_entry == Network::OtherGateway;
            for unit in [entry.unit, entry.last()] {
                let labels = found(unit);
                assert!(if doubt { labels.part & bit != 0 } else { labels.whole == bit }, "{unit:x}");
            }
            if entry.unit > next {
                assert!(found(entry.unit - 1).is_none(), "before {:x}", entry.unit);
            }
            next = entry.last() + 1;
            let follower = entries.get(index + 1).map_or(u64::MAX, |entry| entry.unit);
            if follower > next && next < 1 << bits {
                assert!(found(next).is_none(), "after {:x}", entry.unit);
            }
        }
    }
}

#[test]
fn clouds_gateways_and_vpns_are_known_without_set_up() {
    for (network, kind) in [
        ("54.210.10.0/24", Network::Hosting),
        ("3.5.140.0/24", Network::Hosting),
        ("34.90.1.0/24", Network::Hosting),
        ("20.42.0.0/24", Network::Hosting),
        ("40.64.100.0/24", Network::Hosting),
        ("146.70.10.0/24", Network::Hosting),
        ("95.216.1.0/24", Network::Hosting),
        ("2a01:4f8:c0c::/48", Network::Hosting),
        ("2600:1f18:1::/48", Network::Hosting),
        ("165.225.12.0/24", Network::WebGateway),
        ("163.116.140.0/24", Network::WebGateway),
        ("85.115.40.0/24", Network::MixedGateway),
        ("104.28.200.0/24", Network::Vpn),
        ("185.65.134.0/24", Network::Vpn),
        ("2606:4700:1::/48", Network::Vpn),
    ] {
        assert_eq!(labels(network), wholly(kind), "{network}");
    }
    assert_eq!(labels("170.10.128.0/24"), partly(Network::OtherGateway), "a filter's number is a hint");
}

/// Homes, telephones and offices: the largest access providers of many countries, one or more
/// networks each.
#[test]
fn nobodys_home_is_listed() {
    for network in [
        "87.150.20.0/24",
        "91.10.10.0/24",
        "2003:e1:1::/48", // Deutsche Telekom
        "73.162.44.0/24",
        "24.5.10.0/24",
        "2601:640:1::/48", // Comcast
        "86.140.10.0/24",
        "81.130.10.0/24",
        "2a00:23c5:1::/48", // BT
        "90.10.10.0/24",
        "86.200.10.0/24",
        "2a01:cb00:1::/48", // Orange
        "172.56.10.0/24",
        "2607:fb90:1::/48", // T-Mobile US
        "98.97.10.0/24",
        "2605:59c8:1::/48", // Starlink
        "136.32.10.0/24",
        "2605:a601:a000::/48", // Google Fiber
        "49.36.100.0/24",
        "2409:4040:1::/48", // Jio
        "174.192.10.0/24",
        "71.160.10.0/24", // Verizon
        "99.100.10.0/24",
        "107.77.10.0/24",
        "2600:1700:1::/48", // AT&T
        "82.30.10.0/24",
        "90.200.10.0/24",
        "81.187.81.0/24", // Virgin Media, Sky, Andrews & Arnold
        "78.192.10.0/24",
        "92.130.10.0/24", // Free, SFR
        "79.20.10.0/24",
        "151.20.10.0/24", // TIM, Wind Tre
        "83.40.10.0/24",
        "77.200.10.0/24", // Telefónica, SFR
        "178.0.10.0/24",
        "77.20.10.0/24",
        "84.46.10.0/24", // Vodafone, Versatel
        "126.10.10.0/24",
        "106.140.10.0/24", // SoftBank, KDDI
        "1.120.10.0/24",
        "101.160.10.0/24", // Telstra
        "99.224.10.0/24",
        "184.160.10.0/24", // Rogers, Videotron
    ] {
        assert!(labels(network).is_none(), "{network}");
    }
}

#[test]
fn a_wide_mask_is_whole_only_if_all_of_it_is() {
    assert_eq!(labels("54.210.0.0/16"), wholly(Network::Hosting));
    assert!(labels("0.0.0.0/0").whole == 0 && labels("::/0").whole == 0);
    let everything = KINDS.iter().fold(0, |bits, network| bits | network.bit());
    assert_eq!(labels("0.0.0.0/0").part, everything);
    assert_eq!(labels("10.0.0.0/8"), Labels::default());
}
