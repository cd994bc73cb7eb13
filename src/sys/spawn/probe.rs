//! Whether a clone mode does here what its name says, tried once with a child that does nothing.
//!
//! A sandbox may refuse the call. Worse, valgrind and user-mode emulators accept a vfork-style
//! clone and make a fork of it: then the child's report is lost and a missing program looks
//! started. So the child writes one word, and the word must have arrived when the clone returns.

#![allow(unsafe_code)]

use core::ffi::c_void;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};

use super::clone;
use super::mask::BlockedSignals;
use super::raw::Errno;
use super::stack::Stack;
use super::{child, CloneMode};
use crate::sys::pidfd;

/// Of descriptors, processes, memory: answers that say nothing about the call itself.
const SHORTAGES: [Errno; 4] = [libc::EMFILE, libc::ENFILE, libc::EAGAIN, libc::ENOMEM];

/// True if children made in this mode share memory with their parent, which waits for them.
/// Always true for the fork mode, which needs neither.
///
/// Errors: what the host is short of; nothing is known then.
pub(crate) fn works(mode: CloneMode) -> Result<bool, Errno> {
    let word = AtomicU32::new(0);
    let argument = (&raw const word).cast_mut().cast::<c_void>();
    let stack = Stack::take()?;
    let blocked = BlockedSignals::new();
    // SAFETY: the child only stores to the word, which outlives it, and ends.
    let launched = unsafe {
        match mode {
            CloneMode::Clone3 => clone::clone3(&stack, None, 0, mark, argument),
            CloneMode::Clone => clone::clone(&stack, 0, mark, argument),
            CloneMode::Fork => return Ok(true),
        }
    };
    let arrived = word.load(Ordering::Acquire) == 1;
    drop(blocked);
    match launched {
        Ok(launched) => {
            pidfd::collect(launched.pidfd.as_fd());
            Ok(arrived)
        }
        Err(errno) if SHORTAGES.contains(&errno) => Err(errno),
        Err(_) => Ok(false),
    }
}

unsafe extern "C" fn mark(word: *mut c_void) -> ! {
    // SAFETY: `works` passes a live word.
    unsafe { (*word.cast::<AtomicU32>()).store(1, Ordering::Release) };
    // SAFETY: this is the child.
    unsafe { child::exit() }
}
