//! Children that were left to themselves: their ends are collected by later starts, so that they
//! do not stay zombies for as long as the host lives.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sys::fork::PerProcess;
use crate::sys::pidfd::{self, Reaped};

/// A forked copy has no children of its parent's, and starts with none.
static ORPHANS: PerProcess<Mutex<Vec<Arc<OwnedFd>>>> = PerProcess::new();

/// Takes a child over.
pub(super) fn adopt(pidfd: Arc<OwnedFd>) {
    lock().push(pidfd);
}

/// Collects those that have ended, without waiting.
pub(super) fn sweep() {
    lock().retain(|pidfd| matches!(pidfd::reap(pidfd.as_fd()), Ok(Reaped::NotYet)));
}

fn lock() -> MutexGuard<'static, Vec<Arc<OwnedFd>>> {
    ORPHANS.get().lock().unwrap_or_else(PoisonError::into_inner)
}
