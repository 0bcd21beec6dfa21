//! The corpus and the properties of masking.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::client_ip::parse_address;

const CORPUS: &str = include_str!("../../tests/corpus/truncate.jsonl");

#[derive(Deserialize)]
struct Case {
    input: String,
    v4_prefix: u8,
    v6_prefix: u8,
    expect: String,
    why: String,
    secret_v4: Option<Ipv4Addr>,
}

fn corpus() -> Vec<Case> {
    CORPUS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn mask(address: IpAddr) -> MaskedIp {
    Mask::default().apply(address)
}

fn v6(bits: u128) -> IpAddr {
    Ipv6Addr::from_bits(bits).into()
}

#[test]
fn corpus_of_truncations_holds() {
    let cases = corpus();
    assert_eq!(cases.len(), 92);
    for case in cases {
        let network = parse_address(case.input.as_bytes())
            .map(|address| truncate(address, case.v4_prefix, case.v6_prefix));
        let expect = match case.expect.as_str() {
            "error" => None,
            network => Some(network.parse().unwrap()),
        };
        assert_eq!(network, expect, "{}: {:?}", case.why, case.input);
    }
}

/// The public settings never keep so many bits that these differ; the arithmetic must not lean on
/// that.
#[test]
fn an_ipv4_inside_an_address_is_cut_where_it_starts_at_any_length() {
    for (address, expected) in [
        ("::ffff:0:192.0.2.7", "::ffff:0:192.0.2.0/120"),
        ("::192.0.2.7", "::192.0.2.0/120"),
        ("64:ff9b::192.0.2.7", "64:ff9b::192.0.2.0/120"),
        ("2001:db8::192.0.2.7", "2001:db8::192.0.2.7/128"),
    ] {
        let network: IpNet = expected.parse().unwrap();
        assert_eq!(truncate(address.parse().unwrap(), 24, 128), network, "{address}");
    }
}

/// Every place in an address where its IPv4 may be hidden: plain or inverted, at any byte.
fn places_of(secret: Ipv4Addr, address: Ipv6Addr) -> Vec<u128> {
    let mut places = Vec::new();
    for shift in (0..=96).step_by(8) {
        let hidden = (address.to_bits() >> shift) as u32;
        if hidden == secret.to_bits() || !hidden == secret.to_bits() {
            places.push(0xff << shift);
        }
    }
    places
}

#[test]
fn last_octet_of_an_embedded_ipv4_is_not_recoverable() {
    let mut places_seen = 0;
    for case in corpus() {
        let (Some(secret), Some(address)) = (case.secret_v4, parse_address(case.input.as_bytes())) else {
            continue;
        };
        let address = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        for place in places_of(secret, address) {
            places_seen += 1;
            for octet in 0..=255_u128 {
                let lowest = place & place.wrapping_neg();
                let other = v6((address.to_bits() & !place) | (octet * lowest));
                assert_eq!(mask(other), mask(address.into()), "{}", case.input);
                let (v4_prefix, v6_prefix) = (case.v4_prefix, case.v6_prefix);
                let network = truncate(address.into(), v4_prefix, v6_prefix);
                assert_eq!(truncate(other, v4_prefix, v6_prefix), network, "{}", case.input);
            }
        }
    }
    assert!(places_seen >= 20, "{places_seen}");
}

#[test]
fn mask_is_at_most_24_and_48_bits() {
    assert!(Mask::new(24, 48).is_ok());
    assert!(Mask::new(0, 0).is_ok());
    assert!(Mask::new(25, 48).is_err());
    assert!(Mask::new(24, 49).is_err());
}

#[test]
fn the_strict_mask_keeps_16_and_32_bits_and_cuts_embedded_ipv4_likewise() {
    for (address, network) in [
        ("192.0.2.7", "192.0.0.0/16"),
        ("::ffff:192.0.2.7", "192.0.0.0/16"),
        ("2001:db8:77:aaaa::1", "2001:db8::/32"),
        ("2002:c000:207::1", "2002:c000::/32"),
    ] {
        let masked = Mask::new(16, 32).unwrap().apply(address.parse().unwrap());
        assert_eq!(masked.to_string(), network, "{address}");
        assert!(!masked.is_finest() && mask(address.parse().unwrap()).is_finest(), "{address}");
    }
}

#[test]
fn stored_network_is_checked() {
    let read = |text: &str| text.parse::<MaskedIp>();
    for good in
        ["192.0.2.0/24", "2001:db8::/48", "2002:c000:200::/40", "0.0.0.0/0", "::/0", "2002::/16", "2000::/3"]
    {
        assert_eq!(read(good).unwrap().to_string(), good);
    }
    for fine in [
        "192.0.2.0/25",
        "192.0.2.1/32",
        "2001:db8::/49",
        "2001:db8::1/128",
        "2002:c000:200::/41",
        "::ffff:192.0.2.0/120",
    ] {
        assert_eq!(read(fine), Err(ParseError::because(TOO_FINE)), "{fine}");
    }
    for bits in ["192.0.2.1/24", "2001:db8:0:1::/48", "::1/0"] {
        assert_eq!(read(bits), Err(ParseError::because(HOST_BITS)), "{bits}");
    }
    for text in ["192.0.2.1", "::1", "", "192.0.2.0/33", "192.0.2.0/", "fe80::1%eth0/48", " 192.0.2.0/24"] {
        assert_eq!(read(text), Err(ParseError::new(NETWORK)), "{text}");
    }
}

#[test]
fn middle_is_half_way_into_the_network() {
    for (network, middle) in [
        ("192.0.2.0/24", "192.0.2.128"),
        ("192.0.0.0/16", "192.0.128.0"),
        ("0.0.0.0/0", "128.0.0.0"),
        ("2001:db8::/48", "2001:db8:0:8000::"),
        ("2002:c000:200::/40", "2002:c000:280::"),
        ("::/0", "8000::"),
    ] {
        let network: MaskedIp = network.parse().unwrap();
        assert_eq!(network.middle().to_string(), middle);
    }
}

#[test]
fn a_6to4_network_holds_an_ipv4_network_and_no_other_does() {
    for (network, inside) in [
        ("2002:c000:200::/40", "192.0.2.0/24"),
        ("2002:c000::/32", "192.0.0.0/16"),
        ("2002::/16", "0.0.0.0/0"),
        ("2002::/15", "2002::/15"),
        ("2003:c000:200::/48", "2003:c000:200::/48"),
        ("192.0.2.0/24", "192.0.2.0/24"),
    ] {
        let network: MaskedIp = network.parse().unwrap();
        assert_eq!(network.without_6to4().to_string(), inside);
    }
}

/// Addresses of every kind that masking knows.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).into()),
        any::<u128>().prop_map(v6),
        any::<u32>().prop_map(|bits| v6(0xffff << 32 | u128::from(bits))), // mapped
        any::<u32>().prop_map(|bits| v6(u128::from(bits))),                // compatible
        any::<u32>().prop_map(|bits| v6(0xffff << 48 | u128::from(bits))), // SIIT
        any::<u128>().prop_map(|bits| v6(0x2002 << 112 | bits >> 16)),     // 6to4
        any::<u128>().prop_map(|bits| v6(0x2001_0000 << 96 | bits >> 32)), // Teredo
        any::<u32>().prop_map(|bits| v6(0x64_ff9b << 96 | u128::from(bits))), // NAT64
    ]
}

fn any_mask() -> impl Strategy<Value = Mask> {
    (0..=24_u8, 0..=48_u8).prop_map(|(v4, v6)| Mask::new(v4, v6).unwrap())
}

proptest! {
    #[test]
    fn masking_twice_changes_nothing(address in address(), mask in any_mask()) {
        let once = mask.apply(address);
        prop_assert_eq!(mask.apply(once.network().network()), once);
    }

    /// What is masked away leaves no trace: nobody can tell two such addresses apart.
    #[test]
    fn addresses_that_differ_in_masked_bits_give_the_same(address in address(), noise in any::<u128>(), mask in any_mask()) {
        let masked = mask.apply(address);
        let other: IpAddr = match (address, masked.network()) {
            (IpAddr::V4(v4), network) => {
                let host = u32::from(network.max_prefix_len() - network.prefix_len());
                let noise = noise as u32 & u32::MAX.checked_shr(32 - host).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() ^ noise).into()
            }
            // Of a mapped address, the host bits are those of its IPv4.
            (IpAddr::V6(address), network) => {
                let host = u32::from(network.max_prefix_len() - network.prefix_len());
                v6(address.to_bits() ^ noise & u128::MAX.checked_shr(128 - host).unwrap_or(0))
            }
        };
        // With few bits kept, noise may turn an address into one of another kind, which is masked
        // by its own rule.
        prop_assume!(finest_prefix(other.to_canonical()) == finest_prefix(address.to_canonical()));
        prop_assume!(other.to_canonical().is_ipv4() == address.to_canonical().is_ipv4());
        prop_assert_eq!(mask.apply(other), masked);
    }

    #[test]
    fn last_octet_of_a_6to4_or_mapped_ipv4_is_never_kept(v4 in any::<u32>(), octet in any::<u8>(), rest in any::<u128>()) {
        let other = v4 & !0xff | u32::from(octet);
        let mapped = |v4: u32| v6(0xffff << 32 | u128::from(v4));
        prop_assert_eq!(mask(mapped(v4)), mask(mapped(other)));
        prop_assert_eq!(mask(mapped(v4)), mask(Ipv4Addr::from_bits(v4).into()));
        let six_to_four = |v4: u32| v6(0x2002 << 112 | u128::from(v4) << 80 | rest >> 48);
        prop_assert_eq!(mask(six_to_four(v4)), mask(six_to_four(other)));
    }

    #[test]
    fn every_masked_network_survives_a_store(address in address(), mask in any_mask()) {
        let masked = mask.apply(address);
        prop_assert_eq!(MaskedIp::from_network(masked.network()), Ok(masked));
        prop_assert_eq!(masked.to_string().parse(), Ok(masked));
        prop_assert_eq!(serde_json::to_string(&masked).unwrap(), format!("\"{masked}\""));
        prop_assert!(masked.network().contains(&masked.middle()));
    }

    #[test]
    fn finer_network_is_never_taken(address in address(), prefix in 0..=128_u8) {
        let address = address.to_canonical();
        let (limit, most) = match address {
            IpAddr::V4(_) => (24, 32),
            IpAddr::V6(v6) if v6.segments()[0] == 0x2002 => (40, 128),
            IpAddr::V6(_) => (48, 128),
        };
        let network = IpNet::new(address, prefix.min(most)).unwrap().trunc();
        prop_assert_eq!(MaskedIp::from_network(network).is_ok(), network.prefix_len() <= limit);
    }
}

#[test]
fn debug_shows_the_network_alone() {
    let network: MaskedIp = "203.0.113.0/24".parse().unwrap();
    assert!(format!("{network:?}").contains("203.0.113.0/24"));
}
