//! Writing to a pipe without ever raising SIGPIPE in the host.
//!
//! A C host has SIGPIPE at its default, which ends it; the library must not change dispositions.
//! So the signal is blocked in this thread for the write, and the one the write raised is taken
//! back before the mask is restored (pthread_sigmask(3), sigtimedwait(2)).

#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

/// write(2) that answers `EPIPE` and leaves no signal behind.
pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let pipe = sigpipe_set();
    let before = block(&pipe);
    let was_pending = is_pending();
    // SAFETY: the slice is valid for reads of its length during the call.
    let rc = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
    let result = usize::try_from(rc).map_err(|_| io::Error::last_os_error());
    let broken = matches!(&result, Err(error) if error.raw_os_error() == Some(libc::EPIPE));
    if broken && !was_pending {
        take(&pipe);
    }
    restore(&before);
    result
}

fn sigpipe_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set that sigaddset then changes.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}

fn block(set: &libc::sigset_t) -> libc::sigset_t {
    let mut before = sigpipe_set();
    // SAFETY: both sets are initialised; only this thread's mask changes.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set, &mut before) };
    before
}

fn restore(before: &libc::sigset_t) {
    // SAFETY: the set came from pthread_sigmask of this thread.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
}

fn is_pending() -> bool {
    let mut pending = sigpipe_set();
    // SAFETY: sigpending fills the set; sigismember reads it.
    unsafe {
        libc::sigpending(&mut pending) == 0 && libc::sigismember(&pending, libc::SIGPIPE) == 1
    }
}

fn take(set: &libc::sigset_t) {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set is initialised, a null siginfo is allowed.
    unsafe { libc::sigtimedwait(set, std::ptr::null_mut(), &now) };
}
