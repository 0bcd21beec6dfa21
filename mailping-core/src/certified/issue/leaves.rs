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
    pub(crate) fn insert_raw(&mut self, tag: [u8; 32], value: [u8; 32]) {
        self.0.insert(tag, value);
    }

    pub(crate) fn root(&self) -> Hash {
        root(&self.sorted(), 0)
    }

    /// The way to where a ping's leaf is, or would be.
    pub(crate) fn path(&self, tag: &Hash) -> Path {
        let sorted = self.sorted();
        let mut part = sorted.as_slice();
        let mut siblings = Vec::new();
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

    fn sorted(&self) -> Vec<(Hash, Hash)> {
        self.0.iter().map(|(tag, value)| (*tag, *value)).collect()
    }
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
