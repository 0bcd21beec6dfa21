//! The networks of clouds, gateways and VPNs by their AS numbers: 38,600 blocks, searched as they
//! stand in the program.
//!
//! `scripts/networks` makes `data/networks.bin` from `data/as_numbers.txt` and routing data. The
//! file holds, in big-endian order: the number of IPv4 entries (4 bytes), these entries (4 bytes
//! each), and the IPv6 entries (8 bytes each). An entry is the first unit of a block, its size and
//! its kind; a unit is what masking leaves, a /24 or a /48. Entries are sorted and do not overlap.

use ipnet::IpNet;

use super::Network;
use super::cover::units;
use super::ranges::Labels;
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

const BUCKETS: usize = 4_096;
/// Where the entries of each bucket begin: buckets of IPv4 have the first 12 bits of an address in
/// common, those of IPv6 the first 16.
static V4_STARTS: [u16; BUCKETS + 1] = {
    let (mut starts, mut at) = ([0; BUCKETS + 1], 0);
    while at < V4.len() {
        starts[v4_bucket(v4(&V4[at]).unit) + 1] += 1;
        at += 1;
    }
    summed(starts)
};
static V6_STARTS: [u16; BUCKETS + 1] = {
    let (mut starts, mut at) = ([0; BUCKETS + 1], 0);
    while at < V6.len() {
        starts[v6_bucket(v6(&V6[at]).unit) + 1] += 1;
        at += 1;
    }
    summed(starts)
};

const fn v4_bucket(unit: u64) -> usize {
    (unit >> 12) as usize
}

/// All that is in use begins with 2; what does not falls into the bucket at its end.
const fn v6_bucket(unit: u64) -> usize {
    let bucket = (unit >> 32) as usize;
    if bucket < 0x2000 {
        0
    } else if bucket > 0x2fff {
        0xfff
    } else {
        bucket - 0x2000
    }
}

const fn summed(mut counts: [u16; BUCKETS + 1]) -> [u16; BUCKETS + 1] {
    let mut bucket = 0;
    while bucket < BUCKETS {
        counts[bucket + 1] += counts[bucket];
        bucket += 1;
    }
    counts
}

/// Those of the kinds to which a masked network belongs. A mail gateway's number is a hint alone:
/// its office has the same.
pub(super) fn look_up(masked: MaskedIp) -> Labels {
    let (first, last) = units(masked.network());
    let found = match masked.network() {
        IpNet::V4(_) => search(V4, &V4_STARTS, v4_bucket(last), first, last, v4),
        IpNet::V6(_) => search(V6, &V6_STARTS, v6_bucket(last), first, last, v6),
    };
    let hint = found.whole & Network::OtherGateway.bit();
    Labels { whole: found.whole & !hint, part: found.part | hint }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    unit: u64,
    /// Size and kind.
    rest: u32,
}

const fn v4(entry: &[u8; 4]) -> Entry {
    let entry = u32::from_be_bytes(*entry);
    Entry { unit: (entry >> 8) as u64, rest: entry & 0xff }
}

const fn v6(entry: &[u8; 8]) -> Entry {
    let entry = u64::from_be_bytes(*entry);
    Entry { unit: entry >> 16, rest: (entry & 0xffff) as u32 }
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

    const fn kind(self) -> usize {
        (self.rest & 7) as usize
    }
}

#[inline]
fn search<const N: usize>(
    entries: &[[u8; N]],
    starts: &[u16; BUCKETS + 1],
    bucket: usize,
    first: u64,
    last: u64,
    read: impl Fn(&[u8; N]) -> Entry,
) -> Labels {
    let start = |bucket: usize| starts.get(bucket).copied().map_or(entries.len(), usize::from);
    let (start, end) = (start(bucket), start(bucket + 1));
    let in_bucket = entries.get(start..end).unwrap_or_default();
    let after = start + in_bucket.partition_point(|entry| read(entry).unit <= last);
    // How much each kind covers, and of which there is any.
    let (mut covered, mut touched) = ([0; KINDS.len()], 0);
    let before = entries.get(..after).unwrap_or_default();
    for entry in before.iter().rev().map(read).take_while(|entry| entry.last() >= first) {
        touched |= 1 << entry.kind();
        if entry.size() != PART
            && let Some(covered) = covered.get_mut(entry.kind())
        {
            *covered += entry.last().min(last) - entry.unit.max(first) + 1;
        }
    }
    let mut labels = Labels::default();
    if touched != 0 {
        for (kind, network) in KINDS.into_iter().enumerate().filter(|(kind, _)| touched >> kind & 1 == 1) {
            let whole = covered.get(kind) == Some(&(last - first + 1));
            *if whole { &mut labels.whole } else { &mut labels.part } |= network.bit();
        }
    }
    labels
}

#[cfg(test)]
mod tests;
