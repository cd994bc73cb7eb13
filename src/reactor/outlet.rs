//! The descriptor for event loops: an outer epoll over the reactor's own and a "ready" eventfd.
//!
//! Made on first use: hosts without an event loop pay neither descriptors nor system calls.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use once_cell::sync::OnceCell;
use rustix::event::epoll;

use super::poller;
use crate::error::Result;

/// Readable when a turn would find something to do, or while raised.
#[derive(Default)]
pub(super) struct Outlet {
    descriptors: OnceCell<Descriptors>,
    is_raised: Mutex<bool>,
}

struct Descriptors {
    outer: OwnedFd,
    ready: OwnedFd,
}

impl Outlet {
    /// The outer epoll; made over `inner` when it is asked for the first time.
    pub(super) fn fd(&self, inner: BorrowedFd<'_>) -> Result<BorrowedFd<'_>> {
        if let Some(made) = self.descriptors.get() {
            return Ok(made.outer.as_fd());
        }
        // Under the lock: a raise that comes meanwhile must find the descriptor or the flag.
        let is_raised = self.is_raised.lock().unwrap_or_else(PoisonError::into_inner);
        let made = self.descriptors.get_or_try_init(|| Descriptors::new(inner))?;
        if *is_raised {
            poller::signal(&made.ready);
        }
        Ok(made.outer.as_fd())
    }

    /// Makes the descriptor readable, or not. Does nothing where it is so already.
    pub(super) fn set(&self, raise: bool) {
        let mut is_raised = self.is_raised.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *is_raised, raise) == raise {
            return;
        }
        match self.descriptors.get() {
            Some(made) if raise => poller::signal(&made.ready),
            Some(made) => poller::drain(&made.ready),
            None => {}
        }
    }
}

impl Descriptors {
    fn new(inner: BorrowedFd<'_>) -> Result<Self> {
        let (outer, ready) = (poller::epoll()?, poller::event()?);
        poller::add(&outer, inner, 0, epoll::EventFlags::IN)?;
        poller::add(&outer, &ready, 1, epoll::EventFlags::IN)?;
        Ok(Self { outer, ready })
    }
}
