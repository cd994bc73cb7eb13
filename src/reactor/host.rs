//! The background thread of the whole host, and which reactors it looks after.
//!
//! It waits in an epoll of its own (the master) for the epolls of those reactors that nobody else
//! serves, and for the lease timer. It is started by the first reactor that gets a source and
//! joined when the last such reactor goes. It takes no signals and never waits for anything else.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;

use super::core::Core;
use super::driver::LEASE;
use super::poller;
use crate::error::{ProcessError, Result};
use crate::sys::fork::PerProcess;
use crate::sys::mask;

const STOP: u64 = u64::MAX;
const LEASE_END: u64 = u64::MAX - 1;
/// Enough for the deepest callback; the thread of a library should not cost megabytes.
const STACK: usize = 256 * 1024;

static HOST: PerProcess<Mutex<Host>> = PerProcess::new();

/// What this process has: nothing before the first source and after the last reactor.
#[derive(Default)]
struct Host {
    master: Option<Arc<Master>>,
    thread: Option<Running>,
    members: usize,
    next_id: u64,
}

struct Running {
    handle: JoinHandle<()>,
    is_stopping: Arc<AtomicBool>,
}

/// What the thread waits for.
pub(super) struct Master {
    epoll: OwnedFd,
    lease: OwnedFd,
    stop: OwnedFd,
    /// The lease timer is set and has not fired.
    is_ticking: AtomicBool,
    members: Mutex<HashMap<u64, Arc<Core>>>,
}

/// A reactor's place among those that the thread looks after, until it is dropped.
pub(super) struct Membership {
    link: Link,
    core: Arc<Core>,
}

/// Where the thread's epoll has a reactor's.
#[derive(Clone)]
pub(super) struct Link {
    master: Arc<Master>,
    id: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds a reactor and makes sure that the thread runs.
pub(super) fn join(core: &Arc<Core>) -> Result<Membership> {
    let mut host = lock(HOST.get());
    let master = match &host.master {
        Some(master) => master.clone(),
        None => Arc::new(Master::new()?),
    };
    if host.thread.is_none() {
        host.thread = Some(Running::start(&master)?);
    }
    host.master = Some(master.clone());
    host.next_id += 1;
    host.members += 1;
    let id = host.next_id;
    drop(host);
    // From here on a failure leaves through Drop.
    let link = Link { master, id };
    let member = Membership { link, core: core.clone() };
    poller::add(&member.link.master.epoll, core.epoll(), id, EventFlags::empty())?;
    lock(&member.link.master.members).insert(id, core.clone());
    Ok(member)
}

impl Link {
    /// Has the thread watch the reactor's epoll, or not.
    pub(super) fn arm(&self, epoll: BorrowedFd<'_>, is_armed: bool) {
        let flags = if is_armed { EventFlags::IN } else { EventFlags::empty() };
        let armed = poller::modify(&self.master.epoll, epoll, self.id, flags);
        if let Err(error) = armed {
            log::error!("the engine's thread cannot watch a reactor: {error}");
        }
    }

    /// Has the thread look at the leases when one can have ended.
    pub(super) fn start_lease(&self) {
        self.master.tick_after(LEASE);
    }
}

impl Membership {
    pub(super) fn link(&self) -> &Link {
        &self.link
    }
}

impl Drop for Membership {
    /// The master forgets the epoll before anybody can close it.
    fn drop(&mut self) {
        if self.core.check_fork().is_err() {
            return;
        }
        let Link { master, id } = &self.link;
        lock(&master.members).remove(id);
        let _ = rustix::event::epoll::delete(&master.epoll, self.core.epoll());
        leave();
    }
}

/// The last member stops the thread and waits for its end.
fn leave() {
    let mut host = lock(HOST.get());
    host.members -= 1;
    if host.members > 0 {
        return;
    }
    let (master, running) = (host.master.take(), host.thread.take());
    // Without the lock: a source that is dropped on the thread may get here too.
    drop(host);
    if let (Some(master), Some(running)) = (master, running) {
        running.stop(&master);
    }
}

impl Running {
    fn start(master: &Arc<Master>) -> Result<Self> {
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (master, stop) = (master.clone(), is_stopping.clone());
        let builder = Builder::new().name("pm-reactor".into()).stack_size(STACK);
        let handle = mask::spawn_deaf(builder, move || master.run(&stop));
        let handle = handle.map_err(|e| ProcessError::io("start the engine's thread", e))?;
        Ok(Self { handle, is_stopping })
    }

    fn stop(self, master: &Master) {
        self.is_stopping.store(true, Ordering::SeqCst);
        poller::signal(&master.stop);
        // The thread itself may drop the last handle, inside a callback: it ends right after.
        if self.handle.thread().id() != std::thread::current().id() {
            let _ = self.handle.join();
        }
    }
}

impl Master {
    fn new() -> Result<Self> {
        let (epoll, lease, stop) = (poller::epoll()?, poller::timer()?, poller::event()?);
        // Edge-triggered: reported once, never read.
        let flags = EventFlags::IN | EventFlags::ET;
        poller::add(&epoll, lease.as_fd(), LEASE_END, flags)?;
        poller::add(&epoll, stop.as_fd(), STOP, flags)?;
        let (is_ticking, members) = (AtomicBool::new(false), Mutex::default());
        Ok(Self { epoll, lease, stop, is_ticking, members })
    }

    /// The thread's body.
    fn run(&self, is_stopping: &AtomicBool) {
        let mut events = Vec::new();
        while !is_stopping.load(Ordering::SeqCst) {
            match poller::wait(&self.epoll, &mut events, None) {
                Ok(()) => {}
                Err(error) => return log::error!("the engine's thread has to end: {error}"),
            }
            for event in events.drain(..) {
                // A panic of foreign code (a waker) must not end the service for all others.
                let _ = catch_unwind(AssertUnwindSafe(|| self.serve(event.token, is_stopping)));
            }
        }
    }

    fn serve(&self, token: u64, is_stopping: &AtomicBool) {
        match token {
            STOP => {}
            _ if is_stopping.load(Ordering::SeqCst) => {}
            LEASE_END => self.tick(),
            id => {
                let member = lock(&self.members).get(&id).cloned();
                if let Some(core) = member {
                    core.thread_turn();
                }
            }
        }
    }

    /// The flag falls before the leases are looked at: one that starts meanwhile either is seen
    /// here or sets the timer itself.
    fn tick(&self) {
        self.is_ticking.store(false, Ordering::SeqCst);
        let members: Vec<_> = lock(&self.members).values().cloned().collect();
        let now = Instant::now();
        let next = members.iter().filter_map(|core| core.tick(now)).min();
        if let Some(next) = next {
            self.tick_after(next.saturating_duration_since(now));
        }
    }

    /// One system call a lease, however many begin while it runs.
    fn tick_after(&self, after: Duration) {
        if self.is_ticking.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Err(error) = poller::set_timer(&self.lease, after) {
            log::error!("the engine's thread cannot set its timer: {error}");
        }
    }
}
