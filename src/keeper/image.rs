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

use rustix::fs::{MemfdFlags, SealFlags};

use super::registration::{Place, Registration};
use super::watcher::{Watched, Watcher};
use crate::error::{ExtractionError, ProcessError, Result};
use crate::extractor::{BinaryExtractor, ExtractionLocation};
use crate::sys::fork::PerProcess;
use crate::sys::high::clear_of_stdio;

const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keeper"));
/// How its directory's name begins.
const PREFIX: &str = "process_manager-keeper";
/// Where its directory is made if TMPDIR allows no execution.
const OPEN_TO_ALL: [&str; 3] = ["/tmp", "/dev/shm", "/var/tmp"];
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

/// The keeper's file in its own directory, which goes with the last holder, or by the watcher, or
/// by the next one's sweep.
#[derive(Debug)]
pub(crate) struct Installed {
    extractor: BinaryExtractor,
    path: PathBuf,
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
        let installed = Arc::new(Installed::new()?);
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

    /// The directory that it needs, as the watcher registers it.
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Image::Memory(_) => None,
            Image::File(installed) => installed.extractor.place(),
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
    fn new() -> Result<Self> {
        let extractor = BinaryExtractor::builder().prefix(PREFIX);
        let mut extractor = extractor.fallback_directories(OPEN_TO_ALL).build()?;
        let path = extractor.add_binary("keeper", PROGRAM)?;
        if let Some(ExtractionLocation::Memory { reason, .. }) = extractor.location() {
            return Err(ExtractionError::refused("keeper", reason).into());
        }
        open_to_others(&path, extractor.temp_dir())
            .map_err(|error| ProcessError::io("cannot install the keeper", error))?;
        Ok(Self { extractor, path })
    }

    /// The executable file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Has the watcher remove the directory if this process is killed, where it can be locked.
    pub(crate) fn watched(&self) -> Result<Option<Watched>> {
        let Some(place) = self.extractor.place() else { return Ok(None) };
        Watcher::shared()?.watch(Registration::Directory(place)).map(Some)
    }
}

fn open_to_others(file: &Path, directory: &Path) -> io::Result<()> {
    std::fs::set_permissions(file, Permissions::from_mode(0o555))?;
    std::fs::set_permissions(directory, Permissions::from_mode(0o711))
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
