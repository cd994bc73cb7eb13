//! Closing descriptors by the list in /proc/self/fd, where close_range(2) is refused. Child side
//! only. Never by counting up to RLIMIT_NOFILE: that takes minutes where the limit is 1e9.

#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use std::os::fd::RawFd;

use super::descriptors::Kept;
use super::raw::{syscall, Errno};

/// Room for some forty entries of getdents64(2), aligned for them. Not cleared: that would be a
/// call into libc.
type Entries = [MaybeUninit<u64>; 128];

/// Offsets in struct linux_dirent64: its length, its name.
const LENGTH: usize = 16;
const NAME: usize = 19;

/// Closes every open descriptor from 3 on that is not kept.
///
/// # Safety
/// To be called in the child only, with a descriptor table of its own.
pub(super) unsafe fn close_others(kept: &Kept<'_>) -> Result<(), Errno> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    let path = c"/proc/self/fd".as_ptr();
    // SAFETY: the path is static.
    let directory = unsafe { syscall!(SYS_openat, libc::AT_FDCWD, path, flags)? } as RawFd;
    let mut entries: MaybeUninit<Entries> = MaybeUninit::uninit();
    let (start, size) = (entries.as_mut_ptr().cast::<u8>(), core::mem::size_of::<Entries>());
    loop {
        // SAFETY: the buffer is as large as stated.
        let filled = unsafe { syscall!(SYS_getdents64, directory, start, size)? };
        if filled == 0 {
            // SAFETY: no memory is involved.
            return unsafe { syscall!(SYS_close, directory) }.map(drop);
        }
        // SAFETY: the kernel has just filled so many bytes with entries. procfs lists by number
        // and not by position, so closing while reading skips none.
        unsafe { close_listed(start, filled, directory, kept) };
    }
}

unsafe fn close_listed(start: *const u8, filled: usize, directory: RawFd, kept: &Kept<'_>) {
    let end = start.wrapping_add(filled);
    let mut entry = start;
    while entry < end {
        // SAFETY: entries are whole and end within the filled part; names end with NUL.
        let (length, fd) = unsafe {
            (entry.wrapping_add(LENGTH).cast::<u16>().read(), parse(entry.wrapping_add(NAME)))
        };
        if fd >= 3 && fd != directory && !kept.contains(fd) {
            // SAFETY: no memory is involved.
            let _ = unsafe { syscall!(SYS_close, fd) };
        }
        entry = entry.wrapping_add(usize::from(length).max(NAME));
    }
}

/// The number that a NUL-terminated name spells; -1 for "." and "..".
unsafe fn parse(name: *const u8) -> RawFd {
    let mut value: RawFd = 0;
    let mut at = name;
    loop {
        // SAFETY: the caller's string ends with NUL, where this stops.
        match unsafe { at.read() } {
            0 => return value,
            digit @ b'0'..=b'9' => {
                value = value.wrapping_mul(10).wrapping_add(RawFd::from(digit.wrapping_sub(b'0')));
            }
            _ => return -1,
        }
        at = at.wrapping_add(1);
    }
}
