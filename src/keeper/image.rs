//! Where the embedded keeper becomes something that can be executed.
//!
//! A sealed memory file, run by descriptor: it needs no directory and cannot be changed by anybody.
//! Where the system forbids that (vm.memfd_noexec), a file in an own directory (mode 0711: it can
//! be run by other users and listed by none). Made on first use, on the caller's thread, and kept
//! for as long as somebody holds it.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::fs::{flock, FlockOperation, MemfdFlags, Mode, SealFlags};
use rustix::io::Errno;

use super::registration::Place;
use crate::error::{ProcessError, Result};
use crate::extractor::settle;
use crate::sys::fork::{epoch, PerProcess};
use crate::sys::high::clear_of_stdio;

const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keeper"));
/// How long a fork that copied the write descriptor may take to exec.
const SETTLE_WAIT: Duration = Duration::from_secs(2);
static MEMORY: PerProcess<Mutex<Weak<OwnedFd>>> = PerProcess::new();
static FILE: PerProcess<Mutex<Weak<Installed>>> = PerProcess::new();

/// The keeper as the spawn layer can execute it. Cheap to get while somebody holds one.
#[derive(Debug, Clone)]
pub(crate) enum Image {
    /// Run by descriptor.
    Memory(Arc<OwnedFd>),
    /// Run by path.
    File(Arc<Installed>),
}

/// The keeper's file in its own directory, which goes with the last holder, or by the watcher.
#[derive(Debug)]
pub(crate) struct Installed {
    epoch: u64,
    directory: PathBuf,
    path: PathBuf,
    place: Place,
}

impl Image {
    /// The keeper in the best form this system allows.
    pub(crate) fn get() -> Result<Image> {
        let mut memory = MEMORY.get().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fd) = memory.upgrade() {
            return Ok(Image::Memory(fd));
        }
        let memory_works = !crate::spawn::under_valgrind();
        let Some(fd) = memory_works.then(memory_file).and_then(|made| made.ok()) else {
            return Image::installed().map(Image::File);
        };
        let fd = Arc::new(fd);
        *memory = Arc::downgrade(&fd);
        Ok(Image::Memory(fd))
    }

    /// The keeper as a file with a path.
    pub(crate) fn installed() -> Result<Arc<Installed>> {
        let mut file = FILE.get().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(installed) = file.upgrade() {
            return Ok(installed);
        }
        let installed = Installed::new();
        let installed = installed.map_err(|e| ProcessError::io("cannot install the keeper", e))?;
        let installed = Arc::new(installed);
        *file = Arc::downgrade(&installed);
        Ok(installed)
    }

    /// What messages name, and what is executed where there is no descriptor.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Image::Memory(_) => Path::new("keeper"),
            Image::File(installed) => &installed.path,
        }
    }

    /// What is executed, where it is not the path.
    pub(crate) fn exec_fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Image::Memory(fd) => Some(fd.as_fd()),
            Image::File(_) => None,
        }
    }
}

impl Installed {
    fn new() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("process_manager-keeper.").tempdir()?;
        let path = directory.path().join("keeper");
        let mut file = File::options().write(true).create_new(true).open(&path)?;
        settle::mark(&file);
        file.write_all(PROGRAM)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o555))?;
        drop(file);
        if !settle::wait(&File::open(&path)?, SETTLE_WAIT)? {
            return Err(Errno::TXTBSY.into());
        }
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        let place = locked(directory.path())?;
        Ok(Self { epoch: epoch(), directory: directory.keep(), path, place })
    }

    /// The executable file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory as the watcher registers it.
    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if self.epoch == epoch() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// The directory with our lock on it, which keeps cleaners away.
fn locked(path: &Path) -> io::Result<Place> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let directory = clear_of_stdio(File::open(path)?);
    flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
    let name = path.file_name().unwrap_or_default().to_owned();
    let parent = clear_of_stdio(File::open(parent)?);
    Ok(Place { parent: Arc::new(parent), name, directory: Arc::new(directory) })
}

fn memory_file() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let asked = rustix::fs::memfd_create("pm-keeper", flags | MemfdFlags::EXEC);
    // Kernels before 6.3 do not know the flag, and make every memory file executable.
    let fd = asked.or_else(|_| rustix::fs::memfd_create("pm-keeper", flags))?;
    let mut file = File::from(clear_of_stdio(fd));
    file.write_all(PROGRAM)?;
    file.set_permissions(Permissions::from_mode(0o555))?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}
