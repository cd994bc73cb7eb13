//! Children that were left to themselves: their ends are collected by later starts, so that they
//! do not stay zombies for as long as the host lives.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fork::PerProcess;
use super::pidfd::{self, Reaped};

/// A forked copy has no children of its parent's, and starts with none.
static ORPHANS: PerProcess<Mutex<Vec<Arc<OwnedFd>>>> = PerProcess::new();

/// Takes a child over.
pub(crate) fn adopt(pidfd: Arc<OwnedFd>) {
    lock().push(pidfd);
}

/// Collects a child that was told to end, and takes over one that has not within `patience`.
pub(crate) fn end(pidfd: Arc<OwnedFd>, patience: Duration) {
    let has_ended = pidfd::ends_within(pidfd.as_fd(), patience);
    if !has_ended || matches!(pidfd::reap(pidfd.as_fd()), Ok(Reaped::NotYet)) {
        adopt(pidfd);
    }
}

/// Collects those that have ended, without waiting.
pub(crate) fn sweep() {
    lock().retain(|pidfd| matches!(pidfd::reap(pidfd.as_fd()), Ok(Reaped::NotYet)));
}

fn lock() -> MutexGuard<'static, Vec<Arc<OwnedFd>>> {
    ORPHANS.get().lock().unwrap_or_else(PoisonError::into_inner)
}
