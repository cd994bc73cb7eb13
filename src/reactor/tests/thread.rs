//! What nobody waits for: served by the background thread, or by an event loop.

use std::io::Write;
use std::os::fd::AsFd;
use std::sync::{mpsc, Arc};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::super::driver::{Driver, ThreadTurn, Tick, LEASE};
use super::super::wait::Engine;
use super::super::{host, Reactor, Unfinished};
use super::{park_on, pending, wait_readable, Reader, Tell};

/// A thread that polls the ready list in a loop has futures pending in between.
#[test]
fn a_loop_that_comes_back_is_not_armed_in_between() {
    let now = Instant::now();
    let mut driver = Driver::new(now);
    assert!(driver.admit(now), "the lease starts");
    assert!(driver.try_enter());
    driver.leave(now, false);
    driver.expect_return();
    driver.serve();
    assert_eq!(driver.arming(), None, "it is expected back");
    assert_eq!(driver.tick(now + LEASE), Tick::Done);
    assert_eq!(driver.arming(), Some(true), "it stayed away for a lease");
    assert_eq!(driver.thread_enter(now + LEASE), ThreadTurn::Lease);
    assert_eq!(driver.tick(now + 2 * LEASE), Tick::Drive, "it did not come even then");
}

/// A thread that works on what it has read; nothing is guessed from that of later starts.
#[test]
fn reading_ahead_is_armed_at_once_and_ends_with_the_next_start() {
    let now = Instant::now();
    let mut driver = Driver::new(now);
    assert!(driver.admit(now), "the lease starts");
    assert!(driver.try_enter());
    driver.leave(now, false);
    driver.take_over();
    assert_eq!(driver.arming(), Some(true), "no lease has passed");
    assert!(driver.hold_off(now), "who starts is left alone");
    assert_eq!(driver.arming(), Some(false));
}

#[test]
fn the_background_thread_serves_a_foreign_executor() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    reader.watch(&reactor, 0);
    for count in 1..20 {
        pipe.write_all(b"x").unwrap();
        park_on(std::future::poll_fn(|cx| {
            let polled = reader.poll_for(cx, |state| state.bytes.len() >= count);
            if polled.is_pending() {
                reactor.serve();
            }
            polled
        }));
    }
    let state = reader.state.lock().unwrap();
    assert!(state.threads.iter().all(|name| name == "pm-reactor"));
}

/// A wait that polls futures drives the reactor itself: nothing is guessed of later starts either.
#[test]
fn a_future_that_is_waited_for_is_left_to_the_wait() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    let key = reader.watch(&reactor, 0);
    pipe.write_all(b"x").unwrap();
    let waited = reactor.block_on(None, |cx| {
        reactor.serve();
        reader.poll_for(cx, |state| state.bytes.len() == 1)
    });
    waited.unwrap();
    let mut driver = crate::sync::lock(reactor.core.driver());
    driver.take_over();
    assert!(driver.hold_off(Instant::now()), "a future was taken for one that nobody waits for");
    drop(driver);
    reactor.unwatch(key, 0, reader.pipe.as_ref().unwrap().as_fd());
}

#[test]
fn readiness_that_nobody_waits_for_is_served_when_the_lease_ends() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    reader.watch(&reactor, 0);
    pipe.write_all(b"x").unwrap();
    park_on(std::future::poll_fn(|cx| reader.poll_for(cx, |state| state.bytes.len() == 1)));
}

/// Whether the kernel lists the background thread; one that another test stops is not listed soon.
fn is_thread_listed() -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.into_iter().any(|name| name.trim() == "pm-reactor")
}

#[test]
fn a_parked_thread_is_gone_and_serves_what_came_meanwhile_afterwards() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    reader.watch(&reactor, 0);
    for count in 1..50 {
        let until = Instant::now() + Duration::from_secs(20);
        host::park();
        host::park();
        pipe.write_all(b"x").unwrap();
        host::unpark();
        while is_thread_listed() {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
        host::unpark();
        park_on(std::future::poll_fn(|cx| reader.poll_for(cx, |state| state.bytes.len() == count)));
    }
}

#[test]
fn an_event_loop_serves_through_the_descriptor() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    reader.watch(&reactor, 0);
    for count in 1..50 {
        let (sender, receiver) = mpsc::channel();
        let told = Waker::from(Arc::new(Tell(sender)));
        reader.state.lock().unwrap().waker = Some(told);
        pipe.write_all(b"x").unwrap();
        while receiver.try_recv().is_err() {
            wait_readable(&reactor);
            let turn = reactor.block_on(Some(Instant::now()), pending::<()>);
            assert!(matches!(turn, Err(Unfinished::Elapsed)));
            // The thread may have been first: the loop then has nothing to do any more.
            if reader.state.lock().unwrap().bytes.len() == count {
                break;
            }
        }
    }
    assert_eq!(reader.state.lock().unwrap().bytes.len(), 49);
}
