//! The engine's readiness loop, first form: one epoll, driven by a waiter or the thread.
#![allow(dead_code)]

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::event::{eventfd, EventfdFlags, Timespec};

use crate::error::{ProcessError, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);
pub(crate) type Slot = u8;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub readable: bool,
    pub writable: bool,
    pub hangup: bool,
    pub error: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Interest(epoll::EventFlags);
impl Interest {
    pub(crate) const READ: Self = Self(epoll::EventFlags::IN);
    pub(crate) const WRITE: Self = Self(epoll::EventFlags::OUT);
}

pub(crate) trait Source: Send + Sync {
    fn on_ready(&self, slot: Slot, ready: Ready, turn: &mut Turn);
    fn on_deadline(&self, now: Instant, turn: &mut Turn);
}

#[derive(Debug)]
pub(crate) struct Elapsed;

pub(crate) struct Turn {
    wakers: Vec<Waker>,
    buffer: Vec<u8>,
}

impl Turn {
    pub(crate) fn wake(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }
}

#[derive(Default)]
struct Table {
    next: u64,
    sources: HashMap<u64, Arc<dyn Source>>,
    deadlines: HashMap<u64, Instant>,
    thread: bool,
}

pub(crate) struct Reactor {
    epoll: OwnedFd,
    outer: OwnedFd,
    wake: OwnedFd,
    ready: OwnedFd,
    pid: u32,
    table: Mutex<Table>,
    driving: Mutex<bool>,
    free: Condvar,
    this: Weak<Reactor>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Flag {
    set: Mutex<bool>,
    reactor: Weak<Reactor>,
}
impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        *lock(&self.set) = true;
        if let Some(r) = self.reactor.upgrade() {
            r.interrupt();
            drop(lock(&r.driving));
            r.free.notify_all();
        }
    }
}

const WAKE: u64 = u64::MAX;

impl Reactor {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let io = |e| ProcessError::io("set up the engine", std::io::Error::from(e));
        let make = || epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io);
        let event = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(io);
        let (epoll, outer, wake, ready) = (make()?, make()?, event()?, event()?);
        let flags = epoll::EventFlags::IN;
        epoll::add(&epoll, &wake, epoll::EventData::new_u64(WAKE), flags).map_err(io)?;
        epoll::add(&outer, &epoll, epoll::EventData::new_u64(0), flags).map_err(io)?;
        epoll::add(&outer, &ready, epoll::EventData::new_u64(1), flags).map_err(io)?;
        Ok(Arc::new_cyclic(|this| Self {
            epoll,
            outer,
            wake,
            ready,
            pid: std::process::id(),
            table: Mutex::default(),
            driving: Mutex::new(false),
            free: Condvar::new(),
            this: this.clone(),
        }))
    }

    pub(crate) fn check_fork(&self) -> Result<()> {
        if std::process::id() == self.pid {
            Ok(())
        } else {
            Err(ProcessError::Forked)
        }
    }

    fn interrupt(&self) {
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    pub(crate) fn insert(&self, source: Arc<dyn Source>) -> Result<Key> {
        let mut table = lock(&self.table);
        table.next += 1;
        let key = table.next;
        table.sources.insert(key, source);
        if !table.thread {
            table.thread = true;
            let weak = self.this.clone();
            let spawned = std::thread::Builder::new().name("pm-reactor".into());
            spawned.spawn(move || run(&weak)).map_err(|e| ProcessError::io("start thread", e))?;
        }
        Ok(Key(key))
    }

    pub(crate) fn watch(&self, key: Key, slot: Slot, fd: BorrowedFd, i: Interest) -> Result<()> {
        let data = epoll::EventData::new_u64(key.0 << 3 | u64::from(slot));
        epoll::add(&self.epoll, fd, data, i.0)
            .map_err(|e| ProcessError::io("watch", std::io::Error::from(e)))
    }

    pub(crate) fn unwatch(&self, _key: Key, _slot: Slot, fd: BorrowedFd) {
        if self.check_fork().is_ok() {
            let _ = epoll::delete(&self.epoll, fd);
        }
    }

    pub(crate) fn set_deadline(&self, key: Key, at: Option<Instant>) {
        let mut table = lock(&self.table);
        match at {
            Some(at) => table.deadlines.insert(key.0, at),
            None => table.deadlines.remove(&key.0),
        };
        drop(table);
        if at.is_some() {
            self.interrupt();
        }
    }

    pub(crate) fn remove(&self, key: Key) {
        let mut table = lock(&self.table);
        table.deadlines.remove(&key.0);
        let gone = table.sources.remove(&key.0);
        drop(table);
        drop(gone);
    }

    pub(crate) fn serve(&self) {}

    pub(crate) fn fd(&self) -> Result<BorrowedFd<'_>> {
        Ok(self.outer.as_fd())
    }
    pub(crate) fn raise(&self) {
        let _ = rustix::io::write(&self.ready, &1u64.to_ne_bytes());
    }
    pub(crate) fn lower(&self) {
        let _ = rustix::io::read(&self.ready, &mut [0u8; 8]);
    }

    fn turn_for(&self, until: Option<Instant>) {
        let mut events = Vec::with_capacity(64);
        let next = lock(&self.table).deadlines.values().min().copied();
        let until = [until, next].into_iter().flatten().min();
        let wait = until.map(|at| at.saturating_duration_since(Instant::now()));
        let spec = wait
            .map(|w| Timespec { tv_sec: w.as_secs() as i64, tv_nsec: i64::from(w.subsec_nanos()) });
        let got =
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), spec.as_ref());
        let mut turn = Turn { wakers: Vec::new(), buffer: Vec::with_capacity(1 << 18) };
        if got.is_ok() {
            for event in events {
                self.dispatch(event, &mut turn);
            }
        }
        self.deadlines(&mut turn);
        turn.wakers.into_iter().for_each(Waker::wake);
    }

    fn dispatch(&self, event: epoll::Event, turn: &mut Turn) {
        let (data, flags) = (event.data.u64(), event.flags);
        if data == WAKE {
            let _ = rustix::io::read(&self.wake, &mut [0u8; 8]);
            return;
        }
        let ready = Ready {
            readable: flags.contains(epoll::EventFlags::IN),
            writable: flags.contains(epoll::EventFlags::OUT),
            hangup: flags.contains(epoll::EventFlags::HUP),
            error: flags.contains(epoll::EventFlags::ERR),
        };
        let source = lock(&self.table).sources.get(&(data >> 3)).cloned();
        if let Some(source) = source {
            source.on_ready((data & 7) as u8, ready, turn);
        }
    }

    fn deadlines(&self, turn: &mut Turn) {
        let now = Instant::now();
        let mut due = Vec::new();
        let mut table = lock(&self.table);
        let keys: Vec<u64> =
            table.deadlines.iter().filter(|(_, at)| **at <= now).map(|(k, _)| *k).collect();
        for key in keys {
            table.deadlines.remove(&key);
            due.extend(table.sources.get(&key).cloned());
        }
        drop(table);
        due.iter().for_each(|source| source.on_deadline(now, turn));
    }

    pub(crate) fn block_on<T>(
        &self,
        deadline: Option<Instant>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> std::result::Result<T, Elapsed> {
        self.check_fork().map_err(|_| Elapsed)?;
        let flag = Arc::new(Flag { set: Mutex::new(false), reactor: self.this.clone() });
        let waker = Waker::from(flag.clone());
        loop {
            *lock(&flag.set) = false;
            if let Poll::Ready(value) = poll(&mut Context::from_waker(&waker)) {
                return Ok(value);
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return Err(Elapsed);
            }
            let mut driving = lock(&self.driving);
            if *lock(&flag.set) {
                continue;
            }
            if *driving {
                let slice = Duration::from_millis(5);
                drop(self.free.wait_timeout(driving, slice));
                continue;
            }
            *driving = true;
            drop(driving);
            self.turn_for(deadline);
            *lock(&self.driving) = false;
            self.free.notify_all();
        }
    }
}

fn run(weak: &Weak<Reactor>) {
    while let Some(reactor) = weak.upgrade() {
        let mut driving = lock(&reactor.driving);
        if *driving {
            drop(reactor.free.wait_timeout(driving, Duration::from_millis(5)));
            continue;
        }
        *driving = true;
        drop(driving);
        reactor.turn_for(Some(Instant::now() + Duration::from_millis(5)));
        *lock(&reactor.driving) = false;
        reactor.free.notify_all();
    }
}
