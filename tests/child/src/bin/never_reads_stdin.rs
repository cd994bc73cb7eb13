//! Prints "ready" and stays, its standard input open and never read.

fn main() {
    process_manager_child::say("ready");
    process_manager_child::wait_for_end()
}
