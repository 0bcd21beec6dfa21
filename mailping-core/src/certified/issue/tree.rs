//! The tree of a whole log, and the proofs from it. A log has a few thousand entries a year, so
//! that nothing but the leaves has to be kept.

use crate::certified::hash::{Hash, sha256};
use crate::certified::tree::{left_of, node};

/// The tree of a log whose first entries may be cut off: of these it has the roots of the largest
/// parts that they fill, and of the others the leaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    cut: u64,
    peaks: Vec<Hash>,
    leaves: Vec<Hash>,
}

impl Tree {
    /// The tree behind the first `cut` entries, whose peaks these are; `None` if they are too few
    /// or too many.
    pub(crate) fn behind(cut: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() as u64 == u64::from(cut.count_ones())).then_some(Self { cut, peaks, leaves: Vec::new() })
    }

    /// How many entries it has, those that are cut off included.
    pub(crate) fn size(&self) -> u64 {
        self.cut + self.leaves.len() as u64
    }

    /// How many are cut off.
    pub(crate) const fn cut(&self) -> u64 {
        self.cut
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        self.leaves.push(leaf);
    }

    /// The root over the first `size` entries; `None` if that is more than there are, or reaches
    /// into what is cut off.
    pub(crate) fn root(&self, size: u64) -> Option<Hash> {
        if size == 0 { Some(sha256(&[])) } else { self.part(0, size) }
    }

    /// The roots of the largest parts that the first `size` entries fill, from left to right.
    pub(crate) fn peaks(&self, size: u64) -> Option<Vec<Hash>> {
        parts_of(size).map(|(first, size)| self.part(first, size)).collect()
    }

    /// The hashes of the largest parts of the first `size` entries without any of those shown,
    /// which are in order.
    pub(crate) fn proof_of(&self, size: u64, shown: &[u64]) -> Option<Vec<Hash>> {
        let mut proof = Vec::new();
        self.add_parts(0, size, shown, &mut proof)?;
        Some(proof)
    }

    fn add_parts(&self, first: u64, size: u64, shown: &[u64], proof: &mut Vec<Hash>) -> Option<()> {
        if shown.is_empty() {
            proof.push(self.part(first, size)?);
        } else if size > 1 {
            let left = left_of(size);
            let middle = first + left;
            let (before, behind) = shown.split_at(shown.partition_point(|index| *index < middle));
            self.add_parts(first, left, before, proof)?;
            self.add_parts(middle, size - left, behind, proof)?;
        }
        Some(())
    }

    /// The consistency proof of RFC 6962 from the first `old` entries to the first `size`.
    pub(crate) fn consistency(&self, old: u64, size: u64) -> Option<Vec<Hash>> {
        let mut proof = Vec::new();
        (1..=size).contains(&old).then(|| self.add_consistency(0, old, size, true, &mut proof))??;
        Some(proof)
    }

    fn add_consistency(
        &self,
        first: u64,
        old: u64,
        size: u64,
        is_whole: bool,
        proof: &mut Vec<Hash>,
    ) -> Option<()> {
        if old == size {
            if !is_whole {
                proof.push(self.part(first, size)?);
            }
            return Some(());
        }
        let left = left_of(size);
        if old <= left {
            self.add_consistency(first, old, left, is_whole, proof)?;
            proof.push(self.part(first + left, size - left)?);
        } else {
            self.add_consistency(first + left, old - left, size - left, false, proof)?;
            proof.push(self.part(first, left)?);
        }
        Some(())
    }

    /// The root of the part of so many entries, at least one, from the first one on.
    fn part(&self, first: u64, size: u64) -> Option<Hash> {
        if first + size <= self.cut {
            let peak = parts_of(self.cut).position(|part| part == (first, size));
            if let Some(peak) = peak {
                return self.peaks.get(peak).copied();
            }
        }
        if size == 1 {
            let place = usize::try_from(first.checked_sub(self.cut)?).ok()?;
            return self.leaves.get(place).copied();
        }
        let left = left_of(size);
        Some(node(&self.part(first, left)?, &self.part(first + left, size - left)?))
    }
}

/// The largest parts that so many entries fill: where each begins, and its size.
fn parts_of(size: u64) -> impl Iterator<Item = (u64, u64)> {
    let bits = (0..u64::BITS).rev().map(|bit| 1 << bit).filter(move |bit| size & bit != 0);
    bits.scan(0, |first, size| {
        let part = (*first, size);
        *first += size;
        Some(part)
    })
}

/// A proof that shows one entry, in the order of RFC 6962: from the entry up to the root.
#[cfg(test)]
pub(crate) fn audit_path(size: u64, index: u64, proof: &mut impl Iterator<Item = Hash>) -> Vec<Hash> {
    if size == 1 {
        return Vec::new();
    }
    let left = left_of(size);
    let before = if index < left { None } else { proof.next() };
    let mut path = match before {
        None => audit_path(left, index, proof),
        Some(_) => audit_path(size - left, index - left, proof),
    };
    path.extend(before.or_else(|| proof.next()));
    path
}

#[cfg(test)]
fn whole(leaves: &[Hash]) -> Tree {
    Tree { leaves: leaves.to_vec(), ..Tree::default() }
}

/// As [`Tree::proof_of`], of all leaves.
#[cfg(test)]
pub(crate) fn proof_of(leaves: &[Hash], shown: &[u64]) -> Vec<Hash> {
    whole(leaves).proof_of(leaves.len() as u64, shown).unwrap_or_default()
}

/// As [`Tree::consistency`], to all leaves.
#[cfg(test)]
pub(crate) fn consistency(leaves: &[Hash], old_size: u64) -> Vec<Hash> {
    whole(leaves).consistency(old_size, leaves.len() as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;
    use crate::certified::tree as read;

    fn root_of(leaves: &[Hash]) -> Hash {
        whole(leaves).root(leaves.len() as u64).unwrap()
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|index| read::leaf(&index.to_be_bytes())).collect()
    }

    fn theirs(count: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
        let mut tree = MemoryBackedTree::new();
        (0..count).for_each(|index| tree.push(index.to_be_bytes().to_vec()));
        tree
    }

    /// A foreign implementation of RFC 6962 has the same roots and accepts our proofs.
    #[test]
    fn the_tree_is_that_of_rfc_6962() {
        for size in 1..70 {
            let (ours, theirs) = (leaves(size), theirs(size));
            let root = theirs.root();
            assert_eq!(root_of(&ours)[..], root.as_bytes()[..], "{size}");
            for old in 1..=size {
                let proof = consistency(&ours, old);
                let before = self::theirs(old).root();
                let old_root = root_of(&ours[..old as usize]);
                assert_eq!(
                    read::extended(old, &old_root, size, &proof),
                    Some(root_of(&ours)),
                    "{old} of {size}"
                );
                if old < size {
                    let foreign = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
                    root.verify_consistency(&before, &foreign).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_foreign_verifier_accepts_that_an_entry_is_in_the_log() {
        let size = 45;
        let root = RootHash::<Sha256>::new(root_of(&leaves(size)).into(), size);
        for index in 0..size {
            let proof = proof_of(&leaves(size), &[index]);
            let path = audit_path(size, index, &mut proof.into_iter());
            assert_eq!(theirs(size).prove_inclusion(index as usize).as_bytes(), path.concat());
            let path = InclusionProof::try_from_bytes(path.concat()).unwrap();
            root.verify_inclusion(&index.to_be_bytes().to_vec(), index, &path).unwrap();
        }
    }

    proptest! {
        #[test]
        fn shown_entries_are_bound_to_their_places(size in 1_u64..200, shown in prop::collection::btree_set(0_u64..200, 1..30), flip: usize) {
            let leaves = leaves(size);
            let shown: Vec<u64> = shown.into_iter().map(|index| index % size).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            let proof = proof_of(&leaves, &shown);
            let known: Vec<(u64, Hash)> = shown.iter().map(|index| (*index, leaves[*index as usize])).collect();
            let root = root_of(&leaves);
            prop_assert_eq!(read::root(size, &known, &proof), Some(root));
            let mut moved = known.clone();
            let place = flip % known.len();
            moved[place].1[flip % 32] ^= 1;
            prop_assert!(read::root(size, &moved, &proof) != Some(root));
            let mut fewer = known.clone();
            fewer.remove(place);
            prop_assert!(read::root(size, &fewer, &proof) != Some(root));
            let mut twice = known.clone();
            twice.insert(place, known[place]);
            prop_assert_eq!(read::root(size, &twice, &proof), None);
        }

        #[test]
        fn a_log_that_was_rewritten_extends_nothing(size in 2_u64..100, old in 1_u64..100, changed: u64) {
            let old = old.min(size - 1);
            let honest = leaves(size);
            let mut other = honest.clone();
            other[(changed % old) as usize][0] ^= 1;
            let proof = consistency(&other, old);
            let before = root_of(&honest[..old as usize]);
            prop_assert!(read::extended(old, &before, size, &proof) != Some(root_of(&other)));
        }

        /// A log that is cut proves the same of what is left.
        #[test]
        fn what_is_cut_off_is_not_missed(size in 2_u64..150, cut in 1_u64..150, shown in prop::collection::btree_set(0_u64..150, 1..10), old in 1_u64..150) {
            let (leaves, cut, old) = (leaves(size), cut.min(size - 1), old.min(size));
            let all = whole(&leaves);
            let mut behind = Tree::behind(cut, all.peaks(cut).unwrap()).unwrap();
            leaves[cut as usize..].iter().for_each(|leaf| behind.push(*leaf));
            prop_assert_eq!(behind.size(), size);
            prop_assert_eq!(behind.root(size), all.root(size));
            prop_assert_eq!(behind.peaks(size), all.peaks(size));
            let shown: Vec<u64> = shown.into_iter().filter(|index| (cut..size).contains(index)).collect();
            prop_assert_eq!(behind.proof_of(size, &shown), all.proof_of(size, &shown));
            if old >= cut {
                prop_assert_eq!(behind.consistency(old, size), all.consistency(old, size));
            }
            prop_assert_eq!(Tree::behind(cut, Vec::new()).map(drop), None);
        }
    }
}
