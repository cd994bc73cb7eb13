//! What sources and wakers may do in their callbacks, and when the callbacks end.

use std::io::Write;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::super::{Hold, Interest, Reactor, Ready, Slot, Source, Turn, Unfinished};
use super::{park_on, pending, Reader};

#[test]
fn events_of_an_ended_watch_are_dropped() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    let key = reader.watch(&reactor, 1);
    let fd = reader.pipe.as_ref().unwrap().as_fd();
    reactor.unwatch(key, 1, fd);
    pipe.write_all(b"x").unwrap();
    assert!(reactor.block_on(Some(Instant::now()), pending::<()>).is_err());
    assert_eq!(reader.callbacks.load(Ordering::SeqCst), 0);
    // The token of the first watch names nothing, whatever the slot is used for now.
    let stale = 1u64 << 32 | 1;
    reactor.watch(key, 1, fd, Interest::READ).unwrap();
    assert!(reactor.core.table().find(stale).is_none());
    reader.wait(&reactor, 1);
    reactor.unwatch(key, 1, fd);
    reactor.remove(key);
    assert!(reactor.watch(key, 1, fd, Interest::READ).is_err());
    let next = reactor.insert(reader.clone()).unwrap();
    assert_ne!(next, key);
    assert!(reactor.watch(next, 8, fd, Interest::READ).is_err());
}

#[test]
fn a_wait_inside_a_callback_is_refused_and_inside_a_poll_allowed() {
    struct Callback(Arc<Reactor>, mpsc::Sender<bool>);
    impl Source for Callback {
        fn on_ready(&self, _: Slot, _: Ready, _: &mut Turn) {}
        fn on_deadline(&self, _: Instant, _: &mut Turn) {
            let waited = self.0.block_on(None, pending::<()>);
            self.1.send(matches!(waited, Err(Unfinished::Refused(_)))).unwrap();
        }
    }
    let (sender, receiver) = mpsc::channel();
    let reactor = Reactor::new().unwrap();
    let key = reactor.insert(Arc::new(Callback(reactor.clone(), sender))).unwrap();
    reactor.set_deadline(key, Some(Instant::now()));
    assert!(receiver.recv().unwrap());
    reactor.remove(key);

    let mut polls = 0;
    let soon = Some(Instant::now() + Duration::from_secs(60));
    let outer = reactor.block_on(soon, |cx| {
        polls += 1;
        let inner = reactor.block_on(Some(Instant::now()), pending::<()>);
        assert!(matches!(inner, Err(Unfinished::Elapsed)));
        cx.waker().wake_by_ref();
        if polls == 3 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    assert!(outer.is_ok());
}

/// Holds its reactor, as a process does, and lets go of it in its last callback.
struct Closing {
    reactor: Mutex<Option<Arc<Reactor>>>,
    begun: mpsc::Sender<()>,
    may_end: Mutex<mpsc::Receiver<()>>,
    is_done: Arc<AtomicUsize>,
}

impl Source for Closing {
    fn on_ready(&self, _: Slot, _: Ready, _: &mut Turn) {}
    fn on_deadline(&self, _: Instant, _: &mut Turn) {
        let reactor = self.reactor.lock().unwrap().take().unwrap();
        drop(reactor.core.table().clear());
        self.begun.send(()).unwrap();
        self.may_end.lock().unwrap().recv().unwrap();
        // What is not waited for is seen to be over too early.
        std::thread::sleep(Duration::from_millis(50));
        self.is_done.fetch_add(1, Ordering::SeqCst);
        drop(reactor);
    }
}

#[test]
fn the_last_hold_outlasts_the_callback_in_flight() {
    let (begun, told) = mpsc::channel();
    let (end, may_end) = mpsc::channel();
    let may_end = Mutex::new(may_end);
    let (reactor, is_done) = (Reactor::new().unwrap(), Arc::new(AtomicUsize::new(0)));
    let hold = Hold::new(&reactor);
    let another = hold.clone();
    let (reactor, done) = (Mutex::new(Some(reactor)), is_done.clone());
    let closing = Closing { reactor, begun, may_end, is_done: done };
    let key = hold.insert(Arc::new(closing)).unwrap();
    hold.set_deadline(key, Some(Instant::now()));
    told.recv().unwrap();
    drop(another);
    assert_eq!(is_done.load(Ordering::SeqCst), 0, "not the last one, and yet it waited");
    end.send(()).unwrap();
    drop(hold);
    assert_eq!(is_done.load(Ordering::SeqCst), 1);
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_asleep() {
    struct Panicking;
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    }
    struct Both(Mutex<Option<Waker>>);
    impl Source for Both {
        fn on_ready(&self, _: Slot, _: Ready, _: &mut Turn) {}
        fn on_deadline(&self, _: Instant, turn: &mut Turn) {
            turn.wake(Waker::from(Arc::new(Panicking)));
            self.0.lock().unwrap().take().into_iter().for_each(|waker| turn.wake(waker));
        }
    }
    let reactor = Reactor::new().unwrap();
    let both = Arc::new(Both(Mutex::default()));
    let key = reactor.insert(both.clone()).unwrap();
    let mut is_set = false;
    park_on(std::future::poll_fn(|cx| {
        if std::mem::replace(&mut is_set, true) {
            return Poll::Ready(());
        }
        *both.0.lock().unwrap() = Some(cx.waker().clone());
        reactor.set_deadline(key, Some(Instant::now()));
        Poll::Pending
    }));
}
