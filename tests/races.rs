//! Calls that meet at a bad moment: nothing hangs, nothing is told twice or in the wrong order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::{mpsc, Arc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use common::{command, line, lines, SOON};
use futures::executor::block_on;
use futures::FutureExt;
use process_manager::{
    Command, Containment, DropPolicy, EventKind, OutputChunk, OutputOptions, OutputPolicy,
    OutputSource, ProcessError, ProcessManager, ProcessRunner, Stdin, WatchItem,
};

/// Fails instead of hanging.
fn within(body: impl FnOnce() + Send + 'static) {
    let (done, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    let hangs = Err(mpsc::RecvTimeoutError::Timeout);
    assert_ne!(told.recv_timeout(Duration::from_secs(60)), hangs, "it hangs");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn killing_the_last_handle_of_a_held_pipe_ends() {
    within(|| {
        let manager = ProcessManager::default();
        let script = "setsid sleep 1000 & echo $!; exec sleep 1000";
        let command = Command::new("sh").args(["-c", script]).containment(Containment::Process);
        let id = manager.start(command).unwrap().id();
        let left = line(&mut manager.get_output_stream(id).unwrap());
        manager.kill_process(id).unwrap();
        assert_eq!(manager.get_process_count(), 0);
        let left = rustix::process::Pid::from_raw(left.parse().unwrap()).unwrap();
        rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
    });
}

#[test]
fn a_pipeline_keeps_its_processes_where_the_manager_keeps_none() {
    let manager = ProcessManager::default();
    manager.set_retention(0);
    for _ in 0..20 {
        let commands = vec![command("exit_code").arg("3"), command("exit_code").arg("0")];
        let pipeline = manager.start_pipeline(commands).unwrap();
        assert_eq!(pipeline.runners().len(), 2);
    }
}

/// The end of the silence meets a reader that has just made room.
#[test]
fn a_short_drain_loses_nothing_to_a_slow_reader() {
    let output = OutputOptions {
        policy: OutputPolicy::Block,
        limit: 16 << 10,
        drain: Duration::from_micros(50),
        ..OutputOptions::default()
    };
    for _ in 0..20 {
        let command = command("flood").args(["bytes", "200000"]).output(output);
        let runner = common::start(command);
        let mut chunks = runner.output().chunks();
        let mut total = 0;
        while let Some(chunk) = chunks.next_blocking(SOON).unwrap() {
            let OutputChunk::Data(data) = chunk else { panic!("{chunk:?}") };
            total += data.len();
            std::thread::sleep(Duration::from_micros(300));
        }
        assert_eq!(total, 200_000);
    }
}

#[test]
fn a_reader_of_one_stream_ends_with_it() {
    within(|| {
        let script = "echo out; exec >&-; echo err >&2; read line";
        let runner = common::start(Command::new("sh").args(["-c", script]).stdin(Stdin::Pipe));
        let mut stream = runner.output().only(OutputSource::Stdout).stream();
        assert_eq!(lines(&mut stream), ["out"]);
        assert!(runner.is_running());
        runner.close_stdin().unwrap();
        let mut stream = runner.output().only(OutputSource::Stderr).stream();
        assert_eq!(lines(&mut stream), ["err"]);
    });
}

#[test]
fn who_waits_for_what_is_left_to_itself_is_told() {
    within(|| {
        let cat = || command("cat").stdin(Stdin::Pipe).on_drop(DropPolicy::Detach);
        let runner = common::start(cat());
        let (exit, closed) = (runner.wait(), runner.closed());
        drop(runner);
        assert!(matches!(block_on(exit), Err(ProcessError::Closed(_))));
        block_on(closed);

        let manager = ProcessManager::default();
        let runner = manager.start(cat()).unwrap();
        manager.end_all(Duration::ZERO);
        assert!(matches!(runner.wait_blocking(None), Err(ProcessError::Closed(_))));
        assert!(matches!(runner.stop_blocking(None), Err(ProcessError::Closed(_))));
        assert!(matches!(runner.signal(libc::SIGTERM), Err(ProcessError::Closed(_))));
        manager.stop_all_blocking(None).unwrap();
    });
}

#[test]
fn nothing_comes_after_closed() {
    let manager = ProcessManager::default();
    let mut events = manager.events().unwrap();
    for _ in 0..500 {
        let runner = manager.start(command("exit_code").arg("0")).unwrap();
        std::thread::scope(|scope| {
            let stopping = runner.clone();
            scope.spawn(move || stopping.stop_blocking(None).unwrap());
            let runner = runner.clone();
            scope.spawn(move || drop(runner.closed_blocking(SOON)));
        });
    }
    drop(manager);
    let mut closed = std::collections::HashSet::new();
    while let Some(event) = events.next_blocking(SOON).unwrap() {
        assert!(!closed.contains(&event.id), "{:?} after Closed", event.kind);
        if event.kind == EventKind::Closed {
            closed.insert(event.id);
        }
    }
    assert_eq!(closed.len(), 500);
}

#[test]
fn a_watch_tells_no_output_twice() {
    let manager = ProcessManager::default();
    let mut watch = manager.watch().unwrap();
    let first = manager.start(command("echo_args").arg("once")).unwrap().id();
    let mut told = 0;
    let mut closed = false;
    while !closed {
        match watch.next_blocking(SOON).unwrap().unwrap() {
            WatchItem::Output { .. } => told += 1,
            WatchItem::Event(event) => closed = event.kind == EventKind::Closed,
            _ => {}
        }
    }
    // It is gone before the watch looks for it.
    let second = manager.start(command("ticker")).unwrap().id();
    manager.kill_process(second).unwrap();
    let is_end = |item: &WatchItem| matches!(item, WatchItem::Event(event) if event.id == second && event.kind == EventKind::Closed);
    let mut items = std::iter::from_fn(|| watch.next_blocking(SOON).unwrap());
    let until_end: Vec<_> = items.by_ref().take_while(|item| !is_end(item)).collect();
    drop(manager);
    for item in until_end.into_iter().chain(items) {
        told += usize::from(matches!(item, WatchItem::Output { id, .. } if id == first));
    }
    assert_eq!(told, 1);
}

/// How often this thread goes to sleep in a call. Every wait is one, however short; to be preempted
/// on a busy machine is none.
fn sleeps_in(call: impl FnOnce()) -> i64 {
    let sleeps = || {
        // SAFETY: the call fills a live value, for which zero is valid.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
            usage.ru_nvcsw
        }
    };
    let before = sleeps();
    call();
    sleeps() - before
}

#[test]
fn dropping_a_handle_does_not_wait_for_a_waiter() {
    let runners: Vec<_> = (0..200).map(|_| common::start(command("exit_code").arg("0"))).collect();
    let waits: Vec<_> = runners.iter().map(|runner| runner.closed()).collect();
    for runner in &runners {
        runner.closed_blocking(SOON).unwrap();
    }
    // Each once slept 20 ms; a lock that is held for a moment may cost a sleep here and there.
    let sleeps = sleeps_in(|| drop(runners));
    assert!(sleeps < 100, "{sleeps} sleeps for 200 handles");
    drop(waits);
}

/// A task that owns a handle of what it waits for, and looks at it when it goes.
struct Task(ProcessRunner);

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Task {
    fn drop(&mut self) {
        let _ = self.0.poll_closed(&mut Context::from_waker(Waker::noop()));
        let _ = self.0.poll_write_stdin(&mut Context::from_waker(Waker::noop()), b"x");
        self.0.begin_stop(None).unwrap();
    }
}

/// Polls with a task's waker, and then with another one: the first has no other owner.
fn replaces_a_task(runner: &ProcessRunner, mut poll: impl FnMut(&mut Context<'_>)) {
    let task = Waker::from(Arc::new(Task(runner.clone())));
    poll(&mut Context::from_waker(&task));
    drop(task);
    poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
fn a_waker_is_dropped_without_locks() {
    within(|| {
        let manager = ProcessManager::default();
        let start = || manager.start(command("never_reads_stdin").stdin(Stdin::Pipe)).unwrap();
        let (mut events, mut watch) = (manager.events().unwrap(), manager.watch().unwrap());
        let runner = start();
        let mut wait = runner.wait();
        replaces_a_task(&runner, |cx| assert!(wait.poll_unpin(cx).is_pending()));
        let runner = start();
        let mut wait = runner.wait();
        let task = Waker::from(Arc::new(Task(runner.clone())));
        assert!(wait.poll_unpin(&mut Context::from_waker(&task)).is_pending());
        drop(task);
        drop(wait);
        let runner = start();
        let bytes = vec![b'x'; 1 << 20];
        let mut write = Box::pin(runner.write_stdin(&bytes));
        replaces_a_task(&runner, |cx| assert!(write.poll_unpin(cx).is_pending()));
        let runner = start();
        let _ = runner.stdin_writer();
        while events.next_blocking(Some(Duration::ZERO)).is_ok() {}
        replaces_a_task(&runner, |cx| assert!(events.poll_event(cx) != Poll::Ready(None)));
        while watch.next_blocking(Some(Duration::ZERO)).is_ok() {}
        replaces_a_task(&runner, |cx| assert!(watch.poll_item(cx) != Poll::Ready(None)));
    });
}

/// Ends that cannot be collected: who traces a process is told of its end first.
struct Tracer(libc::pid_t);

impl Tracer {
    /// None where this user may not trace.
    fn of(pids: &[libc::pid_t]) -> Option<Self> {
        let mut ends = [0; 2];
        // SAFETY: a plain pipe; the copy makes async-signal-safe calls only and is killed below.
        unsafe {
            assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
            let tracer = libc::fork();
            if tracer == 0 {
                let seize = |pid: &libc::pid_t| libc::ptrace(libc::PTRACE_SEIZE, *pid, 0, 0) == 0;
                let seized = [u8::from(pids.iter().all(seize))];
                libc::write(ends[1], seized.as_ptr().cast(), 1);
                loop {
                    libc::pause();
                }
            }
            let mut seized = [0u8];
            libc::read(ends[0], seized.as_mut_ptr().cast(), 1);
            ends.iter().for_each(|end| assert_eq!(libc::close(*end), 0));
            let tracer = Self(tracer);
            (seized == [1]).then_some(tracer)
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // SAFETY: our own child, unreaped.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

#[test]
fn the_end_of_a_manager_waits_once_for_all_that_do_not_end() {
    let manager = ProcessManager::default();
    let start = || manager.start(command("ticker").containment(Containment::Process)).unwrap();
    let pids: Vec<_> = (0..200).map(|_| start().pid() as libc::pid_t).collect();
    let Some(tracer) = Tracer::of(&pids) else {
        return println!("skipped: this user may not trace");
    };
    let begun = std::time::Instant::now();
    drop(manager);
    // It waits 200 ms. A busy machine may double that some times, but not two hundred times.
    let (took, one_by_one) = (begun.elapsed(), Duration::from_secs(40));
    assert!(took < one_by_one / 2, "{took:?}; one after the other takes {one_by_one:?}");
    drop(tracer);
}
