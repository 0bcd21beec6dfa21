//! The first line of a batch: who sends it, for which database, how much it is, and the MAC over
//! all of that. It is checked before anything that comes after it is kept.

use std::str::FromStr;

use data_encoding::HEXLOWER;

use super::Edges;
use crate::keyring::{EdgeName, KeyId, Keyring, Subkey};
use crate::store::DatabaseId;
use crate::text::decimal;
use crate::{Timestamp, edge::Batch};

/// The longest that it may be, with its line break.
pub(super) const MAX_HEAD: usize = 320;
const KIND: &str = "mailping-batch";
const VERSION: &str = "1";

/// Why a batch is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is cut, or no batch at all.
    Malformed,
    /// It has a form that only another version knows.
    Version,
    /// Its edge is not accepted, or the MAC is not that of its key.
    Stranger,
    /// It is for another database.
    OtherDatabase,
    /// It is larger than a batch may be.
    TooLarge,
    /// Its edge's clock is ahead.
    Ahead,
    /// It cannot be kept now.
    Busy,
}

impl Refusal {
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::Version => 400,
            Self::Stranger => 401,
            Self::OtherDatabase => 409,
            Self::TooLarge => 413,
            Self::Ahead => 425,
            Self::Busy => 503,
        }
    }

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "this is no whole batch\n",
            Self::Version => "a batch of version 1 is expected\n",
            Self::Stranger => "this is not from an edge that is accepted here\n",
            Self::OtherDatabase => "this is for another database\n",
            Self::TooLarge => "a batch has at most 1 MiB and 2,048 records\n",
            Self::Ahead => "this edge's clock is more than ten minutes ahead\n",
            Self::Busy => "this cannot be kept now: try again\n",
        }
    }
}

/// What the line says, without what only its MAC needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) edge: EdgeName,
    pub(super) key: KeyId,
    pub(super) at: Timestamp,
    /// `None` if the edge does not know it yet, and asks.
    pub(super) database: Option<DatabaseId>,
    pub(super) records: usize,
    pub(super) length: usize,
    pub(super) digest: [u8; 32],
}

impl Said {
    /// The line up to its MAC.
    pub(super) fn text(&self) -> String {
        let Self { edge, at, records, length, .. } = self;
        let database = self.database.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let (key, at, digest) = (self.key, at.unix_millis(), HEXLOWER.encode(&self.digest));
        format!("{KIND} {VERSION} {edge} {key} {at} {database} {records} {length} {digest}")
    }

    fn read(text: &str) -> Result<Self, Refusal> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(Refusal::Malformed);
        if word()? != KIND {
            return Err(Refusal::Malformed);
        }
        if word()? != VERSION {
            return Err(Refusal::Version);
        }
        let edge = parsed(word()?)?;
        let key = parsed(word()?)?;
        let at = decimal(word()?).and_then(|at| i64::try_from(at).ok()).ok_or(Refusal::Malformed)?;
        let database = match word()? {
            "-" => None,
            id => Some(parsed(id)?),
        };
        let mut number =
            || decimal(word()?).and_then(|number| usize::try_from(number).ok()).ok_or(Refusal::Malformed);
        let (records, length) = (number()?, number()?);
        let digest = digest(word()?).ok_or(Refusal::Malformed)?;
        match words.next() {
            None => {
                Ok(Self { edge, key, at: Timestamp::from_unix_millis(at), database, records, length, digest })
            }
            Some(_) => Err(Refusal::Malformed),
        }
    }
}

fn parsed<T: FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::Malformed)
}

/// 32 bytes from their lower-case hexadecimal digits.
pub(super) fn digest(text: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// The first line of a batch that an accepted edge has signed.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) said: Said,
    pub(super) mac: [u8; 32],
    /// What the answer is signed with.
    pub(super) subkey: Subkey,
}

impl Head {
    /// Reads and checks the line, without its line break.
    pub(super) fn read(line: &[u8], keys: &Keyring, edges: &Edges) -> Result<Self, Refusal> {
        let line = str::from_utf8(line).map_err(|_| Refusal::Malformed)?;
        let (text, mac) = line.rsplit_once(' ').ok_or(Refusal::Malformed)?;
        let said = Said::read(text)?;
        let mac = digest(mac).ok_or(Refusal::Malformed)?;
        let accepted = edges.accepts(&said.edge).then(|| keys.edge_subkey(&said.edge, said.key)).flatten();
        let subkey = accepted.filter(|subkey| subkey.verify_left(text.as_bytes(), &mac));
        let subkey = subkey.ok_or(Refusal::Stranger)?;
        if said.length > Batch::MAX_BYTES - MAX_HEAD || said.records > Batch::MAX_RECORDS {
            return Err(Refusal::TooLarge);
        }
        Ok(Self { said, mac, subkey })
    }
}
