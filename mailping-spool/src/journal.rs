//! What waits for the database: files of records, appended durably, moved from the oldest, removed
//! when all of one has been moved.
//!
//! How far a file has been moved is known in memory alone. After a crash its records are moved
//! again, which is harmless: the database keeps an open once.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use mailping_core::PingId;
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::line::{self, Entry, Line};
use mailping_core::store::{Backlog, DatabaseId, StoreError};

use crate::failure;
use crate::folder::{Folder, options};
use crate::segment::{self, Place};

/// A file takes no more records when it has so many bytes.
const SEGMENT: u64 = 1 << 20;
/// The most bytes that are put aside: beyond them the oldest files go.
const MAX_ASIDE: u64 = 16 << 20;

/// How many files are looked into for records that the database might take.
const MAX_LATER: usize = 4;

/// What waits, and where.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: Folder,
    capacity: u64,
    state: Mutex<State>,
    /// A copy that can be had while a disk is waited for.
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct State {
    /// Files that take no more records, from the oldest.
    sealed: VecDeque<Segment>,
    active: Option<Active>,
    /// Files with records that only a newer version understands.
    kept: Vec<Segment>,
    database: Option<DatabaseId>,
    next: u64,
}

#[derive(Debug)]
struct Active {
    file: File,
    segment: Segment,
}

/// A file of records.
#[derive(Debug)]
struct Segment {
    number: u64,
    length: u64,
    /// Records that have not been moved.
    waiting: u64,
    moved_to: u64,
    begun: SystemTime,
    /// Lines that the database refused: they stay.
    refused: HashSet<u64>,
    damaged: u64,
    newer: u64,
    /// Whether damage and newer records are in the counts already.
    is_counted: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    files: usize,
    waiting: u64,
    oldest: Option<SystemTime>,
    unreadable: u64,
    newer: u64,
    set_aside: u64,
    filtered: u64,
}

/// Records to be moved in one step.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) entries: Vec<(Place, Entry)>,
    end: Option<u64>,
}

impl Journal {
    pub(crate) fn open(path: &Path, capacity: u64) -> Result<Self, StoreError> {
        let folder = Folder::take(path)?;
        let (mut state, mut counts) = (State::default(), Counts::default());
        state.database = folder.database().map_err(failure::io)?;
        state.next = folder.next_number().map_err(failure::io)?;
        for number in folder.numbers().map_err(failure::io)? {
            match Segment::found(&folder, number) {
                Ok(segment) => {
                    counts.unreadable += segment.damaged;
                    counts.newer += segment.newer;
                    state.sealed.push_back(segment);
                }
                Err(error) => note_unreadable_file(number, &error, &mut counts),
            }
        }
        for path in folder.aside().map_err(failure::io)? {
            let lines = segment::read(&path, 0, usize::MAX).map(|(lines, _)| lines).unwrap_or_default();
            counts.unreadable += count(&lines, |line| matches!(line, Line::Damaged));
            counts.set_aside += count(&lines, |line| matches!(line, Line::Entry(_)));
        }
        if counts.unreadable > 0 {
            tracing::warn!(
                lines = counts.unreadable,
                "the spool holds what cannot be read: it is passed over and kept"
            );
        }
        let journal = Self { folder, capacity, state: Mutex::new(state), counts: Mutex::new(counts) };
        journal.refresh(&journal.state());
        Ok(journal)
    }

    pub(crate) fn set_capacity(&mut self, bytes: u64) {
        self.capacity = bytes;
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh(&self, state: &State) {
        let waiting: Vec<&Segment> = state.all().filter(|segment| segment.waiting > 0).collect();
        let mut counts = self.counts();
        counts.files = state.all().count();
        counts.waiting = waiting.iter().map(|segment| segment.waiting).sum();
        counts.oldest = waiting.iter().map(|segment| segment.begun).min();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts().waiting == 0
    }

    /// Whether no record is kept at all, not even aside.
    pub(crate) fn is_clean(&self) -> bool {
        let counts = *self.counts();
        counts.files == 0 && counts.set_aside == 0 && counts.unreadable == 0
    }

    /// It waits for no disk.
    pub(crate) fn backlog(&self) -> Backlog {
        let counts = *self.counts();
        let oldest = counts.oldest.map(|since| since.elapsed().unwrap_or_default());
        let mut backlog = Backlog::new(counts.waiting, oldest);
        backlog.unreadable = counts.unreadable;
        backlog.newer = counts.newer;
        backlog.set_aside = counts.set_aside;
        backlog.filtered = counts.filtered;
        backlog
    }

    /// Keeps all of it, durably, or fails.
    pub(crate) fn append(&self, opens: &[Open], last_days: &[LastDay]) -> Result<(), StoreError> {
        let mut lines = Vec::with_capacity(opens.len() * 320);
        opens.iter().try_for_each(|open| line::write_open(&mut lines, open))?;
        last_days.iter().try_for_each(|last| line::write_last_day(&mut lines, last))?;
        let mut state = self.state();
        let bytes: u64 = state.all().map(|segment| segment.length).sum();
        if bytes + lines.len() as u64 > self.capacity {
            return Err(StoreError::unavailable("the spool holds as much as it may"));
        }
        let result = self.write(&mut state, &lines, (opens.len() + last_days.len()) as u64);
        self.refresh(&state);
        result.map_err(failure::io)
    }

    fn write(&self, state: &mut State, lines: &[u8], records: u64) -> io::Result<()> {
        if state.active.as_ref().is_some_and(|active| active.segment.length >= SEGMENT) {
            state.seal();
        }
        let active = match &mut state.active {
            Some(active) => active,
            none => {
                let number = state.next;
                let file = options().create_new(true).append(true).open(self.folder.records(number))?;
                state.next += 1;
                self.folder.sync()?;
                none.insert(Active { file, segment: Segment::new(number) })
            }
        };
        let done = active.file.write_all(lines).and_then(|()| active.file.sync_data());
        if done.is_ok() {
            active.segment.length += lines.len() as u64;
            active.segment.waiting += records;
            return done;
        }
        // After a failed sync nothing is known of what the file holds: the next records go into a
        // new one, and this one is cut back to what was answered. What cannot be cut off is moved,
        // and the same when it comes again.
        let _ = active.file.set_len(active.segment.length);
        if active.segment.length == 0 {
            let _ = std::fs::remove_file(self.folder.records(active.segment.number));
            state.active = None;
        } else {
            state.seal();
        }
        done
    }

    /// The oldest records that wait, at most `limit`; `None` if there are none.
    pub(crate) fn chunk(&self, limit: usize) -> Result<Option<Chunk>, StoreError> {
        let mut state = self.state();
        let chunk = self.next_chunk(&mut state, limit);
        self.refresh(&state);
        chunk.map_err(failure::io)
    }

    fn next_chunk(&self, state: &mut State, limit: usize) -> io::Result<Option<Chunk>> {
        loop {
            if state.sealed.is_empty() {
                state.seal();
            }
            let Some(segment) = state.sealed.front_mut() else { return Ok(None) };
            let (lines, end) =
                match segment::read(&self.folder.records(segment.number), segment.moved_to, limit) {
                    Ok(read) => read,
                    Err(error) => {
                        note_unreadable_file(segment.number, &error, &mut self.counts());
                        state.sealed.pop_front();
                        continue;
                    }
                };
            if !segment.is_counted {
                let (damaged, newer) = (
                    count(&lines, |line| matches!(line, Line::Damaged)),
                    count(&lines, |line| matches!(line, Line::Newer)),
                );
                segment.damaged += damaged;
                segment.newer += newer;
                let mut counts = self.counts();
                counts.unreadable += damaged;
                counts.newer += newer;
            }
            let entries: Vec<(Place, Entry)> = lines
                .into_iter()
                .filter_map(|placed| match placed.line {
                    Line::Entry(entry) => Some((placed.place, *entry)),
                    _ => None,
                })
                .collect();
            if !entries.is_empty() {
                return Ok(Some(Chunk { entries, end }));
            }
            match end {
                Some(end) => segment.moved_to = end,
                None => self.finish(state)?,
            }
        }
    }

    /// Some of the records that come after the oldest file's, the first of each file.
    pub(crate) fn later(&self) -> Vec<Entry> {
        let state = self.state();
        let first = |segment: &Segment| {
            let (lines, _) = segment::read(&self.folder.records(segment.number), 0, 1).ok()?;
            lines.into_iter().find_map(|placed| match placed.line {
                Line::Entry(entry) => Some(*entry),
                _ => None,
            })
        };
        let active = state.active.as_ref().map(|active| &active.segment);
        state.sealed.iter().skip(1).chain(active).take(MAX_LATER).filter_map(first).collect()
    }

    /// Takes off a chunk that the database has, but for what it refused.
    pub(crate) fn moved(&self, chunk: &Chunk, refused: &[Place], filtered: u64) -> Result<(), StoreError> {
        let mut state = self.state();
        {
            let mut counts = self.counts();
            counts.filtered += filtered;
            counts.set_aside += refused.len() as u64;
        }
        let Some(segment) = state.sealed.front_mut() else { return Ok(()) };
        segment.refused.extend(refused.iter().map(|place| place.start));
        segment.waiting = segment.waiting.saturating_sub(chunk.entries.len() as u64);
        let finished = match chunk.end {
            Some(end) => {
                segment.moved_to = end;
                Ok(())
            }
            None => self.finish(&mut state),
        };
        self.refresh(&state);
        finished.map_err(failure::io)
    }

    /// Removes the oldest file, of which all has been moved, or leaves in it what has not.
    fn finish(&self, state: &mut State) -> io::Result<()> {
        let Some(mut segment) = state.sealed.pop_front() else { return Ok(()) };
        let path = self.folder.records(segment.number);
        segment.waiting = 0;
        if segment.damaged == 0 && segment.newer == 0 && segment.refused.is_empty() {
            return segment::remove(&path);
        }
        let (lines, _) = segment::read(&path, 0, usize::MAX)?;
        let is_moved =
            |line: &Line, start| matches!(line, Line::Entry(_)) && !segment.refused.contains(&start);
        let moved = lines.iter().filter(|placed| is_moved(&placed.line, placed.place.start));
        segment::blank(&path, &moved.map(|placed| placed.place).collect::<Vec<_>>())?;
        if segment.newer > 0 {
            state.kept.push(segment);
            return Ok(());
        }
        std::fs::rename(&path, self.folder.aside_of(segment.number))?;
        self.bound_aside()?;
        self.folder.sync()
    }

    fn bound_aside(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for path in self.folder.aside()? {
            files.push((std::fs::metadata(&path)?.len(), path));
        }
        let mut bytes: u64 = files.iter().map(|(length, _)| length).sum();
        for (length, path) in files {
            if bytes <= MAX_ASIDE {
                break;
            }
            tracing::error!(
                "the spool's oldest file of what was put aside is removed: there are more than 16 MiB"
            );
            segment::remove(&path)?;
            bytes -= length;
        }
        Ok(())
    }

    /// Binds what waits to this database. What was kept for another one is put aside.
    pub(crate) fn bind(&self, database: DatabaseId) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.database == Some(database) {
            return Ok(());
        }
        let bound = self.bind_anew(&mut state, database);
        self.refresh(&state);
        bound.map_err(failure::io)
    }

    fn bind_anew(&self, state: &mut State, database: DatabaseId) -> io::Result<()> {
        if let Some(other) = state.database {
            state.seal();
            let records: u64 = state.all().map(|segment| segment.waiting).sum();
            let numbers: Vec<u64> = state.all().map(|segment| segment.number).collect();
            let folder = self.folder.part_with(other, &numbers)?;
            state.sealed.clear();
            state.kept.clear();
            state.database = None;
            self.counts().set_aside += records;
            if records > 0 {
                let folder = folder.display();
                tracing::error!(
                    records,
                    %folder,
                    "the spool was begun on another database: what it holds is put aside, as a spool for that one"
                );
            }
        }
        match self.folder.bind(database) {
            Ok(()) => state.database = Some(database),
            // A full disk has perhaps no room for a name: what waits is moved all the same, which
            // makes room.
            Err(error) => {
                tracing::warn!(%error, "the spool is not bound to its database yet: it is tried again")
            }
        }
        Ok(())
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.state().database.is_some()
    }

    /// Blanks all records of these pings, those that were put aside too.
    pub(crate) fn erase(&self, pings: &HashSet<PingId>) -> Result<(), StoreError> {
        let mut state = self.state();
        let erased = self.erase_all(&mut state, pings);
        self.refresh(&state);
        erased.map_err(failure::io)
    }

    fn erase_all(&self, state: &mut State, pings: &HashSet<PingId>) -> io::Result<()> {
        for segment in state.all_mut() {
            let gone = segment::erase(&self.folder.records(segment.number), pings, segment.moved_to)?;
            segment.waiting = segment.waiting.saturating_sub(gone);
        }
        for path in self.folder.aside()? {
            let gone = segment::erase(&path, pings, 0)?;
            let mut counts = self.counts();
            counts.set_aside = counts.set_aside.saturating_sub(gone);
        }
        Ok(())
    }
}

impl State {
    fn all(&self) -> impl Iterator<Item = &Segment> {
        self.kept.iter().chain(&self.sealed).chain(self.active.as_ref().map(|active| &active.segment))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        let active = self.active.as_mut().map(|active| &mut active.segment);
        self.kept.iter_mut().chain(&mut self.sealed).chain(active)
    }

    /// The next records go into a new file.
    fn seal(&mut self) {
        self.sealed.extend(self.active.take().map(|active| active.segment));
    }
}

impl Segment {
    fn new(number: u64) -> Self {
        Self {
            number,
            length: 0,
            waiting: 0,
            moved_to: 0,
            begun: SystemTime::now(),
            refused: HashSet::new(),
            damaged: 0,
            newer: 0,
            is_counted: false,
        }
    }

    /// A file that an earlier process left. It takes no more records: its end may be torn.
    fn found(folder: &Folder, number: u64) -> io::Result<Self> {
        let path = folder.records(number);
        let about = std::fs::metadata(&path)?;
        let (lines, _) = segment::read(&path, 0, usize::MAX)?;
        Ok(Self {
            length: about.len(),
            waiting: count(&lines, |line| matches!(line, Line::Entry(_))),
            damaged: count(&lines, |line| matches!(line, Line::Damaged)),
            newer: count(&lines, |line| matches!(line, Line::Newer)),
            begun: about.modified()?,
            is_counted: true,
            ..Self::new(number)
        })
    }
}

fn count(lines: &[segment::Placed], which: impl Fn(&Line) -> bool) -> u64 {
    lines.iter().filter(|placed| which(&placed.line)).count() as u64
}

fn note_unreadable_file(number: u64, error: &io::Error, counts: &mut Counts) {
    tracing::error!(number, %error, "a file of the spool cannot be opened: it is passed over");
    counts.unreadable += 1;
}
