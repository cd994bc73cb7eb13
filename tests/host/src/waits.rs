//! Hosts that take the library's children away, or make the kernel do so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use process_manager::{Containment, DropPolicy, ExitStatus, ProcessManager, ProcessStatus};

use super::{Children, SOON};

/// A status that somebody else took is known from kernel 6.15 on, and "unknown" before; never a
/// guess, never a hang.
fn check(children: &Children, count: usize) {
    let manager = ProcessManager::default();
    for _ in 0..count {
        let runner = manager.start(children.command("exit_code").arg("7")).expect("starts");
        let exit = runner.wait_blocking(SOON).expect("ends");
        assert!(matches!(exit, ExitStatus::Code(7) | ExitStatus::Unknown), "{exit}");
        assert_eq!(runner.status(), ProcessStatus::Failed);
    }
    let runner = manager.start(children.command("ticker")).expect("starts");
    assert_eq!(runner.get_output_stream().lines().next().as_deref(), Some("ready"));
    runner.stop_blocking(None).expect("stops");
    assert_eq!(runner.status(), ProcessStatus::Stopped);
}

pub fn sigchld_ignored(children: &Children) {
    // SAFETY: the host's own choice of disposition.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    check(children, 50);
}

pub fn thief_thread(children: &Children) {
    let over = Arc::new(AtomicBool::new(false));
    let seen = over.clone();
    let thief = std::thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            // SAFETY: waits for any child of this program, which a library must bear.
            unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) };
            std::thread::yield_now();
        }
    });
    check(children, 200);
    over.store(true, Ordering::Relaxed);
    thief.join().expect("the thief ends");
}

/// The host has reaped the child before the library looks.
pub fn host_reaps_first(children: &Children) {
    let manager = ProcessManager::default();
    for _ in 0..50 {
        let runner = manager.start(children.command("exit_code").arg("7")).expect("starts");
        // SAFETY: waits for a child of this program; the library may be faster.
        unsafe { libc::waitpid(runner.pid() as i32, std::ptr::null_mut(), 0) };
        let exit = runner.wait_blocking(SOON).expect("ends");
        assert!(matches!(exit, ExitStatus::Code(7) | ExitStatus::Unknown), "{exit}");
    }
}

/// What was left to itself must not stay a zombie: the next start collects it.
pub fn detached_ends_are_collected(children: &Children) {
    let manager = ProcessManager::default();
    for level in [Containment::Group, Containment::Guard] {
        let command = children.command("ticker").on_drop(DropPolicy::Detach).containment(level);
        let runner = manager.start(command).expect("starts");
        assert_eq!(runner.get_output_stream().lines().next().as_deref(), Some("ready"));
        let (id, pid) = (runner.id(), runner.pid() as i32);
        drop(runner);
        drop(manager.take_process(id).expect("is there"));
        // SAFETY: our own child, or our guard's; waiting for its end without collecting it.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    wait_for_zombies();
    let runner = manager.start(children.command("exit_code").arg("0")).expect("starts");
    runner.closed_blocking(SOON).expect("closes");
    drop((runner, manager));
    // SAFETY: asks for any child without waiting; none may be left unreaped.
    let left = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    assert_eq!(left, -1, "a zombie is left");
}

/// Waits until every child has ended, and leaves all of them uncollected.
fn wait_for_zombies() {
    let tasks = format!("/proc/self/task/{}/children", std::process::id());
    for pid in std::fs::read_to_string(tasks).unwrap_or_default().split_whitespace() {
        let pid: libc::id_t = pid.parse().expect("a number");
        // SAFETY: the structure is plain data that the call fills.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(libc::P_PID, pid, &mut info, libc::WEXITED | libc::WNOWAIT);
        }
    }
}
