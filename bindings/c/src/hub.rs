//! What lies between a manager of the core and the callbacks of the host: registrations, and the
//! poll that runs them.
//!
//! Every registered source (the output of a process, its end, the events of a manager) is an entry
//! with a token of the core's `ReadyList`; its waker marks the token, and a poll takes the marked
//! tokens and looks at their sources, on the calling thread. Entries are only looked at by the one
//! thread that polls; the table is locked for moments, never while the host's code runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use core_api::{ProcessManager, ProcessRunner};
use uuid::Uuid;

use crate::callback::Registration;
use crate::direct::Direct;
use crate::error::Failure;
use crate::maker::Maker;
use crate::source::{Glance, Seen, Source};
use crate::status::pm_status;
use crate::watch::Watches;

/// The token that only makes a poll return.
const WAKE: u64 = 0;

pub(crate) struct Hub {
    /// Gone when the manager is freed.
    manager: Mutex<Option<ProcessManager>>,
    table: Mutex<Table>,
    poller: Mutex<Option<ThreadId>>,
    poll_ended: Condvar,
    /// Locked for moments, and never while something is started: a start may ask the host.
    pub(crate) watches: Mutex<Watches>,
    /// The manager, freed in a callback: it ends when the poll does.
    freed: Mutex<Option<ProcessManager>>,
    /// Set when the manager is freed: no further call begins.
    is_closed: AtomicBool,
    pub(crate) direct: Direct,
    maker: Maker,
}

#[derive(Default)]
struct Table {
    last: u64,
    entries: BTreeMap<u64, Arc<Entry>>,
    /// The tokens of each process, for what must happen in order.
    by_process: HashMap<Uuid, Vec<u64>>,
    by_registration: BTreeSet<(Registration, u64)>,
}

struct Entry {
    process: Uuid,
    registration: Registration,
    is_output: bool,
    waker: Waker,
    /// Taken by the poll while it looks at it.
    source: Mutex<Option<Source>>,
}

impl Hub {
    pub(crate) fn new(manager: ProcessManager) -> Self {
        Self {
            manager: Mutex::new(Some(manager)),
            table: Mutex::default(),
            poller: Mutex::default(),
            poll_ended: Condvar::new(),
            watches: Mutex::default(),
            freed: Mutex::default(),
            is_closed: AtomicBool::new(false),
            direct: Direct::default(),
            maker: Maker::this(),
        }
    }

    /// The core's manager, for one call.
    pub(crate) fn manager(&self) -> Result<ProcessManager, Failure> {
        self.maker.check()?;
        let gone = || Failure::new(pm_status::PM_ERROR_CLOSED, "closed: the manager was freed");
        lock(&self.manager).clone().ok_or_else(gone)
    }

    /// Starts a process and shows it to the callbacks of the whole manager.
    pub(crate) fn start(
        self: &Arc<Self>,
        start: impl FnOnce(&ProcessManager) -> core_api::Result<ProcessRunner>,
    ) -> Result<ProcessRunner, Failure> {
        let mut runners = self.start_all(|manager| start(manager).map(|runner| vec![runner]))?;
        let none = || Failure::new(pm_status::PM_ERROR_CLOSED, "nothing was started");
        runners.pop().ok_or_else(none)
    }

    /// As [`start`](Self::start), for several that the core starts together.
    pub(crate) fn start_all(
        self: &Arc<Self>,
        start: impl FnOnce(&ProcessManager) -> core_api::Result<Vec<ProcessRunner>>,
    ) -> Result<Vec<ProcessRunner>, Failure> {
        let manager = self.manager()?;
        // First: what cannot be delivered shall not be started.
        self.direct.start(self)?;
        let runners = start(&manager)?;
        match lock(&self.watches).attach(self, &runners) {
            Ok(()) => Ok(runners),
            Err(failure) => {
                runners.iter().for_each(|runner| drop(manager.kill_process(runner.id())));
                Err(failure)
            }
        }
    }

    /// Adds a source. The next poll looks at it.
    pub(crate) fn insert(
        &self,
        process: Uuid,
        registration: Registration,
        source: Source,
    ) -> Result<(), Failure> {
        let ready = self.manager()?.ready()?;
        let mut table = lock(&self.table);
        table.last += 1;
        let token = table.last;
        let waker = ready.waker(token);
        let is_output = matches!(source, Source::Output(..));
        let source = Mutex::new(Some(source));
        let entry = Entry { process, registration, is_output, waker: waker.clone(), source };
        table.entries.insert(token, Arc::new(entry));
        table.by_process.entry(process).or_default().push(token);
        table.by_registration.insert((registration, token));
        drop(table);
        waker.wake();
        Ok(())
    }

    /// Removes the sources of a registration.
    pub(crate) fn remove(&self, registration: Registration) {
        let mut table = lock(&self.table);
        let of_it = table.by_registration.range((registration, 0)..=(registration, u64::MAX));
        let tokens: Vec<u64> = of_it.map(|(_, token)| *token).collect();
        let removed: Vec<_> = tokens.into_iter().filter_map(|token| table.remove(token)).collect();
        let wakers: Vec<_> = removed.iter().flat_map(|entry| table.waits_for(entry)).collect();
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Runs the callbacks of what is ready, on this thread, and counts the calls.
    pub(crate) fn poll(&self, timeout: Option<Duration>) -> Result<usize, Failure> {
        self.maker.check()?;
        let _turn = self.begin_poll()?;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let tokens = self.manager()?.poll_ready(left)?;
            let is_over = tokens.is_empty() || tokens.contains(&WAKE);
            let calls = tokens.into_iter().map(|token| self.look(token)).sum();
            // A token may mean nothing (a part of a line came): then the wait goes on.
            if is_over || calls > 0 || self.is_closed.load(Ordering::Acquire) {
                return Ok(calls);
            }
        }
    }

    /// Makes a poll that waits return now, and else the next one.
    pub(crate) fn wake(&self) -> Result<(), Failure> {
        self.manager()?.ready()?.waker(WAKE).wake();
        Ok(())
    }

    fn look(&self, token: u64) -> usize {
        if self.is_closed.load(Ordering::Acquire) {
            return 0;
        }
        let Some(entry) = lock(&self.table).entries.get(&token).cloned() else { return 0 };
        let Some(mut source) = lock(&entry.source).take() else { return 0 };
        let context = &mut Context::from_waker(&entry.waker);
        let may_end = || !self.has_open_output(entry.process);
        let glance = Glance { process: entry.process.into(), is_closed: &self.is_closed };
        let Seen { calls, next } = source.look(glance, context, may_end);
        *lock(&entry.source) = Some(source);
        match next {
            Poll::Pending => {}
            Poll::Ready(true) => entry.waker.wake_by_ref(),
            Poll::Ready(false) => self.finish(token),
        }
        calls
    }

    /// The end of a process is told after the last of its output.
    fn has_open_output(&self, process: Uuid) -> bool {
        let table = lock(&self.table);
        let tokens = table.by_process.get(&process);
        let mut entries = tokens.into_iter().flatten().filter_map(|it| table.entries.get(it));
        entries.any(|entry| entry.is_output)
    }

    fn finish(&self, token: u64) {
        let mut table = lock(&self.table);
        let removed = table.remove(token);
        let wakers = removed.iter().flat_map(|entry| table.waits_for(entry)).collect::<Vec<_>>();
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn begin_poll(&self) -> Result<Turn<'_>, Failure> {
        if self.direct.refuses() {
            let text = "the callbacks of this manager are delivered directly";
            return Err(Failure::new(pm_status::PM_ERROR_BUSY, text));
        }
        let mut poller = lock(&self.poller);
        let (status, text) = match *poller {
            None => {
                *poller = Some(thread::current().id());
                return Ok(Turn(self));
            }
            Some(thread) if thread == thread::current().id() => {
                (pm_status::PM_ERROR_REENTRANT, "this poll was called from one of its callbacks")
            }
            Some(_) => (pm_status::PM_ERROR_BUSY, "another thread is polling this manager"),
        };
        Err(Failure::new(status, text))
    }

    /// Ends all: a poll on another thread returns and is waited for, then the manager goes. In a
    /// callback it goes when the poll ends: until then the data of all callbacks stays.
    ///
    /// A forked copy owns nothing of it, and its locks may be held by threads that it does not have.
    pub(crate) fn close(&self) {
        if !self.maker.is_this() {
            return;
        }
        let Some(manager) = lock(&self.manager).take() else { return };
        self.is_closed.store(true, Ordering::Release);
        if let Ok(ready) = manager.ready() {
            ready.waker(WAKE).wake();
        }
        if self.wait_for_poll() {
            self.finish_all(manager);
        } else {
            *lock(&self.freed) = Some(manager);
        }
    }

    fn finish_all(&self, manager: ProcessManager) {
        self.direct.join();
        let table = mem::take(&mut *lock(&self.table));
        let watches = mem::take(&mut *lock(&self.watches));
        watches.end();
        drop(table);
        drop(manager);
    }

    /// Waits until no other thread polls. False: this one does.
    pub(crate) fn wait_for_poll(&self) -> bool {
        let mut poller = lock(&self.poller);
        let this = thread::current().id();
        while poller.is_some_and(|thread| thread != this) {
            poller = self.poll_ended.wait(poller).unwrap_or_else(PoisonError::into_inner);
        }
        poller.is_none()
    }
}

impl Table {
    fn remove(&mut self, token: u64) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(&token)?;
        self.by_registration.remove(&(entry.registration, token));
        if let Some(tokens) = self.by_process.get_mut(&entry.process) {
            tokens.retain(|other| *other != token);
            if tokens.is_empty() {
                self.by_process.remove(&entry.process);
            }
        }
        Some(entry)
    }

    /// The wakers of what waits for an output entry that is gone.
    fn waits_for(&self, gone: &Entry) -> Vec<Waker> {
        let tokens = self.by_process.get(&gone.process).filter(|_| gone.is_output);
        let entries = tokens.into_iter().flatten().filter_map(|token| self.entries.get(token));
        entries.filter(|entry| !entry.is_output).map(|entry| entry.waker.clone()).collect()
    }
}

/// The right to poll.
struct Turn<'a>(&'a Hub);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.poller) = None;
        self.0.poll_ended.notify_all();
        let freed = lock(&self.0.freed).take();
        freed.into_iter().for_each(|manager| self.0.finish_all(manager));
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
