//! The library's threads, and the host's threads that use it at once.

use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use process_manager::{
    Command, Containment, EventKind, EventStream, ExitStatus, ProcessError, ProcessManager,
    ProcessRunner, RunOptions,
};

use super::{Children, SOON};

fn count() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc is mounted").count()
}

/// The kernel lists a thread for a moment after it was joined.
fn assert_alone(what: &str) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while count() != 1 && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(count(), 1, "{what}");
}

pub fn none_before_and_after(children: &Children) {
    for _ in 0..20 {
        let manager = ProcessManager::default();
        assert_eq!(count(), 1, "a thread before the first process");
        let runner = manager.start(children.command("ticker")).expect("starts");
        assert_eq!(count(), 2, "one thread for all");
        runner.stop_blocking(None).expect("stops");
        drop((runner, manager));
        assert_alone("a thread after the last handle");
    }
}

/// The same without a manager.
pub fn none_without_a_manager(children: &Children) {
    for _ in 0..20 {
        let start = || ProcessRunner::start_command(children.command("ticker")).expect("starts");
        let (first, second) = (start(), start());
        drop(first);
        assert_eq!(count(), 2, "one thread for all");
        drop(second);
        assert_alone("a thread after the last handle");
    }
}

/// A reader that outlives the handles ends the engine when it goes, whatever is unread.
pub fn none_after_the_last_reader(children: &Children) {
    for _ in 0..50 {
        let manager = ProcessManager::default();
        let runner = manager.start(children.command("ticker").arg("1")).expect("starts");
        let mut stream = runner.get_output_stream();
        assert_eq!(stream.next_blocking(SOON).expect("a line").as_deref(), Some("ready"));
        drop((runner, manager));
        drop(stream);
        assert_alone("a thread after the last reader");
    }
}

/// Who runs a process to its end waits for it, and drives the engine meanwhile.
pub fn none_for_a_run(_: &Children) {
    let manager = ProcessManager::default();
    for _ in 0..20 {
        let listing = || {
            let script = "ls /proc/$0/task | wc -l";
            Command::new("/bin/sh").args(["-c", script, &std::process::id().to_string()])
        };
        let alone = listing().run(RunOptions::default()).expect("runs");
        let managed = manager.run(listing(), RunOptions::default()).expect("runs");
        assert_eq!(
            (alone.stdout.as_slice(), managed.stdout.as_slice()),
            (&b"1\n"[..], &b"1\n"[..])
        );
        assert_eq!(count(), 1, "a thread after a run");
    }
}

/// An extracted program's directory outlives the run, and somebody sees to its watcher.
pub fn one_for_a_directory(children: &Children) {
    let manager = ProcessManager::default();
    let program = std::fs::read(children.0.join("exit_code")).expect("is built");
    manager.extractor().add_binary("exit_code", &program).expect("is extracted");
    manager.run(Command::binary("exit_code").arg("0"), RunOptions::default()).expect("runs");
    assert_eq!(count(), 2, "nobody notices a watcher that was killed");
    drop(manager);
    assert_alone("a thread after the last handle");
}

/// A run that gives up leaves output that a descendant holds: the thread sees to that.
pub fn one_for_what_a_run_leaves(_: &Children) {
    let manager = ProcessManager::default();
    let mut events = manager.events().expect("events");
    // A thread that polls is expected back; this one does not come.
    manager.poll_ready(Some(Duration::ZERO)).expect("polls");
    // What sleeps has left the group: the kill does not reach it, and it holds the pipes.
    let command = Command::new("/bin/sh").args(["-c", "setsid sleep 1000 & echo $!; wait"]);
    let command = command.containment(Containment::Group);
    let options = RunOptions { timeout: Some(Duration::from_millis(300)), ..Default::default() };
    let Err(ProcessError::RunFailed(error)) = manager.run(command, options) else {
        panic!("it did not take too long");
    };
    let sleeper: i32 = String::from_utf8_lossy(&error.output.stdout).trim().parse().expect("a pid");
    await_close(&mut events);
    // SAFETY: the process was started here.
    unsafe { libc::kill(sleeper, libc::SIGKILL) };
}

/// Only looks: it is somebody else who drives.
fn await_close(events: &mut EventStream) {
    let until = Instant::now() + Duration::from_secs(60);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match events.poll_event(&mut context) {
            Poll::Ready(Some(event)) if event.kind == EventKind::Closed => return,
            Poll::Ready(event) => assert!(event.is_some(), "the manager has gone"),
            Poll::Pending => std::thread::yield_now(),
        }
        assert!(Instant::now() < until, "nobody closes what the run has left");
    }
}

pub fn eight_at_once(children: &Children) {
    let manager = ProcessManager::default();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for code in 0..50 {
                    let command = children.command("exit_code").arg(code.to_string());
                    let runner = manager.start(command).expect("starts");
                    let exit = runner.wait_blocking(SOON).expect("ends");
                    assert_eq!(exit, ExitStatus::Code(code));
                }
            });
        }
    });
}

/// Voluntary context switches of all threads: an idle library makes none.
fn switches() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc is mounted");
    let of_task = |task: std::io::Result<std::fs::DirEntry>| {
        let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    tasks.filter_map(of_task).sum()
}

/// The pause is the subject here: what the library does while nothing happens.
pub fn idle_costs_nothing(children: &Children) {
    let manager = ProcessManager::default();
    let runners: Vec<_> =
        (0..20).map(|_| manager.start(children.command("ignore_term")).expect("starts")).collect();
    for runner in &runners {
        assert_eq!(runner.get_output_stream().lines().next().as_deref(), Some("ready"));
    }
    let switches_in_two_seconds = |_| {
        let before = switches();
        std::thread::sleep(std::time::Duration::from_secs(2));
        switches().saturating_sub(before)
    };
    // What the starts have begun is over at some time. Our own sleep is one switch.
    let counts: Vec<u64> = (0..5).map(switches_in_two_seconds).take_while(|n| *n > 2).collect();
    assert!(counts.len() < 5, "wake-ups while idle: {counts:?}");
}
