//! The certified receipt of a ping, from what is sealed of it.

use std::collections::BTreeMap;

use super::closing::{NO_KEY, in_order};
use super::{Sealer, Standing};
use crate::certified::file::Part;
use crate::certified::issue::{Draft, Parts};
use crate::certified::note::Note;
use crate::certified::ping_key::PingKey;
use crate::certified::proven::Certified;
use crate::certified::seal::{Seal, is_due};
use crate::certified::statement::Statement;
use crate::certified::verify::Verifier;
use crate::store::{SealRow, SealedPing, Sealing, StoreError};
use crate::{Error, PingId};

/// How many seals are read at once.
const MAX_SEALS: usize = 64;

impl Sealer {
    /// The text of [`certified`](Self::certified).
    pub(crate) async fn receipt(&self, ping: PingId) -> Result<Option<String>, Error> {
        Ok(self.certified(ping).await?.map(|(text, _)| text))
    }

    /// The receipt as of the last signed head, and what it proves; `None` if nothing of the ping is
    /// in it.
    pub(crate) async fn certified(&self, ping: PingId) -> Result<Option<(String, Certified)>, Error> {
        let sealing = self.store()?;
        let Some(sealed) = sealing.sealed(&[ping]).await?.pop().flatten() else { return Ok(None) };
        let key = PingKey::of(ping, &sealed.secret, &self.keys).ok_or(Error::Log { problem: NO_KEY })?;
        let Some(standing) = Standing::of(&sealing.ledger().await?)? else { return Ok(None) };
        let size = standing.signed();
        let statements = statements(sealing, ping, size).await?;
        // Erased meanwhile, or not yet sealed.
        if !statements.contains_key(&sealed.first) {
            return Ok(None);
        }
        let known = self.known_to_head(sealing, &standing).await?;
        let earlier = sealing.stamps().await?.into_iter().filter(|stamp| stamp.size <= size);
        let earlier: Vec<_> = earlier.map(|stamp| (stamp.note, Some(stamp.token))).collect();
        let parts = parts(sealing, &key, sealed, size, statements).await?;
        let (note, rotations) = (standing.note.as_str(), known.rotations.as_slice());
        let draft = Draft { key, parts, tree: &known.tree, rotations, note, earlier: &earlier };
        let text = draft.file().ok_or(UNSOUND)?.to_text();
        // Nothing leaves that does not verify.
        match Verifier::new(standing.key).verify(&text) {
            Ok(certified) => Ok(Some((text, certified))),
            Err(_) if sealing.sealed(&[ping]).await?.pop().flatten().is_none() => Ok(None),
            Err(error) => {
                tracing::error!(%ping, %error, "what is sealed of a ping does not verify");
                Err(UNSOUND.into())
            }
        }
    }
}

const UNSOUND: StoreError = StoreError::Corrupt { what: "what is sealed" };

/// What is sealed of a ping, by seal.
async fn statements(
    sealing: &dyn Sealing,
    ping: PingId,
    size: u64,
) -> Result<BTreeMap<u64, Vec<Statement>>, Error> {
    let mut lines = BTreeMap::<u64, Vec<String>>::new();
    for (seal, line) in sealing.statements_of(ping).await? {
        if seal < size {
            lines.entry(seal).or_default().push(line);
        }
    }
    lines.into_iter().map(|(seal, lines)| Ok((seal, in_order(&lines)?))).collect()
}

/// Each due seal with what it holds of the ping.
async fn parts(
    sealing: &dyn Sealing,
    key: &PingKey,
    sealed: SealedPing,
    size: u64,
    mut statements: BTreeMap<u64, Vec<Statement>>,
) -> Result<Vec<Part>, Error> {
    let end = sealed.last.map_or(size, |last| size.min(last.saturating_add(1)));
    let (mut parts, mut next) = (Vec::new(), sealed.first);
    while next < end {
        let rows = sealing.seals(next, MAX_SEALS).await?;
        if rows.is_empty() {
            return Err(UNSOUND.into());
        }
        for SealRow { number: index, entry, parts: hashes } in rows {
            next = index + 1;
            if index >= end || !is_due(sealed.first, index) {
                continue;
            }
            // A rotation is signed.
            let seal =
                Seal::parse(&entry).or_else(|| Seal::parse(Note::parse(&entry)?.text)).ok_or(UNSOUND)?;
            let (hashes, tag) = (Parts::from_bytes(&hashes).ok_or(UNSOUND)?, key.tag(index));
            let leaves = sealing.leaves(index, hashes.place_of(&tag)).await?.ok_or(UNSOUND)?;
            let path = hashes.path(&tag, &leaves).ok_or(UNSOUND)?;
            let statements = statements.remove(&index).unwrap_or_default();
            parts.push(Part { index, from: seal.from, until: seal.until, path, statements });
        }
    }
    Ok(parts)
}
