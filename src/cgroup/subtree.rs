//! The host's own cgroup directory, `process_manager.PID.NONCE`, below the cgroup the host is in.
//!
//! Its owner holds flock(2) on it, and so does the watcher through the same open file: whoever
//! gets that lock knows that the owner is dead and may sweep the directory away.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::fs::{
    accessat, flock, mkdirat, openat, statat, Access, AtFlags, FlockOperation, Mode, OFlags, CWD,
};
use rustix::process::{geteuid, getpid};

use super::group::{Cgroup, Events, Held};
use super::pool::Pool;
use super::reserve::Reserve;
use super::{files, find, kill, remove};
use crate::error::{ProcessError, Result};
use crate::keeper::{Place, Registration, Watched, Watcher};
use crate::sys::fork::{epoch, PerProcess};
use crate::sys::high::clear_of_stdio;

const PREFIX: &str = "process_manager.";
/// How many directories of other hosts one start looks at.
const MOST_SWEPT: usize = 256;
const ATTEMPTS: usize = 3;
/// How long a sweep waits for what it killed in one directory.
const SWEEP_WAIT: Duration = Duration::from_millis(50);
static SHARED: PerProcess<Mutex<Shared>> = PerProcess::new();

#[derive(Default)]
struct Shared {
    subtree: Weak<Subtree>,
    /// Why there can be none; asked once.
    refused: Option<String>,
}

/// The directory. One per host, made on first use, removed with the last holder.
#[derive(Debug)]
pub(crate) struct Subtree {
    epoch: u64,
    name: CString,
    parent: Arc<OwnedFd>,
    directory: Arc<OwnedFd>,
    pool: Mutex<Pool>,
    watched: Mutex<Option<Watched>>,
    reserve: Reserve,
}

impl Subtree {
    /// The host's directory, registered with its watcher. Hold it for as long as processes are
    /// expected: making it anew costs a watcher each time.
    ///
    /// Errors: `Unsupported` with the reason, found out once per host; what starting the watcher
    /// says.
    pub(crate) fn shared() -> Result<Arc<Subtree>> {
        let mut shared = SHARED.get().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subtree) = shared.subtree.upgrade() {
            return Ok(subtree);
        }
        if let Some(reason) = &shared.refused {
            return Err(ProcessError::Unsupported(reason.clone()));
        }
        let made = find::own_directory().and_then(|own| Subtree::make(&own));
        let subtree = made.map_err(|reason| {
            shared.refused = Some(reason.clone());
            ProcessError::Unsupported(reason)
        })?;
        subtree.prepare();
        subtree.register()?;
        let subtree = Arc::new(subtree);
        shared.subtree = Arc::downgrade(&subtree);
        Ok(subtree)
    }

    /// Makes the directory below `own`, the cgroup that this process is in.
    pub(super) fn make(own: &Path) -> std::result::Result<Subtree, String> {
        let because = |what: &str, e: io::Error| format!("{what} in {}: {e}", own.display());
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = openat(CWD, own, flags, Mode::empty());
        let parent = parent.map(clear_of_stdio);
        let parent = parent.map_err(|e| because("cannot open the cgroup", e.into()))?;
        // Moving a process needs write permission at the nearest common ancestor too.
        accessat(&parent, "cgroup.procs", Access::WRITE_OK, AtFlags::EACCESS)
            .map_err(|e| because("cannot move processes", e.into()))?;
        let subtree = (0..ATTEMPTS).find_map(|_| Subtree::make_one(&parent).transpose());
        let (name, directory) = match subtree {
            Some(made) => made.map_err(|e| because("cannot make a cgroup", e))?,
            None => return Err(format!("cannot lock a cgroup in {}", own.display())),
        };
        let (parent, directory) = (Arc::new(parent), Arc::new(directory));
        let (pool, watched) = (Mutex::default(), Mutex::default());
        let reserve = Reserve::new(&directory);
        let subtree = Subtree { epoch: epoch(), name, parent, directory, pool, watched, reserve };
        subtree.check_type()?;
        sweep(subtree.parent.as_fd());
        Ok(subtree)
    }

    /// Makes and locks a directory; nothing if a sweeper was faster.
    fn make_one(parent: &OwnedFd) -> io::Result<Option<(CString, OwnedFd)>> {
        let nonce = uuid::Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext)).simple();
        let name = format!("{PREFIX}{}.{nonce}", getpid().as_raw_nonzero());
        let name = CString::new(name)?;
        mkdirat(parent, name.as_c_str(), Mode::from_raw_mode(0o755))?;
        let directory = match files::open_directory(parent.as_fd(), name.as_c_str()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            directory => directory?,
        };
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        let there = is_same(parent.as_fd(), &name, directory.as_fd());
        Ok(there.then_some((name, directory)))
    }

    /// Below a threaded cgroup nothing can be contained.
    fn check_type(&self) -> std::result::Result<(), String> {
        let kind = files::read(self.directory(), "cgroup.type").unwrap_or_default();
        match kind.trim_end() {
            "domain" => Ok(()),
            other => Err(format!("cgroups made here are of type {other:?}, not domain")),
        }
    }

    /// Makes the first process's cgroup while the watcher comes up. What prevents it is told by the
    /// attempt that comes when it is needed.
    fn prepare(&self) {
        if let Ok(held) = self.make_child() {
            self.lock().keep(held);
        }
    }

    fn register(&self) -> Result<()> {
        let name = OsString::from(self.name.to_string_lossy().into_owned());
        let (parent, directory) = (Arc::clone(&self.parent), Arc::clone(&self.directory));
        let registration = Registration::Cgroup(Place { parent, name, directory });
        let watched = Watcher::shared()?.watch(registration)?;
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Some(watched);
        Ok(())
    }

    /// A cgroup for one process: an empty one that is reused, or a new one.
    pub(crate) fn take(self: &Arc<Self>) -> io::Result<Cgroup> {
        let spare = self.lock().take(self.directory());
        let mut held = match spare {
            Some(held) => held,
            None => self.make_child()?,
        };
        if held.directory.is_none() {
            match files::open_directory(self.directory(), held.name.as_c_str()) {
                Ok(directory) => held.directory = Some(directory),
                Err(error) => {
                    self.lock().put(self.directory(), held);
                    return Err(error);
                }
            }
        }
        *held.was_empty.get_mut() = false;
        self.lock().lend();
        Ok(Cgroup { subtree: Arc::clone(self), held: Some(held) })
    }

    /// Makes a call that ends processes or asks for them, also where no descriptor is left.
    pub(super) fn lend<T>(&self, call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        self.reserve.lend(&self.directory, call)
    }

    /// Whether so many are in use that each should do without a descriptor.
    pub(super) fn is_crowded(&self) -> bool {
        self.lock().is_crowded()
    }

    fn make_child(&self) -> io::Result<Held> {
        let name = CString::new(format!("p{}", self.lock().number()))?;
        mkdirat(&self.directory, name.as_c_str(), Mode::from_raw_mode(0o755))?;
        match files::open_directory(self.directory(), name.as_c_str()) {
            Ok(directory) => Ok(Held::new(name, directory)),
            Err(error) => {
                let _ = remove::remove(self.directory(), &name);
                Err(error)
            }
        }
    }

    pub(super) fn give_back(&self, held: Held) {
        if self.epoch == epoch() {
            self.lock().put(self.directory(), held);
        }
    }

    /// Whether more empty ones are there than are kept for good.
    pub(crate) fn has_surplus(&self) -> bool {
        self.epoch == epoch() && self.lock().surplus() > 0
    }

    /// Removes at most so many of them. True: there are more.
    pub(crate) fn trim(&self, most: usize) -> bool {
        self.epoch == epoch() && self.lock().trim(self.directory(), most)
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subtree {
    /// Removes the directory; what is dying in it, or too much to wait for, is the watcher's to see
    /// off.
    fn drop(&mut self) {
        if self.epoch != epoch() {
            return;
        }
        let removed = !self.has_surplus() && {
            self.lock().clear(self.directory());
            remove::remove(self.parent.as_fd(), &self.name).is_ok()
        };
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(watched) = watched.filter(|_| !removed) {
            watched.finish();
        }
    }
}

/// Removes the directories of hosts that are dead, of this user only: their locks are free.
pub(super) fn sweep(parent: BorrowedFd<'_>) {
    let names = files::children(parent).unwrap_or_default();
    let ours = |name: &&CString| name.to_bytes().starts_with(PREFIX.as_bytes());
    for name in names.iter().filter(ours).take(MOST_SWEPT) {
        sweep_one(parent, name);
    }
}

fn sweep_one(parent: BorrowedFd<'_>, name: &CStr) {
    let Ok(directory) = files::open_directory(parent, name) else { return };
    let own = rustix::fs::fstat(&directory).is_ok_and(|stat| stat.st_uid == geteuid().as_raw());
    if !own || flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        return;
    }
    let _ = kill::kill(directory.as_fd());
    // What takes longer to die is left to the next sweep.
    if let Ok(events) = Events::open(directory.as_fd()) {
        let _ = events.wait_empty(Instant::now() + SWEEP_WAIT);
    }
    let _ = remove::remove(parent, name);
}

fn is_same(parent: BorrowedFd<'_>, name: &CStr, directory: BorrowedFd<'_>) -> bool {
    let there = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    let ours = rustix::fs::fstat(directory);
    matches!((there, ours), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}
