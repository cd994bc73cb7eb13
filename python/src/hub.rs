//! What the handles of one manager share: the manager itself until it is closed, and the list
//! through which wakers reach an event loop. Used on Python threads only.

use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;

use process_manager::{ProcessError, ProcessManager, ReadyList, Result};

/// Shared part of a manager and of everything it started.
pub struct Hub {
    manager: Mutex<Option<ProcessManager>>,
    ready: OnceLock<ReadyList>,
    tokens: AtomicU64,
}

impl Hub {
    pub fn new(manager: ProcessManager) -> Arc<Self> {
        let manager = Mutex::new(Some(manager));
        Arc::new(Self { manager, ready: OnceLock::new(), tokens: AtomicU64::new(1) })
    }

    /// The manager, unless it was closed.
    pub fn manager(&self) -> Result<ProcessManager> {
        let manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner);
        manager.clone().ok_or_else(|| ProcessError::Closed("the manager has been closed".into()))
    }

    /// Takes the manager out: the handle is closed from now on.
    pub fn close(&self) -> Option<ProcessManager> {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The list that wakers of event loops go through; made when the first one asks.
    pub fn ready(&self) -> Result<&ReadyList> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready);
        }
        let ready = self.manager()?.ready()?;
        Ok(self.ready.get_or_init(|| ready))
    }

    /// The descriptor that is readable whenever a token is ready or the manager has work to do.
    pub fn fd(&self) -> Result<i32> {
        self.manager()?;
        Ok(self.ready()?.fd()?.as_raw_fd())
    }

    /// A token no other waiter of this manager has.
    pub fn token(&self) -> u64 {
        self.tokens.fetch_add(1, Ordering::Relaxed)
    }
}

/// A waiter's place: a token, and the waker that marks it ready.
pub struct Slot {
    hub: Arc<Hub>,
    token: u64,
    waker: OnceLock<Waker>,
}

impl Slot {
    pub fn new(hub: &Arc<Hub>) -> Self {
        Self { hub: Arc::clone(hub), token: hub.token(), waker: OnceLock::new() }
    }

    pub fn token(&self) -> u64 {
        self.token
    }

    pub fn waker(&self) -> Result<&Waker> {
        if let Some(waker) = self.waker.get() {
            return Ok(waker);
        }
        let waker = self.hub.ready()?.waker(self.token);
        Ok(self.waker.get_or_init(|| waker))
    }
}
