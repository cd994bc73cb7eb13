//! Prints "ready", then "tick N" at every interval (100 ms unless given) until SIGTERM comes;
//! then prints "stopping" as its last words and ends with code 0.

use process_manager_child::{arg_or, limit_life, say};

fn main() {
    let interval: u64 = arg_or(1, 100, "[interval in ms]");
    limit_life();
    let term = block_term();
    say("ready");
    for tick in 0u64.. {
        if wait_for(&term, interval) {
            say("stopping");
            return;
        }
        say(&format!("tick {tick}"));
    }
}

/// Blocks SIGTERM, so that it waits for us instead of ending us in the middle of a line.
fn block_term() -> libc::sigset_t {
    // SAFETY: an all-zero sigset_t is valid; the calls below only fill it and read it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        set
    }
}

fn wait_for(set: &libc::sigset_t, ms: u64) -> bool {
    let seconds = libc::time_t::try_from(ms / 1000).unwrap_or(libc::time_t::MAX);
    let nanos = libc::c_long::try_from(ms % 1000 * 1_000_000).unwrap_or(0);
    let time = libc::timespec { tv_sec: seconds, tv_nsec: nanos };
    // SAFETY: both pointers are to live values that the call only reads; siginfo may be null.
    unsafe { libc::sigtimedwait(set, std::ptr::null_mut(), &time) == libc::SIGTERM }
}
