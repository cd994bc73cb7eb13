//! The private directory: made, locked, and removed with its owner.
//!
//! The lock is a flock(2) on the directory itself. It tells every sweeper, ours and the cleaners
//! of /tmp, that the owner lives; it is closed on exec, so that no child holds it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RawDir, SeekFrom};
use rustix::io::Errno;

use crate::keeper::Place;
use crate::sys::fork;
use crate::sys::high::clear_of_stdio;

/// How often a new directory may be lost to a sweeper between mkdir(2) and flock(2).
const CREATE_ATTEMPTS: usize = 64;
/// How often the removal starts anew because somebody put files into the directory meanwhile.
const REMOVE_ATTEMPTS: usize = 3;

/// A directory of mode 0700, locked by this process, removed on drop.
#[derive(Debug)]
pub(super) struct PrivateDir {
    path: PathBuf,
    /// None on a file system that has no locks for directories (NFS); no sweeper can lock it
    /// there either, so none removes it.
    lock: Option<Arc<OwnedFd>>,
    owner: Owner,
}

/// The process that made something. A forked copy of it owns nothing.
#[derive(Debug)]
pub(super) struct Owner(u64);

impl Owner {
    pub(super) fn current() -> Self {
        Self(fork::epoch())
    }

    pub(super) fn is_current(&self) -> bool {
        self.0 == fork::epoch()
    }
}

impl PrivateDir {
    /// Makes `<base>/<prefix>-<random>` and locks it.
    pub(super) fn create(base: &Path, prefix: &str) -> io::Result<Self> {
        for _ in 0..CREATE_ATTEMPTS {
            let path = make(base, prefix)?;
            let owner = Owner::current();
            match claim(&path) {
                Ok(Some(lock)) => {
                    let lock = Some(Arc::new(OwnedFd::from(lock)));
                    return Ok(Self { path, lock, owner });
                }
                Err(error) if has_no_locks(&error) => return Ok(Self { path, lock: None, owner }),
                lost => {
                    let _ = fs::remove_dir(&path);
                    lost?;
                }
            }
        }
        Err(Errno::BUSY.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory as the watcher registers it; nothing where it cannot be locked.
    pub(super) fn place(&self) -> io::Result<Option<Place>> {
        let (Some(lock), Some(base), Some(name)) =
            (&self.lock, self.path.parent(), self.path.file_name())
        else {
            return Ok(None);
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = clear_of_stdio(rustix::fs::open(base, flags, Mode::empty())?);
        let parent = Arc::new(parent);
        Ok(Some(Place { parent, name: name.to_owned(), directory: lock.clone() }))
    }
}

impl Drop for PrivateDir {
    /// Removes the directory while its lock is still held, so that no sweeper meets it half gone.
    fn drop(&mut self) {
        if !self.owner.is_current() {
            return;
        }
        if self.lock.as_ref().is_some_and(|lock| remove_flat(lock, &self.path).is_ok()) {
            return;
        }
        if let Err(error) = remove(&self.path) {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Makes a directory under a random name.
fn make(base: &Path, prefix: &str) -> io::Result<PathBuf> {
    let make = |path: &Path| DirBuilder::new().mode(0o700).create(path);
    let mut names = tempfile::Builder::new();
    let made = names.prefix(&format!("{prefix}-")).rand_bytes(12).make_in(base, make)?;
    Ok(made.into_temp_path().keep()?)
}

/// Locks a directory just made. `None`: a sweeper was faster.
fn claim(path: &Path) -> io::Result<Option<File>> {
    // mkdir(2) applies the umask, which may take the owner's own bits away.
    match fs::set_permissions(path, Permissions::from_mode(0o700)) {
        Ok(()) => lock(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn has_no_locks(error: &io::Error) -> bool {
    let unsupported = [Errno::BADF, Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| unsupported.contains(&errno))
}

/// Removes the directory if it holds only files, through the descriptor that is open anyway: a
/// host that has used up its descriptors leaves nothing, either.
fn remove_flat(directory: &OwnedFd, path: &Path) -> io::Result<()> {
    rustix::fs::seek(directory, SeekFrom::Start(0))?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        // What cannot be unlinked makes the rmdir fail.
        let _ = rustix::fs::unlinkat(directory, entry?.file_name(), AtFlags::empty());
    }
    fs::remove_dir(path)
}

fn remove(path: &Path) -> io::Result<()> {
    let mut result = Ok(());
    for _ in 0..REMOVE_ATTEMPTS {
        result = fs::remove_dir_all(path);
        match &result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            _ => break,
        }
    }
    result
}

/// Opens and locks a directory. `None`: somebody else holds the lock, it is no longer there under
/// this name, or it is not a directory of this user.
///
/// The identity is compared after the lock was obtained: a sweeper may have removed the directory
/// between open and flock, and a lock on an unlinked directory protects nothing. While the lock is
/// held, nobody who follows this protocol removes it.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(clear_of_stdio(descriptor)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let opened = directory.metadata()?;
    if opened.uid() != rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    match fs::symlink_metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (opened.dev(), opened.ino()) => {
            Ok(Some(directory))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
