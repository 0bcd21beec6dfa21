//! The known networks, as dated data: add a line here to add a network, and nothing elsewhere.
//!
//! Lists that an operator publishes drift; load the current file with
//! [`Classifier::networks`](super::Classifier::networks) where certainty matters.

use ipnet::IpNet;

use super::network_list::NetworkList;
use super::{Evidence, Provider};

macro_rules! networks {
    ($( $(#[doc = $doc:literal])+ $variant:ident: $evidence:ident, $provider:expr; )+) => {
        /// A known network. What one proves stands with each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Network {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Network {
            /// Every one.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The evidence that a fetch from there gives.
            #[must_use]
            pub const fn evidence(self) -> Evidence {
                match self { $( Self::$variant => Evidence::$evidence, )+ }
            }

            /// Whose network it is.
            #[must_use]
            pub const fn provider(self) -> Option<Provider> {
                match self { $( Self::$variant => $provider, )+ }
            }
        }
    };
}

networks! {
    /// Google's image proxy. Proves, with its agent, that the message was displayed.
    GoogleImageProxy: NetGoogleProxy, Some(Provider::Gmail);
    /// Google's own space, without its cloud customers'. Proves a scanner with any agent but the image proxy's.
    Google: NetGoogle, Some(Provider::Google);
    /// Exits of Apple's private relay. Proves, with the bare agent, Apple's prefetch; people browse through it too.
    PrivateRelay: NetPrivateRelay, Some(Provider::Apple);
    /// Apple's own space. A hint only: prefetches were measured from the relay, not from here.
    Apple: NetApple, Some(Provider::Apple);
    /// Yahoo's space. Proves, with its agent, that the message was displayed.
    Yahoo: NetYahoo, Some(Provider::Yahoo);
    /// Exchange Online's front ends, which load images for Outlook on the web.
    ExchangeOnline: NetExchangeOnline, Some(Provider::Microsoft);
    /// Microsoft's mail protection (EOP, Defender). Proves a scanner.
    MailProtection: NetMailProtection, Some(Provider::Microsoft);
    /// Proofpoint's mail gateways. Prove a scanner.
    Proofpoint: NetMailGateway, Some(Provider::Proofpoint);
    /// Mimecast's mail gateways. Prove a scanner.
    Mimecast: NetMailGateway, Some(Provider::Mimecast);
    /// Barracuda's mail gateways. Prove a scanner.
    Barracuda: NetMailGateway, Some(Provider::Barracuda);
    /// Cisco's mail gateways. Prove a scanner.
    Cisco: NetMailGateway, Some(Provider::Cisco);
    /// Trend Micro's mail gateways. Prove a scanner.
    TrendMicro: NetMailGateway, Some(Provider::TrendMicro);
    /// Another mail gateway; empty until a list is loaded. Proves a scanner.
    OtherGateway: NetMailGateway, None;
    /// Mail.ru's image proxy, which has an ordinary agent.
    MailRu: NetWebmailProxy, Some(Provider::MailRu);
    /// A company web gateway, through which people browse; empty until a list is loaded. Hides the place.
    WebGateway: NetWebGateway, None;
    /// Hosting companies; empty until a list is loaded. A hint only: scanners and VPN exits live there.
    Hosting: NetHosting, None;
    /// The sender's own.
    Own: NetOwn, None;
}

impl Network {
    pub(super) const fn bit(self) -> u32 {
        1 << (self as u32 % 32)
    }

    /// Where its built-in ranges stand, and the month in which that was checked, such as `2026-11`; `None` where it has
    /// none.
    #[must_use]
    pub fn source(self) -> Option<(&'static str, &'static str)> {
        BUILT_IN.iter().find(|built| built.network == self).map(|built| (built.source, built.checked))
    }

    /// The mail gateways' bits.
    pub(super) const GATEWAYS: u32 = Self::Proofpoint.bit()
        | Self::Mimecast.bit()
        | Self::Barracuda.bit()
        | Self::Cisco.bit()
        | Self::TrendMicro.bit()
        | Self::OtherGateway.bit();
}

/// Ranges of one network with where they stand and when that was checked.
pub(super) struct Built {
    pub(super) network: Network,
    /// Blank-separated. `~` marks what belongs to the network only in part.
    pub(super) ranges: &'static str,
    pub(super) source: &'static str,
    pub(super) checked: &'static str,
}

#[rustfmt::skip]
pub(super) const BUILT_IN: &[Built] = &[
    Built { network: Network::GoogleImageProxy, source: "Google: user-triggered-fetchers-google.json, May 2026", checked: "2026-11",
        ranges: "64.233.172.0/23 66.102.6.0/23 66.102.8.0/23 66.249.80.0/22 66.249.84.0/26 66.249.84.96/27 66.249.84.128/25 66.249.85.0/25
            66.249.85.128/26 66.249.88.0/24 66.249.93.0/24 74.125.208.0/24 74.125.209.0/25 74.125.209.128/26 74.125.209.192/27 74.125.210.0/24
            74.125.211.0/25 74.125.212.0/24 74.125.213.0/25 74.125.214.0/23 142.250.32.0/25 142.250.32.128/26 142.250.33.0/25 142.250.33.128/27
            192.178.8.0/25 192.178.8.128/27 192.178.9.0/24 192.178.10.0/25 192.178.11.0/24 192.178.12.0/25 192.178.12.128/26 192.178.12.192/27
            192.178.13.0/24 192.178.14.0/27 192.178.15.0/24 2001:4860:4801:4000::/56 2001:4860:4801:4100::/57" },
    Built { network: Network::Google, source: "AS15169 without Google Cloud; googlebot.json, special-crawlers.json", checked: "2026-11",
        ranges: "64.233.160.0/19 66.102.0.0/20 66.249.64.0/19 72.14.192.0/18 74.125.0.0/16 108.177.0.0/17 142.250.0.0/15 172.217.0.0/16
            172.253.0.0/16 173.194.0.0/16 192.178.0.0/15 209.85.128.0/17 216.58.192.0/19 216.239.32.0/19
            2001:4860::/32 2404:6800::/32 2607:f8b0::/32 2800:3f0::/32 2a00:1450::/32 2c0f:fb50::/32" },
    Built { network: Network::PrivateRelay, source: "Apple: mask-api.icloud.com/egress-ip-ranges.csv, August 2026", checked: "2026-11",
        ranges: include_str!("data/private_relay.txt") },
    Built { network: Network::Apple, source: "senders that take 17/8 for Apple's prefetch; not seen in measurements", checked: "2026-11",
        ranges: "~17.0.0.0/8" },
    Built { network: Network::Yahoo, source: "Yahoo's page on its mail proxy, as quoted in public code", checked: "2026-11",
        ranges: "67.195.0.0/16 69.147.64.0/18 87.248.96.0/19 98.138.0.0/15 212.82.96.0/19 2001:4998::/32 2a00:1288::/32" },
    Built { network: Network::ExchangeOnline, source: "Microsoft 365 endpoints (Exchange Online); warmbly#412", checked: "2026-11",
        ranges: "13.107.128.0/22 40.96.0.0/13 40.104.0.0/15 52.96.0.0/14 2603:1000::/24" },
    Built { network: Network::MailProtection, source: "Microsoft 365 endpoints (EOP); opencollective#3656, gophish#2549", checked: "2026-11",
        ranges: "40.92.0.0/15 40.94.16.0/24 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48" },
    Built { network: Network::Proofpoint, source: "pphosted.com reverse names; public ranges, not verified with the vendor", checked: "2026-11",
        ranges: "67.231.144.0/20 148.163.128.0/17 185.132.180.0/22" },
    Built { network: Network::Mimecast, source: "public ranges, not verified with the vendor", checked: "2026-11",
        ranges: "91.220.42.0/23 170.10.128.0/17 195.130.217.0/24 207.211.30.0/23" },
    Built { network: Network::Barracuda, source: "public ranges, not verified with the vendor", checked: "2026-11",
        ranges: "64.235.144.0/20 209.222.80.0/21" },
    Built { network: Network::Cisco, source: "public ranges, not verified with the vendor", checked: "2026-11",
        ranges: "184.94.240.0/20" },
    Built { network: Network::TrendMicro, source: "public ranges, not verified with the vendor", checked: "2026-11",
        ranges: "150.70.0.0/16" },
    Built { network: Network::MailRu, source: "public code that names them as Mail.ru's image proxy", checked: "2026-11",
        ranges: "185.30.176.0/23 188.93.56.0/24" },
];

/// The lists that every classifier starts with.
pub(super) fn built_in() -> Vec<(Network, NetworkList)> {
    BUILT_IN.iter().map(|built| (built.network, read(built.ranges))).collect()
}

fn read(ranges: &str) -> NetworkList {
    let parse = |text: &str| text.parse::<IpNet>().ok();
    let lines = ranges.lines().filter(|line| !line.starts_with('#'));
    let words = lines.flat_map(str::split_whitespace);
    let hints: NetworkList =
        words.clone().filter_map(|word| word.strip_prefix('~')).filter_map(parse).collect();
    let proofs: NetworkList = words.filter(|word| !word.starts_with('~')).filter_map(parse).collect();
    proofs.and(hints.into_hints())
}

/// Can the network be somebody's place in the Internet at all? Private, reserved, documentation and tunnel networks say
/// nothing about who fetched.
pub(super) fn is_global(network: IpNet) -> bool {
    match network {
        IpNet::V4(net) => !matches!(
            net.network().octets(),
            [0 | 10 | 127 | 224..=255, ..]
                | [100, 64..=127, ..]
                | [169, 254, ..]
                | [172, 16..=31, ..]
                | [192, 168, ..]
                | [192, 0, 0 | 2, _]
                | [192, 88, 99, _]
                | [198, 18 | 19, ..]
                | [198, 51, 100, _]
                | [203, 0, 113, _]
        ),
        IpNet::V6(net) => match net.network().segments() {
            // Teredo, ORCHID, benchmarking, documentation and 6to4 lie inside the global block.
            [0x2001, 0 | 2 | 0xdb8, ..] | [0x2001, 0x10..=0x2f, ..] | [0x2002, ..] => false,
            [0x3fff, second, ..] if second < 0x1000 => false,
            [first, ..] => first & 0xe000 == 0x2000,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_range_is_a_network_with_a_source_and_a_day() {
        for built in BUILT_IN {
            let lines = built.ranges.lines().filter(|line| !line.starts_with('#'));
            for word in lines.flat_map(str::split_whitespace) {
                let network: IpNet = word.trim_start_matches('~').parse().expect(word);
                assert_eq!(network, network.trunc(), "{word} has host bits");
            }
            assert!(!built.source.is_empty() && built.checked.starts_with("20"));
        }
    }

    #[test]
    fn every_network_has_its_own_bit() {
        let bits = Network::ALL.iter().fold(0, |bits, network| bits | network.bit());
        assert_eq!(bits.count_ones() as usize, Network::ALL.len());
    }

    #[test]
    fn private_documentation_and_tunnel_networks_are_not_global() {
        for text in ["10.1.2.0/24", "192.168.0.0/24", "100.64.0.0/24", "203.0.113.0/24", "0.0.0.0/0"] {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
        for text in ["fd00::/48", "fe80::/48", "2001:db8::/48", "2001::/48", "2002:c000::/40", "::/48"] {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.0/24", "172.15.0.0/24", "2001:4860::/48", "2a01:111:f400::/48"] {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
    }
}
