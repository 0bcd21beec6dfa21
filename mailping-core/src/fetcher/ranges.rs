//! Which known networks a masked network belongs to, wholly or in part, answered by one binary
//! search.
//!
//! Everything is counted in the units that masking leaves, /24 and /48: a finer list would claim
//! more than a masked network can tell. Apple's 287,000 rows come down to some 1,100 ranges that
//! way.

use ipnet::IpNet;

use super::Network;
use super::cover::{Cover, units};
use super::network_list::NetworkList;
use crate::MaskedIp;

/// Sets of [`Network`]s, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Labels {
    /// Those that the whole masked network belongs to: proof.
    pub(super) whole: u32,
    /// Those that only a part of it belongs to: a hint.
    pub(super) part: u32,
}

impl Labels {
    pub(super) const fn is_wholly(self, network: Network) -> bool {
        self.whole & network.bit() != 0
    }

    pub(super) const fn touches(self, network: Network) -> bool {
        (self.whole | self.part) & network.bit() != 0
    }

    pub(super) const fn is_none(self) -> bool {
        self.whole | self.part == 0
    }

    /// What two sources say together.
    pub(super) const fn and(self, other: Self) -> Self {
        let whole = self.whole | other.whole;
        Self { whole, part: (self.part | other.part) & !whole }
    }

    /// Those among `networks`, a set of bits.
    pub(super) const fn among(self, networks: u32) -> Self {
        Self { whole: self.whole & networks, part: self.part & networks }
    }

    /// The first kind of network that the whole masked network belongs to decides: what comes after
    /// it is not asked.
    pub(super) fn decided(self) -> Self {
        let mut asked = 0;
        for kind in Network::ORDER {
            asked |= kind;
            if self.whole & kind != 0 {
                return self.among(asked);
            }
        }
        self
    }
}

/// All known networks, flattened.
#[derive(Clone, Default)]
pub(super) struct Ranges {
    v4: Table,
    v6: Table,
}

impl Ranges {
    pub(super) fn new<'a>(lists: impl Iterator<Item = (Network, &'a NetworkList)> + Clone) -> Self {
        Self {
            v4: Table::new(lists.clone().map(|(network, list)| (network, list.v4()))),
            v6: Table::new(lists.map(|(network, list)| (network, list.v6()))),
        }
    }

    pub(super) fn look_up(&self, masked: MaskedIp) -> Labels {
        let (first, last) = units(masked.network());
        match masked.network() {
            IpNet::V4(_) => self.v4.look_up(first, last),
            IpNet::V6(_) => self.v6.look_up(first, last),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes()
    }
}

/// Disjoint ranges that follow each other without a gap: each starts where the one before ends.
#[derive(Clone, Default)]
struct Table {
    starts: Vec<u64>,
    labels: Vec<Labels>,
}

impl Table {
    fn new<'a>(covers: impl Iterator<Item = (Network, &'a Cover)>) -> Self {
        // Where a label starts or stops; `touched` is kept apart from `whole` until the end.
        let mut edges: Vec<(u64, u32, u32)> = Vec::new();
        for (network, cover) in covers {
            for &(first, last) in &cover.whole {
                edges.push((first, network.bit(), 0));
                edges.push((last.saturating_add(1), network.bit(), 0));
            }
            for &(first, last) in &cover.touched {
                edges.push((first, 0, network.bit()));
                edges.push((last.saturating_add(1), 0, network.bit()));
            }
        }
        edges.sort_unstable();
        let mut table = Self::default();
        let (mut whole, mut touched) = (0, 0);
        for (at, toggles_whole, toggles_touched) in edges {
            whole ^= toggles_whole;
            touched ^= toggles_touched;
            let labels = Labels { whole, part: touched & !whole };
            match (table.starts.last(), table.labels.last_mut()) {
                (Some(&start), Some(last)) if start == at => *last = labels,
                _ => {
                    table.starts.push(at);
                    table.labels.push(labels);
                }
            }
        }
        table.starts.shrink_to_fit();
        table.labels.shrink_to_fit();
        table
    }

    fn look_up(&self, first: u64, last: u64) -> Labels {
        // The range that holds `first`, then those that begin up to `last`: one, unless the mask is
        // a wide one.
        let after = self.starts.partition_point(|start| *start <= first);
        let mut found = after.checked_sub(1).and_then(|at| self.labels.get(at)).copied().unwrap_or_default();
        let rest = self.starts.iter().zip(&self.labels).skip(after);
        for (_, labels) in rest.take_while(|(start, _)| **start <= last) {
            let touched = found.whole | found.part | labels.whole | labels.part;
            found.whole &= labels.whole;
            found.part = touched & !found.whole;
        }
        found
    }

    fn bytes(&self) -> usize {
        self.starts.capacity() * size_of::<u64>() + self.labels.capacity() * size_of::<Labels>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(relay: &str, yahoo: &str) -> Ranges {
        let relay = NetworkList::from_lines(relay);
        let yahoo = NetworkList::from_lines(yahoo);
        let lists = [(Network::PrivateRelay, relay), (Network::Yahoo, yahoo)];
        Ranges::new(lists.iter().map(|(network, list)| (*network, list)))
    }

    fn look_up(ranges: &Ranges, masked: &str) -> (bool, bool) {
        let labels = ranges.look_up(masked.parse().unwrap());
        (labels.is_wholly(Network::PrivateRelay), labels.touches(Network::PrivateRelay))
    }

    #[test]
    fn a_network_covered_by_pieces_is_whole_and_one_with_a_gap_is_partial() {
        let ranges = ranges("198.51.100.0/25\n198.51.100.128/25\n198.51.101.0/26\n", "198.51.0.0/16");
        assert_eq!(look_up(&ranges, "198.51.100.0/24"), (true, true));
        assert_eq!(look_up(&ranges, "198.51.101.0/24"), (false, true));
        assert_eq!(look_up(&ranges, "198.51.102.0/24"), (false, false));
        assert_eq!(look_up(&ranges, "198.51.99.0/24"), (false, false));
    }

    #[test]
    fn a_wider_mask_is_whole_only_when_all_of_it_is_listed() {
        let ranges = ranges("198.51.0.0/17", "2001:db8::/32");
        assert_eq!(look_up(&ranges, "198.51.0.0/17"), (true, true));
        assert_eq!(look_up(&ranges, "198.51.0.0/16"), (false, true));
        assert_eq!(look_up(&ranges, "0.0.0.0/0"), (false, true));
        assert_eq!(look_up(&ranges, "2001:db8::/48"), (false, false));
    }

    #[test]
    fn the_last_network_of_a_family_is_found() {
        let ranges = ranges("255.255.255.0/24\nffff:ffff:ffff::/48", "192.0.2.0/24");
        assert_eq!(look_up(&ranges, "255.255.255.0/24"), (true, true));
        assert_eq!(look_up(&ranges, "ffff:ffff:ffff::/48"), (true, true));
    }

    #[test]
    fn a_mask_over_several_ranges_has_whole_what_all_have_and_in_part_what_any_has() {
        let ranges = ranges("198.51.100.0/24\n198.51.101.0/24", "198.51.101.0/24\n198.51.102.0/24");
        let labels = |masked: &str| {
            let Labels { whole, part } = ranges.look_up(masked.parse().unwrap());
            (whole, part)
        };
        let (relay, yahoo) = (Network::PrivateRelay.bit(), Network::Yahoo.bit());
        assert_eq!(labels("198.51.101.0/24"), (relay | yahoo, 0));
        assert_eq!(labels("198.51.100.0/23"), (relay, yahoo));
        assert_eq!(labels("198.51.102.0/23"), (0, yahoo));
        assert_eq!(labels("198.51.100.0/22"), (0, relay | yahoo));
        assert_eq!(labels("198.51.104.0/22"), (0, 0));
    }
}
