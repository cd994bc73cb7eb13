//! Closes its standard input without reading it, prints "closed" and stays.

fn main() {
    // SAFETY: nothing here uses descriptor 0 afterwards.
    unsafe { libc::close(0) };
    process_manager_child::say("closed");
    process_manager_child::wait_for_end()
}
