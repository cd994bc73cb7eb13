//! Waiting for the moments in the life of a process, as futures and as blocking calls.
//!
//! Any number of waiters, on any threads, before and after the moment. A waiter owns one place in
//! the process's waker set and gives it up when it is dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::core::Process;
use super::wakers::{Place, WakerSet};
use crate::error::Result;
use crate::reactor::Hold;
use crate::types::ExitStatus;

/// A moment to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The process itself has ended.
    Exited,
    /// No descendant is left, as far as the containment level can tell.
    TreeGone,
    /// And all output was received.
    Closed,
}

/// The future of a moment; dropping it changes nothing but the wait.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Wait {
    process: Arc<Process>,
    moment: Moment,
    place: Place,
    /// Goes after the process.
    _hold: Hold,
}

impl Process {
    /// Whether the moment has come; if not, `register` puts the waker into the set. In a forked
    /// copy none comes any more, and the lock may never come free.
    pub(super) fn has_reached(
        &self,
        moment: Moment,
        cx: &Context<'_>,
        register: impl FnOnce(&mut WakerSet, Waker) -> Option<Waker>,
    ) -> bool {
        if self.reactor().check_fork().is_err() {
            return true;
        }
        // Before the lock, and so dropped after it.
        let (waker, mut old) = (cx.waker().clone(), None);
        let mut inner = self.lock();
        let reached = match moment {
            // None of them comes any more.
            _ if inner.state.is_left() => true,
            Moment::Exited => inner.state.ended().is_some(),
            Moment::TreeGone => inner.state.is_tree_gone(),
            Moment::Closed => inner.state.is_over(),
        };
        if !reached {
            old = register(&mut inner.waiters, waker);
        }
        drop(inner);
        drop(old);
        reached
    }

    /// Waits on this thread, driving the reactor meanwhile. `None`: without a deadline.
    pub(crate) fn block_until(
        self: &Arc<Self>,
        moment: Moment,
        timeout: Option<Duration>,
    ) -> Result<()> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut wait = Wait::new(self.clone(), moment);
        self.reactor().check_fork()?;
        let waited = self.reactor().block_on(deadline, |cx| wait.poll_quietly(cx));
        waited.map_err(|unfinished| {
            unfinished.or_timed_out(|| format!("{} has not {}", self.describe(), moment.verb()))
        })
    }

    pub(crate) fn describe(&self) -> String {
        let info = self.snapshots.latest();
        format!("process {:?} (pid {})", info.name, self.pid)
    }
}

impl Moment {
    fn verb(self) -> &'static str {
        match self {
            Self::Exited => "ended",
            Self::TreeGone => "ended with all its descendants",
            Self::Closed => "ended and closed its output",
        }
    }
}

impl Wait {
    pub(crate) fn new(process: Arc<Process>, moment: Moment) -> Self {
        let _hold = process.hold();
        Self { process, moment, place: None, _hold }
    }

    /// Polls without asking the background thread to serve.
    fn poll_quietly(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { process, moment, place, .. } = self;
        if process.has_reached(*moment, cx, |waiters, waker| waiters.register(place, waker)) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn poll_served(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = self.poll_quietly(cx);
        if polled.is_pending() {
            self.process.reactor().serve();
        }
        polled
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.place.is_some() && self.process.reactor().check_fork().is_ok() {
            let waker = self.process.lock().waiters.forget(&mut self.place);
            drop(waker);
        }
    }
}

/// Resolves when the process itself has ended, with its status; with
/// [`ProcessError::Closed`](crate::ProcessError::Closed) when it was left to itself before.
#[must_use = "futures do nothing unless polled"]
pub struct Exit(Wait);

/// Resolves when the process and its descendants have ended, or were left to themselves.
#[must_use = "futures do nothing unless polled"]
pub struct Stopped(Wait);

/// Resolves when the process has ended and all its output was received, or it was left to itself.
#[must_use = "futures do nothing unless polled"]
pub struct Closed(Wait);

impl Exit {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self(Wait::new(process, Moment::Exited))
    }
}

impl Stopped {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self(Wait::new(process, Moment::TreeGone))
    }
}

impl Closed {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self(Wait::new(process, Moment::Closed))
    }
}

impl Future for Exit {
    type Output = Result<ExitStatus>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Err(error) = self.0.process.reactor().check_fork() {
            return Poll::Ready(Err(error));
        }
        self.0.poll_served(cx).map(|()| self.0.process.exit_status())
    }
}

impl Future for Stopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_served(cx)
    }
}

impl Future for Closed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_served(cx)
    }
}

impl Process {
    /// The status of a process that has ended; an error where it was left to itself before.
    pub(crate) fn exit_status(&self) -> Result<ExitStatus> {
        let Some(exit) = self.snapshots.latest().exit else {
            return self.check_left().map(|()| ExitStatus::Unknown);
        };
        Ok(exit)
    }
}
