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

/// The most levels of a map: a tag has so many bits.
const MAX_DEPTH: usize = 256;

/// The way from a map's root down to where the leaf of a tag is, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(super) siblings: Siblings,
    /// If the ping has no leaf: the one that is alone at the end instead; `None` if it is empty.
    pub(super) other: Option<(Hash, Hash)>,
}

/// What hangs on the other side at each depth, from the root down. It takes no more room than its
/// text, in which an empty part is one sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Siblings {
    is_there: Vec<bool>,
    /// Of those that are there.
    hashes: Vec<Hash>,
}

impl From<Vec<Hash>> for Siblings {
    fn from(all: Vec<Hash>) -> Self {
        let is_there = all.iter().map(|hash| *hash != EMPTY).collect();
        Self { is_there, hashes: all.into_iter().filter(|hash| *hash != EMPTY).collect() }
    }
}

impl Siblings {
    pub(super) fn len(&self) -> usize {
        self.is_there.len()
    }

    /// With their depths, from the lowest up.
    fn upwards(&self) -> impl Iterator<Item = (usize, &Hash)> {
        let mut hashes = self.hashes.iter().rev();
        let all = self.is_there.iter().enumerate().rev();
        all.map(move |(depth, is_there)| (depth, is_there.then(|| hashes.next()).flatten().unwrap_or(&EMPTY)))
    }
}

impl Path {
    /// The root of a map that has this value at this tag, or nothing there; `None` if the path
    /// proves nothing.
    pub(super) fn root(&self, tag: &Hash, value: Option<&Hash>) -> Option<Hash> {
        if self.siblings.len() > MAX_DEPTH {
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
        Some(self.siblings.upwards().fold(end, |below, (depth, sibling)| {
            if goes_right(tag, depth) { node(sibling, &below) } else { node(&below, sibling) }
        }))
    }

    /// Two words: which siblings there are, and their hashes with the other leaf behind them.
    pub(super) fn to_text(&self) -> String {
        let Siblings { is_there, hashes } = &self.siblings;
        let bits: String = is_there.iter().map(|is_there| if *is_there { '1' } else { '0' }).collect();
        let other = self.other.iter().flat_map(|(tag, value)| [*tag, *value]);
        let hashes: Vec<Hash> = hashes.iter().copied().chain(other).collect();
        format!("{} {}", if bits.is_empty() { "-" } else { &bits }, hashes_to_base64(&hashes))
    }

    pub(super) fn from_text(bits: &str, hashes: &str) -> Option<Self> {
        let bits = if bits == "-" { "" } else { bits };
        if bits.len() > MAX_DEPTH {
            return None;
        }
        let is_there = bits.bytes().map(|bit| match bit {
            b'0' => Some(false),
            b'1' => Some(true),
            _ => None,
        });
        let is_there = is_there.collect::<Option<Vec<bool>>>()?;
        let mut hashes = hashes_from_base64(hashes)?;
        let count = is_there.iter().filter(|is_there| **is_there).count();
        let behind = hashes.split_at_checked(count)?.1;
        let other = match behind {
            [] => None,
            [tag, value] => Some((*tag, *value)),
            _ => return None,
        };
        hashes.truncate(count);
        hashes.shrink_to_fit();
        // What is empty is a sign, and no hash.
        (!hashes.contains(&EMPTY)).then_some(Self { siblings: Siblings { is_there, hashes }, other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_longer_than_a_tag_and_takes_no_more_room_than_its_text() {
        let path = |bits: &str| Path::from_text(bits, "-");
        let longest = path(&"0".repeat(256)).unwrap();
        assert_eq!((longest.siblings.len(), longest.siblings.hashes.capacity()), (256, 0));
        assert!(longest.siblings.is_there.capacity() <= 256 && size_of::<Path>() <= 128);
        for depth in [257, 1 << 24] {
            assert_eq!(path(&"0".repeat(depth)), None, "{depth}");
        }
    }

    #[test]
    fn an_empty_part_has_one_text() {
        let hashes = |hashes: &[Hash]| hashes_to_base64(hashes);
        assert!(Path::from_text("01", &hashes(&[[1; 32]])).is_some());
        assert_eq!(Path::from_text("01", &hashes(&[EMPTY])), None);
        assert_eq!(Path::from_text("11", &hashes(&[[1; 32]])), None, "one is missing");
        assert_eq!(Path::from_text("1", &hashes(&[[1; 32], [2; 32]])), None, "half of another leaf");
    }
}
