//! One file of the journal as it is known in memory: which of its lines wait, were refused, or
//! cannot be read. All counts are those of what is known here.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::segment::{self, Place, Placed};
use mailping_core::store::line::Line;

/// A file of records. Lines are known by where they start.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
    pub(crate) begun: SystemTime,
    /// Up to here all has been moved.
    pub(crate) moved_to: u64,
    pub(crate) waiting: BTreeSet<u64>,
    /// What the database refused: it stays.
    pub(crate) refused: BTreeSet<u64>,
    pub(crate) damaged: BTreeSet<u64>,
    pub(crate) newer: BTreeSet<u64>,
    /// The disk refused what was to be done with it: that is tried again.
    pub(crate) is_stuck: bool,
    is_reported: bool,
}

impl Records {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            length: 0,
            begun: SystemTime::now(),
            moved_to: 0,
            waiting: BTreeSet::new(),
            refused: BTreeSet::new(),
            damaged: BTreeSet::new(),
            newer: BTreeSet::new(),
            is_stuck: false,
            is_reported: false,
        }
    }

    /// A file that an earlier process left, which is stuck if it cannot be read.
    pub(crate) fn found(path: PathBuf) -> Self {
        let mut found = Self::new(path);
        found.look();
        found
    }

    /// A file of what was put aside.
    pub(crate) fn found_aside(path: PathBuf) -> Self {
        let mut found = Self::found(path);
        found.put_aside();
        found
    }

    /// Reads all that has not been moved.
    pub(crate) fn look(&mut self) {
        match self.try_look() {
            Ok(()) => self.is_stuck = false,
            Err(error) => self.stick(&error),
        }
    }

    fn try_look(&mut self) -> io::Result<()> {
        let about = std::fs::metadata(&self.path)?;
        let read = segment::read(&self.path, self.moved_to, usize::MAX)?;
        self.length = about.len();
        // Its first record is as old as the file, not as its last one.
        let modified = about.modified()?;
        self.begun = self.begun.min(about.created().unwrap_or(modified)).min(modified);
        read.lines.iter().for_each(|line| self.note(line));
        Ok(())
    }

    /// The log says so once.
    pub(crate) fn stick(&mut self, error: &io::Error) {
        self.is_stuck = true;
        if !std::mem::replace(&mut self.is_reported, true) {
            let file = self.path.display();
            tracing::error!(%file, %error, "a file of the spool fails: it is tried again");
        }
    }

    /// Notes a line that has not been moved, as it stands now.
    pub(crate) fn note(&mut self, placed: &Placed) {
        let start = placed.place.start;
        match placed.line {
            Line::Entry(_) => self.waiting.insert(start),
            Line::Damaged => self.damaged.insert(start) | self.waiting.remove(&start),
            Line::Newer => self.newer.insert(start) | self.waiting.remove(&start),
            Line::Blank => self.waiting.remove(&start),
        };
    }

    /// All before this place has been moved, but for what was refused and not erased since.
    pub(crate) fn move_to(&mut self, end: u64, refused: &[Place]) {
        let refused = refused.iter().map(|place| place.start);
        self.refused.extend(refused.filter(|start| self.waiting.contains(start)));
        self.waiting = self.waiting.split_off(&end);
        self.moved_to = end;
    }

    /// Lines that were blanked.
    pub(crate) fn forget(&mut self, places: &[Place]) {
        for Place { start, .. } in places {
            for lines in [&mut self.waiting, &mut self.refused, &mut self.damaged, &mut self.newer] {
                lines.remove(start);
            }
        }
    }

    /// What waits in it waits for a person from now on.
    pub(crate) fn put_aside(&mut self) {
        self.refused.append(&mut self.waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_found_is_as_old_as_its_first_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.spool");
        std::fs::write(&path, "").unwrap();
        let begun = SystemTime::now();
        while SystemTime::now() <= begun + std::time::Duration::from_millis(20) {
            std::thread::yield_now();
        }
        let file = std::fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
        if file.metadata().unwrap().created().is_ok() {
            assert!(Records::found(path).begun <= begun);
        }
    }
}
