//! The log's tree of RFC 6962, as a reader of a receipt sees it: some entries of it, and the root
//! that the log has signed.

use super::hash::{Hash, sha256};

pub(crate) fn leaf(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

pub(super) fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// How many of `size` entries, at least 2, are in the left half: the largest power of two below.
pub(super) const fn left_of(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// The root of a tree of which some leaves are known, and in `proof` the hashes of the largest
/// parts without any of them, from left to right. `None` if they are too few, too many, or out of
/// order.
pub(super) fn root(size: u64, known: &[(u64, Hash)], proof: &[Hash]) -> Option<Hash> {
    let ordered = known.is_sorted_by(|(one, _), (next, _)| one < next);
    let last = known.last().is_some_and(|(index, _)| *index < size);
    let mut proof = proof.iter();
    let root = (ordered && last).then(|| part(0, size, known, &mut proof))??;
    proof.next().is_none().then_some(root)
}

fn part<'a>(
    first: u64,
    size: u64,
    known: &[(u64, Hash)],
    proof: &mut impl Iterator<Item = &'a Hash>,
) -> Option<Hash> {
    match known {
        [] => proof.next().copied(),
        [(_, leaf)] if size == 1 => Some(*leaf),
        _ => {
            let left = left_of(size);
            let middle = first + left;
            let (before, behind) = known.split_at(known.partition_point(|(index, _)| *index < middle));
            let before = part(first, left, before, proof)?;
            Some(node(&before, &part(middle, size - left, behind, proof)?))
        }
    }
}

/// The root of a tree of `size` entries that begins with the `old_size` entries whose root is
/// `old`, by the consistency proof of RFC 6962. `None` if the proof shows no such thing.
pub(super) fn extended(old_size: u64, old: &Hash, size: u64, proof: &[Hash]) -> Option<Hash> {
    if old_size == 0 || old_size > size {
        return None;
    }
    let mut proof = proof.iter();
    let (before, now) = both(old_size, size, Some(old), &mut proof)?;
    (before == *old && proof.next().is_none()).then_some(now)
}

/// The roots of the first `old_size` of `size` entries and of all of them. `known` is the first one
/// as long as it is that of the whole old tree.
fn both<'a>(
    old_size: u64,
    size: u64,
    known: Option<&Hash>,
    proof: &mut impl Iterator<Item = &'a Hash>,
) -> Option<(Hash, Hash)> {
    if old_size == size {
        let root = known.or_else(|| proof.next()).copied()?;
        return Some((root, root));
    }
    let left = left_of(size);
    if old_size <= left {
        let (before, now) = both(old_size, left, known, proof)?;
        return Some((before, node(&now, proof.next()?)));
    }
    let (before, now) = both(old_size - left, size - left, None, proof)?;
    let whole = proof.next()?;
    Some((node(whole, &before), node(whole, &now)))
}
