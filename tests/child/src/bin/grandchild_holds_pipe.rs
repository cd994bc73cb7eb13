//! Leaves a grandchild that holds standard output and error, prints "grandchild PID" and ends
//! with code 0. The grandchild stays until a signal ends it.

use process_manager_child::{fork, say, wait_for_end};

fn main() {
    let pid = fork();
    if pid == 0 {
        wait_for_end();
    }
    say(&format!("grandchild {pid}"));
}
