//! One process's cgroup.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use rustix::event::{poll, PollFd, PollFlags, Timespec};

use super::kill::Place;
use super::subtree::Subtree;
use super::{files, kill, Leader};

/// A cgroup that belongs to one process at a time. Dropping it gives it back: empty ones are
/// reused, others are killed and removed as soon as they are empty.
#[derive(Debug)]
pub(crate) struct Cgroup {
    pub(super) subtree: Arc<Subtree>,
    pub(super) held: Option<Held>,
}

/// What is kept of a cgroup, in use or in the pool.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: CString,
    /// Open while a process is started in it; one of many that run does without, so that a
    /// process costs no descriptor here.
    pub(super) directory: Option<OwnedFd>,
    /// Kept open as the directory is: opening it costs more than asking.
    events: OnceCell<Events>,
    /// It was empty when it was last asked since it was lent.
    pub(super) was_empty: AtomicBool,
    /// Whether it was killed or frozen. After cgroup.kill some kernels (6.18 is one) kill whatever
    /// is cloned into it from another cgroup, for ever: they compare the kill count of the wrong
    /// one.
    pub(super) spent: AtomicBool,
}

/// A directory that was open already, or was opened for one use.
pub(super) enum Opened<'a> {
    Kept(BorrowedFd<'a>),
    Now(OwnedFd),
}

impl AsFd for Opened<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Kept(directory) => directory.as_fd(),
            Self::Now(directory) => directory.as_fd(),
        }
    }
}

impl Held {
    pub(super) fn new(name: CString, directory: OwnedFd) -> Self {
        let (was_empty, spent) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { name, directory: Some(directory), events: OnceCell::new(), was_empty, spent }
    }

    /// Whether a process is left in it.
    pub(super) fn is_populated(&self, parent: BorrowedFd<'_>) -> io::Result<bool> {
        match self.kept_events() {
            Some(events) => events.is_populated(),
            None => asked_anew(self.open_events(parent)),
        }
    }

    /// Opened anew: by its path where the directory is not kept.
    fn open_events(&self, parent: BorrowedFd<'_>) -> io::Result<Events> {
        match &self.directory {
            Some(directory) => Events::open(directory.as_fd()),
            None => Events::open_below(parent, &self.name),
        }
    }

    /// Whether there are cgroups in it.
    pub(super) fn has_children(&self, parent: BorrowedFd<'_>) -> io::Result<bool> {
        match &self.directory {
            Some(directory) => files::has_children(directory.as_fd()),
            None => files::has_children_at(parent, self.name.as_c_str()),
        }
    }

    /// Opened now, if that can be had and the directory is kept.
    fn kept_events(&self) -> Option<&Events> {
        let directory = self.directory.as_ref()?;
        self.events.get_or_try_init(|| Events::open(directory.as_fd())).ok()
    }

    /// Does without descriptors from now on.
    fn close(&mut self) {
        self.directory = None;
        self.events.take();
    }

    /// Its directory, which is in `parent`.
    pub(super) fn open(&self, parent: BorrowedFd<'_>) -> io::Result<Opened<'_>> {
        match &self.directory {
            Some(directory) => Ok(Opened::Kept(directory.as_fd())),
            None => files::open_directory(parent, self.name.as_c_str()).map(Opened::Now),
        }
    }
}

/// `cgroup.events`, open: tells when the last process has gone.
#[derive(Debug)]
pub(crate) struct Events {
    file: OwnedFd,
}

impl Cgroup {
    /// The directory, for `SpawnContext.cgroup`. There until [`Cgroup::settle`].
    pub(crate) fn directory(&self) -> io::Result<BorrowedFd<'_>> {
        let directory = self.held.as_ref().and_then(|held| held.directory.as_ref());
        directory.map(AsFd::as_fd).ok_or(io::ErrorKind::NotFound.into())
    }

    /// The process has been started in it: where there are many, the descriptor goes.
    pub(crate) fn settle(&mut self) {
        if let (Some(held), true) = (&mut self.held, self.subtree.is_crowded()) {
            held.close();
        }
    }

    /// Kills every process in it. They are gone when [`Events::is_populated`] says so; call again
    /// while it does not (kernels before 5.14 need that).
    pub(crate) fn kill(&self) -> io::Result<()> {
        if !self.is_populated()? {
            return Ok(());
        }
        self.spend();
        self.subtree.lend(|| kill::kill(self.open()?.as_fd()))
    }

    /// Sends every process in it the signals, in their order. `leader`: the process that was
    /// started in it, while nobody has reaped it.
    pub(crate) fn signal(&self, signals: &[i32], leader: Option<Leader<'_>>) -> io::Result<()> {
        self.subtree.lend(|| kill::signal(self.place()?, signals, leader))
    }

    /// It will not be reused.
    pub(super) fn spend(&self) {
        if let Some(held) = &self.held {
            held.spent.store(true, Ordering::Relaxed);
        }
    }

    /// The ids of the processes in it.
    pub(crate) fn members(&self) -> io::Result<Vec<i32>> {
        self.subtree.lend(|| kill::members(self.place()?))
    }

    /// Whether a process is left in it; zombies do not count.
    pub(crate) fn is_populated(&self) -> io::Result<bool> {
        let held = self.held()?;
        // What is lent has to be given back: nothing is kept open then.
        let is_populated = match held.kept_events() {
            Some(events) => events.is_populated()?,
            None => self.subtree.lend(|| asked_anew(self.events()))?,
        };
        held.was_empty.store(!is_populated, Ordering::Relaxed);
        Ok(is_populated)
    }

    /// What to wait on for the end of the last process.
    pub(crate) fn events(&self) -> io::Result<Events> {
        self.held()?.open_events(self.subtree.directory())
    }

    fn place(&self) -> io::Result<Place<'_>> {
        let held = self.held()?;
        let open = held.directory.as_ref().map(|directory| Place::Open(directory.as_fd()));
        Ok(open.unwrap_or(Place::Below(self.subtree.directory(), &held.name)))
    }

    pub(super) fn open(&self) -> io::Result<Opened<'_>> {
        self.held()?.open(self.subtree.directory())
    }

    /// There is none only while it is dropped.
    fn held(&self) -> io::Result<&Held> {
        self.held.as_ref().ok_or(io::ErrorKind::NotFound.into())
    }
}

/// What is not there any more has nobody in it.
fn asked_anew(events: io::Result<Events>) -> io::Result<bool> {
    match events {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        events => events?.is_populated(),
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.subtree.give_back(held);
        }
    }
}

impl Events {
    pub(super) fn open(directory: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self { file: files::open(directory, "cgroup.events")? })
    }

    fn open_below(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<Self> {
        let path = [name.to_bytes(), b"/cgroup.events"].concat();
        Ok(Self { file: files::open(parent, path)? })
    }

    /// Whether a process is left. Asking also re-arms the descriptor.
    pub(crate) fn is_populated(&self) -> io::Result<bool> {
        files::is_populated(&self.file)
    }

    pub(super) fn wait_empty(&self, deadline: Instant) -> io::Result<bool> {
        while self.is_populated()? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.wait(left)?;
        }
        Ok(true)
    }

    fn wait(&self, most: Duration) -> io::Result<()> {
        let time = Timespec::try_from(most).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
        match poll(&mut [PollFd::new(&self.file, PollFlags::PRI)], Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Events {
    /// Says POLLPRI and POLLERR after a change, until [`Events::is_populated`] is asked. POLLIN is
    /// always there and means nothing: watch it with no interest, errors are told anyway.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
