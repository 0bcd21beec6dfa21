//! The known networks, as dated data: add a line here to add a network, and nothing elsewhere.
//! "Routing" is what RouteViews and DB-IP (CC BY 4.0) gather of who announces a network.
//!
//! Lists that an operator publishes drift; load the current file with
//! [`Classifier::networks`](super::Classifier::networks) where certainty matters.

use ipnet::IpNet;

use super::network_list::NetworkList;
use super::{Evidence, Provider, as_ranges};

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
    /// Google's crawlers and other fetchers. Proves a scanner with any agent but the image proxy's.
    GoogleCrawler: NetGoogle, Some(Provider::Google);
    /// The rest of Google's own space, without its cloud customers'. A doubt: Fi, the Pixel's VPN
    /// and staff come from here too.
    Google: NetGoogle, Some(Provider::Google);
    /// Exits of Apple's private relay. Proves, with the bare agent, Apple's prefetch; people browse
    /// through it too.
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
    /// Another mail gateway. Proves a scanner; of one that only its AS number tells, nothing more
    /// than a doubt.
    OtherGateway: NetMailGateway, None;
    /// Mail.ru's image proxy, which has an ordinary agent.
    MailRu: NetWebmailProxy, Some(Provider::MailRu);
    /// A company web gateway, through which people browse. Hides the place.
    WebGateway: NetWebGateway, None;
    /// A company web gateway whose operator also scans from it. A doubt without a place.
    MixedGateway: NetWebGateway, None;
    /// Exits of a VPN or a relay, through which people browse from somewhere else. Hides the place.
    Vpn: NetVpn, None;
    /// Clouds and hosting companies. A doubt without a place: scanners, VPN exits and remote
    /// desktops live there. With the bare agent it proves a scanner.
    Hosting: NetHosting, None;
    /// Where people come from, as the operator of the tracker says, whatever other lists say.
    People: NetPeople, None;
    /// The sender's own.
    Own: NetOwn, None;
}

impl Network {
    pub(super) const fn bit(self) -> u32 {
        1 << (self as u32 % 32)
    }

    /// Where its built-in ranges stand, and the month in which that was checked, such as `2026-11`;
    /// `None` if it has none.
    #[must_use]
    pub fn source(self) -> Option<(&'static str, &'static str)> {
        let listed =
            BUILT_IN.iter().find(|built| built.network == self).map(|built| (built.source, built.checked));
        listed.or_else(|| as_ranges::KINDS.contains(&self).then_some((as_ranges::SOURCE, as_ranges::CHECKED)))
    }

    /// Sets of networks in the order in which they decide. What a person behind a proxy or gateway
    /// does counts before what a filter does, and a cloud is what is left where nobody is known to
    /// be.
    pub(super) const ORDER: [u32; 8] = [
        Self::Own.bit(),
        Self::People.bit(),
        Self::PrivateRelay.bit()
            | Self::GoogleImageProxy.bit()
            | Self::Yahoo.bit()
            | Self::ExchangeOnline.bit()
            | Self::MailRu.bit()
            | Self::Apple.bit(),
        Self::WebGateway.bit() | Self::MixedGateway.bit(),
        Self::Vpn.bit(),
        Self::GATEWAYS | Self::MailProtection.bit() | Self::GoogleCrawler.bit(),
        Self::Google.bit(),
        Self::Hosting.bit(),
    ];

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
    Built { network: Network::Google, source: "AS15169 without AS396982 (Google Cloud), June 2026; googlebot.json, special-crawlers.json", checked: "2026-11-24",
        ranges: "64.233.160.0/19 66.102.0.0/20 66.249.64.0/19 72.14.192.0/18 74.125.0.0/16 108.177.0.0/17 142.250.0.0/15 172.217.0.0/19 172.217.32.0/20 172.217.48.0/21
            172.217.64.0/18 172.217.128.0/17
            172.253.0.0/20 172.253.32.0/19 172.253.64.0/18 172.253.128.0/17 173.194.0.0/16 192.178.0.0/15 209.85.128.0/17 216.58.192.0/19 216.239.32.0/19
            2001:4860::/32 2404:6800::/32 2607:f8b0::/32 2800:3f0::/32 2a00:1450::/32 2c0f:fb50::/32" },
    Built { network: Network::GoogleCrawler, source: "Google: googlebot.json, special-crawlers.json, user-triggered-fetchers.json; the blocks that they fill", checked: "2026-11-27",
        ranges: "64.233.172.0/23 66.102.6.0/23 66.102.8.0/23 66.249.64.0/19 72.14.199.0/24 74.125.148.0/22 74.125.208.0/21 74.125.216.0/22
            108.177.2.0/24 142.250.32.0/23 192.178.4.0/22 192.178.8.0/21 192.178.16.0/24 209.85.238.0/24 2001:4860:4801::/48" },
    Built { network: Network::PrivateRelay, source: "Apple: mask-api.icloud.com/egress-ip-ranges.csv, August 2026", checked: "2026-11",
        ranges: include_str!("data/private_relay.txt") },
    Built { network: Network::Apple, source: "senders that take 17/8 for Apple's prefetch; not seen in measurements", checked: "2026-11",
        ranges: "~17.0.0.0/8" },
    Built { network: Network::Yahoo, source: "Yahoo's page on its mail proxy", checked: "2026-11-27",
        ranges: "27.123.32.0/19 67.195.0.0/16 69.147.64.0/18 87.248.96.0/19 98.138.0.0/15 106.10.128.0/17 115.178.0.0/20 119.161.0.0/19
            200.152.160.0/20 202.43.192.0/19 209.73.160.0/19 212.82.96.0/19 216.115.96.0/20 2001:4998::/32 2406:2000::/32 2406:6e00::/32
            2804:1bc::/32 2a00:1288::/32" },
    Built { network: Network::ExchangeOnline, source: "Microsoft 365 endpoints (Exchange Online); warmbly#412", checked: "2026-11-27",
        ranges: "13.107.128.0/22 23.103.160.0/20 40.96.0.0/13 40.104.0.0/15 52.96.0.0/14 132.245.0.0/16 150.171.32.0/22 2603:1000::/24
            2620:1ec:8f0::/46 2620:1ec:900::/46" },
    Built { network: Network::MailProtection, source: "Microsoft 365 endpoints (EOP); opencollective#3656, gophish#2549", checked: "2026-11-27",
        ranges: "40.92.0.0/15 40.94.16.0/24 40.107.0.0/16 52.100.0.0/14 52.238.78.88/32 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48" },
    Built { network: Network::Proofpoint, source: "pphosted.com reverse names; public lists where routing (June 2026) says the same; `~` where only one of them does", checked: "2026-11-24",
        ranges: "67.231.144.0/20 148.163.128.0/23 148.163.130.0/24 148.163.132.0/22 148.163.136.0/21 148.163.144.0/20 185.132.180.0/22
            ~148.163.128.0/17 ~66.159.224.0/23 ~66.159.227.0/24 ~66.159.228.0/23 ~66.159.232.0/21 ~66.159.240.0/23 ~66.159.243.0/24
            ~66.159.244.0/22 ~66.159.248.0/21 ~91.207.212.0/23 ~91.209.104.0/24 ~143.55.144.0/22 ~143.55.148.0/23 ~143.55.150.0/24
            ~185.169.148.0/22 ~185.183.28.0/22 ~205.220.160.0/20 ~205.220.176.0/21 ~205.220.184.0/22 ~205.220.190.0/23
            ~208.56.0.0/24 ~208.56.4.0/23 ~208.56.6.0/24 ~208.56.8.0/21 ~208.56.16.0/23 ~208.83.136.0/22 ~208.84.64.0/22
            ~208.86.200.0/22 ~2620:0:2900::/47 ~2620:0:2902::/48 ~2620:100:9000::/47 ~2620:100:9004::/47 ~2620:100:9008::/47
            ~2620:100:900c::/47 ~2a0a:2b00::/43" },
    Built { network: Network::Mimecast, source: "public lists where routing (June 2026) says the same; `~` where only one of them does", checked: "2026-11-24",
        ranges: "91.220.42.0/24 170.10.128.0/21 170.10.140.0/23 170.10.142.0/24 170.10.144.0/22 170.10.150.0/23 170.10.152.0/23
            170.10.156.0/23 195.130.217.0/24 207.211.30.0/24 ~91.220.42.0/23 ~170.10.128.0/17 ~207.211.30.0/23 ~41.74.192.0/20
            ~45.91.16.0/22 ~51.163.158.0/23 ~62.140.7.0/24 ~62.140.10.0/24 ~63.128.21.0/24 ~103.13.69.0/24 ~103.96.20.0/22
            ~147.28.34.0/23 ~180.189.28.0/24 ~185.58.84.0/22 ~193.7.204.0/22 ~194.104.108.0/22 ~205.139.110.0/23 ~207.82.80.0/24
            ~213.167.75.0/24 ~213.167.81.0/24 ~216.35.243.0/24 ~216.35.244.0/24 ~216.145.208.0/21 ~216.145.218.0/23
            ~216.145.220.0/24 ~216.145.222.0/23 ~216.205.24.0/24 ~2401:73c0::/47 ~2620:134:6000::/47 ~2620:134:600b::/48
            ~2620:134:600c::/48 ~2a02:5be0::/46 ~2a02:5be0:4::/47 ~2a02:5be0:9::/48 ~2a0e:e40::/29 ~2c0f:f1e0::/47" },
    Built { network: Network::Barracuda, source: "Barracuda: Email Gateway Defense; public lists where routing (June 2026) says the same; `~` where only one of them does", checked: "2026-11-27",
        ranges: "3.24.133.128/25 13.200.136.128/25 15.222.16.128/25 18.133.136.96/27 18.133.136.128/26 18.184.203.224/27 18.185.115.192/26
            35.157.190.224/27 35.176.92.96/27 64.235.144.0/22 64.235.150.0/23 64.235.152.0/21 209.222.80.0/22 209.222.84.0/22 ~64.235.144.0/20
            ~209.222.80.0/21 ~198.35.20.0/23 ~198.35.22.0/24 ~2620:0:22c0::/48" },
    Built { network: Network::Cisco, source: "public lists, where routing (June 2026) names nobody else; `~` from routing alone", checked: "2026-11-24",
        ranges: "184.94.240.0/20 ~23.90.96.0/19 ~63.251.108.0/24 ~68.232.128.0/19 ~72.5.10.0/23 ~74.201.90.0/23 ~74.201.116.0/24
            ~139.138.24.0/21 ~139.138.32.0/20 ~139.138.56.0/21 ~194.165.192.0/22 ~194.165.196.0/24 ~194.165.198.0/23
            ~194.165.202.0/24 ~194.165.205.0/24 ~194.165.211.0/24 ~194.165.212.0/22 ~194.165.216.0/24 ~195.146.191.0/24
            ~204.15.80.0/22 ~207.54.64.0/19 ~208.90.56.0/23 ~208.90.58.0/24 ~208.90.60.0/22 ~216.71.128.0/19 ~2620:101:2000::/43" },
    Built { network: Network::TrendMicro, source: "Trend Micro Email Security's SPF record; public lists, where routing (June 2026) names nobody else; `~` from routing alone", checked: "2026-11-27",
        ranges: "13.238.202.0/25 18.185.115.0/25 18.208.22.64/26 18.208.22.128/25 150.70.0.0/16 ~66.180.80.0/20 ~103.7.224.0/24 ~203.177.44.0/23 ~216.99.128.0/23 ~216.99.132.0/23 ~216.99.134.0/24
            ~216.104.0.0/19" },
    Built { network: Network::OtherGateway, source: "Hornetsecurity and Symantec (MessageLabs): their own pages and public lists", checked: "2026-11-27",
        ranges: "46.226.48.0/21 83.246.65.0/24 85.158.136.0/21 94.100.128.0/20 173.45.18.0/24 185.140.204.0/22 193.109.254.0/23" },
    Built { network: Network::WebGateway, source: "Zscaler, Netskope, Cisco Umbrella: their own pages", checked: "2026-11-27",
        ranges: "147.161.128.0/17 155.190.0.0/16 163.116.128.0/17 165.225.0.0/16" },
    Built { network: Network::MixedGateway, source: "Forcepoint: its own page", checked: "2026-11-27",
        ranges: "85.115.32.0/19" },
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

/// Can the network be somebody's place in the Internet at all? Private, reserved, documentation and
/// tunnel networks say nothing about who fetched.
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
            // Teredo, ORCHID, benchmarking, documentation and 6to4 as a whole lie inside the global
            // block.
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
    fn every_network_has_one_place_in_the_order() {
        for network in Network::ALL.iter().copied() {
            let places = Network::ORDER.iter().filter(|kind| *kind & network.bit() != 0).count();
            assert_eq!(places, 1, "{network:?}");
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

    #[test]
    fn the_edges_of_what_is_not_global_are_exact() {
        let edges = [
            ("100.63.255.0/24", true),
            ("100.127.255.0/24", false),
            ("100.128.0.0/24", true),
            ("223.255.255.0/24", true),
            ("224.0.0.0/24", false),
            ("2001:3::/48", true),
            ("2001:f::/48", true),
            ("2001:10::/48", false),
            ("2001:2f::/48", false),
            ("2001:30::/48", true),
            ("3fff:fff::/48", false),
            ("3fff:1000::/48", true),
            ("4000::/48", false),
            ("1fff::/48", false),
        ];
        for (text, expected) in edges {
            assert_eq!(is_global(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn the_source_of_a_built_in_list_is_told_and_an_empty_one_has_none() {
        let (source, checked) = Network::MailRu.source().unwrap();
        assert!(source.contains("Mail.ru") && checked == "2026-11", "{source} {checked}");
        let (source, checked) = Network::Hosting.source().unwrap();
        assert!(source.contains("RouteViews") && checked == "2026-11-27", "{source} {checked}");
        assert_eq!(Network::Own.source(), None);
    }
}
