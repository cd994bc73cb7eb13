//! The child's descriptors: each source into its place, everything else closed. Child side only.
//!
//! Works for any state of the host's 0, 1 and 2 and for any overlap of sources and targets: a
//! source that stands where another one is to go is first duplicated to a free number that is
//! nobody's target. After that no placement can overwrite a source.

#![allow(unsafe_code)]

use std::os::fd::RawFd;

use super::child::step;
use super::plan::{Failure, Mapping, Plan};
use super::proc_fds;
use super::raw::{syscall, Errno};
use crate::error::StartStep;

/// Where the descriptors that are not for the program have gone.
pub(super) struct Placed {
    /// The pipe for errors, -1 for none. Closed by exec.
    pub(super) error_fd: RawFd,
    /// The descriptor to execute, -1 for none.
    pub(super) exec_fd: RawFd,
}

/// Brings all descriptors into their places and closes all others.
///
/// # Safety
/// To be called in the child only, with a descriptor table of its own.
pub(super) unsafe fn place(plan: &Plan<'_>, error_fd: RawFd) -> Result<Placed, Failure> {
    let exec = plan.exec_fd.as_ref();
    let mappings = plan.mappings;
    // SAFETY: only this process's table is changed.
    unsafe {
        step(StartStep::Descriptors, move_sources(mappings))?;
        let error_fd = step(StartStep::Descriptors, move_away(error_fd, mappings))?;
        let exec_fd = exec.map_or(-1, |exec| exec.fd.get());
        let exec_fd = step(StartStep::Descriptors, move_away(exec_fd, mappings))?;
        if exec.is_some_and(|exec| exec.keep) {
            step(StartStep::Descriptors, survive_exec(exec_fd))?;
        }
        for mapping in mappings.iter() {
            let detail = mapping.target as u32;
            let failed = |errno| Failure { step: StartStep::Descriptors, errno, detail };
            put(mapping).map_err(failed)?;
        }
        let kept = Kept { mappings, others: [error_fd, exec_fd] };
        step(StartStep::Descriptors, close_others(&kept))?;
        Ok(Placed { error_fd, exec_fd })
    }
}

unsafe fn move_sources(mappings: &[Mapping]) -> Result<(), Errno> {
    for mapping in mappings.iter().filter(|mapping| mapping.source.get() != mapping.target) {
        // SAFETY: this is the child.
        let moved = unsafe { move_away(mapping.source.get(), mappings)? };
        mapping.source.set(moved);
    }
    Ok(())
}

/// A duplicate of `fd` that stands on nobody's target, or `fd` itself where it does not.
unsafe fn move_away(fd: RawFd, mappings: &[Mapping]) -> Result<RawFd, Errno> {
    let mut moved = fd;
    while mappings.iter().any(|mapping| mapping.target == moved) {
        // A free number may be a target too: look further up. What was found stays open until
        // its target is put there, so the search cannot find it again.
        let lowest = moved.wrapping_add(1).max(3);
        // SAFETY: no memory is involved.
        moved = unsafe { syscall!(SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, lowest)? } as RawFd;
    }
    Ok(moved)
}

/// dup3 refuses to duplicate onto itself, and would keep close-on-exec.
unsafe fn put(mapping: &Mapping) -> Result<(), Errno> {
    let (source, target) = (mapping.source.get(), mapping.target);
    if source == target {
        // SAFETY: no memory is involved.
        return unsafe { survive_exec(source) };
    }
    // SAFETY: no memory is involved.
    unsafe { syscall!(SYS_dup3, source, target, 0) }.map(drop)
}

unsafe fn survive_exec(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall!(SYS_fcntl, fd, libc::F_SETFD, 0) }.map(drop)
}

/// The descriptors that stay open until exec.
pub(super) struct Kept<'a> {
    mappings: &'a [Mapping],
    others: [RawFd; 2],
}

impl Kept<'_> {
    /// The lowest one that is not below `from`.
    #[inline(always)]
    fn next(&self, from: RawFd) -> Option<RawFd> {
        let targets = self.mappings.iter().map(|mapping| mapping.target);
        targets.chain(self.others.iter().copied()).filter(|fd| *fd >= from).min()
    }

    /// Whether `fd` is among them.
    #[inline(always)]
    pub(super) fn contains(&self, fd: RawFd) -> bool {
        self.next(fd) == Some(fd)
    }
}

/// close_range(2) over the gaps; where a sandbox refuses that, one by one from /proc.
unsafe fn close_others(kept: &Kept<'_>) -> Result<(), Errno> {
    // SAFETY: this is the child.
    unsafe {
        match close_gaps(kept) {
            Err(libc::ENOSYS | libc::EPERM | libc::EINVAL) => proc_fds::close_others(kept),
            result => result,
        }
    }
}

unsafe fn close_gaps(kept: &Kept<'_>) -> Result<(), Errno> {
    let mut first = 3;
    while let Some(next) = kept.next(first) {
        if next > first {
            // SAFETY: no memory is involved.
            unsafe { syscall!(SYS_close_range, first, next.wrapping_sub(1), 0)? };
        }
        first = next.wrapping_add(1);
    }
    // SAFETY: no memory is involved.
    unsafe { syscall!(SYS_close_range, first, u32::MAX, 0) }.map(drop)
}
