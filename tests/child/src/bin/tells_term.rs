//! Prints "ready", then "told" at each SIGTERM, and stays until its standard input ends.

use std::io::Read;

fn main() -> std::io::Result<()> {
    process_manager_child::limit_life();
    // SAFETY: the handler makes one system call; signal(2) has what it interrupts begun anew.
    unsafe { libc::signal(libc::SIGTERM, tell as *const () as libc::sighandler_t) };
    process_manager_child::say("ready");
    std::io::stdin().lock().read_to_end(&mut Vec::new()).map(drop)
}

extern "C" fn tell(_: libc::c_int) {
    // SAFETY: write(2) may be called from a handler.
    unsafe { libc::write(1, c"told\n".as_ptr().cast(), 5) };
}
