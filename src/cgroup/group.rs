//! One process's cgroup.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use super::subtree::Subtree;
use super::{files, kill};

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
    pub(super) directory: Arc<OwnedFd>,
    /// Whether it was killed or frozen. After cgroup.kill some kernels (6.18 is one) kill whatever
    /// is cloned into it from another cgroup, for ever: they compare the kill count of the wrong
    /// one.
    pub(super) spent: AtomicBool,
}

/// `cgroup.events`, open: tells when the last process has gone.
#[derive(Debug)]
pub(crate) struct Events {
    file: OwnedFd,
}

impl Cgroup {
    /// The directory, for `SpawnContext.cgroup`.
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        match &self.held {
            Some(held) => held.directory.as_fd(),
            None => self.subtree.directory(),
        }
    }

    /// Kills every process in it. They are gone when [`Events::is_populated`] says so; call again
    /// while it does not (kernels before 5.14 need that).
    pub(crate) fn kill(&self) -> io::Result<()> {
        if !self.is_populated()? {
            return Ok(());
        }
        self.spend();
        kill::kill(self.directory())
    }

    /// Signals every process in it.
    pub(crate) fn signal(&self, signal: i32) -> io::Result<()> {
        kill::signal(self.directory(), signal)
    }

    /// It will not be reused.
    pub(super) fn spend(&self) {
        if let Some(held) = &self.held {
            held.spent.store(true, Ordering::Relaxed);
        }
    }

    /// The ids of the processes in it.
    pub(crate) fn members(&self) -> io::Result<Vec<i32>> {
        kill::members(self.directory())
    }

    /// Whether a process is left in it; zombies do not count.
    pub(crate) fn is_populated(&self) -> io::Result<bool> {
        self.events()?.is_populated()
    }

    /// What to wait on for the end of the last process.
    pub(crate) fn events(&self) -> io::Result<Events> {
        Events::open(self.directory())
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
