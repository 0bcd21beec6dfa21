//! The centre's answer to a batch: one line, signed, good for that batch alone.

use data_encoding::HEXLOWER;

use super::head::digest;
use crate::keyring::Subkey;
use crate::store::DatabaseId;

const KIND: &str = "mailping-answer 1";
/// Stands for no records, so that there is a word.
const NONE: &str = "-";

/// What the centre says of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The centre's database.
    pub database: DatabaseId,
    /// What became of each record, in the order of the batch.
    pub outcomes: Vec<Outcome>,
}

/// What became of an open or a last day of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an edge must know what to do with each")]
pub enum Outcome {
    /// It is durable at the centre, now or since an earlier batch.
    Kept,
    /// Its ping does not record, or not any more: drop it.
    Filtered,
    /// The centre takes others and refuses this one.
    Refused,
}

impl Outcome {
    const fn letter(self) -> char {
        match self {
            Self::Kept => 'k',
            Self::Filtered => 'f',
            Self::Refused => 'r',
        }
    }

    const fn of(letter: char) -> Option<Self> {
        match letter {
            'k' => Some(Self::Kept),
            'f' => Some(Self::Filtered),
            'r' => Some(Self::Refused),
            _ => None,
        }
    }
}

/// The answer to the batch with this MAC.
pub(super) fn write(answer: &Answer, batch: &[u8; 32], subkey: &Subkey) -> String {
    let letters: String = answer.outcomes.iter().map(|outcome| outcome.letter()).collect();
    let letters = if letters.is_empty() { NONE } else { &letters };
    let text = format!("{KIND} {} {letters}", answer.database);
    let mac = subkey.mac(signed(&text, batch).as_bytes());
    format!("{text} {}\n", HEXLOWER.encode(&mac))
}

/// Reads the answer to the batch with this MAC.
pub(super) fn read(body: &[u8], batch: &[u8; 32], subkey: &Subkey) -> Option<Answer> {
    let line = str::from_utf8(body).ok()?.strip_suffix('\n')?;
    let (text, mac) = line.rsplit_once(' ')?;
    if !subkey.verify_left(signed(text, batch).as_bytes(), &digest(mac)?) {
        return None;
    }
    let (database, letters) = text.strip_prefix(KIND)?.strip_prefix(' ')?.split_once(' ')?;
    let letters = if letters == NONE { "" } else { letters };
    let outcomes = letters.chars().map(Outcome::of).collect::<Option<_>>()?;
    Some(Answer { database: database.parse().ok()?, outcomes })
}

fn signed(text: &str, batch: &[u8; 32]) -> String {
    format!("{text} {}", HEXLOWER.encode(batch))
}
