//! Hosts that take the library's children away, or make the kernel do so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use process_manager::{ExitStatus, ProcessManager, ProcessStatus};

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
