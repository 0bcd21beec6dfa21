//! New ids. Those of opens are drawn from the operating system in blocks: a call into it for each
//! hit shows in a profile.
//!
//! A process that forks while it serves hands its children the rest of the block, so that their
//! first ids are those of the parent. Ids need to differ within one ping alone, and nothing rests
//! on their being secret. Keys and the ids of pings are never drawn from a block.

use std::cell::RefCell;

use super::{OpenId, PingId};
use crate::{Error, Timestamp};

impl PingId {
    pub(crate) fn mint(sent_at: Timestamp) -> Result<Self, getrandom::Error> {
        let mut random = [0; 10];
        getrandom::fill(&mut random)?;
        let uuid = uuid::Builder::from_unix_timestamp_millis(sent_at.unix_millis().unsigned_abs(), &random);
        Ok(Self(uuid.into_uuid().into_bytes()))
    }
}

impl OpenId {
    /// A new random id.
    ///
    /// # Errors
    /// If the operating system has no random bytes to give.
    pub fn random() -> Result<Self, Error> {
        eight_bytes().map(Self).ok_or(Error::NoRandom)
    }
}

/// One call into the operating system gives the ids of so many hits.
const IDS: usize = 64;

struct Block {
    ids: [[u8; 8]; IDS],
    left: usize,
}

thread_local! {
    static BLOCK: RefCell<Block> = const { RefCell::new(Block { ids: [[0; 8]; IDS], left: 0 }) };
}

/// Eight bytes that were given to nobody before.
fn eight_bytes() -> Option<[u8; 8]> {
    BLOCK.with_borrow_mut(|block| {
        if block.left == 0 {
            getrandom::fill(block.ids.as_flattened_mut()).ok()?;
            block.left = IDS;
        }
        block.left -= 1;
        block.ids.get(block.left).copied()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice_over_many_blocks_and_threads() {
        let draw = || (0..10 * IDS + 1).map(|_| eight_bytes().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let ids: Vec<[u8; 8]> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
