//! Prints the signals it finds blocked, ignored and caught at its start: "blocked N…", "ignored
//! N…" and "caught N…", the numbers in order.
//!
//! Has no Rust runtime start-up, which would change some of them.
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 1 };
    for (field, word) in [("SigBlk:", "blocked"), ("SigIgn:", "ignored"), ("SigCgt:", "caught")] {
        let hex = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("");
        let Ok(bits) = u64::from_str_radix(hex.trim(), 16) else { return 1 };
        let numbers = (0..64).filter(|bit| bits >> bit & 1 == 1);
        let text: String = numbers.map(|bit| format!(" {}", bit + 1)).collect();
        process_manager_child::say(&format!("{word}{text}"));
    }
    0
}
