//! Model checks of who drives: the real waits and the real machine over a simulated epoll.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex, MutexGuard};
use loom::thread;

use super::driver::{Driver, ThreadTurn, Tick, LEASE};
use super::wait::{block_on, outlast_thread, Engine};
use super::waiter::{Interrupt, Waiter};
use crate::error::ProcessError;
use crate::sync::lock;

/// An epoll with one event for each place in `slots`.
struct Epoll {
    state: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Default)]
struct Pending {
    events: Vec<usize>,
    is_interrupted: bool,
    is_armed: bool,
    has_lease: bool,
}

impl Epoll {
    fn post(&self, slot: usize) {
        self.state.lock().unwrap().events.push(slot);
        self.changed.notify_all();
    }
}

impl Interrupt for Epoll {
    fn interrupt(&self) {
        self.state.lock().unwrap().is_interrupted = true;
        self.changed.notify_all();
    }
}

/// A reactor of which only the hand-over is real.
struct Model {
    driver: crate::sync::Mutex<Driver>,
    epoll: Arc<Epoll>,
    collected: Mutex<Vec<usize>>,
    slots: [Slot; 2],
    is_driven: AtomicBool,
    start: Instant,
}

struct Slot {
    is_ready: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Slot {
    fn new() -> Self {
        Self { is_ready: AtomicBool::new(false), waker: Mutex::new(None) }
    }

    fn fire(&self) {
        self.is_ready.store(true, Ordering::SeqCst);
        let waker = self.waker.lock().unwrap().take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Model {
    fn new() -> Arc<Self> {
        let epoll = Epoll { state: Mutex::default(), changed: Condvar::new() };
        let start = Instant::now();
        let mut driver = Driver::new(start);
        driver.admit(start);
        Arc::new(Self {
            driver: crate::sync::Mutex::new(driver),
            epoll: Arc::new(epoll),
            collected: Mutex::default(),
            slots: [Slot::new(), Slot::new()],
            is_driven: AtomicBool::new(false),
            start,
        })
    }

    fn wait_for(&self, slot: usize) {
        let slot = &self.slots[slot];
        let waited = block_on(self, None, |cx| {
            *slot.waker.lock().unwrap() = Some(cx.waker().clone());
            match slot.is_ready.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        assert!(waited.is_ok());
    }

    /// What the background thread does until slot 0 is ready.
    fn thread_until_ready(&self) {
        let late = self.start + LEASE + LEASE + Duration::from_secs(3600);
        while !self.slots[0].is_ready.load(Ordering::SeqCst) {
            let mut pending = self.epoll.state.lock().unwrap();
            if pending.has_lease {
                pending.has_lease = false;
                drop(pending);
                let mut driver = lock(&self.driver);
                let tick = driver.tick(late);
                assert_eq!(tick, Tick::Done);
                self.settle(driver, false);
            } else if pending.is_armed && !pending.events.is_empty() {
                drop(pending);
                self.thread_turn(late);
            } else {
                drop(self.epoll.changed.wait(pending).unwrap());
            }
        }
    }

    fn thread_turn(&self, now: Instant) {
        let mut driver = lock(&self.driver);
        let turn = driver.thread_enter(now);
        self.settle(driver, false);
        if turn == ThreadTurn::Drive {
            self.collect(Some(Duration::ZERO)).unwrap();
            self.dispatch();
            let mut driver = lock(&self.driver);
            driver.thread_leave();
            self.settle(driver, false);
        }
    }
}

impl Engine for Model {
    fn driver(&self) -> &crate::sync::Mutex<Driver> {
        &self.driver
    }

    fn waiter(&self) -> Arc<Waiter> {
        Waiter::new(self.epoll.clone())
    }

    fn settle(&self, mut driver: MutexGuard<'_, Driver>, starts_lease: bool) {
        let arming = driver.arming();
        let mut pending = self.epoll.state.lock().unwrap();
        pending.is_armed = arming.unwrap_or(pending.is_armed);
        pending.has_lease |= starts_lease;
        drop((pending, driver));
        self.epoll.changed.notify_all();
    }

    fn entered(&self) {}

    fn collect(&self, timeout: Option<Duration>) -> Result<(), ProcessError> {
        assert!(!self.is_driven.swap(true, Ordering::SeqCst), "two drivers");
        let mut pending = self.epoll.state.lock().unwrap();
        while timeout.is_none() && pending.events.is_empty() && !pending.is_interrupted {
            pending = self.epoll.changed.wait(pending).unwrap();
        }
        pending.is_interrupted = false;
        *self.collected.lock().unwrap() = std::mem::take(&mut pending.events);
        Ok(())
    }

    fn dispatch(&self) {
        let collected = std::mem::take(&mut *self.collected.lock().unwrap());
        collected.into_iter().for_each(|slot| self.slots[slot].fire());
        self.is_driven.store(false, Ordering::SeqCst);
    }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn two_waiters_are_both_served_whoever_drives() {
    check(|| {
        let model = Model::new();
        let other = model.clone();
        let waiter = thread::spawn(move || other.wait_for(1));
        model.epoll.post(1);
        model.epoll.post(0);
        model.wait_for(0);
        waiter.join().unwrap();
    });
}

#[test]
fn a_waker_of_another_thread_is_not_lost_between_check_and_block() {
    check(|| {
        let model = Model::new();
        let other = model.clone();
        let waiter = thread::spawn(move || other.wait_for(0));
        model.slots[0].fire();
        waiter.join().unwrap();
    });
}

#[test]
fn a_parked_waiter_is_served_after_the_driver_has_left() {
    check(|| {
        let model = Model::new();
        let (first, second) = (model.clone(), model.clone());
        let first = thread::spawn(move || first.wait_for(0));
        let second = thread::spawn(move || second.wait_for(1));
        model.slots[0].fire();
        first.join().unwrap();
        model.epoll.post(1);
        second.join().unwrap();
    });
}

#[test]
fn a_lease_that_ends_has_the_thread_serve() {
    check(|| {
        let model = Model::new();
        let background = model.clone();
        let background = thread::spawn(move || background.thread_until_ready());
        model.slots[1].fire();
        model.wait_for(1);
        let lease = lock(&model.driver);
        model.settle(lease, true);
        model.epoll.post(0);
        background.join().unwrap();
    });
}

/// Slot 0 becomes ready while the thread serves; `body` runs meanwhile.
fn check_beside_the_thread(body: fn(&Model)) {
    check(move || {
        let model = Model::new();
        let background = model.clone();
        let mut driver = lock(&model.driver);
        driver.serve();
        model.settle(driver, false);
        let background = thread::spawn(move || background.thread_until_ready());
        model.epoll.post(0);
        body(&model);
        background.join().unwrap();
    });
}

#[test]
fn a_waiter_and_the_thread_do_not_drive_at_once() {
    check_beside_the_thread(|model| model.wait_for(0));
}

#[test]
fn the_turn_of_the_thread_is_outlasted_and_nothing_is_lost() {
    check_beside_the_thread(|model| {
        let is_in_turn = model.is_driven.load(Ordering::SeqCst);
        outlast_thread(model);
        assert!(!is_in_turn || model.slots[0].is_ready.load(Ordering::SeqCst));
    });
}
