//! Prints the monotonic clock in nanoseconds, one line at every interval in ms, COUNT times.

use process_manager_child::{arg, say};

fn main() {
    const USAGE: &str = "INTERVAL-MS COUNT";
    let interval = std::time::Duration::from_millis(arg(1, USAGE));
    let count: u64 = arg(2, USAGE);
    for _ in 0..count {
        std::thread::sleep(interval);
        say(&now().to_string());
    }
}

fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec to a live value.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
