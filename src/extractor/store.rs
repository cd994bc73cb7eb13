//! The shared core of an extractor: its home, and which binaries are in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use once_cell::sync::OnceCell;

use super::builder::Options;
use super::digest::Expected;
use super::directory::Owner;
use super::location::Home;
use super::name;
use super::stage::Staged;
use crate::error::{ExtractionError, ProcessError, Result};
use crate::sys::high::clear_of_stdio;

/// How to start an extracted binary.
#[derive(Debug, Clone)]
pub(crate) struct Extracted {
    /// Its path.
    pub(crate) path: PathBuf,
    /// The descriptor to execute instead of the path, where it lives in memory or the path is
    /// not open to the child's user.
    pub(crate) exec_fd: Option<Arc<OwnedFd>>,
}

impl Extracted {
    /// For a child that is given another user, to whom the private directory is closed.
    pub(super) fn by_descriptor(mut self) -> io::Result<Self> {
        if self.exec_fd.is_none() {
            self.exec_fd = Some(Arc::new(clear_of_stdio(File::open(&self.path)?)));
        }
        Ok(self)
    }
}

/// What is known about one binary.
pub(super) type Entry = Extracted;

#[derive(Debug)]
pub(super) struct Store {
    options: Options,
    owner: Owner,
    home: OnceCell<Home>,
    entries: RwLock<BTreeMap<String, Entry>>,
}

impl Store {
    pub(super) fn new(options: Options) -> Self {
        Self { options, owner: Owner::current(), home: OnceCell::new(), entries: RwLock::default() }
    }

    /// Refuses a forked copy of the process that made the extractor. Called before any lock is
    /// taken: in the copy it may be held for ever by a thread that is not there.
    fn check_owner(&self) -> Result<()> {
        match self.owner.is_current() {
            true => Ok(()),
            false => Err(ProcessError::Forked),
        }
    }

    /// The home, made on first use.
    pub(super) fn home(&self) -> Result<&Home> {
        self.check_owner()?;
        Ok(self.home.get_or_try_init(|| Home::choose(&self.options))?)
    }

    pub(super) fn existing_home(&self) -> Option<&Home> {
        self.home.get()
    }

    /// The private directory, or where it would be made if it cannot be.
    pub(super) fn directory(&self) -> &Path {
        let home = self.existing_home().or_else(|| self.home().ok());
        home.map_or(self.options.base(), |home| home.directory.path())
    }

    pub(super) fn stage(
        &self,
        name: &str,
        data: &mut dyn BufRead,
        expected: Option<Expected>,
    ) -> Result<Staged> {
        name::check(name)?;
        Ok(Staged::write(self.home()?, name, data, expected)?)
    }

    /// Renames under the lock, so that of two threads that add one name the file and the entry
    /// of the same one win.
    pub(super) fn commit(&self, staged: Staged) -> Result<PathBuf> {
        let home = self.home()?;
        let mut entries = self.write();
        let name = staged.name.clone();
        let entry = staged.commit(home)?;
        let path = entry.path.clone();
        entries.insert(name, entry);
        Ok(path)
    }

    pub(super) fn remove(&self, name: &str) -> Result<()> {
        self.check_owner()?;
        let mut entries = self.write();
        let entry = entries.get(name).ok_or_else(|| not_found(name))?;
        if entry.exec_fd.is_none() {
            match std::fs::remove_file(&entry.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ExtractionError::new(name, "cannot remove it", error).into());
                }
                _ => {}
            }
        }
        entries.remove(name);
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Result<Entry> {
        self.check_owner()?;
        self.read().get(name).cloned().ok_or_else(|| not_found(name))
    }

    pub(super) fn names(&self) -> Result<Vec<String>> {
        self.check_owner()?;
        Ok(self.read().keys().cloned().collect())
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(name: &str) -> ProcessError {
    ProcessError::BinaryNotFound(name.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_unknown_binary_is_not_found_and_makes_no_directory() {
        let store = Store::new(Options::default());
        for result in [store.get("tool").map(drop), store.remove("tool")] {
            assert!(matches!(result, Err(ProcessError::BinaryNotFound(name)) if name == "tool"));
        }
        assert!(store.existing_home().is_none());
    }
}
