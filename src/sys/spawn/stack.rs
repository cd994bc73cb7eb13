//! Stacks for children that share the host's memory, kept for the next start.
//!
//! The pool has no lock: starts never wait for each other, and a host that forks while another
//! thread takes a stack gets a copy that still works. A forked copy has stacks of its own (the
//! mappings are private), so both sides may go on using the pool.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::raw::Errno;
use crate::sys::page;

/// The child's frames are a few hundred bytes each; the rest is never touched and costs nothing.
const SIZE: usize = 64 * 1024;

/// As many as there are usually threads that start at once; others map and unmap.
static POOL: [AtomicPtr<u8>; 8] = [const { AtomicPtr::new(ptr::null_mut()) }; 8];

/// One stack with an unmapped page below it, so that running over is a fault, not corruption.
pub(super) struct Stack {
    lowest: *mut u8,
}

impl Stack {
    /// A stack from the pool, or a new one.
    pub(super) fn take() -> Result<Self, Errno> {
        for slot in &POOL {
            let lowest = slot.swap(ptr::null_mut(), Ordering::AcqRel);
            if !lowest.is_null() {
                return Ok(Self { lowest });
            }
        }
        Self::map()
    }

    /// Its lowest usable address.
    pub(super) fn lowest(&self) -> *mut u8 {
        self.lowest
    }

    /// Its usable size in bytes.
    pub(super) fn size(&self) -> usize {
        SIZE
    }

    /// The address where it starts to grow downwards, aligned for any architecture.
    pub(super) fn top(&self) -> *mut u8 {
        self.lowest.wrapping_add(SIZE)
    }

    fn map() -> Result<Self, Errno> {
        let guard = page::size();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let base =
            unsafe { libc::mmap(ptr::null_mut(), guard + SIZE, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(last_errno());
        }
        let lowest = base.cast::<u8>().wrapping_add(guard);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the range lies within the mapping made above.
        if unsafe { libc::mprotect(lowest.cast(), SIZE, access) } == 0 {
            return Ok(Self { lowest });
        }
        let errno = last_errno();
        unmap(lowest);
        Err(errno)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for slot in &POOL {
            let (done, not) = (Ordering::AcqRel, Ordering::Relaxed);
            if slot.compare_exchange(ptr::null_mut(), self.lowest, done, not).is_ok() {
                return;
            }
        }
        unmap(self.lowest);
    }
}

/// For a stack that nobody runs on any more, or ever did.
fn unmap(lowest: *mut u8) {
    let guard = page::size();
    // SAFETY: the mapping is ours, and not in use.
    unsafe { libc::munmap(lowest.wrapping_sub(guard).cast(), guard + SIZE) };
}

fn last_errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::ENOMEM)
}
