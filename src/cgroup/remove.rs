//! Removing cgroups bottom-up: a child that uses this library leaves some of its own below.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{unlinkat, AtFlags};
use rustix::io::Errno;

use super::files;

const MOST_LEVELS: usize = 32;

/// Removes the cgroup `name` and all below it.
///
/// Errors: `ResourceBusy` while a process is left in it.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    remove_below(parent, name, MOST_LEVELS)
}

fn remove_below(parent: BorrowedFd<'_>, name: &CStr, levels: usize) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::BUSY | Errno::NOTEMPTY) if levels > 0 => {}
        Err(error) => return Err(error.into()),
    }
    let directory = files::open_directory(parent, name)?;
    for child in files::children(directory.as_fd())? {
        remove_below(directory.as_fd(), &child, levels - 1)?;
    }
    Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}
