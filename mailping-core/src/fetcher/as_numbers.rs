//! The AS numbers whose use is known, as dated data: add a line to `data/as_numbers.txt`, run
//! `scripts/networks`, and nothing elsewhere.

use super::{Network, as_ranges};

const LIST: &str = include_str!("data/as_numbers.txt");

/// One line of the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub(super) network: Network,
    #[cfg_attr(not(feature = "maxmind"), allow(dead_code, reason = "a database is looked up by it"))]
    pub(super) number: u32,
    /// Number, owner and reason.
    pub(super) about: &'static str,
}

/// All of them.
pub(super) fn listed() -> impl Iterator<Item = Listed> {
    LIST.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (kind, about) = line.split_once(' ')?;
        let number = about.split_once(' ')?.0.parse().ok()?;
        Some(Listed { network: network(kind)?, number, about })
    })
}

/// The names of the kinds, in the order of [`as_ranges::KINDS`].
fn network(kind: &str) -> Option<Network> {
    let names = ["hosting", "web_gateway", "mixed_gateway", "vpn", "mail_gateway"];
    names.iter().zip(as_ranges::KINDS).find(|(name, _)| **name == kind).map(|(_, network)| network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_no_number_is_listed_twice() {
        let lines = LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        let mut numbers: Vec<_> = listed().map(|listed| listed.number).collect();
        assert!(lines == numbers.len() && lines > 200, "{lines}");
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), lines);
        assert!(listed().all(|listed| listed.about.contains(": ")), "an owner and a reason each");
    }

    /// People live there: Deutsche Telekom, Comcast, BT, Orange, T-Mobile US, Starlink, Google
    /// Fiber, Jio, Verizon, AT&T, Cox, Charter, Sky, Virgin Media, Telstra, Telefónica, TIM, Free,
    /// SFR, Vodafone, O2, Versatel, Airtel, KDDI, Rogers, Telia, Telenor, Swisscom; and networks of
    /// other companies' offices: Cogent, Hurricane Electric, Akamai Prolexic, Imperva, Cloudflare's
    /// customers.
    #[test]
    fn no_access_provider_and_no_scrubbing_centre_is_listed() {
        let access = [
            3_320, 7_922, 2_856, 3_215, 21_928, 14_593, 16_591, 55_836, 701, 6_167, 22_394, 7_018, 20_057,
            22_773, 20_001, 20_115, 5_607, 5_089, 1_221, 3_352, 12_479, 3_269, 12_322, 15_557, 3_209, 6_805,
            8_881, 24_560, 45_609, 2_516, 17_676, 812, 3_301, 2_119, 3_303, 174, 6_939, 32_787, 19_551,
            209_242,
        ];
        for listed in listed() {
            assert!(!access.contains(&listed.number), "{}", listed.about);
        }
    }
}
