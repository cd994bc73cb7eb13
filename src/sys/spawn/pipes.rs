//! Pipes whose host end does not block, and descriptors that stay clear of 0, 1 and 2.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{fcntl_setfl, OFlags};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{pipe_with, PipeFlags};

use super::raw::Errno;
use crate::sys::guarded::ForkGuarded;

/// A pipe (read end, write end) whose read end is the host's. The two ends are two open file
/// descriptions, so the child's end stays blocking.
pub(crate) fn read_nonblocking() -> Result<(ForkGuarded, ForkGuarded), Errno> {
    let (read_end, write_end) = pipe()?;
    set_nonblocking(&read_end)?;
    Ok((read_end, write_end))
}

/// A pipe (read end, write end) whose write end is the host's.
pub(crate) fn write_nonblocking() -> Result<(ForkGuarded, ForkGuarded), Errno> {
    let (read_end, write_end) = pipe()?;
    set_nonblocking(&write_end)?;
    Ok((read_end, write_end))
}

/// In a host whose 0, 1 or 2 are closed, new descriptors land there, and a start on another
/// thread that hands the host's 0, 1, 2 down would hand ours to its child. So they move up;
/// where no number is left, they stay.
pub(crate) fn clear_of_stdio(fd: OwnedFd) -> OwnedFd {
    if fd.as_raw_fd() > 2 {
        return fd;
    }
    fcntl_dupfd_cloexec(&fd, 3).unwrap_or(fd)
}

/// Neither end may be in a copy that is forked during the start: it would keep the child from the
/// end of its input, or us from that of its output.
fn pipe() -> Result<(ForkGuarded, ForkGuarded), Errno> {
    let [read_end, write_end] = ForkGuarded::make(|| {
        pipe_with(PipeFlags::CLOEXEC).map(|(read, write)| [read, write].map(clear_of_stdio))
    })
    .map_err(|error| error.raw_os_error())?;
    Ok((read_end, write_end))
}

fn set_nonblocking(fd: &ForkGuarded) -> Result<(), Errno> {
    fcntl_setfl(fd, OFlags::NONBLOCK).map_err(|e| e.raw_os_error())
}
