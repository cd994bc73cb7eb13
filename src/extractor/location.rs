//! Chooses where executables can live on this machine: a directory whose mount allows execution,
//! or memory.

use std::env;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

use super::builder::Options;
use super::directory::PrivateDir;
use super::sweep;
use crate::error::ExtractionError;

/// Where an extractor keeps its executables, and why there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtractionLocation {
    /// Files in a private directory inside the base directory.
    Base {
        /// The private directory.
        directory: PathBuf,
    },
    /// Files in a private directory elsewhere, because the base directory cannot be used.
    Fallback {
        /// The private directory.
        directory: PathBuf,
        /// Why every directory before this one was refused.
        reason: String,
    },
    /// Sealed memory files (memfd_create(2)), because no directory allows execution. They are
    /// executed by descriptor; the interpreter of a script (`#!`) inherits that descriptor.
    Memory {
        /// The private directory; it holds no executables.
        directory: PathBuf,
        /// Why every directory was refused.
        reason: String,
    },
}

/// The private directory of an extractor together with how it was chosen.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) directory: PrivateDir,
    pub(super) location: ExtractionLocation,
}

impl Home {
    /// Tries the base, then the fallback directories, then memory.
    pub(super) fn choose(options: &Options) -> Result<Self, ExtractionError> {
        let mut search = Search { options, refused: Vec::new(), noexec: Vec::new() };
        let found = search.base()?.or_else(|| search.fallback());
        found.or_else(|| search.memory()).ok_or_else(|| search.failure())
    }

    pub(super) fn in_memory(&self) -> bool {
        matches!(self.location, ExtractionLocation::Memory { .. })
    }
}

struct Search<'a> {
    options: &'a Options,
    refused: Vec<String>,
    noexec: Vec<PathBuf>,
}

impl Search<'_> {
    /// A base that the caller chose must exist; that it forbids execution is what the fallback
    /// is for.
    fn base(&mut self) -> Result<Option<Home>, ExtractionError> {
        let base = self.options.base();
        let located = |directory| ExtractionLocation::Base { directory };
        match self.attempt(base) {
            Ok(directory) => Ok(Some(home(directory, located))),
            Err(error) if self.options.base_is_chosen() && !self.is_noexec(base) => {
                let name = base.display().to_string();
                Err(ExtractionError::new(name, "cannot make the private directory", error))
            }
            Err(error) => {
                self.refuse(base, &error);
                Ok(None)
            }
        }
    }

    fn fallback(&mut self) -> Option<Home> {
        for base in self.options.fallbacks() {
            let usable = check_trusted(&base).and_then(|()| self.attempt(&base));
            match usable {
                Ok(directory) => {
                    let reason = self.reason();
                    return Some(home(directory, |directory| ExtractionLocation::Fallback {
                        directory,
                        reason,
                    }));
                }
                Err(error) => self.refuse(&base, &error),
            }
        }
        None
    }

    fn memory(&mut self) -> Option<Home> {
        let reason = self.reason();
        let prefix = self.options.prefix();
        let directory =
            self.noexec.iter().find_map(|base| PrivateDir::create(base, prefix).ok())?;
        Some(home(directory, |directory| ExtractionLocation::Memory { directory, reason }))
    }

    fn attempt(&mut self, base: &Path) -> io::Result<PrivateDir> {
        let mount = rustix::fs::statvfs(base)?;
        sweep::sweep(base, self.options.prefix());
        if mount.f_flag.contains(StatVfsMountFlags::NOEXEC) {
            self.noexec.push(base.to_path_buf());
            return Err(io::Error::other("mounted noexec"));
        }
        PrivateDir::create(base, self.options.prefix())
    }

    fn is_noexec(&self, base: &Path) -> bool {
        self.noexec.iter().any(|known| known == base)
    }

    fn refuse(&mut self, base: &Path, error: &io::Error) {
        self.refused.push(format!("{}: {error}", base.display()));
    }

    fn reason(&self) -> String {
        self.refused.join("; ")
    }

    fn failure(&self) -> ExtractionError {
        let reason = format!("no directory can hold executables: {}", self.reason());
        ExtractionError::refused(self.options.base().display().to_string(), reason)
    }
}

fn home(directory: PrivateDir, locate: impl FnOnce(PathBuf) -> ExtractionLocation) -> Home {
    let location = locate(directory.path().to_path_buf());
    log::debug!("executables: {location:?}");
    Home { directory, location }
}

/// The directories tried when the caller named none.
pub(super) fn usual_fallbacks() -> Vec<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let cache = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let fixed = ["/tmp", "/dev/shm", "/var/tmp"].map(PathBuf::from);
    let all = runtime.into_iter().chain(fixed).chain(cache);
    all.filter(|path| path.is_absolute()).collect()
}

/// Refuses a directory in which another user could exchange ours for one of his: it must belong
/// to this user or root, and be sticky if others may write to it.
fn check_trusted(base: &Path) -> io::Result<()> {
    let metadata = base.metadata()?;
    let owner = metadata.uid();
    let mode = metadata.permissions().mode();
    let open_to_others = mode & 0o022 != 0 && mode & 0o1000 == 0;
    if open_to_others || (owner != 0 && owner != rustix::process::geteuid().as_raw()) {
        return Err(io::Error::other("other users could replace its contents"));
    }
    Ok(())
}
