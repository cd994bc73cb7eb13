//! Events and output of all processes of a manager as one stream.
//!
//! A process's output comes before its `Closed`, and no process starves another: those that have
//! output take turns, a record each.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures_core::Stream;
use uuid::Uuid;

use super::events::{EventKind, EventStream, ProcessEvent};
use super::lock;
use super::registry::Registry;
use crate::error::Result;
use crate::output::{OutputRecord, RecordStream};
use crate::process::ProcessRunner;

/// One item of a [`Watch`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchItem {
    /// Something happened to a process.
    Event(ProcessEvent),
    /// A process wrote a line (or a gap stands for what was dropped).
    Output {
        /// The process.
        id: Uuid,
        /// What it wrote.
        record: OutputRecord,
    },
}

/// The stream of [`ProcessManager::watch`](super::ProcessManager::watch).
pub struct Watch {
    events: EventStream,
    registry: Weak<Mutex<Registry>>,
    tracked: BTreeMap<Uuid, Tracked>,
    /// Those whose output was told to its end and which may still be entered.
    told: BTreeSet<Uuid>,
    ready: Arc<Mutex<ReadyIds>>,
    is_over: bool,
}

/// A process whose output is not at its end, and its `Closed` once that has come.
struct Tracked {
    records: RecordStream,
    closed: Option<ProcessEvent>,
}

#[derive(Default)]
struct ReadyIds {
    /// In the order in which they were marked, each once.
    ids: VecDeque<Uuid>,
    queued: HashSet<Uuid>,
    waiter: Option<Waker>,
}

struct Mark {
    ready: Arc<Mutex<ReadyIds>>,
    id: Uuid,
}

impl Wake for Mark {
    fn wake(self: Arc<Self>) {
        let mut ready = lock(&self.ready);
        ready.push(self.id);
        let waiter = ready.waiter.take();
        drop(ready);
        waiter.into_iter().for_each(Waker::wake);
    }
}

impl ReadyIds {
    fn push(&mut self, id: Uuid) {
        if self.queued.insert(id) {
            self.ids.push_back(id);
        }
    }

    fn pop(&mut self) -> Option<Uuid> {
        let id = self.ids.pop_front()?;
        self.queued.remove(&id);
        Some(id)
    }
}

impl Watch {
    pub(super) fn new(events: EventStream, registry: Weak<Mutex<Registry>>) -> Self {
        let (tracked, told, ready) = (BTreeMap::new(), BTreeSet::new(), Arc::default());
        let mut watch = Self { events, registry, tracked, told, ready, is_over: false };
        watch.track_all();
        watch
    }

    /// Takes up every process that is entered: at the beginning, and after missed events.
    fn track_all(&mut self) {
        let runners = self.registry.upgrade().map(|registry| lock(&registry).all());
        runners.unwrap_or_default().iter().for_each(|runner| self.track(runner));
    }

    fn track(&mut self, runner: &ProcessRunner) {
        let id = runner.id();
        if self.told.contains(&id) {
            return;
        }
        let new = || Tracked { records: runner.output().records(), closed: None };
        self.tracked.entry(id).or_insert_with(new);
        lock(&self.ready).push(id);
    }

    /// Waits on this thread for the next item; `Ok(None)` when the manager is gone.
    ///
    /// Errors: [`ProcessError::TimedOut`], [`ProcessError::Forked`].
    pub fn next_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<WatchItem>> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let reactor = self.events.reactor().clone();
        reactor.check_fork()?;
        let next = reactor.block_on(deadline, |cx| self.poll_item(cx));
        next.map_err(|e| e.or_timed_out(|| "nothing happened".into()))
    }

    /// Polls for the next item without asking the background thread to serve. In a forked copy of
    /// the host the stream has ended.
    pub fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<WatchItem>> {
        if self.events.reactor().check_fork().is_err() {
            return Poll::Ready(None);
        }
        // Registered before looking: a mark that comes between is not lost.
        // Cloned and dropped without the lock, which every mark takes.
        let waiter = cx.waker().clone();
        let old = lock(&self.ready).waiter.replace(waiter);
        drop(old);
        loop {
            if let Some(item) = self.next_event(cx).or_else(|| self.next_output()) {
                return Poll::Ready(Some(item));
            }
            if self.is_over && self.tracked.is_empty() {
                return Poll::Ready(None);
            }
            if lock(&self.ready).ids.is_empty() {
                return Poll::Pending;
            }
        }
    }

    fn next_event(&mut self, cx: &mut Context<'_>) -> Option<WatchItem> {
        while !self.is_over {
            match self.events.poll_event(cx) {
                Poll::Pending => return None,
                Poll::Ready(None) => self.is_over = true,
                Poll::Ready(Some(event)) => {
                    if let Some(event) = self.admit(event) {
                        return Some(WatchItem::Event(event));
                    }
                }
            }
        }
        None
    }

    /// Keeps a `Closed` back until the output is at its end.
    fn admit(&mut self, event: ProcessEvent) -> Option<ProcessEvent> {
        match event.kind {
            EventKind::Started => self.track_one(event.id),
            EventKind::Missed(_) => self.track_all(),
            EventKind::Closed => {
                if let Some(tracked) = self.tracked.get_mut(&event.id) {
                    tracked.closed = Some(event);
                    lock(&self.ready).push(event.id);
                    return None;
                }
            }
            _ => {}
        }
        Some(event)
    }

    /// One that has lost its entry already has no output that could be told.
    fn track_one(&mut self, id: Uuid) {
        let runner = self.registry.upgrade().and_then(|registry| lock(&registry).get(id));
        runner.iter().for_each(|runner| self.track(runner));
    }

    fn next_output(&mut self) -> Option<WatchItem> {
        loop {
            let id = lock(&self.ready).pop()?;
            let Some(tracked) = self.tracked.get_mut(&id) else { continue };
            let waker = Waker::from(Arc::new(Mark { ready: self.ready.clone(), id }));
            let polled = Pin::new(&mut tracked.records).poll_next(&mut Context::from_waker(&waker));
            match polled {
                Poll::Pending => {}
                Poll::Ready(Some(record)) => {
                    lock(&self.ready).push(id);
                    return Some(WatchItem::Output { id, record });
                }
                Poll::Ready(None) => {
                    if let Some(item) = self.output_ended(id) {
                        return Some(item);
                    }
                }
            }
        }
    }

    /// After the last byte: what comes next is the `Closed` that was kept back, or will come.
    fn output_ended(&mut self, id: Uuid) -> Option<WatchItem> {
        let tracked = self.tracked.remove(&id)?;
        self.note_told(id);
        tracked.closed.map(WatchItem::Event)
    }

    /// Forgets those without an entry now and then: they are not taken up again anyway.
    fn note_told(&mut self, id: Uuid) {
        self.told.insert(id);
        let registry = self.registry.upgrade();
        let entered = registry.as_ref().map(|registry| lock(registry));
        if self.told.len() > 2 * entered.as_ref().map_or(0, |entered| entered.len()) {
            self.told.retain(|id| entered.as_ref().is_some_and(|entered| entered.contains(*id)));
        }
    }
}

impl Stream for Watch {
    type Item = WatchItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<WatchItem>> {
        let polled = self.poll_item(cx);
        if polled.is_pending() {
            self.events.reactor().serve();
        }
        polled
    }
}
