//! Showing the signed head to outside parties, at most once a day.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::standing::Standing;
use super::turn::Turn;
use crate::Error;
use crate::certified::hash::sha256;
use crate::certified::issue::{Outside, Seen};
use crate::certified::note::Note;
use crate::certified::seal::floor_second;
use crate::certified::token;
use crate::store::{StampRow, Step};

const DAY: Duration = Duration::from_secs(86_400);

impl Turn<'_> {
    /// Shows the head if nobody has seen it for a day; `false` if it is not to be shown now.
    pub(super) async fn show(&self, standing: &Standing) -> Result<bool, Error> {
        let log = &self.sealer.log;
        let is_due = standing.shown.is_none_or(|shown| self.now >= shown.plus(DAY));
        if log.outside.is_empty() || standing.note.is_empty() || !is_due {
            return Ok(false);
        }
        // Noted first: whoever is asked is not asked again by another instance.
        let mut shown = Standing { shown: Some(floor_second(self.now)), ..standing.clone() };
        if !self.put(&shown, self.step()).await? {
            return Ok(true);
        }
        let mut step = self.step();
        for party in &log.outside {
            match shown_to(&**party, &standing.note).await {
                Ok(Seen::Stamp(token))
                    if token::time(&token, &sha256(&[standing.note.as_bytes()])).is_some() =>
                {
                    let (size, note) = (standing.signed(), standing.note.clone());
                    step.stamps.push(StampRow { size, note, token });
                }
                Ok(Seen::Cosignature(line)) if is_signed(&format!("{}{line}", shown.note)) => {
                    shown.note.push_str(&line);
                }
                Ok(_) => tracing::warn!(
                    "an outside party's answer to the log's head is no stamp or signature of it"
                ),
                Err(failure) => {
                    tracing::warn!(%failure, "an outside party did not see the log's head: it is asked tomorrow");
                }
            }
        }
        let turn = self.sealer.turn().await?;
        let Some(next) = turn.standing.clone() else { return Ok(true) };
        // A newer head has no signature of theirs.
        let note = if next.note == standing.note { shown.note } else { next.note.clone() };
        let step = Step { stamps: step.stamps, ..turn.step() };
        turn.put(&Standing { note, ..next }, step).await?;
        Ok(true)
    }
}

/// What the party says; a panic in it must not keep the others from being asked.
async fn shown_to(party: &dyn Outside, note: &str) -> Result<Seen, Box<dyn std::error::Error + Send + Sync>> {
    let mut asking = pin!(async { party.show(note).await });
    poll_fn(|context| {
        let asked = catch_unwind(AssertUnwindSafe(|| asking.as_mut().poll(context)));
        asked.unwrap_or_else(|_| Poll::Ready(Err(PANICKED.into())))
    })
    .await
}

const PANICKED: &str = "it panicked, as a client does that needs an async runtime: give it one of its own";

fn is_signed(note: &str) -> bool {
    Note::parse(note).is_some_and(|note| note.text.ends_with('\n'))
}
