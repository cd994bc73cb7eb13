//! The deadlines of all sources of a reactor, and when its timer must fire for them.
//!
//! A deadline that moves to later leaves its queue entry where it is: the timer fires once early
//! and the entry moves then. So pushing a deadline ahead, as every chunk of output does, costs
//! neither a system call nor a change of the queue. Called under the table's lock.

use std::collections::BTreeSet;
use std::time::Instant;

/// A deadline as its source holds it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Due {
    at: Option<Instant>,
    /// Its entry in the queue: never later than `at`.
    queued: Option<Instant>,
}

/// The queue: source indices by time.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queue: BTreeSet<(Instant, u32)>,
    /// What the timer is set to; it may fire early, never late.
    armed: Option<Instant>,
}

impl Deadlines {
    /// Changes a source's deadline.
    pub(super) fn set(&mut self, index: u32, due: &mut Due, at: Option<Instant>) {
        due.at = at;
        let Some(at) = at else {
            if let Some(queued) = due.queued.take() {
                self.queue.remove(&(queued, index));
            }
            return;
        };
        if due.queued.is_none_or(|queued| at < queued) {
            if let Some(queued) = due.queued.replace(at) {
                self.queue.remove(&(queued, index));
            }
            self.queue.insert((at, index));
        }
    }

    /// The time that the timer has to be set to, if it must be set anew.
    pub(super) fn rearm(&mut self) -> Option<Instant> {
        let (first, _) = *self.queue.first()?;
        if self.armed.is_some_and(|armed| armed <= first) {
            return None;
        }
        self.armed = Some(first);
        self.armed
    }

    /// The timer has fired.
    pub(super) fn fired(&mut self) {
        self.armed = None;
    }

    /// The next source whose queue entry has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<u32> {
        let (at, index) = *self.queue.first().filter(|(at, _)| *at <= now)?;
        self.queue.remove(&(at, index));
        Some(index)
    }

    /// Whether a popped deadline is due; if it has moved to later, it is queued there.
    pub(super) fn is_due(&mut self, index: u32, due: &mut Due, now: Instant) -> bool {
        due.queued = None;
        let at = due.at.take();
        if let Some(at) = at.filter(|at| *at > now) {
            self.set(index, due, Some(at));
            return false;
        }
        at.is_some()
    }
}
