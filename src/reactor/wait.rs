//! Blocking waits: poll, and while pending drive the epoll, or park behind who drives it.
//!
//! Generic over the engine, so that the model checks run this code over a simulated epoll.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::driver::Driver;
use super::waiter::Waiter;
use crate::error::ProcessError;
use crate::sync::{lock, thread_local, Mutex, MutexGuard};

/// What a wait needs from a reactor.
pub(super) trait Engine {
    fn driver(&self) -> &Mutex<Driver>;
    /// A waiter whose waker can interrupt `collect`.
    fn waiter(&self) -> Arc<Waiter>;
    /// Performs what the machine has decided: the arming under its lock, then the lease.
    fn settle(&self, driver: MutexGuard<'_, Driver>, starts_lease: bool);
    /// A waiter has taken the role, and is about to wait.
    fn entered(&self);
    /// Waits for readiness, at most so long; a signal may end it early. Only the driver calls it.
    fn collect(&self, timeout: Option<Duration>) -> Result<(), ProcessError>;
    /// Delivers what was collected and wakes. Only the driver calls it.
    fn dispatch(&self);
}

/// Why a wait ended without its condition.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// The deadline passed first.
    Elapsed,
    /// The wait would never end here (a callback, a forked copy), or the epoll failed.
    Refused(ProcessError),
}

impl Unfinished {
    /// The error of a wait that a deadline ended, or of one that could not be made.
    pub(crate) fn or_timed_out(self, what: impl FnOnce() -> String) -> ProcessError {
        match self {
            Self::Refused(error) => error,
            Self::Elapsed => ProcessError::TimedOut(what()),
        }
    }
}

/// What this thread is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    /// It polls in a wait for the engine at this address, and will drive it or park next.
    Polling(usize),
    /// It has the role of the engine at this address, and polls.
    Waiting(usize),
    /// It calls sources and wakers: waiting there would wait for itself.
    Turn,
}

thread_local! {
    // Not `const`, which loom's macro does not know.
    #[allow(clippy::missing_const_for_thread_local)]
    static DOING: Cell<Doing> = Cell::new(Doing::Nothing);
}

/// Says what the thread does for as long as it lives; these nest.
pub(super) struct Mark {
    before: Doing,
}

impl Mark {
    fn new(doing: Doing) -> Self {
        Self { before: DOING.with(|now| now.replace(doing)) }
    }

    /// The thread calls sources and wakers.
    pub(super) fn turn() -> Self {
        Self::new(Doing::Turn)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        DOING.with(|now| now.set(self.before));
    }
}

/// Whether this thread polls in a wait for the engine: what is pending need not be served by others.
pub(super) fn is_waited_for<E: Engine>(engine: &E) -> bool {
    let address = address(engine);
    let here = [Doing::Polling(address), Doing::Waiting(address)];
    here.contains(&DOING.with(Cell::get))
}

fn address<E: Engine>(engine: &E) -> usize {
    std::ptr::from_ref(engine).addr()
}

/// Polls until ready. A deadline that has passed already still makes one turn.
pub(super) fn block_on<E: Engine, T>(
    engine: &E,
    deadline: Option<Instant>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Result<T, Unfinished> {
    let doing = DOING.with(Cell::get);
    if doing == Doing::Turn {
        let reason = "waiting inside a callback of the engine would wait for itself";
        return Err(Unfinished::Refused(ProcessError::Unsupported(reason.into())));
    }
    let mut seat = Seat::new(engine, doing);
    let waker = Waker::from(seat.waiter.clone());
    let mut is_over = false;
    loop {
        seat.waiter.clear();
        if let Poll::Ready(value) = seat.poll(|| poll(&mut Context::from_waker(&waker))) {
            return Ok(value);
        }
        if is_over {
            return Err(Unfinished::Elapsed);
        }
        is_over = seat.wait(deadline).map_err(Unfinished::Refused)?;
    }
}

/// Waits for the end of the turn in which the background thread is: it is handed the role by then.
pub(super) fn outlast_thread<E: Engine>(engine: &E) {
    let doing = DOING.with(Cell::get);
    if doing == Doing::Turn {
        return;
    }
    let mut seat = Seat::new(engine, doing);
    let is_parked = lock(engine.driver()).enter_behind_thread(&seat.waiter);
    if is_parked {
        // Nobody has its waker: only the role ends this.
        seat.waiter.park(None);
        seat.is_handed_role();
    }
}

/// The place of one wait; gives the role on when it goes, also in a panic.
struct Seat<'a, E: Engine> {
    engine: &'a E,
    waiter: Arc<Waiter>,
    role: Option<Mark>,
    /// A wait inside the poll of another one on this thread uses that one's role.
    has_outer_role: bool,
    steps: usize,
    /// It did not wait at all, as event loops do.
    is_loop: bool,
}

impl<'a, E: Engine> Seat<'a, E> {
    fn new(engine: &'a E, doing: Doing) -> Self {
        let has_outer_role = doing == Doing::Waiting(address(engine));
        let waiter = engine.waiter();
        Self { engine, waiter, role: None, has_outer_role, steps: 0, is_loop: false }
    }

    fn poll<T>(&self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let is_marked = self.has_role();
        let _mark = (!is_marked).then(|| Mark::new(Doing::Polling(address(self.engine))));
        poll()
    }

    fn take_role(&mut self) {
        self.role = Some(Mark::new(Doing::Waiting(address(self.engine))));
    }

    fn has_role(&self) -> bool {
        self.role.is_some() || self.has_outer_role
    }

    /// Waits until there is reason to poll again. True: the deadline has passed.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, ProcessError> {
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let is_over = left == Some(Duration::ZERO);
            self.is_loop = is_over && self.steps == 0;
            self.steps += 1;
            self.step(left)?;
            if is_over || self.waiter.is_notified() {
                return Ok(is_over);
            }
        }
    }

    /// Drives one turn, or parks until there is a reason to look.
    fn step(&mut self, timeout: Option<Duration>) -> Result<(), ProcessError> {
        if !self.has_role() {
            self.enter();
        }
        if self.has_role() {
            return self.drive(timeout);
        }
        self.waiter.park(timeout);
        self.is_handed_role();
        Ok(())
    }

    /// Ends a park; whether it ended with the role.
    fn is_handed_role(&mut self) -> bool {
        let is_handed = lock(self.engine.driver()).withdraw(&self.waiter);
        if is_handed {
            self.take_role();
        }
        is_handed
    }

    fn enter(&mut self) {
        let mut driver = lock(self.engine.driver());
        let is_driver = driver.enter(&self.waiter);
        self.engine.settle(driver, false);
        if is_driver {
            self.take_role();
            self.engine.entered();
        }
    }

    fn drive(&mut self, timeout: Option<Duration>) -> Result<(), ProcessError> {
        if !self.waiter.enter_epoll() {
            return Ok(());
        }
        let collected = self.engine.collect(timeout);
        self.waiter.leave_epoll();
        collected?;
        let _turn = Mark::turn();
        self.engine.dispatch();
        Ok(())
    }

    fn leave(&mut self) {
        if self.role.take().is_some() {
            let mut driver = lock(self.engine.driver());
            let starts_lease = driver.leave(Instant::now(), self.is_loop);
            self.engine.settle(driver, starts_lease);
        }
    }
}

impl<E: Engine> Drop for Seat<'_, E> {
    fn drop(&mut self) {
        self.leave();
    }
}
