//! Closing a seal, and making it of what it holds. Once it is closed nothing comes into it any
//! more, so that it can be made without a lock, and by whoever comes to it.

use super::known::Known;
use super::standing::Standing;
use super::turn::{MAX_APART, Turn};
use crate::certified::checkpoint::Checkpoint;
use crate::certified::issue::Leaves;
use crate::certified::note::Note;
use crate::certified::ping_key::PingKey;
use crate::certified::seal::{Seal, floor_second};
use crate::certified::statement::{Statement, StatementKind};
use crate::store::{PingStatements, SealRow, Step, StoreError};
use crate::{Error, Timestamp};

/// How many statements are read at once.
const MAX_READ: usize = 1_024;

impl Turn<'_> {
    /// Closes the seal that is being filled; `false` if its latest statement has not ended yet.
    pub(super) async fn close(&self, standing: &Standing, latest: Option<Timestamp>) -> Result<bool, Error> {
        let until = floor_second(self.now);
        if until <= standing.from || latest.is_some_and(|latest| latest > until) {
            // At the end of time it is the store that holds the seal open, for a while.
            let is_ahead = |latest: Timestamp| {
                latest > until.plus(MAX_APART) && latest != Timestamp::from_unix_millis(i64::MAX)
            };
            return if latest.is_some_and(is_ahead) { Err(Error::Log { problem: AHEAD }) } else { Ok(false) };
        }
        let closed = Standing { closing: Some((standing.from, until)), from: until, ..standing.clone() };
        let step = Step { next: self.ledger.next + 1, closed_to: until, ..self.step() };
        self.put(&closed, step).await?;
        Ok(true)
    }

    /// Makes the seal that is closed.
    pub(super) async fn seal(
        &self,
        standing: &Standing,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<bool, Error> {
        let index = self.size();
        let known = self.known(standing).await?;
        if known.tree.size() != index {
            // Another sealer has made it.
            return Ok(true);
        }
        self.check_extends(standing, &known)?;
        let leaves = self.leaves(index).await?;
        let log = &self.sealer.log;
        let next = (standing.key != *log.key.public()).then(|| log.key.public().clone());
        let seal = Seal { index, from, until, root: leaves.root(), next };
        let entry = match (&seal.next, &log.old_key) {
            (Some(_), Some(old_key)) => old_key.sign(&seal.text()),
            (Some(_), None) => return Err(Error::Log { problem: NO_OLD_KEY }),
            (None, _) => seal.text(),
        };
        let (parts, leaves) = leaves.parts();
        let row = SealRow { number: index, entry, parts: parts.to_bytes() };
        let sealed = Standing { closing: None, key: log.key.public().clone(), ..standing.clone() };
        self.put(&sealed, Step { seal: Some(row), leaves, ..self.step() }).await?;
        Ok(true)
    }

    async fn leaves(&self, seal: u64) -> Result<Leaves, Error> {
        let (mut leaves, mut after) = (Leaves::default(), None);
        loop {
            let page = match self.sealing.statements_in(seal, after, MAX_READ).await {
                Err(StoreError::Corrupt { .. }) => self.statements_one_by_one(seal, after, MAX_READ).await?,
                page => page?,
            };
            for PingStatements { ping, secret, lines } in page.items {
                let Some(statements) = self.readable(ping, in_order(&lines))? else { continue };
                let key = PingKey::of(ping, &secret, &self.sealer.keys);
                let key = key.ok_or(Error::Log { problem: NO_KEY })?;
                leaves.insert(&key, seal, &statements);
            }
            after = page.next;
            if after.is_none() {
                return Ok(leaves);
            }
        }
    }

    /// What was signed once stays: it must be in the log still.
    pub(super) fn check_extends(&self, standing: &Standing, known: &Known) -> Result<(), Error> {
        let outside = self.sealer.file.read()?;
        let signed = outside.iter().chain((!standing.note.is_empty()).then_some(&standing.note));
        for note in signed {
            if known.extends(note).is_err() && !self.is_cut_off(note, known) {
                return Err(Error::Log { problem: NOT_EXTENDED });
            }
        }
        Ok(())
    }

    /// Whether this head of the log lies before what is cut off of it: the file of an instance that
    /// was off for long. It cannot be compared any more, and what is signed since is longer.
    fn is_cut_off(&self, note: &str, known: &Known) -> bool {
        let head = Note::parse(note).as_ref().and_then(Checkpoint::of);
        let is_cut_off = head.is_some_and(|head| {
            head.size < known.tree.cut() && *head.origin == *self.sealer.public_key().name()
        });
        if is_cut_off {
            tracing::warn!(
                "the file of the log's last head is older than what is left of the log: it cannot be checked, \
                 and takes in the newest head"
            );
        }
        is_cut_off
    }
}

/// A ping's statements in the order in which they are sealed: the first one first, the end last,
/// the others as their text sorts.
pub(super) fn in_order(lines: &[String]) -> Result<Vec<Statement>, StoreError> {
    let read = lines.iter().map(|line| line.parse());
    let mut statements: Vec<Statement> =
        read.collect::<Result<_, _>>().map_err(|_| StoreError::Corrupt { what: "a statement" })?;
    let rank = |kind| match kind {
        StatementKind::Created => 0,
        StatementKind::Ended => 2,
        _ => 1,
    };
    statements
        .sort_by(|one, other| (rank(one.kind()), one.as_str()).cmp(&(rank(other.kind()), other.as_str())));
    Ok(statements)
}

pub(crate) const NO_KEY: &str =
    "the keyring lacks a key that sealed pings were made with: put it back behind the newer ones";
const AHEAD: &str = "something is sealed with a time that is still to come, by a clock that is or was ahead \
    (or seals were made less often before): set that clock; no seal is closed before that time";
const NO_OLD_KEY: &str = "the old key of the log is needed once, to pass on to the new one";
const NOT_EXTENDED: &str = "what was signed before is not in the database any more: an older state was \
    brought back, or another server has taken over; bring the newer state back, or begin a new log after the loss";
