//! Checks a certified receipt: no I/O, no clock, no network.
//!
//! In this order: the form, the signature, the seals, the log, the statements, what was seen from
//! outside. Each step believes only what the steps before it have shown.

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::Checkpoint;
use super::error::VerifyError;
use super::file::File;
use super::note::{Note, PublicKey, Unsigned};
use super::proven::Certified;
use super::seal::{Seal, is_due};
use super::statement::{StatementKind, step_time};
use super::tree;
use crate::{StepTime, Timestamp};

/// Checks certified receipts against the public key of a log.
///
/// It needs nothing but the receipt: no database, no network, no clock. Whoever gives you the
/// receipt must not be who gives you the key.
///
/// ```no_run
/// use mailping_core::certified::Verifier;
/// let key = "example.com/receipts+0a1b2c3d+AQ…".parse()?;
/// let receipt = std::fs::read_to_string("receipt.txt")?;
/// let certified = Verifier::new(key).verify(&receipt)?;
/// println!("{certified}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Verifier {
    log: PublicKey,
    witnesses: Vec<PublicKey>,
    header: Option<String>,
    earlier: Vec<String>,
}

impl Verifier {
    /// Checks against this key of the log, or one that the log has passed on to since.
    pub const fn new(log: PublicKey) -> Self {
        Self { log, witnesses: Vec::new(), header: None, earlier: Vec::new() }
    }

    /// Refuses receipts whose own checkpoint this witness has not signed. A sender shows its log
    /// once a day, and the signature is in receipts that were made before the next seal alone: ask
    /// for one of those.
    pub fn witness(mut self, key: PublicKey) -> Self {
        self.witnesses.push(key);
        self
    }

    /// Refuses receipts of another message than the one whose header line `Mailping-Key` has this
    /// value.
    pub fn header(mut self, value: &str) -> Self {
        self.header = Some(value.trim().to_owned());
        self
    }

    /// Refuses receipts whose log does not go on from this signed checkpoint, which you kept or had
    /// from somebody else: then the log was rewritten.
    pub fn earlier(mut self, checkpoint: &str) -> Self {
        self.earlier.push(checkpoint.to_owned());
        self
    }

    /// Checks a receipt, and returns what it proves.
    ///
    /// # Errors
    /// [`VerifyError`] says what failed.
    pub fn verify(&self, receipt: &str) -> Result<Certified, VerifyError> {
        let file = File::parse(receipt)?;
        let rotations = rotations(&file)?;
        self.check_signature(&file, &rotations)?;
        check_seals(&file)?;
        check_log(&file, &rotations)?;
        check_statements(&file)?;
        check_before(&file)?;
        self.check_earlier(&file)?;
        if self.header.as_ref().is_some_and(|header| *header != file.header()) {
            return Err(VerifyError::Header);
        }
        let witnessed = self.witnessed(&file)?;
        Ok(Certified::new(file, witnessed))
    }

    fn check_signature(&self, file: &File, rotations: &Rotations<'_>) -> Result<(), VerifyError> {
        if self.log.is_witness() {
            return Err(VerifyError::Signature);
        }
        let mut key = &self.log;
        for (seal, note) in rotations.values() {
            if let Some(next) = &seal.next
                && note.signed_by(key).is_ok()
            {
                key = next;
            }
        }
        let note = Note::parse(&file.note).ok_or(VerifyError::Signature)?;
        let signed = note.signed_by(key).is_ok() && key.name() == &*file.checkpoint.origin;
        if signed { Ok(()) } else { Err(VerifyError::Signature) }
    }

    /// Each checkpoint to compare with is one that the receipt goes on from, or its own.
    fn check_earlier(&self, file: &File) -> Result<(), VerifyError> {
        for note in &self.earlier {
            let earlier =
                Note::parse(note).as_ref().and_then(Checkpoint::of).ok_or(VerifyError::NoCheckpoint)?;
            if earlier.origin != file.checkpoint.origin {
                return Err(VerifyError::NoCheckpoint);
            }
            let size = earlier.size;
            let shown = file.before.iter().map(|before| &before.checkpoint).chain([&file.checkpoint]);
            let mut alike = shown.filter(|shown| shown.size == size).map(|shown| shown.root == earlier.root);
            match alike.next() {
                Some(true) => {}
                Some(false) => return Err(VerifyError::Rewritten { size }),
                None => return Err(VerifyError::NoProof { size }),
            }
        }
        Ok(())
    }

    fn witnessed(&self, file: &File) -> Result<Vec<(PublicKey, Timestamp)>, VerifyError> {
        let note = Note::parse(&file.note).ok_or(VerifyError::Signature)?;
        let by = |witness: &PublicKey| match note.signed_by(witness) {
            Ok(Some(time)) => Ok((witness.clone(), time)),
            Ok(None) | Err(Unsigned::Missing | Unsigned::Wrong) => Err(VerifyError::Witness),
        };
        self.witnesses.iter().map(by).collect()
    }
}

/// The entries in which the log's key changes, by their number.
type Rotations<'a> = BTreeMap<u64, (Seal, Note<'a>)>;

fn rotations(file: &File) -> Result<Rotations<'_>, VerifyError> {
    let mut rotations = BTreeMap::new();
    for entry in &file.rotations {
        let wrong = |expected| VerifyError::Rotation { expected };
        let note = Note::parse(entry).ok_or(wrong("a signed entry"))?;
        let seal =
            Seal::parse(note.text).filter(|seal| seal.next.is_some()).ok_or(wrong("an entry with a key"))?;
        if rotations.last_key_value().is_some_and(|(last, _)| *last >= seal.index) {
            return Err(wrong("behind the one before it"));
        }
        rotations.insert(seal.index, (seal, note));
    }
    Ok(rotations)
}

/// All seals are there that can hold something of the ping, from the first to the last, and their
/// periods follow each other.
fn check_seals(file: &File) -> Result<(), VerifyError> {
    let (Some(first), Some(last)) = (file.parts.first(), file.parts.last()) else {
        return Err(VerifyError::Log);
    };
    let (first, last) = (first.index, last.index);
    let size = file.checkpoint.size;
    let wrong = |index, problem| Err(VerifyError::Seal { index, problem });
    if last >= size {
        return wrong(last, "is not in the log");
    }
    if file.is_final() && file.parts.last().is_some_and(|part| part.statements.is_empty()) {
        return wrong(last, "stands behind the end");
    }
    let end = if file.is_final() { last + 1 } else { size };
    let mut due = (first..end).filter(|index| is_due(first, *index));
    let mut before = None;
    for part in &file.parts {
        let index = due.next();
        if index != Some(part.index) {
            return wrong(
                index.unwrap_or(part.index),
                "is not there, is there twice, or is none of the ping's",
            );
        }
        let starts_late_enough = match before {
            None => true,
            Some((index, until)) if index + 1 == part.index => part.from == until,
            Some((_, until)) => part.from >= until,
        };
        if !starts_late_enough || part.from >= part.until {
            return wrong(part.index, "has a period that does not follow the one before it");
        }
        before = Some((part.index, part.until));
    }
    match due.next() {
        Some(index) => wrong(index, "is left out at the end"),
        None => Ok(()),
    }
}

/// The seals with what they hold of the ping, and nothing else, are those of the log.
fn check_log(file: &File, rotations: &Rotations<'_>) -> Result<(), VerifyError> {
    let mut known: BTreeMap<u64, super::hash::Hash> = BTreeMap::new();
    for (entry, (index, _)) in file.rotations.iter().zip(rotations) {
        known.insert(*index, tree::leaf(entry.as_bytes()));
    }
    for part in &file.parts {
        let (index, key) = (part.index, &file.ping_key);
        let value = (!part.statements.is_empty()).then(|| key.leaf(index, &part.statements));
        let root = part.path.root(&key.tag(index), value.as_ref());
        let root = root.ok_or(VerifyError::Seal { index, problem: "has a path that leads nowhere" })?;
        let seal = Seal { index, from: part.from, until: part.until, root, next: None };
        match rotations.get(&index) {
            Some((changes, _)) if *changes == (Seal { next: changes.next.clone(), ..seal }) => {}
            Some(_) => return Err(VerifyError::Log),
            None => {
                known.insert(index, tree::leaf(seal.text().as_bytes()));
            }
        }
    }
    let known: Vec<_> = known.into_iter().collect();
    match tree::root(file.checkpoint.size, &known, &file.log) {
        Some(root) if root == file.checkpoint.root => Ok(()),
        _ => Err(VerifyError::Log),
    }
}

/// The rules of `docs/certified.md` for the statements of one ping.
fn check_statements(file: &File) -> Result<(), VerifyError> {
    let mut opens = BTreeSet::new();
    let mut record_until: Option<Timestamp> = None;
    let mut has_ended = false;
    for ((part, statement), number) in file.statements().zip(1..) {
        let wrong = |problem| Err(VerifyError::Statement { number, problem });
        if (number == 1) != (statement.kind() == StatementKind::Created) {
            return wrong("is not the first, or is the first and says nothing of the message");
        }
        if has_ended {
            return wrong("stands after the end");
        }
        let ends = end_of(statement.time());
        if ends > part.until.unix_millis() {
            return wrong("was sealed before it happened");
        }
        match statement.kind() {
            StatementKind::Created => {
                let first = file.parts.first().unwrap_or(part);
                if statement.time().start() < first.from || statement.time().start() >= first.until {
                    return wrong("is not from the period of the first seal");
                }
                record_until = statement.field("recorded until").and_then(step_time).map(StepTime::start);
                if record_until.is_none() {
                    return wrong("does not say until when is recorded");
                }
            }
            StatementKind::Open => {
                let Some(id) = statement.field("id").filter(|id| !id.is_empty()) else {
                    return wrong("has no id");
                };
                if !opens.insert(id) {
                    return wrong("is there twice");
                }
                if record_until.is_some_and(|until| ends > until.unix_millis()) {
                    return wrong("is from after the end of recording");
                }
            }
            StatementKind::Ended => {
                has_ended = true;
                let time = statement.time().start();
                let at_the_set_time = statement.fields().next() == Some("record_until");
                let fits = |until| if at_the_set_time { time == until } else { time <= until };
                if !record_until.is_some_and(fits) {
                    return wrong("is not from the time at which recording was to end, nor from before");
                }
            }
            _ => {}
        }
    }
    if record_until.is_some() {
        Ok(())
    } else {
        Err(VerifyError::Statement { number: 1, problem: "is missing" })
    }
}

/// When the step of a time ends, in milliseconds; an exact time at itself.
fn end_of(time: StepTime) -> i64 {
    let step = time.step();
    time.start().unix_millis() + if step == crate::TimeStep::Exact { 0 } else { step.millis() }
}

fn check_before(file: &File) -> Result<(), VerifyError> {
    for before in &file.before {
        let (earlier, now) = (&before.checkpoint, &file.checkpoint);
        let root = tree::extended(earlier.size, &earlier.root, now.size, &before.proof);
        if earlier.origin != now.origin || root != Some(now.root) {
            return Err(VerifyError::Rewritten { size: earlier.size });
        }
    }
    Ok(())
}
