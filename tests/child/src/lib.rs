//! What the helper programs share: arguments with clean errors, whole-line output, bounded lives.
//!
//! Every program is single-threaded, has one behaviour and ends by itself after a few minutes,
//! so that a test that fails leaves nothing on the machine for long.

use std::io::Write;
use std::str::FromStr;

/// Prints `usage: PROGRAM text` on standard error and ends with code 2.
pub fn usage(text: &str) -> ! {
    let program = std::env::args().next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "usage: {name} {text}");
    std::process::exit(2)
}

/// The argument at `index` (1 is the first), or the usage error when it is missing or unreadable.
pub fn arg<T: FromStr>(index: usize, text: &str) -> T {
    let parsed = std::env::args().nth(index).and_then(|value| value.parse().ok());
    parsed.unwrap_or_else(|| usage(text))
}

/// The argument at `index`, `default` when there is none, the usage error when unreadable.
pub fn arg_or<T: FromStr>(index: usize, default: T, text: &str) -> T {
    if std::env::args().nth(index).is_none() {
        return default;
    }
    arg(index, text)
}

/// Writes `bytes` to standard output at once, or ends with code 1 when nobody reads any more.
pub fn put(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(1)
    }
}

/// Writes one line to standard output in a single write(2).
pub fn say(line: &str) {
    put(format!("{line}\n").as_bytes());
}

/// Has the kernel end this process after five minutes, whatever else happens.
pub fn limit_life() {
    // SAFETY: alarm(2) takes a number and touches no memory of ours.
    unsafe { libc::alarm(300) };
}

/// Sleeps until a signal ends the process, five minutes at most.
pub fn wait_for_end() -> ! {
    limit_life();
    loop {
        // SAFETY: pause(2) takes nothing and touches no memory of ours.
        unsafe { libc::pause() };
    }
}

/// fork(2) for single-threaded programs: 0 in the copy, the copy's pid in the original.
pub fn fork() -> i32 {
    // SAFETY: the helper programs have one thread, so the copy's heap and locks are consistent.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        let _ = writeln!(std::io::stderr(), "fork: {}", std::io::Error::last_os_error());
        std::process::exit(1)
    }
    pid
}

/// One step of the FNV-1a hash (64 bits); start with [`FNV_START`].
pub fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The FNV-1a hash of nothing.
pub const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
