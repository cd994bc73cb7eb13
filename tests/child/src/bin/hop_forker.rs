//! Children that are hard to catch: each forks, leaves its session and ends, again and again.
//!
//! Usage: hop_forker LINES. Prints "ready" when all lines hop, then stays. The hopping ends by
//! itself after 20 seconds, so that a failing test leaves nothing behind.

use std::time::{Duration, Instant};

use process_manager_child::{fork, say, wait_for_end};

fn main() -> std::io::Result<()> {
    let lines: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(20);
    for _ in 0..lines {
        if fork() == 0 {
            hop(end);
        }
    }
    say("ready");
    wait_for_end()
}

fn hop(end: Instant) -> ! {
    while Instant::now() < end {
        // SAFETY: setsid(2) takes nothing and touches no memory of ours.
        unsafe { libc::setsid() };
        if fork() != 0 {
            break;
        }
    }
    std::process::exit(0)
}
