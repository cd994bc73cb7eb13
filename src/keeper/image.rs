//! Where the embedded keeper becomes something that can be executed.
//!
//! A sealed memory file, run by descriptor: it needs no directory and cannot be changed by anybody.
//! Where the system forbids that (vm.memfd_noexec), a file in an own directory (mode 0711: it can
//! be run by other users and listed by none). Made once, on first use, on the caller's thread.

use std::fs::Permissions;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{MemfdFlags, Mode, SealFlags};
use tempfile::TempDir;

use crate::error::{ProcessError, Result};

const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keeper"));
/// Where no memory file can be had, and for sudo, which closes descriptors.
static FILE: Mutex<Option<Arc<Installed>>> = Mutex::new(None);
static MEMORY: Mutex<Option<Arc<OwnedFd>>> = Mutex::new(None);

/// The keeper as the spawn layer can execute it. Cheap to get, shared by all that hold it.
#[derive(Clone)]
pub(crate) enum Image {
    /// Run by descriptor.
    Memory(Arc<OwnedFd>),
    /// Run by path.
    File(Arc<Installed>),
}

/// The keeper's file in its own directory, which goes with the last holder.
pub(crate) struct Installed {
    directory: TempDir,
    path: PathBuf,
}

impl Image {
    /// The keeper in the best form this system allows.
    pub(crate) fn get() -> Result<Image> {
        let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fd) = memory.as_ref() {
            return Ok(Image::Memory(Arc::clone(fd)));
        }
        match memory_file() {
            Ok(fd) => Ok(Image::Memory(Arc::clone(memory.insert(Arc::new(fd))))),
            Err(_) => Image::installed().map(Image::File),
        }
    }

    /// The keeper as a file with a path.
    pub(crate) fn installed() -> Result<Arc<Installed>> {
        let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(installed) = file.as_ref() {
            return Ok(Arc::clone(installed));
        }
        let installed = install().map_err(|e| ProcessError::io("cannot install the keeper", e))?;
        Ok(Arc::clone(file.insert(Arc::new(installed))))
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
    /// The directory, which the watcher removes when the host cannot.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The executable file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn memory_file() -> std::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let asked = rustix::fs::memfd_create("pm-keeper", flags | MemfdFlags::EXEC);
    // Kernels before 6.3 do not know the flag, and make every memory file executable.
    let fd = asked.or_else(|_| rustix::fs::memfd_create("pm-keeper", flags))?;
    let mut file = std::fs::File::from(fd);
    file.write_all(PROGRAM)?;
    file.set_permissions(Permissions::from_mode(0o555))?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

fn install() -> std::io::Result<Installed> {
    let directory = tempfile::Builder::new().prefix("process_manager-keeper.").tempdir()?;
    let path = directory.path().join("keeper");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    file.write_all(PROGRAM)?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(0o555))?;
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
    Ok(Installed { directory, path })
}
