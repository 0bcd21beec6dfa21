//! A new log in a database whose newer state is lost: its name says which head was the last of the
//! log before it, so that nobody takes the one for the other.

use super::schedule::Schedule;
use super::standing::Standing;
use super::turn::Turn;
use crate::certified::checkpoint::Checkpoint;
use crate::certified::issue::LogKey;
use crate::certified::note::Note;
use crate::certified::seal::floor_second;
use crate::store::{Anew, Step};
use crate::{Error, Timestamp};

/// Stands in the name of a log that was begun anew, before the size and the root of the head that
/// the log before it had.
const MARK: &str = "/anew/";
/// The longest step of a time.
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// The log that was lost.
#[derive(Debug)]
pub(in crate::certified) struct Lost {
    /// The name of the log that all others were begun anew from.
    base: String,
    head: String,
}

impl Lost {
    /// The key of the log that is begun anew, and what it was begun from: the head must be signed
    /// with this key, under its own name or that of a log that was begun anew.
    pub(in crate::certified) fn after(key: &LogKey, head: &str) -> Option<(LogKey, Self)> {
        let note = Note::parse(head)?;
        let checkpoint = Checkpoint::of(&note)?;
        let base = key.public().name();
        let signer = key.named(&checkpoint.origin)?;
        if !is_of(&checkpoint.origin, base) || note.signed_by(signer.public()).is_err() {
            return None;
        }
        let root: String = checkpoint.root.iter().map(|byte| format!("{byte:02x}")).collect();
        let new = key.named(&format!("{base}{MARK}{}/{root}", checkpoint.size))?;
        Some((new, Self { base: base.to_owned(), head: head.to_owned() }))
    }
}

/// Whether a log has this name, or was begun anew from one that has.
fn is_of(name: &str, base: &str) -> bool {
    name.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(MARK))
}

impl Turn<'_> {
    /// The log that the database holds a part of, if another is to be begun in its place.
    pub(super) fn lost(&self, standing: &Standing) -> Option<&Lost> {
        let lost = self.sealer.log.lost.as_ref()?;
        let has_begun = standing.key.name() == self.sealer.public_key().name();
        (!has_begun && is_of(standing.key.name(), &lost.base)).then_some(lost)
    }

    /// Begins a new log with all that the database holds of pings: it is in the first seal.
    pub(super) async fn begin_anew(&self, standing: &Standing, lost: &Lost) -> Result<bool, Error> {
        if self.known(standing).await?.extends(&lost.head).is_ok() {
            return Err(Error::Log { problem: NOT_LOST });
        }
        if self.sealer.file.read()?.is_some() {
            return Err(Error::Log { problem: OLD_FILE });
        }
        let (until, from) = (floor_second(self.now), Timestamp::from_unix_millis(0));
        let schedule = Schedule::new(0, from, until, self.sealer.log.every);
        let anew = Anew { until, later: schedule.seal_for(0, until.plus(DAY)) };
        let next = Standing::first(self.sealer.public_key().clone(), from, standing.mark.clone());
        if self.put(&next, Step { closed_to: from, anew: Some(anew), ..Step::default() }).await? {
            tracing::warn!(log = self.sealer.public_key().name(), "a new log was begun after a loss");
            self.sealer.remember(&std::sync::Arc::default());
        }
        Ok(true)
    }
}

const NOT_LOST: &str = "it is not lost: the head is one of the log in the database; leave the loss away";
const OLD_FILE: &str = "a log that is begun anew needs a new file for its last head: move the old one away";
