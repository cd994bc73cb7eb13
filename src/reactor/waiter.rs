//! One thread that waits in `block_on`: its waker, and where that finds it.
//!
//! A waiter runs (it polls, or dispatches a turn), or it is blocked in the epoll as the driver,
//! or it is parked behind another driver. The waker acts on exactly that: a flag, an interrupt,
//! an unpark. Flag and place change under one lock, so that a waker that fires between the last
//! check and the block cannot be lost.

use std::sync::{Arc, PoisonError};
use std::task::Wake;
use std::time::Duration;

use crate::sync::{lock, Condvar, Mutex};

/// Ends a blocking epoll_wait from another thread.
pub(crate) trait Interrupt: Send + Sync {
    /// Makes the driver's epoll_wait return. Never blocks.
    fn interrupt(&self);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Running,
    InEpoll,
    Parked,
}

struct State {
    place: Place,
    is_notified: bool,
    is_driver: bool,
}

/// What a `block_on` call is to the other threads.
pub(crate) struct Waiter {
    state: Mutex<State>,
    unparked: Condvar,
    interrupt: Arc<dyn Interrupt>,
}

impl Waiter {
    pub(super) fn new(interrupt: Arc<dyn Interrupt>) -> Arc<Self> {
        let state = State { place: Place::Running, is_notified: false, is_driver: false };
        Arc::new(Self { state: Mutex::new(state), unparked: Condvar::new(), interrupt })
    }

    /// Forgets earlier notifications; called before each poll.
    pub(super) fn clear(&self) {
        lock(&self.state).is_notified = false;
    }

    pub(super) fn is_notified(&self) -> bool {
        lock(&self.state).is_notified
    }

    /// Announces the epoll_wait. False: notified already, do not block.
    pub(super) fn enter_epoll(&self) -> bool {
        let mut state = lock(&self.state);
        if !state.is_notified {
            state.place = Place::InEpoll;
        }
        !state.is_notified
    }

    pub(super) fn leave_epoll(&self) {
        lock(&self.state).place = Place::Running;
    }

    /// Gets ready to be handed the role. Called under the driver's lock.
    pub(super) fn expect_role(&self) {
        lock(&self.state).is_driver = false;
    }

    /// Hands the driver's role to this waiter. Called under the driver's lock.
    pub(super) fn hand_role(&self) {
        lock(&self.state).is_driver = true;
        self.unparked.notify_one();
    }

    /// Sleeps until it is notified, is handed the role, or the time is over.
    pub(super) fn park(&self, timeout: Option<Duration>) {
        let mut state = lock(&self.state);
        state.place = Place::Parked;
        let is_asleep = |state: &State| !state.is_notified && !state.is_driver;
        match timeout {
            // Once only: the caller looks at the clock and parks again.
            Some(timeout) if is_asleep(&state) => {
                let woken = self.unparked.wait_timeout(state, timeout);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
            }
            Some(_) => {}
            None => {
                while is_asleep(&state) {
                    let woken = self.unparked.wait(state);
                    state = woken.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        state.place = Place::Running;
    }
}

impl Wake for Waiter {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.is_notified, true) {
            return;
        }
        let place = state.place;
        drop(state);
        match place {
            // Its own thread, or one that will look before it blocks: no system call.
            Place::Running => {}
            Place::InEpoll => self.interrupt.interrupt(),
            Place::Parked => self.unparked.notify_one(),
        }
    }
}
