//! read(2) into the spare room of a buffer, without zeroing it first.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Reads at most `max` bytes, and at most what the buffer has room for, behind its contents.
pub(crate) fn read_some(fd: BorrowedFd<'_>, buffer: &mut Vec<u8>, max: usize) -> io::Result<usize> {
    let spare = buffer.spare_capacity_mut();
    let size = spare.len().min(max);
    // SAFETY: the spare room is valid for writes of `size` bytes.
    let rc = unsafe { libc::read(fd.as_raw_fd(), spare.as_mut_ptr().cast(), size) };
    let count = usize::try_from(rc).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has written `count` bytes, which is at most the spare room.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}
