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

mod callbacks;
mod thread;

use super::{Interest, Key, Reactor, Ready, Slot, Source, Turn, Unfinished};

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
    // While this thread drives, so that no other one finds the first of two deadlines due.
    let moved = || {
        reactor.set_deadline(key, Some(at - Duration::from_millis(20)));
        // Moved to later: the timer fires for the first time and nothing is due.
        reactor.set_deadline(key, Some(at));
    };
    let mut first = Some(moved);
    let wait = reactor.block_on(None, |cx| {
        first.take().into_iter().for_each(|moved| moved());
        reader.poll_for(cx, |state| state.deadlines == 1)
    });
    wait.unwrap();
    assert!(Instant::now() >= at);
    let revoked = || {
        reactor.set_deadline(key, Some(Instant::now()));
        reactor.set_deadline(key, None);
    };
    let (mut first, later) = (Some(revoked), Instant::now() + Duration::from_millis(20));
    let wait = reactor.block_on(Some(later), |_| {
        first.take().into_iter().for_each(|revoked| revoked());
        Poll::<()>::Pending
    });
    assert!(wait.is_err());
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
