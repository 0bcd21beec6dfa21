//! The networks of clouds, gateways and VPNs by their AS numbers: 38,600 blocks, searched as they stand in the program.
//!
//! `scripts/networks` makes `data/networks.bin` from `data/as_numbers.txt` and routing data. The file holds, in big-endian order: the
//! number of IPv4 entries (4 bytes), these entries (4 bytes each), and the IPv6 entries (8 bytes each). An entry is the first unit of
//! a block, its size and its kind; a unit is what masking leaves, a /24 or a /48. Entries are sorted and do not overlap.

use ipnet::IpNet;

use super::Network;
use super::ranges::{Labels, units};
use crate::MaskedIp;

/// The kinds, in the order of their numbers in the file.
pub(super) const KINDS: [Network; 5] =
    [Network::Hosting, Network::WebGateway, Network::MixedGateway, Network::Vpn, Network::OtherGateway];

pub(super) const SOURCE: &str = "AS numbers in as_numbers.txt; their ranges in June 2026 from @ip-location-db/asn (RouteViews, DB-IP and NRO data, CC BY 4.0)";
pub(super) const CHECKED: &str = "2026-11-27";

/// The size of a unit that is covered only in part. All others are powers of two.
const PART: u64 = 31;

const BYTES: &[u8] = include_bytes!("data/networks.bin");

const V4: &[[u8; 4]] = {
    let (count, rest) = BYTES.split_at(4);
    let count = u32::from_be_bytes([count[0], count[1], count[2], count[3]]) as usize;
    rest.split_at(count * 4).0.as_chunks().0
};
const V6: &[[u8; 8]] = BYTES.split_at(4 + V4.len() * 4).1.as_chunks().0;

/// Those of the kinds to which a masked network belongs. A mail gateway's number is a hint alone: its office has the same.
pub(super) fn look_up(masked: MaskedIp) -> Labels {
    let (first, last) = units(masked.network());
    let found = match masked.network() {
        IpNet::V4(_) => search(V4, first, last, |entry| {
            let entry = u32::from_be_bytes(*entry);
            Entry { unit: u64::from(entry >> 8), rest: entry & 0xff }
        }),
        IpNet::V6(_) => search(V6, first, last, |entry| {
            let entry = u64::from_be_bytes(*entry);
            Entry { unit: entry >> 16, rest: (entry & 0xffff) as u32 }
        }),
    };
    let hint = found.whole & Network::OtherGateway.bit();
    Labels { whole: found.whole & !hint, part: found.part | hint }
}

#[derive(Clone, Copy)]
struct Entry {
    unit: u64,
    /// Size and kind.
    rest: u32,
}

impl Entry {
    const fn size(self) -> u64 {
        (self.rest >> 3) as u64 & 31
    }

    const fn last(self) -> u64 {
        match self.size() {
            PART => self.unit,
            size => self.unit + (1 << size) - 1,
        }
    }

    fn network(self) -> Option<Network> {
        KINDS.get((self.rest & 7) as usize).copied()
    }
}

#[inline]
fn search<const N: usize>(
    entries: &[[u8; N]],
    first: u64,
    last: u64,
    read: impl Fn(&[u8; N]) -> Entry,
) -> Labels {
    let after = entries.partition_point(|entry| read(entry).unit <= last);
    let mut labels = Labels::default();
    // How much of a mask that is wider than a unit each kind covers.
    let mut covered = [0; KINDS.len()];
    let below = entries.get(..after).unwrap_or_default();
    for entry in below.iter().rev().map(read).take_while(|entry| entry.last() >= first) {
        let Some(network) = entry.network() else { continue };
        labels.part |= network.bit();
        if entry.size() != PART
            && let Some(covered) = covered.get_mut((entry.rest & 7) as usize)
        {
            *covered += entry.last().min(last) - entry.unit.max(first) + 1;
        }
    }
    if labels.part != 0 {
        let whole = KINDS.iter().zip(covered).filter(|(_, covered)| *covered == last - first + 1);
        labels.whole = whole.fold(0, |bits, (network, _)| bits | network.bit());
        labels.part &= !labels.whole;
    }
    labels
}

#[cfg(test)]
mod tests;
