//! Blocks every signal of the calling thread for the time of a clone.
//!
//! A child that shares the host's memory must not run the host's signal handlers. libc's calls
//! leave its own signals (32 and 33) out of the mask, so this uses the kernel's call, and puts
//! back exactly what it found.

#![allow(unsafe_code)]

use super::raw::syscall;

/// One bit for each of the 64 signals.
pub(super) const SIGSET_SIZE: usize = 8;

/// All signals are blocked while this lives; dropping it restores the thread's mask.
pub(super) struct BlockedSignals {
    previous: u64,
}

impl BlockedSignals {
    /// Blocks all signals of this thread.
    pub(super) fn new() -> Self {
        Self { previous: exchange_mask(u64::MAX) }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        exchange_mask(self.previous);
    }
}

/// Sets the thread's mask and returns the one before. Cannot fail: the arguments are valid.
#[inline(always)]
pub(super) fn exchange_mask(mask: u64) -> u64 {
    let mut previous = 0u64;
    let (new, old) = (&raw const mask, &raw mut previous);
    // SAFETY: both point to live masks of the size that is given.
    let _ = unsafe { syscall!(SYS_rt_sigprocmask, libc::SIG_SETMASK, new, old, SIGSET_SIZE) };
    previous
}
