//! What the handles of one manager share: the manager itself until it is closed, and the list
//! through which wakers reach an event loop. Used on Python threads only.

use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{process, thread};

use process_manager::{ProcessError, ProcessManager, ReadyList, Result};

/// How long the end of the interpreter waits for the killed trees.
const END_WAIT: Duration = Duration::from_secs(2);

/// Shared part of a manager and of everything it started.
pub struct Hub {
    manager: Mutex<Option<ProcessManager>>,
    ready: OnceLock<ReadyList>,
    tokens: AtomicU64,
    pid: u32,
}

impl Hub {
    pub fn new(manager: ProcessManager) -> Arc<Self> {
        let manager = Mutex::new(Some(manager));
        let tokens = AtomicU64::new(1);
        Arc::new(Self { manager, ready: OnceLock::new(), tokens, pid: process::id() })
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

    /// Ends every process by its drop policy, within bounds: the interpreter ends.
    pub fn end(&self) {
        if let Some(manager) = self.close() {
            manager.end_all(END_WAIT);
        }
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

impl Drop for Hub {
    /// The last handle was collected. Ending processes takes time, which a garbage collection
    /// has not: another thread does it. That thread never touches Python.
    fn drop(&mut self) {
        // In a forked copy a lock may never come free, and there is nothing to end.
        if process::id() != self.pid {
            return;
        }
        let Some(manager) = self.close() else { return };
        if manager.get_running_count() == 0 {
            return;
        }
        let ender = thread::Builder::new().name("pm-end".into());
        // Where no thread can be had, the closure and with it the manager are dropped here.
        if let Ok(ender) = ender.spawn(move || drop(manager)) {
            let mut enders = enders();
            enders.retain(|ender| !ender.is_finished());
            enders.push(ender);
        }
    }
}

/// The threads that end collected managers. In a forked copy it is empty: see `join_enders`.
static ENDERS: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Locked by Python threads only, which have the GIL, and never over a wait.
fn enders() -> MutexGuard<'static, Vec<JoinHandle<()>>> {
    ENDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the managers that were collected while processes ran: some milliseconds each.
pub fn join_enders() {
    let ending = std::mem::take(&mut *enders());
    for ender in ending {
        let _ = ender.join();
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

    /// What every poll begins with. Errors in a forked copy, before any lock is taken that a thread
    /// of the parent may have held.
    pub fn waker(&self) -> Result<&Waker> {
        if process::id() != self.hub.pid {
            return Err(ProcessError::Forked);
        }
        if let Some(waker) = self.waker.get() {
            return Ok(waker);
        }
        let waker = self.hub.ready()?.waker(self.token);
        Ok(self.waker.get_or_init(|| waker))
    }
}
