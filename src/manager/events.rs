//! The events of all processes of a manager, as one stream per subscriber.
//!
//! Events are published on the thread that saw them, under the lock of their process, so that they
//! have one order; the subscribers' wakers are foreign code and are called later, by the publisher.
//! A subscriber that does not read loses the oldest, counted in a `Missed` event: events never hold
//! a process up.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_core::Stream;
use uuid::Uuid;

use super::lock;
use crate::error::Result;
use crate::process::Notice;
use crate::reactor::Hold;
use crate::types::ExitStatus;

/// Events kept for one subscriber.
const CAPACITY: usize = 4096;

/// What happened to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// It was started.
    Started,
    /// A stop was accepted.
    StopRequested,
    /// Its reader did not consume in time; its oldest output is being dropped.
    Stalled,
    /// The process itself ended.
    Exited(ExitStatus),
    /// Its guard was killed; what could be found of its tree was killed too.
    ContainmentLost,
    /// A silent output pipe was given up after the end: somebody else still holds it.
    OutputHeld,
    /// Process, descendants and output have ended: nothing more will come.
    Closed,
    /// This many events went because the subscriber did not read; the id is nil.
    Missed(u64),
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessEvent {
    /// The process.
    pub id: Uuid,
    /// What happened.
    pub kind: EventKind,
    /// When this library saw it.
    pub time: DateTime<Utc>,
}

impl From<Notice> for EventKind {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::StopRequested => Self::StopRequested,
            Notice::Exited(exit) => Self::Exited(exit),
            Notice::Stalled => Self::Stalled,
            Notice::ContainmentLost => Self::ContainmentLost,
            Notice::OutputHeld => Self::OutputHeld,
            Notice::Closed => Self::Closed,
        }
    }
}

/// The subscribers of a manager.
#[derive(Default)]
pub(super) struct Events {
    subscribers: Mutex<Vec<Weak<Mutex<Queue>>>>,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<ProcessEvent>,
    missed: u64,
    waiter: Option<Waker>,
    is_over: bool,
}

impl Events {
    pub(super) fn subscribe(&self, reactor: Hold) -> EventStream {
        let queue = Arc::default();
        lock(&self.subscribers).push(Arc::downgrade(&queue));
        EventStream { queue, reactor }
    }

    /// Adds the wakers of those who wait to `wakers`: to be woken without locks.
    pub(super) fn publish(&self, id: Uuid, kind: EventKind, wakers: &mut Vec<Waker>) {
        let event = ProcessEvent { id, kind, time: Utc::now() };
        self.each(|queue| queue.push(event), wakers);
    }

    /// The manager is gone: the streams end, whoever else still has a handle of a process.
    pub(super) fn end(&self) {
        let mut wakers = Vec::new();
        self.each(|queue| queue.is_over = true, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn each(&self, change: impl Fn(&mut Queue), wakers: &mut Vec<Waker>) {
        let mut subscribers = lock(&self.subscribers);
        subscribers.retain(|queue| queue.strong_count() > 0);
        let queues: Vec<_> = subscribers.iter().filter_map(Weak::upgrade).collect();
        drop(subscribers);
        for queue in queues {
            let mut queue = lock(&queue);
            change(&mut queue);
            wakers.extend(queue.waiter.take());
        }
    }
}

impl Queue {
    fn push(&mut self, event: ProcessEvent) {
        if self.events.len() == CAPACITY {
            self.events.pop_front();
            self.missed += 1;
        }
        self.events.push_back(event);
    }

    fn poll(&mut self) -> Poll<Option<ProcessEvent>> {
        match self.pop() {
            None if !self.is_over => Poll::Pending,
            event => Poll::Ready(event),
        }
    }

    fn pop(&mut self) -> Option<ProcessEvent> {
        match std::mem::take(&mut self.missed) {
            0 => self.events.pop_front(),
            missed => {
                let kind = EventKind::Missed(missed);
                Some(ProcessEvent { id: Uuid::nil(), kind, time: Utc::now() })
            }
        }
    }
}

/// The events of a manager from the moment of the subscription; ends with the manager.
pub struct EventStream {
    queue: Arc<Mutex<Queue>>,
    reactor: Hold,
}

impl EventStream {
    /// Waits on this thread for the next event; `Ok(None)` when the manager is gone.
    ///
    /// Errors: [`ProcessError::TimedOut`], [`ProcessError::Forked`].
    pub fn next_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<ProcessEvent>> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.reactor.check_fork()?;
        let next = self.reactor.clone().block_on(deadline, |cx| self.poll_event(cx));
        next.map_err(|e| e.or_timed_out(|| "no event came".into()))
    }

    pub(super) fn reactor(&self) -> &Hold {
        &self.reactor
    }

    /// Polls for the next event without asking the background thread to serve. In a forked copy
    /// of the host the stream has ended.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<ProcessEvent>> {
        if self.reactor.check_fork().is_err() {
            return Poll::Ready(None);
        }
        let polled = lock(&self.queue).poll();
        if polled.is_ready() {
            return polled;
        }
        // Cloned and dropped without the lock, which the publisher of an event waits for.
        let mut waiter = Some(cx.waker().clone());
        let mut queue = lock(&self.queue);
        let polled = queue.poll();
        if polled.is_pending() {
            std::mem::swap(&mut queue.waiter, &mut waiter);
        }
        drop(queue);
        drop(waiter);
        polled
    }
}

impl Drop for EventStream {
    /// Here rather than with the queue, which a publisher may be the last to hold.
    fn drop(&mut self) {
        // In a forked copy the lock may never come free.
        if self.reactor.check_fork().is_ok() {
            let waiter = lock(&self.queue).waiter.take();
            drop(waiter);
        }
    }
}

impl Stream for EventStream {
    type Item = ProcessEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ProcessEvent>> {
        let polled = self.poll_event(cx);
        if polled.is_pending() {
            self.reactor.serve();
        }
        polled
    }
}
