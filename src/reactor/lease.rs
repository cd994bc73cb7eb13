//! The one timer for the leases of all reactors, in the epoll of the engine's thread.
//!
//! A thread that comes back again and again must not make the engine's thread look each time:
//! such a wake-up costs more than a start has to. So while the leases are one reactor's, who comes
//! back moves the timer on: before it waits, since what it does when it leaves is added to the
//! latency of what it waited for. A lease finds the timer set, mostly, and one that has not ended
//! when it fires is looked at again. A second reactor's lease pins it. Called by waiters on any
//! thread, and by the engine's thread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::driver::LEASE;
use super::poller;
use crate::error::Result;

/// The timer and what it is set for.
pub(super) struct LeaseTimer {
    fd: OwnedFd,
    pending: Mutex<Pending>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    /// Not set, or fired.
    Nothing,
    /// Set for leases of this reactor alone.
    Of { reactor: u64, until: Instant },
    /// Set, and not to be moved.
    Pinned,
}

impl Pending {
    /// A lease begins. The second value: when the timer must fire, if that changes.
    fn begin(self, reactor: u64, now: Instant) -> (Self, Option<Instant>) {
        match self {
            Self::Of { reactor: other, .. } if other != reactor => (Self::Pinned, None),
            Self::Of { until, .. } if until > now => (self, None),
            Self::Nothing | Self::Of { .. } => Self::set(reactor, now),
            Self::Pinned => (Self::Pinned, None),
        }
    }

    /// A lease has ended because its reactor is served. One system call a lease, however many end
    /// while the timer runs.
    fn end(self, reactor: u64, now: Instant) -> (Self, Option<Instant>) {
        match self {
            Self::Of { reactor: same, until } if same == reactor && until < now + LEASE => {
                Self::set(reactor, now)
            }
            _ => (self, None),
        }
    }

    fn set(reactor: u64, now: Instant) -> (Self, Option<Instant>) {
        let until = now + 2 * LEASE;
        (Self::Of { reactor, until }, Some(until))
    }

    /// A lease goes on, perhaps of another reactor than that which has set the timer since: neither
    /// may move it on any more. One that is set fires soon enough for both.
    fn look_at(self, at: Instant) -> (Self, Option<Instant>) {
        (Self::Pinned, matches!(self, Self::Nothing).then_some(at))
    }
}

impl LeaseTimer {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { fd: poller::timer()?, pending: Mutex::new(Pending::Nothing) })
    }

    /// A lease of this reactor begins.
    pub(super) fn start(&self, reactor: u64, now: Instant) {
        self.update(now, |pending| pending.begin(reactor, now));
    }

    /// A waiter serves this reactor from now on.
    pub(super) fn end(&self, reactor: u64, now: Instant) {
        self.update(now, |pending| pending.end(reactor, now));
    }

    /// The timer has fired.
    pub(super) fn fired(&self) {
        self.update(Instant::now(), |_| (Pending::Nothing, None));
    }

    /// A lease that has not ended yet must be looked at then.
    pub(super) fn look_at(&self, at: Instant, now: Instant) {
        self.update(now, |pending| pending.look_at(at));
    }

    /// Under the lock, or an earlier time could be overwritten by a later one.
    fn update(&self, now: Instant, change: impl FnOnce(Pending) -> (Pending, Option<Instant>)) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, at) = change(*pending);
        *pending = next;
        if let Some(at) = at {
            self.set(at.saturating_duration_since(now));
        }
    }

    fn set(&self, after: Duration) {
        if let Err(error) = poller::set_timer(&self.fd, after) {
            log::error!("the engine's thread cannot set its timer: {error}");
        }
    }
}

impl AsFd for LeaseTimer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_moves_the_timer_on_once_a_lease() {
        let start = Instant::now();
        let (pending, at) = Pending::Nothing.begin(1, start);
        assert_eq!(at, Some(start + 2 * LEASE));
        let (pending, at) = pending.end(1, start + LEASE);
        assert_eq!(at, None, "the timer leaves a whole lease of time");
        let later = start + LEASE + Duration::from_micros(1);
        let (pending, at) = pending.end(1, later);
        assert_eq!(at, Some(later + 2 * LEASE));
        assert_eq!(pending.begin(1, later + LEASE), (pending, None), "it is set");
        assert_eq!(Pending::Nothing.end(1, later), (Pending::Nothing, None), "it is not needed");
    }

    #[test]
    fn a_lease_sets_a_timer_that_has_fired_unnoticed() {
        let start = Instant::now();
        let (pending, _) = Pending::Nothing.begin(1, start);
        let late = start + 2 * LEASE;
        assert_eq!(pending.begin(1, late).1, Some(late + 2 * LEASE));
    }

    #[test]
    fn a_lease_that_goes_on_pins_a_timer_that_another_reactor_has_set() {
        let start = Instant::now();
        let (pending, _) = Pending::Nothing.begin(1, start);
        let (pending, at) = pending.look_at(start + LEASE);
        assert_eq!(at, None, "it fires soon enough");
        let (_, at) = pending.begin(1, start + 3 * LEASE);
        assert_eq!(at, None, "the first one no longer moves it on");
        assert_eq!(Pending::Nothing.look_at(start).1, Some(start));
    }

    #[test]
    fn a_lease_of_a_second_reactor_pins_the_timer() {
        let start = Instant::now();
        let (pending, _) = Pending::Nothing.begin(1, start);
        assert_eq!(pending.end(2, start + 2 * LEASE), (pending, None), "it is the other one's");
        let (pending, at) = pending.begin(2, start + LEASE);
        assert_eq!((pending, at), (Pending::Pinned, None));
        assert_eq!(pending.end(1, start + 2 * LEASE), (Pending::Pinned, None));
        assert_eq!(pending.begin(1, start + 2 * LEASE), (Pending::Pinned, None));
    }
}
