//! Prints its open descriptors, "NUMBER TARGET" a line, in order, without the one it lists with.
//!
//! Has no Rust runtime start-up, which would open /dev/null where 0, 1 or 2 are closed.
#![no_main]

use std::os::fd::RawFd;

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return 1 };
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<RawFd>().ok();
    let mut numbers: Vec<RawFd> = entries.flatten().filter_map(number).collect();
    numbers.sort_unstable();
    for number in numbers {
        // Gone again: the descriptor that read the directory.
        let Ok(target) = std::fs::read_link(format!("/proc/self/fd/{number}")) else { continue };
        process_manager_child::say(&format!("{number} {}", target.display()));
    }
    0
}
