//! One reactor's epoll, timer and table, and the turns over them.
//!
//! `Reactor` is the handle that the rest of the engine holds; the thread holds this part, so that
//! the last handle goes where its owner drops it and can join the thread there.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use rustix::event::epoll::{self, EventFlags};

use super::driver::{Driver, ThreadTurn, Tick};
use super::host::Link;
use super::poller::{self, Event};
use super::table::Table;
use super::turn::Turn;
use super::wait::{self, Engine, Mark};
use super::waiter::{Interrupt, Waiter};
use super::{Key, Ready, Slot};
use crate::error::{ProcessError, Result};
use crate::sync;
use crate::sys::fork;

/// Tokens beside those of the table, whose stamps are never so large by the time they wrap.
const INTERRUPT: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

pub(super) struct Core {
    epoch: u64,
    epoll: OwnedFd,
    timer: OwnedFd,
    interrupt: Arc<EventFd>,
    driver: sync::Mutex<Driver>,
    table: Mutex<Table>,
    /// Belongs to who has the role; taken out while sources are called.
    scratch: Mutex<Option<Box<Scratch>>>,
    /// Set when the first source comes.
    link: OnceCell<Link>,
}

#[derive(Default)]
struct Scratch {
    events: Vec<Event>,
    turn: Turn,
}

struct EventFd(OwnedFd);

impl Interrupt for EventFd {
    fn interrupt(&self) {
        poller::signal(&self.0);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    pub(super) fn new() -> Result<Self> {
        let (epoll, timer, event) = (poller::epoll()?, poller::timer()?, poller::event()?);
        // Edge-triggered: reported once, never read.
        let flags = EventFlags::IN | EventFlags::ET;
        poller::add(&epoll, timer.as_fd(), TIMER, flags)?;
        poller::add(&epoll, event.as_fd(), INTERRUPT, flags)?;
        Ok(Self {
            epoch: fork::epoch(),
            epoll,
            timer,
            interrupt: Arc::new(EventFd(event)),
            driver: sync::Mutex::new(Driver::new(Instant::now())),
            table: Mutex::default(),
            scratch: Mutex::default(),
            link: OnceCell::new(),
        })
    }

    /// Always before a lock is taken: in a forked copy it may be held for ever.
    pub(super) fn check_fork(&self) -> Result<()> {
        if fork::epoch() == self.epoch {
            Ok(())
        } else {
            Err(ProcessError::Forked)
        }
    }

    pub(super) fn epoll(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }

    /// The thread knows this reactor from now on, and serves it if nobody else does.
    pub(super) fn admit(&self, link: Link) {
        let _ = self.link.set(link);
        let mut driver = sync::lock(&self.driver);
        let starts_lease = driver.admit(Instant::now());
        self.settle(driver, starts_lease);
    }

    pub(super) fn expect_loop(&self) {
        sync::lock(&self.driver).expect_loop();
    }

    pub(super) fn expect_return(&self) {
        sync::lock(&self.driver).expect_return();
    }

    /// Has the thread serve at once what nobody drives, unless this thread is about to.
    pub(super) fn serve(&self) {
        if wait::is_waited_for(self) {
            return;
        }
        let mut driver = sync::lock(&self.driver);
        driver.serve();
        self.settle(driver, false);
    }

    /// The same for one that does not wait: no guess of a future is made from it.
    pub(super) fn read_ahead(&self) {
        let mut driver = sync::lock(&self.driver);
        driver.take_over();
        self.settle(driver, false);
    }

    /// Leaves what comes next to the thread that starts it, for one lease.
    pub(super) fn hold_off(&self) {
        let mut driver = sync::lock(&self.driver);
        let starts_lease = driver.hold_off(Instant::now());
        self.settle(driver, starts_lease);
    }

    pub(super) fn watch(
        &self,
        key: Key,
        slot: Slot,
        fd: BorrowedFd<'_>,
        flags: EventFlags,
    ) -> Result<()> {
        // Under the lock, so that the stamp is the watch's, whatever another thread does.
        let mut table = self.table();
        let token = table.stamp(key, slot)?;
        let added = poller::add(&self.epoll, fd, token, flags);
        if added.is_err() {
            table.unstamp(key, slot);
        }
        added
    }

    pub(super) fn unwatch(&self, key: Key, slot: Slot, fd: BorrowedFd<'_>) {
        let mut table = self.table();
        if table.unstamp(key, slot) {
            // It fails only for a descriptor that is not watched.
            let _ = epoll::delete(&self.epoll, fd);
        }
    }

    pub(super) fn set_deadline(&self, key: Key, at: Option<Instant>) {
        let mut table = self.table();
        table.set_deadline(key, at);
        self.rearm(&mut table);
    }

    /// Under the table's lock, or an earlier time could be overwritten by a later one.
    fn rearm(&self, table: &mut Table) {
        let Some(at) = table.rearm() else { return };
        let after = at.saturating_duration_since(Instant::now());
        if let Err(error) = poller::set_timer(&self.timer, after) {
            log::error!("the engine cannot set its timer: {error}");
        }
    }

    /// The thread was told that this epoll is ready.
    pub(super) fn thread_turn(&self) {
        let mut driver = sync::lock(&self.driver);
        let turn = driver.thread_enter(Instant::now());
        self.settle(driver, turn == ThreadTurn::Lease);
        if turn == ThreadTurn::Drive {
            self.thread_drive();
        }
    }

    /// A lease may have ended. Returns when the next look is due.
    pub(super) fn tick(&self, now: Instant) -> Option<Instant> {
        let mut driver = sync::lock(&self.driver);
        let tick = driver.tick(now);
        self.settle(driver, false);
        match tick {
            Tick::Until(at) => return Some(at),
            Tick::Drive => self.thread_drive(),
            Tick::Done => {}
        }
        None
    }

    fn thread_drive(&self) {
        let _leave = ThreadSeat(self);
        let _turn = Mark::turn();
        match self.collect(Some(Duration::ZERO)) {
            Ok(()) => self.dispatch(),
            Err(error) => log::error!("a reactor cannot be served: {error}"),
        }
    }

    fn deliver(&self, event: &Event, turn: &mut Turn) {
        // A statement of its own: the lock must be gone before the source is called.
        let found = self.table().find(event.token);
        if let Some((source, slot)) = found {
            source.on_ready(slot, Ready::from(event.flags), turn);
        }
    }

    fn run_deadlines(&self, turn: &mut Turn) {
        let now = Instant::now();
        let due = self.table().take_due(now);
        for source in due {
            source.on_deadline(now, turn);
        }
        self.rearm(&mut self.table());
    }
}

/// Gives the thread's role on, also in a panic.
struct ThreadSeat<'a>(&'a Core);

impl Drop for ThreadSeat<'_> {
    fn drop(&mut self) {
        let mut driver = sync::lock(&self.0.driver);
        driver.thread_leave();
        self.0.settle(driver, false);
    }
}

impl Engine for Core {
    fn driver(&self) -> &sync::Mutex<Driver> {
        &self.driver
    }

    fn waiter(&self) -> Arc<Waiter> {
        Waiter::new(self.interrupt.clone())
    }

    fn settle(&self, mut driver: sync::MutexGuard<'_, Driver>, starts_lease: bool) {
        let arming = driver.arming();
        if let (Some(is_armed), Some(link)) = (arming, self.link.get()) {
            link.arm(self.epoll(), is_armed);
        }
        drop(driver);
        if let Some(link) = self.link.get().filter(|_| starts_lease) {
            link.start_lease();
        }
    }

    fn entered(&self) {
        if let Some(link) = self.link.get() {
            link.end_lease();
        }
    }

    fn collect(&self, timeout: Option<Duration>) -> Result<()> {
        let mut scratch = lock(&self.scratch).take().unwrap_or_default();
        let waited = poller::wait(&self.epoll, &mut scratch.events, timeout);
        *lock(&self.scratch) = Some(scratch);
        waited
    }

    fn dispatch(&self) {
        let Some(mut scratch) = lock(&self.scratch).take() else { return };
        let Scratch { events, turn } = &mut *scratch;
        let mut has_due = false;
        for event in events.drain(..) {
            match event.token {
                INTERRUPT => {}
                TIMER => has_due = true,
                _ => self.deliver(&event, turn),
            }
        }
        if has_due {
            self.run_deadlines(turn);
        }
        turn.finish();
        *lock(&self.scratch) = Some(scratch);
    }
}
