//! Ignores SIGTERM, prints "ready" and stays until something stronger comes.

fn main() {
    // SAFETY: SIG_IGN is a valid disposition for SIGTERM.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    process_manager_child::say("ready");
    process_manager_child::wait_for_end()
}
