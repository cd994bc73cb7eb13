//! A descriptor that a foreign caller names by its number, as C and Python do.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// A duplicate that only this process has (close-on-exec), so that the caller may close its own.
/// A number that is not open gives EBADF. Any thread.
pub(crate) fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: not negative, and used for one call only, which fails if nothing is open there.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
}
