//! Starting a thread that takes none of the host's signals.

#![allow(unsafe_code)]

use std::io;
use std::thread::{Builder, JoinHandle};

/// Restores the calling thread's signal mask.
struct Restore(libc::sigset_t);

impl Drop for Restore {
    fn drop(&mut self) {
        // SAFETY: the set was filled in by the kernel; no old set is asked for.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}

fn block_all() -> Restore {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut old = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigfillset initialises the first set before pthread_sigmask reads it; with valid
    // arguments neither fails, and the second set is valid as zeroes anyhow.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
        Restore(old.assume_init())
    }
}

/// Starts a thread with all signals blocked: it inherits the mask, so there is no moment in which
/// it could take one. The caller's mask is as before when this returns.
pub(crate) fn spawn_deaf(
    builder: Builder,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let _restore = block_all();
    builder.spawn(body)
}
