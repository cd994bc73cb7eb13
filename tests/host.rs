//! The host is left alone: threads, signals, wake-ups and forked copies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::{command, line, start, threads, SOON};
use process_manager::{ProcessError, ProcessRunner, Stdin};

/// The tests of this file look at the whole process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cat() -> ProcessRunner {
    let runner = start(command("cat").stdin(Stdin::Pipe));
    runner.write_stdin_blocking(b"ready\n", SOON).unwrap();
    assert_eq!(line(&mut runner.get_output_stream()), "ready");
    runner
}

fn has_thread() -> bool {
    threads().iter().any(|name| name == "pm-reactor")
}

/// A new thread takes its name when it first runs.
fn wait_for_thread() {
    while !has_thread() {
        std::thread::yield_now();
    }
}

/// The kernel lists a thread for a moment after it was joined.
fn wait_for_no_thread() {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while has_thread() {
        assert!(std::time::Instant::now() < until, "the thread stays");
        std::thread::yield_now();
    }
}

/// A field of the thread's (or, without a name, this thread's) status.
fn status(thread: &str, field: &str) -> String {
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        let status = std::fs::read_to_string(path.join("status")).unwrap_or_default();
        if status.starts_with(&format!("Name:\t{thread}\n")) {
            let line = status.lines().find(|line| line.starts_with(field)).unwrap();
            return line[field.len() + 1..].trim().to_owned();
        }
    }
    panic!("no thread {thread}");
}

#[test]
fn the_thread_comes_with_the_first_process_and_goes_with_the_last_handle() {
    let _alone = alone();
    assert!(!has_thread());
    for _ in 0..20 {
        let (first, second) = (cat(), cat());
        wait_for_thread();
        drop(first);
        assert!(has_thread());
        drop(second);
        wait_for_no_thread();
    }
}

#[test]
fn the_thread_takes_no_signals_and_the_hosts_mask_stays() {
    let _alone = alone();
    let name = std::thread::current().name().unwrap()[..15].to_owned();
    let before = status(&name, "SigBlk:");
    let _runner = cat();
    wait_for_thread();
    let blocked = u64::from_str_radix(&status("pm-reactor", "SigBlk:"), 16).unwrap();
    // KILL and STOP cannot be blocked, and libc keeps 32 and 33 for itself.
    let cannot = 1 << 8 | 1 << 18 | 1 << 31 | 1 << 32;
    assert_eq!(blocked | cannot, u64::MAX);
    assert_eq!(status(&name, "SigBlk:"), before);
}

#[test]
fn an_idle_process_wakes_nobody() {
    let _alone = alone();
    let runner = cat();
    wait_for_thread();
    let sleeps = || status("pm-reactor", "voluntary_ctxt_switches:");
    // The wait is longer than the lease that runs when it begins.
    let _ = runner.wait_blocking(Some(Duration::from_millis(100)));
    let before = sleeps();
    assert!(runner.wait_blocking(Some(Duration::from_millis(300))).is_err());
    let after = sleeps();
    let woken = after.parse::<u64>().unwrap() - before.parse::<u64>().unwrap();
    assert!(woken <= 1, "the thread woke {woken} times, not for the end of one lease only");
}

/// Runs `body` in a forked copy, and returns its answer while the copy still lives.
fn fork(body: impl FnOnce() -> bool) -> Copy {
    let mut ends = [0; 2];
    // SAFETY: a plain pipe; the copy writes one byte, waits to be killed and runs no destructor.
    unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        let pid = libc::fork();
        if pid == 0 {
            let answer = [u8::from(body())];
            libc::write(ends[1], answer.as_ptr().cast(), 1);
            loop {
                libc::pause();
            }
        }
        let copy = Copy(pid);
        let mut answer = [2u8];
        libc::close(ends[1]);
        libc::read(ends[0], answer.as_mut_ptr().cast(), 1);
        libc::close(ends[0]);
        assert_eq!(answer, [1], "in the copy");
        copy
    }
}

struct Copy(libc::pid_t);

impl Drop for Copy {
    fn drop(&mut self) {
        // SAFETY: our own child, not waited for yet.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

#[test]
fn a_forked_copy_owns_nothing_and_holds_no_pipe() {
    let _alone = alone();
    let runner = cat();
    let copy = {
        let runner = runner.clone();
        fork(move || {
            let refused = matches!(runner.signal(libc::SIGTERM), Err(ProcessError::Forked));
            let waited = matches!(runner.wait_blocking(None), Err(ProcessError::Forked));
            drop(runner);
            refused && waited
        })
    };
    // The copy lives: if it held the writing end, cat would never see the end of its input.
    runner.close_stdin().unwrap();
    let exit = runner.wait_blocking(SOON).unwrap();
    assert_eq!(exit.code(), Some(0));
    drop(copy);
}

#[test]
fn a_forked_copy_starts_processes_of_its_own() {
    let _alone = alone();
    let runner = cat();
    let copy = fork(|| {
        let own = start(command("exit_code").arg("3"));
        wait_for_thread();
        own.wait_blocking(SOON).is_ok_and(|exit| exit.code() == Some(3))
    });
    drop(copy);
    runner.close_stdin().unwrap();
    assert_eq!(runner.wait_blocking(SOON).unwrap().code(), Some(0));
}
