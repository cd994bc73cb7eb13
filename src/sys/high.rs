//! Descriptors that stay clear of 0, 1 and 2.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::fcntl_dupfd_cloexec;

/// In a host whose 0, 1 or 2 are closed, new descriptors land there. The host would print into
/// them, or put its log in their place, and a start that hands the host's 0, 1, 2 down would hand
/// them to its child. So whatever is kept moves up; where no number is left, it stays.
pub(crate) fn clear_of_stdio(fd: impl Into<OwnedFd>) -> OwnedFd {
    let fd = fd.into();
    if fd.as_raw_fd() > 2 {
        return fd;
    }
    fcntl_dupfd_cloexec(&fd, 3).unwrap_or(fd)
}
