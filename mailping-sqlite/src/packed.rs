//! Opens as the bytes of one row: each is a length of two bytes, the lower first, and so many bytes, in the format of postcard. One that was
//! taken out may have the length 0, so that the others keep their places.

use serde::Serialize;

use crate::failure::{Failure, Result};

#[derive(Default)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
    /// Where each open ends in the bytes, those that were taken out too.
    ends: Vec<u16>,
    /// What comes after them is not as [`Packed::add`] makes it.
    is_damaged: bool,
}

impl Packed {
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        let ends: Vec<u16> =
            std::iter::successors(next_end(&bytes, 0), |end| next_end(&bytes, *end)).collect();
        let is_damaged = ends.last().map_or(0, |end| usize::from(*end)) != bytes.len();
        Self { bytes, ends, is_damaged }
    }

    pub(crate) fn push(&mut self, open: &impl Serialize) -> Result<()> {
        let start = self.bytes.len();
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.extend([0, 0]);
        self.bytes = postcard::to_extend(open, bytes).map_err(|_| too_long())?;
        let length = u16::try_from(self.bytes.len() - start - 2).map_err(|_| too_long())?;
        self.bytes[start..start + 2].copy_from_slice(&length.to_le_bytes());
        self.end_entry()
    }

    /// Adds an open whose bytes are made.
    pub(crate) fn add(&mut self, entry: &[u8]) -> Result<()> {
        let length = u16::try_from(entry.len()).map_err(|_| too_long())?;
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(entry);
        self.end_entry()
    }

    fn end_entry(&mut self) -> Result<()> {
        self.ends.push(u16::try_from(self.bytes.len()).map_err(|_| too_long())?);
        Ok(())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many places there are.
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// The open at this place: empty where it was taken out.
    pub(crate) fn entry(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(usize::from(start) + 2..usize::from(end))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|place| self.entry(place))
    }
}

/// Where the open ends that starts here; `None` where there is none.
fn next_end(bytes: &[u8], start: u16) -> Option<u16> {
    let (length, after) = bytes.get(start.into()..)?.split_first_chunk()?;
    let length = u16::from_le_bytes(*length);
    (usize::from(length) <= after.len()).then(|| start.checked_add(2)?.checked_add(length))?
}

/// Texts are short by their types, and whoever packs looks at the length: no open comes near it.
const fn too_long() -> Failure {
    Failure::corrupt("the length of an open")
}
