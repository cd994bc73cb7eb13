//! Tells a talk with sudo that nobody waits for it any more. Any thread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use rustix::event::{eventfd, EventfdFlags};

use crate::error::{ProcessError, Result};
use crate::sys::high::clear_of_stdio;

/// Shared by the talk and by who may give it up.
#[derive(Debug)]
pub(crate) struct Cancel {
    event: OwnedFd,
    is_cancelled: AtomicBool,
}

impl Cancel {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let event = event
            .map(clear_of_stdio)
            .map_err(|error| ProcessError::io("make an eventfd", std::io::Error::from(error)))?;
        Ok(Arc::new(Self { event, is_cancelled: AtomicBool::new(false) }))
    }

    /// Ends the talk at its next step, or at once where it waits.
    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        // It cannot be full.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    /// Errors: `Closed` once it was cancelled.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_cancelled.load(Ordering::SeqCst) {
            return Err(ProcessError::Closed("a start through sudo was given up".into()));
        }
        Ok(())
    }
}

impl AsFd for Cancel {
    /// Readable once it was cancelled, for ever.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
