//! Says nothing for the time given (500 ms), then prints "ready" and stays.

fn main() {
    let ms: u64 = process_manager_child::arg_or(1, 500, "[ms]");
    process_manager_child::limit_life();
    std::thread::sleep(std::time::Duration::from_millis(ms));
    process_manager_child::say("ready");
    process_manager_child::wait_for_end()
}
