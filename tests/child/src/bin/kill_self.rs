//! Ends itself by the signal given, with that signal's default action and no core file.

use process_manager_child::{arg, usage, wait_for_end};

fn main() {
    const USAGE: &str = "SIGNAL (a number, 1 to 64)";
    let signal: i32 = arg(1, USAGE);
    if !(1..=64).contains(&signal) {
        usage(USAGE);
    }
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is a live value that is only read; the rest takes numbers.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    wait_for_end() // a signal whose default action ends nothing (CHLD, CONT, …)
}
