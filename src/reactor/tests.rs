//! A reactor served from each door: a wait, the background thread, an event loop.

use std::future::Future;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags};

use super::{host, Hold, Interest, Key, Reactor, Ready, Slot, Source, Turn, Unfinished};

/// Reads a pipe; remembers what came, on which thread, and who wants to know.
#[derive(Default)]
struct Reader {
    pipe: Option<OwnedFd>,
    state: Mutex<State>,
    callbacks: AtomicUsize,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    deadlines: usize,
    threads: Vec<String>,
    waker: Option<Waker>,
}

impl Source for Reader {
    fn on_ready(&self, slot: Slot, ready: Ready, turn: &mut Turn) {
        assert!(ready.readable || ready.hangup);
        self.callbacks.fetch_add(1, Ordering::SeqCst);
        let mut bytes = [0; 64];
        let pipe = self.pipe.as_ref().unwrap();
        let count = rustix::io::read(pipe, &mut bytes).unwrap_or(0);
        let mut state = self.state.lock().unwrap();
        state.bytes.extend(&bytes[..count]);
        state.slots.push(slot);
        state.threads.push(std::thread::current().name().unwrap_or_default().to_owned());
        state.waker.take().into_iter().for_each(|waker| turn.wake(waker));
    }

    fn on_deadline(&self, now: Instant, turn: &mut Turn) {
        assert!(now <= Instant::now());
        let mut state = self.state.lock().unwrap();
        state.deadlines += 1;
        state.waker.take().into_iter().for_each(|waker| turn.wake(waker));
    }
}

impl Reader {
    fn new() -> (Arc<Self>, std::fs::File) {
        let (ours, theirs) = rustix::pipe::pipe().unwrap();
        rustix::io::ioctl_fionbio(&ours, true).unwrap();
        (Arc::new(Self { pipe: Some(ours), ..Self::default() }), theirs.into())
    }

    fn watch(self: &Arc<Self>, reactor: &Reactor, slot: Slot) -> Key {
        let key = reactor.insert(self.clone()).unwrap();
        let pipe = self.pipe.as_ref().unwrap();
        reactor.watch(key, slot, pipe.as_fd(), Interest::READ).unwrap();
        key
    }

    fn poll_for(&self, cx: &Context<'_>, done: impl Fn(&State) -> bool) -> Poll<()> {
        let mut state = self.state.lock().unwrap();
        if done(&state) {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn wait(&self, reactor: &Reactor, count: usize) {
        let limit = Instant::now() + Duration::from_secs(60);
        reactor
            .block_on(Some(limit), |cx| self.poll_for(cx, |state| state.bytes.len() >= count))
            .unwrap();
    }
}

fn pending<T>(_: &mut Context<'_>) -> Poll<T> {
    Poll::Pending
}

#[test]
fn a_waiting_thread_serves_itself() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    reader.watch(&reactor, 5);
    for count in 1..100 {
        pipe.write_all(b"x").unwrap();
        reader.wait(&reactor, count);
    }
    let state = reader.state.lock().unwrap();
    assert_eq!((state.bytes.len(), state.slots[0]), (99, 5));
}

#[test]
fn two_waiting_threads_are_both_served() {
    let reactor = Reactor::new().unwrap();
    let (first, mut first_pipe) = Reader::new();
    let (second, mut second_pipe) = Reader::new();
    first.watch(&reactor, 0);
    second.watch(&reactor, 0);
    std::thread::scope(|scope| {
        // Each waits for the other's turn: whoever drives serves both.
        scope.spawn(|| {
            for count in 1..200 {
                second_pipe.write_all(b"x").unwrap();
                first.wait(&reactor, count);
            }
        });
        for count in 1..200 {
            first_pipe.write_all(b"x").unwrap();
            second.wait(&reactor, count);
        }
    });
}

/// The plainest executor: parks the thread.
fn park_on(future: impl Future<Output = ()>) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        std::thread::park();
    }
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

struct Tell(mpsc::Sender<()>);

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

/// Readable within a bounded time, or served by the thread meanwhile.
fn wait_readable(reactor: &Reactor) {
    let fd = reactor.fd().unwrap();
    let limit = rustix::event::Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)).unwrap();
}

fn is_readable(reactor: &Reactor) -> bool {
    let fd = reactor.fd().unwrap();
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&now)).unwrap() == 1
}

#[test]
fn raised_is_readable_until_lowered_also_before_the_descriptor_exists() {
    let reactor = Reactor::new().unwrap();
    reactor.raise();
    assert!(is_readable(&reactor));
    reactor.raise();
    reactor.lower();
    assert!(!is_readable(&reactor));
    reactor.raise();
    assert!(is_readable(&reactor));
}

#[test]
fn a_deadline_comes_once_in_order_and_never_early() {
    let reactor = Reactor::new().unwrap();
    let reader = Arc::new(Reader::default());
    let key = reactor.insert(reader.clone()).unwrap();
    let at = Instant::now() + Duration::from_millis(30);
    reactor.set_deadline(key, Some(at - Duration::from_millis(20)));
    // Moved to later: the timer fires for the first time and nothing is due.
    reactor.set_deadline(key, Some(at));
    reactor.block_on(None, |cx| reader.poll_for(cx, |state| state.deadlines == 1)).unwrap();
    assert!(Instant::now() >= at);
    reactor.set_deadline(key, Some(Instant::now()));
    reactor.set_deadline(key, None);
    let later = Instant::now() + Duration::from_millis(20);
    assert!(reactor.block_on(Some(later), pending::<()>).is_err());
    assert_eq!(reader.state.lock().unwrap().deadlines, 1);
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let reactor = Reactor::new().unwrap();
    let until = Instant::now() + Duration::from_millis(25);
    let waited = reactor.block_on(Some(until), pending::<()>);
    assert!(matches!(waited, Err(Unfinished::Elapsed)) && Instant::now() >= until);
    // A parked waiter too, while another one drives.
    std::thread::scope(|scope| {
        let driver = scope.spawn(|| {
            let limit = Instant::now() + Duration::from_millis(80);
            reactor.block_on(Some(limit), pending::<()>)
        });
        let until = Instant::now() + Duration::from_millis(25);
        let waited = reactor.block_on(Some(until), pending::<()>);
        assert!(matches!(waited, Err(Unfinished::Elapsed)) && Instant::now() >= until);
        assert!(driver.join().unwrap().is_err());
    });
}

#[test]
fn a_passed_deadline_still_makes_one_turn() {
    let reactor = Reactor::new().unwrap();
    let (reader, mut pipe) = Reader::new();
    let key = reader.watch(&reactor, 0);
    pipe.write_all(b"x").unwrap();
    let done = |cx: &mut Context<'_>| reader.poll_for(cx, |state| state.bytes.len() == 1);
    reactor.block_on(Some(Instant::now()), done).unwrap();
    reactor.unwatch(key, 0, reader.pipe.as_ref().unwrap().as_fd());
}

#[test]
fn a_waker_of_another_thread_ends_a_wait() {
    let reactor = Reactor::new().unwrap();
    let (sender, receiver) = mpsc::channel::<Waker>();
    let is_done = Arc::new(AtomicUsize::new(0));
    let flag = is_done.clone();
    let other = std::thread::spawn(move || {
        let waker = receiver.recv().unwrap();
        flag.store(1, Ordering::SeqCst);
        waker.wake();
    });
    reactor
        .block_on(None, |cx| {
            let _ = sender.send(cx.waker().clone());
            if is_done.load(Ordering::SeqCst) == 1 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .unwrap();
    other.join().unwrap();
}

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
    let soon = Some(Instant::now() + Duration::from_millis(5));
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
    is_done: Arc<AtomicUsize>,
}

impl Source for Closing {
    fn on_ready(&self, _: Slot, _: Ready, _: &mut Turn) {}
    fn on_deadline(&self, _: Instant, _: &mut Turn) {
        let reactor = self.reactor.lock().unwrap().take().unwrap();
        drop(reactor.core.table().clear());
        self.begun.send(()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        self.is_done.fetch_add(1, Ordering::SeqCst);
        drop(reactor);
    }
}

#[test]
fn the_last_hold_outlasts_the_callback_in_flight() {
    let (begun, told) = mpsc::channel();
    let (reactor, is_done) = (Reactor::new().unwrap(), Arc::new(AtomicUsize::new(0)));
    let hold = Hold::new(&reactor);
    let another = hold.clone();
    let closing = Closing { reactor: Mutex::new(Some(reactor)), begun, is_done: is_done.clone() };
    let key = hold.insert(Arc::new(closing)).unwrap();
    hold.set_deadline(key, Some(Instant::now()));
    told.recv().unwrap();
    drop(another);
    assert_eq!(is_done.load(Ordering::SeqCst), 0, "not the last one, and yet it waited");
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
