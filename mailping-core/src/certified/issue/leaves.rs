//! The leaves of one seal: a sparse Merkle map, made whole.
//!
//! A part of it with no leaf is 32 zero bytes, one with a single leaf is that leaf's hash at
//! whatever depth, and any other is the hash over its two halves.

use std::collections::BTreeMap;

use crate::certified::hash::Hash;
use crate::certified::map::{EMPTY, Path, goes_right, leaf, node};
use crate::certified::ping_key::PingKey;
use crate::certified::statement::Statement;

/// What is new in one seal: a leaf for each ping.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaves(BTreeMap<Hash, Hash>);

impl Leaves {
    /// Adds the statements of a ping, at least one, in their order.
    pub(crate) fn insert(&mut self, key: &PingKey, seal: u64, statements: &[Statement]) {
        self.0.insert(key.tag(seal), key.leaf(seal, statements));
    }

    /// Adds a leaf of which only tag and value are known.
    #[cfg(test)]
    pub(crate) fn insert_raw(&mut self, tag: [u8; 32], value: [u8; 32]) {
        self.0.insert(tag, value);
    }

    pub(crate) fn root(&self) -> Hash {
        root(&self.sorted(), 0)
    }

    /// The way to where a ping's leaf is, or would be.
    #[cfg(test)]
    pub(crate) fn path(&self, tag: &Hash) -> Path {
        path_in(&self.sorted(), Vec::new(), tag)
    }

    /// Cut into parts of some hundred leaves, so that a path needs one of them and the hashes of
    /// the others.
    pub(crate) fn parts(&self) -> (Parts, Vec<Vec<u8>>) {
        let sorted = self.sorted();
        let mut depth = 0;
        while sorted.len() >> (depth + 1) >= LEAVES_IN_PART {
            depth += 1;
        }
        // So that the hash of a part with its neighbour's is always that of an inner node.
        let mut parts = split(&sorted, depth);
        while depth > 0 && parts.iter().any(|part| part.len() < 2) {
            depth -= 1;
            parts = split(&sorted, depth);
        }
        let hashes = parts.iter().map(|part| root(part, depth)).collect();
        let bytes = |part: &&Part| part.iter().flat_map(|(tag, value)| [*tag, *value]).flatten().collect();
        (Parts(hashes), parts.iter().map(bytes).collect())
    }

    fn sorted(&self) -> Vec<(Hash, Hash)> {
        self.0.iter().map(|(tag, value)| (*tag, *value)).collect()
    }
}

/// About so many leaves stand together.
const LEAVES_IN_PART: usize = 128;

/// The hashes of the parts of a map, all at one depth.
#[derive(Debug, Clone)]
pub(crate) struct Parts(Vec<Hash>);

impl Parts {
    /// `None` if these are not 1, 2, 4, … hashes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && hashes.len().is_power_of_two()).then(|| Self(hashes.to_vec()))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// The part that a tag belongs in.
    pub(crate) fn place_of(&self, tag: &Hash) -> u64 {
        (0..self.depth()).fold(0, |place, depth| place << 1 | u64::from(goes_right(tag, depth)))
    }

    /// The way to where the leaf of a tag is, or would be. `leaves` are those of its part; `None`
    /// if they are none.
    pub(crate) fn path(&self, tag: &Hash, leaves: &[u8]) -> Option<Path> {
        let mut siblings = Vec::new();
        let mut level = self.0.as_slice();
        for depth in 0..self.depth() {
            let (left, right) = level.split_at(level.len() / 2);
            let (ours, theirs) = if goes_right(tag, depth) { (right, left) } else { (left, right) };
            siblings.push(root_of(theirs)?);
            level = ours;
        }
        let (hashes, rest) = leaves.as_chunks::<32>();
        let (leaves, odd) = hashes.as_chunks::<2>();
        let leaves: Vec<(Hash, Hash)> = leaves.iter().map(|[tag, value]| (*tag, *value)).collect();
        (rest.is_empty() && odd.is_empty()).then(|| path_in(&leaves, siblings, tag))
    }

    fn depth(&self) -> usize {
        self.0.len().trailing_zeros() as usize
    }
}

/// The root over parts that have two leaves or more each, or over a single one.
fn root_of(parts: &[Hash]) -> Option<Hash> {
    match parts {
        [] => None,
        [part] => Some(*part),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            Some(node(&root_of(left)?, &root_of(right)?))
        }
    }
}

/// Goes on from the siblings above a part, down to a tag's leaf in it.
fn path_in(mut part: &Part, mut siblings: Vec<Hash>, tag: &Hash) -> Path {
    while part.len() > 1 {
        let depth = siblings.len();
        let (left, right) = halves(part, depth);
        let (ours, theirs) = if goes_right(tag, depth) { (right, left) } else { (left, right) };
        siblings.push(root(theirs, depth + 1));
        part = ours;
    }
    let other = part.first().filter(|(there, _)| there != tag).copied();
    Path { siblings: siblings.into(), other }
}

/// All parts at a depth.
fn split(part: &Part, depth: usize) -> Vec<&Part> {
    let mut parts = vec![part];
    for depth in 0..depth {
        parts = parts.into_iter().flat_map(|part| <[&Part; 2]>::from(halves(part, depth))).collect();
    }
    parts
}

/// Tags with their values, in the order of the tags.
type Part = [(Hash, Hash)];

fn halves(part: &Part, depth: usize) -> (&Part, &Part) {
    part.split_at(part.partition_point(|(tag, _)| !goes_right(tag, depth)))
}

fn root(part: &Part, depth: usize) -> Hash {
    match part {
        [] => EMPTY,
        [(tag, value)] => leaf(tag, value),
        _ => {
            let (left, right) = halves(part, depth);
            node(&root(left, depth + 1), &root(right, depth + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(first: u8, last: u8) -> Hash {
        let mut tag = [0; 32];
        (tag[0], tag[31]) = (first, last);
        tag
    }

    #[test]
    fn a_map_proves_what_is_in_it_and_what_is_not() {
        let mut leaves = Leaves::default();
        assert_eq!(leaves.root(), EMPTY);
        assert_eq!(leaves.path(&tag(1, 0)).root(&tag(1, 0), None), Some(EMPTY));
        leaves.insert_raw(tag(0x80, 0), [9; 32]);
        assert_eq!(leaves.root(), leaf(&tag(0x80, 0), &[9; 32]), "a single leaf needs no level");
        // Two that differ in their last bit alone: 255 levels above them have one side.
        leaves.insert_raw(tag(0x80, 1), [8; 32]);
        assert_eq!(leaves.path(&tag(0x80, 1)).siblings.len(), 256);
        for (tag, value) in [
            (tag(0x80, 0), Some([9; 32])),
            (tag(0x80, 1), Some([8; 32])),
            (tag(0x80, 2), None),
            (tag(0, 0), None),
            (tag(0xc0, 0), None),
        ] {
            let path = leaves.path(&tag);
            assert_eq!(path.root(&tag, value.as_ref()), Some(leaves.root()), "{tag:?}");
            let text = path.to_text();
            let (bits, hashes) = text.split_once(' ').unwrap();
            assert_eq!(Path::from_text(bits, hashes), Some(path));
        }
    }

    #[test]
    fn parts_give_the_paths_of_the_whole() {
        for count in [0, 1, 2, 127, 128, 255, 256, 1_000, 3_000] {
            let mut leaves = Leaves::default();
            let hash = |n: u32| crate::certified::hash::sha256(&[&n.to_be_bytes()]);
            (0..count).for_each(|n| leaves.insert_raw(hash(n), [n as u8; 32]));
            let (parts, bytes) = leaves.parts();
            assert_eq!(bytes.len(), parts.0.len());
            assert!(bytes.iter().all(|part| part.len() < 64 * 400), "{count}");
            let parts = Parts::from_bytes(&parts.to_bytes()).unwrap();
            assert_eq!(root_of(&parts.0), Some(leaves.root()), "{count}");
            for tag in (0..count + 50).step_by(count as usize / 20 + 1).map(hash) {
                let part = &bytes[parts.place_of(&tag) as usize];
                assert_eq!(parts.path(&tag, part), Some(leaves.path(&tag)));
                assert_eq!(parts.path(&tag, &[1; 33]), None);
            }
        }
        // Tags that are no MACs: all on one side.
        let mut leaves = Leaves::default();
        (0..=255).for_each(|n| leaves.insert_raw(tag(0, n), [1; 32]));
        leaves.insert_raw(tag(0x80, 0), [1; 32]);
        let (parts, bytes) = leaves.parts();
        assert_eq!((bytes.len(), root_of(&parts.0)), (1, Some(leaves.root())));
        assert!(Parts::from_bytes(&[0; 96]).is_none() && Parts::from_bytes(&[]).is_none());
    }

    proptest! {
        #[test]
        fn one_root_has_one_answer_for_each_tag(
            there in prop::collection::btree_map(any::<[u8; 2]>(), any::<[u8; 32]>(), 0..10),
            asked: [u8; 2],
            claimed: [u8; 32],
        ) {
            let long = |short: [u8; 2]| { let mut tag = [0; 32]; (tag[0], tag[31]) = (short[0], short[1]); tag };
            let mut leaves = Leaves::default();
            there.iter().for_each(|(tag, value)| leaves.insert_raw(long(*tag), *value));
            let (tag, root) = (long(asked), leaves.root());
            let path = leaves.path(&tag);
            let value = there.get(&asked);
            prop_assert_eq!(path.root(&tag, value), Some(root));
            prop_assert_eq!(path.root(&tag, Some(&claimed)) == Some(root), value == Some(&claimed));
            // Neither a leaf that is hidden nor one that is made up fits any other path.
            for other in there.keys() {
                let path = leaves.path(&long(*other));
                prop_assert!(*other == asked || path.root(&tag, Some(&claimed)) != Some(root));
                prop_assert!(value.is_none() || path.root(&tag, None) != Some(root));
            }
        }
    }
}
