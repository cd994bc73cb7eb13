//! The background thread of the whole host, and which reactors it looks after.
//!
//! It waits in an epoll of its own (the master) for the epolls of those reactors that nobody else
//! serves, and for the lease timer. It is started for the first source that its caller may not wait
//! for, and joined when the last reactor with sources goes, or while it is parked around a fork of
//! the host. It takes no signals and never waits for anything else.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use rustix::event::epoll::EventFlags;
use rustix::thread::Pid;

use super::core::Core;
use super::lease::LeaseTimer;
use super::poller;
use crate::error::{ProcessError, Result};
use crate::sys::fork::PerProcess;
use crate::sys::mask;

const STOP: u64 = u64::MAX;
const LEASE_END: u64 = u64::MAX - 1;
/// Enough for the deepest callback; the thread of a library should not cost megabytes.
const STACK: usize = 256 * 1024;
/// More than the kernel takes; where /proc is not what it says, nothing hangs.
const UNLISTED_WITHIN: Duration = Duration::from_millis(100);

static HOST: PerProcess<Mutex<Host>> = PerProcess::new();

/// What this process has: nothing before the first source and after the last reactor.
#[derive(Default)]
struct Host {
    master: Option<Arc<Master>>,
    service: Service,
    members: usize,
    next_id: u64,
}

/// The thread.
#[derive(Default)]
enum Service {
    #[default]
    Absent,
    Running(Running),
    /// Not there although it may be needed, until so many forks are over.
    Parked(usize),
}

struct Running {
    handle: JoinHandle<()>,
    is_stopping: Arc<AtomicBool>,
    tid: Arc<OnceCell<Pid>>,
}

/// What the thread waits for.
pub(super) struct Master {
    epoll: OwnedFd,
    lease: LeaseTimer,
    stop: OwnedFd,
    /// Whether the thread is there, or will be after the forks. Set under the host's lock.
    is_attended: AtomicBool,
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

/// Adds a reactor. It is served by the thread once that is there.
pub(super) fn join(core: &Arc<Core>) -> Result<Membership> {
    let mut host = lock(HOST.get());
    let master = match &host.master {
        Some(master) => master.clone(),
        None => Arc::new(Master::new()?),
    };
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
    /// Makes sure that the thread is there.
    pub(super) fn attend(&self) -> Result<()> {
        lock(HOST.get()).attend(&self.master)
    }

    /// Has the thread watch the reactor's epoll, or not.
    pub(super) fn arm(&self, epoll: BorrowedFd<'_>, is_armed: bool) {
        let attended = if is_armed { self.attend() } else { Ok(()) };
        if let Err(error) = attended {
            log::error!("nobody serves a reactor: {error}");
        }
        let flags = if is_armed { EventFlags::IN } else { EventFlags::empty() };
        let armed = poller::modify(&self.master.epoll, epoll, self.id, flags);
        if let Err(error) = armed {
            log::error!("the engine's thread cannot watch a reactor: {error}");
        }
    }

    /// Has the thread look at the leases when one can have ended. One that comes later begins with
    /// a look at all of them.
    pub(super) fn start_lease(&self) {
        if self.master.is_attended.load(Ordering::SeqCst) {
            self.master.lease.start(self.id, Instant::now());
        }
    }

    /// A waiter serves the reactor: no lease of it has to be looked at for a while.
    pub(super) fn end_lease(&self) {
        self.master.lease.end(self.id, Instant::now());
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
    let (master, running) = (host.master.take(), host.service.end());
    // Without the lock: a source that is dropped on the thread may get here too.
    drop(host);
    if let (Some(master), Some(running)) = (master, running) {
        running.stop(&master);
    }
}

/// Ends the thread until [`unpark`] is called as often as this; what is ready meanwhile waits.
///
/// For the moment before a fork of a host that counts its threads. When this returns, the kernel
/// lists the thread no more. Not on the thread itself.
pub(crate) fn park() {
    let mut host = lock(HOST.get());
    let running = host.service.park();
    let master = host.master.clone();
    drop(host);
    if let (Some(master), Some(running)) = (master, running) {
        running.stop(&master);
    }
}

/// Takes one [`park`] back; the last one starts the thread again, if there is a reactor. Does
/// nothing in a forked copy, whose own host was never parked.
pub(crate) fn unpark() {
    let mut host = lock(HOST.get());
    if !host.service.unpark() {
        return;
    }
    let master = host.master.clone().filter(|master| master.is_attended.load(Ordering::SeqCst));
    if let Some(Err(error)) = master.map(|master| host.attend(&master)) {
        // Whoever needs it next tries again.
        log::error!("{error}");
    }
}

impl Host {
    /// Starts the thread unless it is there. One that is parked is started when the forks are over.
    fn attend(&mut self, master: &Arc<Master>) -> Result<()> {
        // Before the thread's first look: a lease that does not set the timer is seen by that look.
        master.is_attended.store(true, Ordering::SeqCst);
        if matches!(self.service, Service::Absent) {
            let started = Running::start(master);
            master.is_attended.store(started.is_ok(), Ordering::SeqCst);
            self.service = Service::Running(started?);
        }
        Ok(())
    }
}

impl Service {
    /// No reactor is left; gives back the thread that has to be stopped.
    fn end(&mut self) -> Option<Running> {
        match std::mem::take(self) {
            Self::Running(running) => Some(running),
            // Those forks still go on.
            parked @ Self::Parked(_) => {
                *self = parked;
                None
            }
            Self::Absent => None,
        }
    }

    /// The same for a fork.
    fn park(&mut self) -> Option<Running> {
        match std::mem::replace(self, Self::Parked(1)) {
            Self::Running(running) => Some(running),
            Self::Parked(forks) => {
                *self = Self::Parked(forks + 1);
                None
            }
            Self::Absent => None,
        }
    }

    /// A fork is over. True: it was the last one, so the thread may run again.
    fn unpark(&mut self) -> bool {
        match self {
            Self::Parked(forks) if *forks > 1 => *forks -= 1,
            Self::Parked(_) => {
                *self = Self::Absent;
                return true;
            }
            Self::Absent | Self::Running(_) => {}
        }
        false
    }
}

impl Running {
    fn start(master: &Arc<Master>) -> Result<Self> {
        let (is_stopping, tid) = (Arc::new(AtomicBool::new(false)), Arc::new(OnceCell::new()));
        let (master, stop, own) = (master.clone(), is_stopping.clone(), tid.clone());
        let builder = Builder::new().name("pm-reactor".into()).stack_size(STACK);
        let body = move || {
            let _ = own.set(rustix::thread::gettid());
            master.run(&stop);
        };
        let handle = mask::spawn_deaf(builder, body);
        let handle = handle.map_err(|e| ProcessError::io("start the engine's thread", e))?;
        Ok(Self { handle, is_stopping, tid })
    }

    fn stop(self, master: &Master) {
        self.is_stopping.store(true, Ordering::SeqCst);
        poller::signal(&master.stop);
        // The thread itself may drop the last handle, inside a callback: it ends right after.
        if self.handle.thread().id() != std::thread::current().id() {
            let _ = self.handle.join();
            if let Some(tid) = self.tid.get() {
                wait_unlisted(*tid);
            }
        }
    }
}

/// A joined thread is still listed for a moment: the kernel wakes who joins before it has taken
/// the thread off its lists.
fn wait_unlisted(tid: Pid) {
    let until = Instant::now() + UNLISTED_WITHIN;
    let entry = format!("/proc/self/task/{tid}");
    while Path::new(&entry).exists() && Instant::now() < until {
        std::thread::yield_now();
    }
}

impl Master {
    fn new() -> Result<Self> {
        let (epoll, lease, stop) = (poller::epoll()?, LeaseTimer::new()?, poller::event()?);
        // Edge-triggered: reported once, never read.
        let flags = EventFlags::IN | EventFlags::ET;
        poller::add(&epoll, lease.as_fd(), LEASE_END, flags)?;
        poller::add(&epoll, stop.as_fd(), STOP, flags)?;
        let is_attended = AtomicBool::new(false);
        Ok(Self { epoll, lease, stop, is_attended, members: Mutex::default() })
    }

    /// The thread's body.
    fn run(&self, is_stopping: &AtomicBool) {
        // A thread that was parked may have taken the end of a lease with it.
        self.tick();
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

    /// The timer counts as fired before the leases are looked at: one that starts meanwhile either
    /// is seen here or sets the timer itself.
    fn tick(&self) {
        self.lease.fired();
        let members: Vec<_> = lock(&self.members).values().cloned().collect();
        let now = Instant::now();
        let next = members.iter().filter_map(|core| core.tick(now)).min();
        if let Some(next) = next {
            self.lease.look_at(next, now);
        }
    }
}
