//! Pipes whose host end does not block.

use rustix::fs::{fcntl_setfl, OFlags};
use rustix::pipe::{pipe_with, PipeFlags};

use super::raw::Errno;
use crate::sys::guarded::ForkGuarded;
use crate::sys::high::clear_of_stdio;

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
