//! Batches of opens, and everything else that the writing connection remembers of the file.
//!
//! What is remembered of who records is good until somebody else writes, and until this store
//! changes a ping. [`Recorder`] is the only way to write: a batch goes through
//! [`Recorder::record`], which can end no ping, and every other change through
//! [`Recorder::change`], which forgets it first.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailping_core::PingId;
use mailping_core::pings::TimeStep;
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{Attempt, Recorded};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::failure::Result;
use crate::index::{self, Round};
use crate::rows::{self, OPEN_COLUMNS};
use crate::tail::{Entry, Tail};
use crate::writer::Writer;

/// How many pings are remembered, some 4 MB of memory.
const MAX_PINGS: usize = 65_536;
/// So many opens are inserted by one statement.
const ROWS: usize = 16;

/// The connection that writes, with what it remembers.
pub(crate) struct Recorder {
    pub(crate) writer: Writer,
    known: Mutex<Known>,
    tail: Arc<Mutex<Tail>>,
    /// How many opens make a round of the index.
    round: usize,
}

/// What is remembered of the state of the file.
#[derive(Default)]
struct Known {
    /// The state (`PRAGMA data_version`); at first none.
    version: Option<i64>,
    /// The number of a live ping and until when it records.
    recording: HashMap<PingId, (i64, i64)>,
}

/// A transaction that may change who records: what was remembered of that is forgotten. Made by
/// [`Recorder::change`] alone.
pub(crate) struct Change<'a> {
    transaction: &'a Transaction<'a>,
    tail: &'a Mutex<Tail>,
}

impl Deref for Change<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.transaction
    }
}

impl Change<'_> {
    /// The numbers of a ping's opens that are in no index yet, as far as is remembered, which is
    /// all of them: this transaction has looked for new ones.
    pub(crate) fn waiting_of(&self, ping: i64) -> Vec<i64> {
        locked(self.tail).all_of(ping).collect()
    }
}

/// What a batch did, to be remembered once it is durable.
struct Appended {
    written: Vec<Recorded>,
    entries: Vec<Entry>,
    last: i64,
    round: Round,
}

impl Recorder {
    pub(crate) fn new(writer: Writer, tail: Arc<Mutex<Tail>>, round: usize) -> Self {
        Self { writer, known: Mutex::default(), tail, round }
    }

    /// Keeps the opens of pings that record, raises last days, and brings the index on by a little
    /// more than these.
    pub(crate) fn record(
        &self,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Vec<Recorded>> {
        let record = |indexing: bool| {
            let work = |transaction: &Transaction<'_>| {
                let mut appended = self.append(transaction, opens, last_days, attempt)?;
                if indexing {
                    let most = appended.entries.len() + appended.entries.len() / 8 + 1;
                    appended.round = index::advance(transaction, &self.tail, self.round, most)?;
                }
                Ok(appended)
            };
            self.writer.write_then(work, |appended| self.remember(appended))
        };
        let indexing = self.has_index();
        match record(indexing) {
            // No open is lost because of the index: it is left as it is, and made anew at the next
            // start.
            Err(failure) if failure.is_corrupt() && indexing => {
                let written = record(false)?;
                self.note_broken_index();
                Ok(written)
            }
            written => written,
        }
    }

    /// Makes any other change.
    pub(crate) fn change<R>(&self, work: impl FnOnce(&Change<'_>) -> Result<R>) -> Result<R> {
        self.writer.write(|transaction| self.changing(transaction, work))
    }

    /// As [`Recorder::change`], and what was deleted leaves the file's log.
    pub(crate) fn erase<R>(&self, work: impl FnOnce(&Change<'_>) -> Result<R>) -> Result<R> {
        self.writer.erase(|transaction| self.changing(transaction, work))
    }

    /// Brings the index on while no hits come, and tells whether there may be more to do.
    pub(crate) fn tidy(&self, most: usize) -> bool {
        if !self.has_index() || self.tail().len() == 0 {
            return false;
        }
        let work = |transaction: &Transaction<'_>| {
            self.catch_up(transaction)?;
            index::advance(transaction, &self.tail, 1, most)
        };
        let tidied = self.writer.write_then(work, |round| self.tail().advanced(&round));
        match tidied {
            Ok(()) => true,
            Err(failure) => {
                if failure.is_corrupt() {
                    self.note_broken_index();
                }
                false
            }
        }
    }

    fn changing<R>(
        &self,
        transaction: &Transaction<'_>,
        work: impl FnOnce(&Change<'_>) -> Result<R>,
    ) -> Result<R> {
        // Before it, and inside its transaction, so that no batch comes between.
        self.known().recording.clear();
        self.catch_up(transaction)?;
        work(&Change { transaction, tail: &self.tail })
    }

    /// Looks for what other connections have written since.
    fn catch_up(&self, transaction: &Transaction<'_>) -> Result<()> {
        let mut known = self.known();
        let version = transaction.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))?;
        if known.version != Some(version) {
            known.recording.clear();
            let seen = self.tail().seen;
            index::catch_up(transaction, &self.tail, seen)?;
            known.version = Some(version);
        }
        Ok(())
    }

    fn append(
        &self,
        transaction: &Transaction<'_>,
        opens: &[Open],
        last_days: &[LastDay],
        attempt: Attempt,
    ) -> Result<Appended> {
        self.catch_up(transaction)?;
        let mut known = self.known();
        let mut written = Vec::with_capacity(opens.len() + last_days.len());
        let mut kept: Vec<(i64, &Open)> = Vec::with_capacity(opens.len());
        let mut repeats = match attempt {
            Attempt::First => None,
            Attempt::Repeat => Some(Repeats::of(transaction, &self.tail)?),
        };
        for open in opens {
            let records = known.records(transaction, open.ping)?;
            let ping = records.filter(|(_, until)| until - open.at.unix_millis() >= open.time_step.millis());
            written.push(answer(ping.is_some()));
            let Some((ping, _)) = ping else { continue };
            if repeats.as_mut().is_none_or(|repeats| !repeats.holds(transaction, ping, open)) {
                kept.push((ping, open));
            }
        }
        for last in last_days {
            let records = known.records(transaction, last.ping)?;
            let ping = records.filter(|(_, until)| until - last.day.unix_millis() >= TimeStep::Day.millis());
            written.push(answer(ping.is_some()));
            if let Some((ping, _)) = ping {
                raise(transaction, ping, last.day.unix_millis())?;
            }
        }
        insert(transaction, &kept)?;
        let last = if kept.is_empty() { 0 } else { transaction.last_insert_rowid() };
        let first = last - i64::try_from(kept.len()).unwrap_or(0) + 1;
        let entries =
            (first..).zip(&kept).map(|(seq, &(ping, open))| index::entry(ping, open, seq)).collect();
        Ok(Appended { written, entries, last, round: Round::default() })
    }

    fn remember(&self, appended: Appended) -> Vec<Recorded> {
        let mut tail = self.tail();
        tail.advanced(&appended.round);
        tail.add(appended.entries, appended.last);
        appended.written
    }

    fn note_broken_index(&self) {
        tracing::error!(
            "the index of opens is damaged: opens are kept without it and found more slowly, and it is made anew at the next start"
        );
        self.tail().break_off();
        self.ask_for_repair();
    }

    /// Has the next start write what can be read to a new file. Without this note the damage is
    /// found again.
    pub(crate) fn ask_for_repair(&self) {
        let note =
            |transaction: &Transaction<'_>| Ok(transaction.execute("UPDATE about SET index_broken = 1", ())?);
        let _ = self.writer.write(note);
    }

    fn has_index(&self) -> bool {
        !self.tail().is_broken
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        locked(&self.known)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        locked(&self.tail)
    }
}

impl Known {
    /// The number of a live ping and until when it records; `None` if it does not.
    fn records(&mut self, transaction: &Transaction<'_>, ping: PingId) -> Result<Option<(i64, i64)>> {
        if let Some(&found) = self.recording.get(&ping) {
            return Ok(Some(found));
        }
        let Some(n) = number_of(transaction, ping)? else { return Ok(None) };
        // From the table itself: a damaged index may point to another ping.
        let mut find = transaction
            .prepare_cached("SELECT id, record_until FROM pings NOT INDEXED WHERE n = ?1 AND status = 0")?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?));
        let Some((id, until)) = find.query_row([n], read).optional()? else { return Ok(None) };
        if id != *ping.as_bytes() {
            return Err(crate::failure::Failure::corrupt("the index of pings"));
        }
        if self.recording.len() >= MAX_PINGS {
            self.recording.clear();
        }
        self.recording.insert(ping, (n, until));
        Ok(Some((n, until)))
    }
}

/// The number that the opens of a ping repeat.
pub(crate) fn number_of(connection: &Connection, ping: PingId) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT n FROM pings WHERE id = ?1")?;
    Ok(find.query_row([ping.as_bytes()], |row| row.get(0)).optional()?)
}

/// What a batch that comes again may have left.
struct Repeats {
    tail: Arc<Mutex<Tail>>,
    /// Opens of this very batch, and those that a broken index leaves out.
    others: HashSet<(i64, i64, u64)>,
}

impl Repeats {
    fn of(transaction: &Transaction<'_>, tail: &Arc<Mutex<Tail>>) -> Result<Self> {
        let mut others = HashSet::new();
        if locked(tail).is_broken {
            index::above_mark(transaction, |entry| {
                others.insert((entry.ping, entry.at, entry.id));
            })?;
        }
        Ok(Self { tail: Arc::clone(tail), others })
    }

    fn holds(&mut self, transaction: &Transaction<'_>, ping: i64, open: &Open) -> bool {
        let entry = index::entry(ping, open, 0);
        let indexed = || -> Result<bool> {
            let mut find = transaction
                .prepare_cached("SELECT 1 FROM opens_by_ping WHERE ping = ?1 AND at = ?2 AND id = ?3")?;
            Ok(find.exists(params![ping, entry.at, open.id.as_bytes()])?)
        };
        // Whatever a damaged index says, the open is kept: who reads shows it once.
        !self.others.insert((ping, entry.at, entry.id))
            || locked(&self.tail).holds(ping, entry.at, entry.id)
            || indexed().unwrap_or(false)
    }
}

fn raise(transaction: &Transaction<'_>, ping: i64, day: i64) -> Result<()> {
    let mut find = transaction.prepare_cached("SELECT 1 FROM last_days WHERE ping = ?1 AND day >= ?2")?;
    if !find.exists([ping, day])? {
        // A new row with a new number, so that it is news.
        transaction
            .prepare_cached("INSERT OR REPLACE INTO last_days (ping, day) VALUES (?1, ?2)")?
            .execute([ping, day])?;
    }
    Ok(())
}

/// Appends rows, each with the number after the one before.
fn insert(transaction: &Transaction<'_>, opens: &[(i64, &Open)]) -> Result<()> {
    let (many, rest) = opens.as_chunks::<ROWS>();
    if !many.is_empty() {
        let mut insert = transaction.prepare_cached(many_rows())?;
        for rows in many {
            for (place, (ping, open)) in rows.iter().enumerate() {
                rows::bind_open(&mut insert, 1 + place * OPEN_COLUMNS, *ping, open)?;
            }
            insert.raw_execute()?;
        }
    }
    let mut insert = transaction.prepare_cached(ONE_ROW)?;
    for (ping, open) in rest {
        rows::bind_open(&mut insert, 1, *ping, open)?;
        insert.raw_execute()?;
    }
    Ok(())
}

/// If it fails the transaction is taken back as a whole, so FAIL will do: the usual ABORT may keep
/// copies of pages.
const ONE_ROW: &str = "INSERT OR FAIL INTO opens
        (ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city, tie)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn many_rows() -> &'static str {
    static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    SQL.get_or_init(|| format!("{ONE_ROW}{}", ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)".repeat(ROWS - 1)))
}

const fn answer(kept: bool) -> Recorded {
    if kept { Recorded::Durable } else { Recorded::Filtered }
}

/// A panic while it is held leaves hints too many, or nothing known, at the worst.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
