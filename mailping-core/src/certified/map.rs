//! The sparse Merkle map of one seal, as a reader of a receipt sees it: one path from the place of
//! a ping's leaf to the root.
//!
//! Each root and tag have one answer at most: a value, or nothing. That holds also for roots that a
//! cheat has made, since leaves and inner nodes are hashed differently and the tag's bits say at
//! each level on which side the path goes.

use super::hash::{Hash, hashes_from_base64, hashes_to_base64, sha256};

/// An empty part of the map.
pub(super) const EMPTY: Hash = [0; 32];

pub(super) fn leaf(tag: &Hash, value: &Hash) -> Hash {
    sha256(&[&[2], tag, value])
}

pub(super) fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[3], left, right])
}

/// Whether a tag goes to the right at a depth; the root is at depth 0.
pub(super) fn goes_right(tag: &Hash, depth: usize) -> bool {
    tag.get(depth / 8).is_some_and(|byte| byte >> (7 - depth % 8) & 1 == 1)
}

/// The way from a map's root down to where the leaf of a tag is, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// What hangs on the other side at each depth, from the root down; [`EMPTY`] for nothing.
    pub(super) siblings: Vec<Hash>,
    /// If the ping has no leaf: the one that is alone at the end instead; `None` if it is empty.
    pub(super) other: Option<(Hash, Hash)>,
}

impl Path {
    /// The root of a map that has this value at this tag, or nothing there; `None` if the path
    /// proves nothing.
    pub(super) fn root(&self, tag: &Hash, value: Option<&Hash>) -> Option<Hash> {
        if self.siblings.len() > 256 {
            return None;
        }
        let end = match (value, &self.other) {
            (Some(value), None) => leaf(tag, value),
            (None, None) => EMPTY,
            (None, Some((other, value))) => {
                let alike =
                    (0..self.siblings.len()).all(|depth| goes_right(tag, depth) == goes_right(other, depth));
                (alike && other != tag).then(|| leaf(other, value))?
            }
            (Some(_), Some(_)) => return None,
        };
        let up = self.siblings.iter().enumerate().rev();
        Some(up.fold(
            end,
            |below, (depth, sibling)| {
                if goes_right(tag, depth) { node(sibling, &below) } else { node(&below, sibling) }
            },
        ))
    }

    /// Two words: which siblings there are, and their hashes with the other leaf behind them.
    pub(super) fn to_text(&self) -> String {
        let bits: String = self.siblings.iter().map(|hash| if *hash == EMPTY { '0' } else { '1' }).collect();
        let there = self.siblings.iter().copied().filter(|hash| *hash != EMPTY);
        let other = self.other.iter().flat_map(|(tag, value)| [*tag, *value]);
        let hashes: Vec<Hash> = there.chain(other).collect();
        format!("{} {}", if bits.is_empty() { "-" } else { &bits }, hashes_to_base64(&hashes))
    }

    pub(super) fn from_text(bits: &str, hashes: &str) -> Option<Self> {
        let bits = if bits == "-" { "" } else { bits };
        let mut hashes = hashes_from_base64(hashes)?.into_iter();
        let mut siblings = Vec::with_capacity(bits.len());
        for bit in bits.bytes() {
            siblings.push(match bit {
                b'0' => EMPTY,
                b'1' => hashes.next()?,
                _ => return None,
            });
        }
        let other = match (hashes.next(), hashes.next(), hashes.next()) {
            (None, ..) => None,
            (Some(tag), Some(value), None) => Some((tag, value)),
            _ => return None,
        };
        Some(Self { siblings, other })
    }
}
