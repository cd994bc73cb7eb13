//! The host's signal mask and dispositions.

use std::time::{Duration, Instant};

use process_manager::{Command, ProcessManager, Stdin};

use super::{run_short, Children, SOON};

/// The mask of this thread and the disposition and flags of every signal.
fn state() -> (Vec<bool>, Vec<(usize, i32)>) {
    // SAFETY: all-zero values are valid; the calls only fill them.
    unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut mask);
        let blocked = (1..=64).map(|signal| libc::sigismember(&mask, signal) == 1).collect();
        let action = |signal| {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &mut action);
            (action.sa_sigaction, action.sa_flags)
        };
        (blocked, (1..=64).map(action).collect())
    }
}

pub fn are_as_before(children: &Children) {
    // SAFETY: blocks one signal in this thread and ignores another: a host may do both.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        libc::signal(libc::SIGUSR2, libc::SIG_IGN);
    }
    let before = state();
    let manager = ProcessManager::default();
    run_short(children, &manager, 1000);
    assert!(manager.start(Command::new("/no/such/program")).is_err());
    assert_eq!(state(), before);
    drop(manager);
    assert_eq!(state(), before);
}

/// What the library's own thread blocks; a new thread takes its name when it first runs.
fn blocked_by_the_thread() -> Option<u64> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc is mounted").flatten();
    let statuses =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok());
    let status = statuses.into_iter().find(|status| status.starts_with("Name:\tpm-reactor\n"))?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// A signal that is meant for the host is not taken by a thread that does not know it.
pub fn the_thread_takes_none(children: &Children) {
    let manager = ProcessManager::default();
    let _runner = manager.start(children.command("ticker")).expect("starts");
    let until = Instant::now() + Duration::from_secs(20);
    let mut blocked = blocked_by_the_thread();
    while blocked.is_none() && Instant::now() < until {
        std::thread::yield_now();
        blocked = blocked_by_the_thread();
    }
    // KILL and STOP cannot be blocked, and libc keeps 32 and 33 for itself.
    let cannot = 1 << 8 | 1 << 18 | 1 << 31 | 1 << 32;
    assert_eq!(blocked.expect("a thread") | cannot, u64::MAX);
}

pub fn sigpipe_at_default(children: &Children) {
    // SAFETY: Rust ignores SIGPIPE at start; a C host has it at its default.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let manager = ProcessManager::default();
    let runner = manager.start(children.command("close_stdin_early").stdin(Stdin::Pipe));
    let runner = runner.expect("starts");
    let mut stream = runner.get_output_stream();
    assert_eq!(stream.next_blocking(SOON).expect("a line").as_deref(), Some("closed"));
    let refused = runner.write_stdin_blocking(b"x", SOON).expect_err("nobody reads");
    assert_eq!(refused.errno(), Some(libc::EPIPE));
}
