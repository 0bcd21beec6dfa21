//! What the ledger's text says: where the log stands, in lines that people can read too.

use crate::certified::checkpoint::Checkpoint;
use crate::certified::hash::{Hash, hashes_from_base64, hashes_to_base64};
use crate::certified::note::{Note, PublicKey};
use crate::certified::seal::{Second, second};
use crate::store::{Ledger, Mark, StoreError};
use crate::text::decimal;
use crate::{Error, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// The key that signs.
    pub(super) key: PublicKey,
    /// Where the period of the seal begins that is being filled.
    pub(super) from: Timestamp,
    /// What was kept up to it has been put down.
    pub(super) mark: Mark,
    /// The period of the seal before it, if that is closed and not yet made.
    pub(super) closing: Option<(Timestamp, Timestamp)>,
    /// When outside parties were last shown the head.
    pub(super) shown: Option<Timestamp>,
    /// How many seals are cut off, and the hashes that stand for them in the log's tree.
    pub(super) cut: (u64, Vec<Hash>),
    /// The signed head; empty before the first seal.
    pub(super) note: String,
}

impl Standing {
    pub(super) fn first(key: PublicKey, from: Timestamp, mark: Mark) -> Self {
        Self { key, from, mark, closing: None, shown: None, cut: (0, Vec::new()), note: String::new() }
    }

    /// `None` before the log has begun.
    pub(super) fn of(ledger: &Ledger) -> Result<Option<Self>, Error> {
        if ledger.text.is_empty() {
            return Ok(None);
        }
        let read = Self::parse(&ledger.text);
        read.map(Some).ok_or_else(|| StoreError::Corrupt { what: "the text of the ledger" }.into())
    }

    /// How many seals the signed head has.
    pub(super) fn signed(&self) -> u64 {
        Note::parse(&self.note).as_ref().and_then(Checkpoint::of).map_or(0, |head| head.size)
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = format!("key {}\nfrom {}\nmark {}\n", self.key, Second(self.from), self.mark);
        if let Some((from, until)) = self.closing {
            text.push_str(&format!("closing {} {}\n", Second(from), Second(until)));
        }
        if let Some(shown) = self.shown {
            text.push_str(&format!("shown {}\n", Second(shown)));
        }
        if self.cut.0 > 0 {
            text.push_str(&format!("cut {} {}\n", self.cut.0, hashes_to_base64(&self.cut.1)));
        }
        format!("{text}\n{}", self.note)
    }

    fn parse(text: &str) -> Option<Self> {
        let (lines, note) = text.split_once("\n\n")?;
        let value = |name: &str| lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let mut read =
            Self::first(value("key")?.parse().ok()?, second(value("from")?)?, value("mark")?.parse().ok()?);
        if let Some(period) = value("closing") {
            let (from, until) = period.split_once(' ')?;
            read.closing = Some((second(from)?, second(until)?));
        }
        if let Some(shown) = value("shown") {
            read.shown = Some(second(shown)?);
        }
        if let Some(cut) = value("cut") {
            let (size, hashes) = cut.split_once(' ')?;
            read.cut = (decimal(size)?, hashes_from_base64(hashes)?);
        }
        note.clone_into(&mut read.note);
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certified::LogKey;

    #[test]
    fn it_comes_back_from_its_text() {
        let key = LogKey::generate("example.com/receipts").unwrap();
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut standing =
            Standing::first(key.public().clone(), time("2026-11-28T10:00:00Z"), "7-8".parse().unwrap());
        let comes_back = |standing: &Standing| {
            let ledger = Ledger::new(1, 0, Timestamp::default(), standing.to_text());
            assert_eq!(Standing::of(&ledger).unwrap().as_ref(), Some(standing));
        };
        comes_back(&standing);
        standing.closing = Some((time("2026-11-28T09:00:00Z"), time("2026-11-28T10:00:00Z")));
        standing.shown = Some(time("2026-11-28T08:00:00Z"));
        standing.cut = (3, vec![[1; 32], [2; 32]]);
        let head = Checkpoint { origin: "example.com/receipts".into(), size: 5, root: [7; 32] };
        standing.note = key.sign(&head.text());
        comes_back(&standing);
        assert_eq!(standing.signed(), 5);
        assert!(Standing::of(&Ledger::new(1, 0, Timestamp::default(), "key x\n\n".to_owned())).is_err());
        assert_eq!(Standing::of(&Ledger::default()).unwrap(), None);
    }
}
