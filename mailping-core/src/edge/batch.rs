//! A batch as an edge sends it.

use std::fmt;
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::head::{MAX_HEAD, Said};
use super::{Answer, answer};
use crate::base_url::check_base_url;
use crate::keyring::Subkey;
use crate::store::line::{write_last_day, write_open};
use crate::store::{DatabaseId, StoreError};
use crate::text::ParseError;
use crate::{Keyring, LastDay, Open, links};

/// Opens and last days on their way from an edge to the centre, signed.
#[derive(Clone)]
pub struct Batch {
    bytes: Vec<u8>,
    records: usize,
    mac: [u8; 32],
    subkey: Subkey,
}

impl Batch {
    /// The most bytes of a batch: what nginx takes unless it is told otherwise.
    pub const MAX_BYTES: usize = 1 << 20;
    /// The most opens and last days of a batch.
    pub const MAX_RECORDS: usize = 2_048;

    /// Where a centre takes batches, from the base URL of its routes.
    ///
    /// # Errors
    /// [`ParseError`] if that is no base URL: see
    /// [`TrackerBuilder::base_url`](crate::TrackerBuilder::base_url).
    pub fn url(base_url: &str) -> Result<String, ParseError> {
        check_base_url(base_url).map(|base_url| links::edges_url(&base_url)).map_err(ParseError::because)
    }

    /// Whether keys are an edge's, which can sign.
    ///
    /// # Errors
    /// [`ParseError`] if they are a whole keyring: what an edge does not need, nobody can steal
    /// from it.
    pub fn check_keys(keys: &Keyring) -> Result<(), ParseError> {
        if keys.is_of_edge() { Ok(()) } else { Err(ParseError::because(WHOLE).in_field("keys")) }
    }

    /// Signs opens and last days for a database. Without one, and empty, it asks which the centre
    /// has.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if the keys are no edge's, and [`StoreError::Refused`] if it
    /// would be larger than a batch may be: then send it in parts.
    pub fn sign(
        keys: &Keyring,
        now: SystemTime,
        database: Option<DatabaseId>,
        opens: &[Open],
        last_days: &[LastDay],
    ) -> Result<Self, StoreError> {
        let refused = || StoreError::Incompatible { reason: WHOLE.to_owned() };
        let edge = keys.edge().ok_or_else(refused)?.clone();
        let key = keys.newest().id;
        let subkey = keys.edge_subkey(&edge, key).ok_or_else(refused)?;
        let mut lines = Vec::with_capacity(opens.len() * 340);
        opens.iter().try_for_each(|open| write_open(&mut lines, open))?;
        last_days.iter().try_for_each(|last| write_last_day(&mut lines, last))?;
        let (records, length) = (opens.len() + last_days.len(), lines.len());
        if records > Self::MAX_RECORDS || length > Self::MAX_BYTES - MAX_HEAD {
            return Err(StoreError::Refused { source: TOO_LARGE.into() });
        }
        let digest = Sha256::digest(&lines).into();
        let said = Said { edge, key, at: now.into(), database, records, length, digest };
        let text = said.text();
        let mac = subkey.mac(text.as_bytes());
        let mut bytes = format!("{text} {}\n", HEXLOWER.encode(&mac)).into_bytes();
        bytes.append(&mut lines);
        Ok(Self { bytes, records, mac, subkey })
    }

    /// What to send.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the centre's answer to this batch; `None` if it is not that.
    #[must_use]
    pub fn read_answer(&self, body: &[u8]) -> Option<Answer> {
        answer::read(body, &self.mac, &self.subkey).filter(|answer| answer.outcomes.len() == self.records)
    }
}

const WHOLE: &str =
    "an edge needs keys of its own, made with `Keyring::for_edge`: the whole keyring stays at the centre";
const TOO_LARGE: &str = "a batch has at most 1 MiB and 2,048 records";

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("records", &self.records).finish_non_exhaustive()
    }
}
