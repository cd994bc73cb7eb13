//! The size of a page of memory, which is also what pipes are counted in.

#![allow(unsafe_code)]

/// In bytes. Asked from libc: rustix reads the auxiliary vector itself and crashes under valgrind.
pub(crate) fn size() -> usize {
    // SAFETY: no memory is involved.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
