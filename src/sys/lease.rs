//! Asks the kernel whether anybody has a file open for writing. Called by the extractor, on the
//! thread that adds a binary.
//!
//! A read lease is granted only while the inode's count of writers is zero (fcntl(2), F_SETLEASE),
//! and that count is exactly what makes execve(2) answer ETXTBSY. The lease is given back at once.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// fcntl(2): which signal tells of a broken lease. The libc crate lacks it.
const F_SETSIG: libc::c_int = 10;

/// Whether some open file description, here or in any other process, can write to the file
/// behind `fd`, which must be open for reading only.
///
/// Errors: where leases are not to be had (network file systems, `fs.leases-enable` 0).
pub(crate) fn has_writer(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // Somebody who opens the file for writing while the lease stands would make the kernel send
    // SIGIO, which ends a process by default; SIGURG is ignored by default.
    control(fd, F_SETSIG, libc::SIGURG)?;
    match control(fd, libc::F_SETLEASE, libc::F_RDLCK as libc::c_int) {
        Ok(()) => control(fd, libc::F_SETLEASE, libc::F_UNLCK as libc::c_int).map(|()| false),
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(true),
        Err(error) => Err(error),
    }
}

fn control(fd: BorrowedFd<'_>, command: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: these fcntl commands take an integer and touch no memory of ours; the descriptor
    // is open for the duration of the borrow.
    match unsafe { libc::fcntl(fd.as_raw_fd(), command, value) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
