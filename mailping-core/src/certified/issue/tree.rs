//! Proofs from all leaves of the log's tree. A log has a few thousand entries a year, so that
//! nothing but the leaves has to be kept.

use crate::certified::hash::{Hash, sha256};
use crate::certified::tree::{left_of, node};

pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = halves(leaves);
            node(&root(left), &root(right))
        }
    }
}

/// The hashes of the largest parts without any of these entries, which are in order.
pub(crate) fn proof_of(leaves: &[Hash], shown: &[u64]) -> Vec<Hash> {
    let mut proof = Vec::new();
    add_parts(0, leaves, shown, &mut proof);
    proof
}

fn add_parts(first: u64, leaves: &[Hash], shown: &[u64], proof: &mut Vec<Hash>) {
    if shown.is_empty() {
        proof.push(root(leaves));
    } else if leaves.len() > 1 {
        let (left, right) = halves(leaves);
        let middle = first + left.len() as u64;
        let (before, behind) = shown.split_at(shown.partition_point(|index| *index < middle));
        add_parts(first, left, before, proof);
        add_parts(middle, right, behind, proof);
    }
}

/// A proof that shows one entry, in the order of RFC 6962: from the entry up to the root.
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

/// The consistency proof of RFC 6962 from the first `old_size` leaves to all.
pub(crate) fn consistency(leaves: &[Hash], old_size: usize) -> Vec<Hash> {
    let mut proof = Vec::new();
    add_consistency(leaves, old_size, true, &mut proof);
    proof
}

fn add_consistency(leaves: &[Hash], old_size: usize, is_whole: bool, proof: &mut Vec<Hash>) {
    if old_size == leaves.len() {
        if !is_whole {
            proof.push(root(leaves));
        }
        return;
    }
    let (left, right) = halves(leaves);
    if old_size <= left.len() {
        add_consistency(left, old_size, is_whole, proof);
        proof.push(root(right));
    } else {
        add_consistency(right, old_size - left.len(), false, proof);
        proof.push(root(left));
    }
}

fn halves(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at(left_of(leaves.len() as u64) as usize)
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;
    use crate::certified::tree as read;

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
            assert_eq!(super::root(&ours)[..], root.as_bytes()[..], "{size}");
            for old in 1..=size {
                let proof = consistency(&ours, old as usize);
                let before = self::theirs(old).root();
                let old_root = super::root(&ours[..old as usize]);
                assert_eq!(
                    read::extended(old, &old_root, size, &proof),
                    Some(super::root(&ours)),
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
        let root = RootHash::<Sha256>::new(super::root(&leaves(size)).into(), size);
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
            let root = super::root(&leaves);
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
            let proof = consistency(&other, old as usize);
            let before = super::root(&honest[..old as usize]);
            prop_assert!(read::extended(old, &before, size, &proof) != Some(super::root(&other)));
        }
    }
}
