//! What waits for the database: files of records, appended durably, moved from the oldest, removed
//! when all of one has been moved.
//!
//! How far a file has been moved is known in memory alone. After a crash its records are moved
//! again, which is harmless: the database keeps an open once.

mod binding;

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use mailping_core::PingId;
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::line::{self, Entry, Line};
use mailping_core::store::{Backlog, DatabaseId, StoreError};

use crate::failure;
use crate::folder::{self, Folder};
use crate::records::Records;
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
    sealed: VecDeque<Records>,
    active: Option<Active>,
    /// Files with records that only a newer version understands.
    kept: Vec<Records>,
    /// Files of what was put aside, from the oldest.
    aside: Vec<Records>,
    /// Files for other databases, in the folders of these.
    apart: Vec<Records>,
    /// Whether all those folders could be read.
    knows_apart: bool,
    database: Option<DatabaseId>,
    /// Whether that is the database behind, and all that was put aside for it is taken back.
    is_bound: bool,
    next: u64,
    filtered: u64,
}

#[derive(Debug)]
struct Active {
    file: File,
    records: Records,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    files: usize,
    waiting: u64,
    /// Of those that wait, how many are in files that can be read now.
    movable: u64,
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
    file: PathBuf,
    end: u64,
    is_last: bool,
}

impl Journal {
    pub(crate) fn open(path: &Path, capacity: u64) -> Result<Self, StoreError> {
        let folder = Folder::take(path)?;
        let mut state = State {
            database: folder.database().map_err(failure::io)?,
            next: folder.next_number().map_err(failure::io)?,
            ..State::default()
        };
        state.sealed.extend(folder.records().map_err(failure::io)?.into_iter().map(Records::found));
        state.aside.extend(folder.aside().map_err(failure::io)?.into_iter().map(Records::found_aside));
        let journal = Self { folder, capacity, state: Mutex::new(state), counts: Mutex::default() };
        if let Err(error) = journal.find_apart(&mut journal.state()) {
            tracing::error!(%error, "a folder of the spool for another database fails: it is tried again");
        }
        journal.refresh(&journal.state());
        let lines = journal.counts().unreadable;
        if lines > 0 {
            tracing::warn!(lines, "the spool holds what cannot be read: it is passed over and kept");
        }
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
        let sum = |count: fn(&Records) -> usize| state.everything().map(count).sum::<usize>() as u64;
        let movable = state.everything().filter(|file| !file.is_stuck && !file.waiting.is_empty());
        *self.counts() = Counts {
            files: state.everything().count() + usize::from(!state.knows_apart),
            waiting: sum(|file| file.waiting.len()),
            movable: sum(|file| if file.is_stuck { 0 } else { file.waiting.len() }),
            oldest: movable.map(|file| file.begun).min(),
            unreadable: sum(|file| file.damaged.len() + usize::from(file.is_stuck))
                + u64::from(!state.knows_apart),
            newer: sum(|file| file.newer.len()),
            set_aside: sum(|file| file.refused.len()),
            filtered: state.filtered,
        };
    }

    /// Whether nothing can be moved now.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts().movable == 0
    }

    /// Whether no file is kept at all, not even aside.
    pub(crate) fn is_clean(&self) -> bool {
        self.counts().files == 0
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
        let bytes: u64 = state.files().map(|file| file.length).sum();
        if bytes + lines.len() as u64 > self.capacity {
            return Err(StoreError::unavailable("the spool holds as much as it may"));
        }
        let result = self.write(&mut state, &lines);
        self.refresh(&state);
        result.map_err(failure::io)
    }

    fn write(&self, state: &mut State, lines: &[u8]) -> io::Result<()> {
        if state.active.as_ref().is_some_and(|active| active.records.length >= SEGMENT) {
            state.seal();
        }
        let active = match &mut state.active {
            Some(active) => active,
            none => {
                let (path, file) = self.folder.create(state.next)?;
                state.next += 1;
                none.insert(Active { file, records: Records::new(path) })
            }
        };
        let done = active.file.write_all(lines).and_then(|()| active.file.sync_data());
        let records = &mut active.records;
        if done.is_ok() {
            let starts = segment::lines(lines, records.length).map(|(place, _)| place.start);
            records.waiting.extend(starts);
            records.length += lines.len() as u64;
            return done;
        }
        // After a failed sync nothing is known of what the file holds: the next records go into a
        // new one, and this one is cut back to what was answered. What cannot be cut off is moved,
        // and the same when it comes again.
        let _ = active.file.set_len(records.length);
        if records.length == 0 && std::fs::remove_file(&records.path).is_ok() {
            state.active = None;
        } else {
            state.seal();
        }
        done
    }

    /// Looks again at what a disk error has kept from being moved, and whether what was put aside
    /// for another database is still there.
    pub(crate) fn look_again(&self) {
        let mut state = self.state();
        if !state.knows_apart {
            // It was reported at the start.
            let _ = self.find_apart(&mut state);
        }
        if state.everything().any(|file| file.is_stuck) || !state.apart.is_empty() {
            state.drop_removed();
            state.everything_mut().filter(|file| file.is_stuck).for_each(Records::look);
            let State { aside, apart, .. } = &mut *state;
            aside.iter_mut().chain(apart).for_each(Records::put_aside);
        }
        self.refresh(&state);
    }

    /// The oldest records that wait, at most `limit`; `None` if there are none.
    pub(crate) fn chunk(&self, limit: usize) -> Option<Chunk> {
        let mut state = self.state();
        let chunk = self.next_chunk(&mut state, limit);
        self.refresh(&state);
        chunk
    }

    fn next_chunk(&self, state: &mut State, limit: usize) -> Option<Chunk> {
        loop {
            if state.sealed.iter().all(|file| file.is_stuck) {
                state.seal();
            }
            let file = state.sealed.iter_mut().find(|file| !file.is_stuck)?;
            let read = match segment::read(&file.path, file.moved_to, limit) {
                Ok(read) => read,
                Err(error) => {
                    file.stick(&error);
                    continue;
                }
            };
            read.lines.iter().for_each(|line| file.note(line));
            let entries: Vec<(Place, Entry)> = read
                .lines
                .into_iter()
                .filter_map(|placed| match placed.line {
                    Line::Entry(entry) => Some((placed.place, *entry)),
                    _ => None,
                })
                .collect();
            let (path, end, is_last) = (file.path.clone(), read.end, read.is_last);
            if !entries.is_empty() {
                return Some(Chunk { entries, file: path, end, is_last });
            }
            file.move_to(end, &[]);
            if is_last {
                self.finish(state, &path);
            }
        }
    }

    /// Some of the records that come after the oldest file's, the first of each file.
    pub(crate) fn later(&self) -> Vec<Entry> {
        let state = self.state();
        let first = |file: &Records| {
            let read = segment::read(&file.path, 0, 1).ok()?;
            read.lines.into_iter().find_map(|placed| match placed.line {
                Line::Entry(entry) => Some(*entry),
                _ => None,
            })
        };
        let sealed = state.sealed.iter().filter(|file| !file.is_stuck).skip(1);
        let active = state.active.as_ref().map(|active| &active.records);
        sealed.chain(active).take(MAX_LATER).filter_map(first).collect()
    }

    /// Takes off a chunk that the database has, but for what it refused.
    pub(crate) fn moved(&self, chunk: &Chunk, refused: &[Place], filtered: u64) {
        let mut state = self.state();
        state.filtered += filtered;
        if let Some(file) = state.sealed.iter_mut().find(|file| file.path == chunk.file) {
            file.move_to(chunk.end, refused);
            if chunk.is_last {
                self.finish(&mut state, &chunk.file);
            }
        }
        self.refresh(&state);
    }

    /// Removes a file of which all has been moved, or leaves in it what has not. It stays where it
    /// is if the disk refuses that.
    fn finish(&self, state: &mut State, path: &Path) {
        let Some(at) = state.sealed.iter().position(|file| file.path == path) else { return };
        let Some(mut file) = state.sealed.remove(at) else { return };
        match self.clear(&mut file) {
            Ok(Cleared::Removed) => {}
            Ok(Cleared::Kept) => state.kept.push(file),
            Ok(Cleared::Aside) => {
                state.aside.push(file);
                self.bound_aside(&mut state.aside);
            }
            Err(error) => {
                file.stick(&error);
                state.sealed.insert(at, file);
            }
        }
    }

    fn clear(&self, file: &mut Records) -> io::Result<Cleared> {
        if file.damaged.is_empty() && file.newer.is_empty() && file.refused.is_empty() {
            return segment::remove(&file.path).map(|()| Cleared::Removed);
        }
        let read = segment::read(&file.path, 0, usize::MAX)?;
        let is_moved = |line: &Line, start| matches!(line, Line::Entry(_)) && !file.refused.contains(&start);
        let moved = read.lines.iter().filter(|placed| is_moved(&placed.line, placed.place.start));
        segment::blank(&file.path, &moved.map(|placed| placed.place).collect::<Vec<_>>())?;
        if !file.newer.is_empty() {
            return Ok(Cleared::Kept);
        }
        file.path = folder::put_aside(&file.path)?;
        // After a crash before that it has its old name, and what is left in it comes again.
        if let Err(error) = self.folder.sync() {
            tracing::warn!(%error, "a name in the spool's folder is perhaps not durable yet");
        }
        Ok(Cleared::Aside)
    }

    fn bound_aside(&self, aside: &mut Vec<Records>) {
        aside.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        let mut bytes: u64 = aside.iter().map(|file| file.length).sum();
        while let Some(file) = aside.first_mut().filter(|_| bytes > MAX_ASIDE) {
            tracing::error!(
                "the spool's oldest file of what was put aside is removed: there are more than 16 MiB"
            );
            if let Err(error) = segment::remove(&file.path) {
                file.stick(&error);
                return;
            }
            bytes -= file.length;
            aside.remove(0);
        }
    }

    /// Blanks all records of these pings, those that were put aside too.
    pub(crate) fn erase(&self, pings: &HashSet<PingId>) -> Result<(), StoreError> {
        let mut state = self.state();
        let erased = self.erase_all(&mut state, pings);
        self.refresh(&state);
        erased.map_err(failure::io)
    }

    /// A file that the disk refuses holds up no other, and makes it an error.
    fn erase_all(&self, state: &mut State, pings: &HashSet<PingId>) -> io::Result<()> {
        let mut erased = self.find_apart(state);
        state.drop_removed();
        for file in state.everything_mut() {
            match segment::erase(&file.path, pings) {
                Ok(places) => file.forget(&places),
                // Somebody has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => erased = Err(error),
            }
        }
        erased
    }
}

/// What became of a file of which all has been moved.
enum Cleared {
    Removed,
    Kept,
    Aside,
}

impl State {
    /// The files of records.
    fn files(&self) -> impl Iterator<Item = &Records> {
        self.kept.iter().chain(&self.sealed).chain(self.active.as_ref().map(|active| &active.records))
    }

    /// Forgets files that somebody has removed.
    fn drop_removed(&mut self) {
        let is_there = |file: &Records| file.path.try_exists().unwrap_or(true);
        // A person may have renamed it, to have it tried at the next start.
        for file in self.aside.iter_mut().filter(|file| !is_there(file)) {
            file.path = folder::as_records(&file.path);
        }
        self.kept.retain(is_there);
        self.sealed.retain(is_there);
        self.aside.retain(is_there);
        self.apart.retain(is_there);
    }

    /// All files, those of what was put aside too.
    fn everything(&self) -> impl Iterator<Item = &Records> {
        self.files().chain(&self.aside).chain(&self.apart)
    }

    fn everything_mut(&mut self) -> impl Iterator<Item = &mut Records> {
        let active = self.active.as_mut().map(|active| &mut active.records);
        self.kept
            .iter_mut()
            .chain(&mut self.sealed)
            .chain(active)
            .chain(&mut self.aside)
            .chain(&mut self.apart)
    }

    /// The next records go into a new file.
    fn seal(&mut self) {
        self.sealed.extend(self.active.take().map(|active| active.records));
    }
}
