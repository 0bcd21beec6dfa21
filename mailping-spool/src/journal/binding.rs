//! Which database what waits is for: what was kept for another one stands apart, in a folder of that
//! one's, until that one comes again.

use std::io;

use mailping_core::store::{DatabaseId, StoreError};

use super::{Journal, State};
use crate::failure;
use crate::folder::{self, Folder};
use crate::records::Records;

impl Journal {
    /// Binds what waits to this database. What was kept for another one is put aside, and what had
    /// been put aside for this one is taken back.
    pub(crate) fn bind(&self, database: DatabaseId) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.is_bound && state.database == Some(database) {
            return Ok(());
        }
        let bound = self.bind_anew(&mut state, database);
        self.refresh(&state);
        bound.map_err(failure::io)
    }

    fn bind_anew(&self, state: &mut State, database: DatabaseId) -> io::Result<()> {
        state.is_bound = false;
        if let Some(other) = state.database.filter(|other| *other != database) {
            self.part(state, other)?;
        }
        let has_all = self.take_back(state, database);
        match self.folder.bind(database) {
            Ok(()) => (state.database, state.is_bound) = (Some(database), has_all),
            // A full disk has perhaps no room for a name: what waits is moved all the same, which
            // makes room.
            Err(error) => {
                tracing::warn!(%error, "the spool is not bound to its database yet: it is tried again")
            }
        }
        Ok(())
    }

    /// Puts what waits aside, for the database that it was kept for.
    fn part(&self, state: &mut State, other: DatabaseId) -> io::Result<()> {
        state.seal();
        let folder = self.folder.of(other);
        if state.files().next().is_some() {
            folder::make(&folder)?;
        }
        let mut records = 0;
        while let Some(mut file) = state.sealed.pop_front().or_else(|| state.kept.pop()) {
            match folder::move_into(&folder, &file.path) {
                Ok(path) => {
                    records += file.waiting.len();
                    file.path = path;
                    file.put_aside();
                    state.apart.push(file);
                }
                // Somebody has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    state.sealed.push_front(file);
                    return Err(error);
                }
            }
        }
        self.folder.part_with(other)?;
        state.database = None;
        if records > 0 {
            let folder = folder.display();
            tracing::error!(
                records,
                %folder,
                "the spool was begun on another database: what it holds is put aside, as a spool for that one"
            );
        }
        Ok(())
    }

    /// Takes back what was put aside for this database, and says whether that was all of it.
    fn take_back(&self, state: &mut State, database: DatabaseId) -> bool {
        let folder = self.folder.of(database);
        let is_its = |file: &mut Records| file.path.parent() == Some(&*folder);
        if !state.apart.iter_mut().any(is_its) {
            return true;
        }
        // Another process may use it, which hands over what is in it.
        let Ok(taken) = Folder::take(&folder) else { return false };
        let _ = self.find_apart(state);
        let (mut records, mut has_all) = (0, true);
        for mut file in state.apart.extract_if(.., is_its).collect::<Vec<_>>() {
            match folder::move_into(self.folder.path(), &file.path) {
                Ok(path) if folder::is_records(&path) => {
                    let file = Records::found(path);
                    records += file.waiting.len();
                    state.sealed.push_back(file);
                }
                Ok(path) => state.aside.push(Records::found_aside(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    file.stick(&error);
                    state.apart.push(file);
                    has_all = false;
                }
            }
        }
        if records > 0 {
            tracing::info!(records, "what the spool had put aside for this database is taken back");
        }
        // After a crash before that it is taken back again.
        if has_all && self.folder.sync().is_ok() {
            let _ = taken.remove(database);
        }
        has_all
    }

    /// Whether the spool is known to be that of the database behind.
    pub(crate) fn is_bound(&self) -> bool {
        self.state().is_bound
    }

    /// Finds the files for other databases that are not known yet.
    pub(super) fn find_apart(&self, state: &mut State) -> io::Result<()> {
        let mut found = Ok(());
        for folder in self.folder.apart()? {
            match (folder::records(&folder), folder::aside(&folder)) {
                (Ok(records), Ok(aside)) => {
                    let mut files = [records, aside].concat();
                    files.retain(|path| state.apart.iter().all(|file| file.path != *path));
                    state.apart.extend(files.into_iter().map(Records::found_aside));
                }
                (Err(error), _) | (_, Err(error)) => found = Err(error),
            }
        }
        state.knows_apart = found.is_ok();
        found
    }
}
