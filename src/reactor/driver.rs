//! Who drives a reactor: a pure state machine, without I/O, behind one mutex.
//!
//! At most one thread drives. Whoever finds a driver parks; a driver that leaves hands its role to
//! a parked waiter, so nobody is ever parked while nobody drives. A waiter that leaves with nobody
//! parked starts a lease: if no one has come back when it ends, the background thread arms the
//! reactor's epoll in its own and serves it from then on; a start asks for another lease, since
//! who starts usually waits next. The caller performs the effects: it
//! brings the arming up to date with `arming` before it releases the mutex, since two changes
//! must not overtake each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::waiter::Waiter;

/// How long nobody may have served before the background thread takes over; it looks at the
/// latest after twice this time.
pub(super) const LEASE: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Nobody drives; the lease runs since then.
    Nobody(Instant),
    /// The thread saw readiness and leaves it to the event loop, since then, for one lease.
    Grace(Instant),
    /// The thread watches the reactor's epoll in its own.
    Armed,
    /// A waiter or an event loop drives.
    Waiter,
    /// The thread drives.
    Thread,
}

/// What the end of a lease means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tick {
    /// Nothing more to do for this reactor.
    Done,
    /// The lease runs until then.
    Until(Instant),
    /// The thread drives a turn now, then calls `thread_leave`.
    Drive,
}

/// What readiness seen by the thread means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ThreadTurn {
    /// The thread drives a turn, then calls `thread_leave`.
    Drive,
    /// An event loop is expected to serve it: start the lease.
    Lease,
    /// Somebody else has taken over meanwhile.
    Stale,
}

/// The machine.
pub(crate) struct Driver {
    owner: Owner,
    parked: Vec<Arc<Waiter>>,
    /// The background thread exists and knows this reactor.
    is_member: bool,
    /// Event loops were given a descriptor.
    has_descriptor: bool,
    /// An event loop polls the descriptor, or a thread the ready list, and has served lately.
    is_looped: bool,
    /// Futures have been awaited: what is ready must not wait for a lease on a guess.
    is_awaited: bool,
    is_armed: bool,
}

impl Driver {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            owner: Owner::Nobody(now),
            parked: Vec::new(),
            is_member: false,
            has_descriptor: false,
            is_looped: false,
            is_awaited: false,
            is_armed: false,
        }
    }

    /// The background thread knows this reactor from now on. True: start the lease.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        self.is_member = true;
        if let Owner::Nobody(since) = &mut self.owner {
            *since = now;
        }
        matches!(self.owner, Owner::Nobody(_))
    }

    /// Event loops may serve this reactor from now on.
    pub(super) fn expect_loop(&mut self) {
        self.has_descriptor = true;
    }

    /// A thread that polls in a loop of its own has just served, and will be back: what its futures
    /// wait for need not be armed for in between. If it does not come, the lease ends.
    pub(super) fn expect_return(&mut self) {
        self.is_looped = true;
    }

    /// Takes the role if it is free.
    pub(super) fn try_enter(&mut self) -> bool {
        let is_free = !matches!(self.owner, Owner::Waiter | Owner::Thread);
        if is_free {
            self.owner = Owner::Waiter;
        }
        is_free
    }

    /// Takes the role (true), or parks behind who has it (false).
    pub(super) fn enter(&mut self, waiter: &Arc<Waiter>) -> bool {
        let is_driver = self.try_enter();
        if !is_driver {
            waiter.expect_role();
            self.parked.push(waiter.clone());
        }
        is_driver
    }

    /// Parks behind the background thread, if that drives; false if it does not.
    pub(super) fn enter_behind_thread(&mut self, waiter: &Arc<Waiter>) -> bool {
        self.owner == Owner::Thread && !self.enter(waiter)
    }

    /// Ends a park, for whatever reason. True: the waiter has been handed the role.
    pub(super) fn withdraw(&mut self, waiter: &Arc<Waiter>) -> bool {
        match self.parked.iter().position(|parked| Arc::ptr_eq(parked, waiter)) {
            Some(index) => {
                self.parked.remove(index);
                false
            }
            None => true,
        }
    }

    /// Gives the role up. True: start the lease.
    pub(super) fn leave(&mut self, now: Instant, is_loop: bool) -> bool {
        self.is_looped |= is_loop && self.has_descriptor;
        let is_handed = self.hand_over();
        if !is_handed {
            self.owner = Owner::Nobody(now);
        }
        !is_handed && self.is_member
    }

    /// A future is pending and nobody waits for it in `block_on`: the thread serves it at once,
    /// unless somebody drives anyway or an event loop can be expected to.
    pub(super) fn serve(&mut self) {
        self.is_awaited = true;
        self.take_over();
    }

    /// The thread serves at once what nobody drives, unless an event loop can be expected to.
    pub(super) fn take_over(&mut self) {
        if matches!(self.owner, Owner::Nobody(_)) && self.is_member && !self.is_looped {
            self.owner = Owner::Armed;
        }
    }

    /// Something is about to be added, by a thread that will probably wait for it: a thread that
    /// is woken for it as well would only be in its way. True: start the lease.
    pub(super) fn hold_off(&mut self, now: Instant) -> bool {
        let can_wait = self.owner == Owner::Armed && !self.is_awaited && !self.has_descriptor;
        if can_wait {
            self.owner = Owner::Nobody(now);
        }
        can_wait
    }

    /// The lease timer of the thread has fired.
    pub(super) fn tick(&mut self, now: Instant) -> Tick {
        match self.owner {
            Owner::Nobody(since) | Owner::Grace(since) if now < since + LEASE => {
                Tick::Until(since + LEASE)
            }
            Owner::Nobody(_) => {
                self.owner = Owner::Armed;
                Tick::Done
            }
            // The event loop did not come: it is not waited for again until it does.
            Owner::Grace(_) => {
                self.is_looped = false;
                self.owner = Owner::Thread;
                Tick::Drive
            }
            Owner::Armed | Owner::Waiter | Owner::Thread => Tick::Done,
        }
    }

    /// The thread was told that the reactor's epoll is ready.
    pub(super) fn thread_enter(&mut self, now: Instant) -> ThreadTurn {
        match self.owner {
            Owner::Armed if self.is_looped => {
                self.owner = Owner::Grace(now);
                ThreadTurn::Lease
            }
            Owner::Armed => {
                self.owner = Owner::Thread;
                ThreadTurn::Drive
            }
            _ => ThreadTurn::Stale,
        }
    }

    /// The thread has driven its turn.
    pub(super) fn thread_leave(&mut self) {
        if !self.hand_over() {
            self.owner = Owner::Armed;
        }
    }

    /// The change that the thread's epoll needs: arm (true), disarm (false), none.
    pub(super) fn arming(&mut self) -> Option<bool> {
        let wanted = match self.owner {
            Owner::Armed => true,
            // Stays as it is: while the thread drives it does not look at its own epoll.
            Owner::Thread => return None,
            Owner::Nobody(_) | Owner::Grace(_) | Owner::Waiter => false,
        };
        (std::mem::replace(&mut self.is_armed, wanted) != wanted).then_some(wanted)
    }

    /// One that has to look at its own condition anyway would only hand the role on.
    fn hand_over(&mut self) -> bool {
        if self.parked.is_empty() {
            return false;
        }
        let index = self.parked.iter().position(|waiter| !waiter.is_notified()).unwrap_or(0);
        self.owner = Owner::Waiter;
        self.parked.remove(index).hand_role();
        true
    }
}
