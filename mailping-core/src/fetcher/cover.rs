//! Which masked networks a list of ranges covers, in the units that masking leaves: /24 of IPv4 and
//! /48 of IPv6.

use ipnet::IpNet;

/// Units wholly covered and units touched at all, as ascending disjoint ranges with both ends
/// included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) whole: Vec<(u64, u64)>,
    pub(super) touched: Vec<(u64, u64)>,
}

impl Cover {
    /// From ranges of addresses, of which the last `host_bits` bits are masked away.
    pub(super) fn new(addresses: Vec<(u128, u128)>, host_bits: u32) -> Self {
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

    pub(super) fn and(mut self, other: Self) -> Self {
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

/// The first and last unit of a network: /24 for IPv4, /48 for IPv6.
pub(super) fn units(network: IpNet) -> (u64, u64) {
    match network {
        IpNet::V4(net) => (
            u64::from(net.network().to_bits() >> 8), //
            u64::from(net.broadcast().to_bits() >> 8),
        ),
        IpNet::V6(net) => ((net.network().to_bits() >> 80) as u64, (net.broadcast().to_bits() >> 80) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_counted_in_the_units_of_masking() {
        let of = |network: &str| units(network.parse().unwrap());
        assert_eq!(of("198.51.100.0/24"), (0xC6_3364, 0xC6_3364));
        assert_eq!(of("198.51.100.0/22"), (0xC6_3364, 0xC6_3367));
        assert_eq!(of("2001:db8:7::/47"), (0x2001_0db8_0006, 0x2001_0db8_0007));
    }
}
