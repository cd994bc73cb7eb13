//! What only the tests ask of cgroups.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Instant;

use super::{files, Cgroup, Subtree};

impl Cgroup {
    /// Stops (true) or continues (false) every process in it, without any of them seeing a signal.
    pub(super) fn freeze(&self, frozen: bool) -> io::Result<()> {
        self.spend();
        files::write(self.directory()?, "cgroup.freeze", if frozen { "1" } else { "0" })
    }

    /// Waits until no process is left. False: the deadline passed first.
    pub(super) fn wait_empty(&self, deadline: Instant) -> io::Result<bool> {
        self.events()?.wait_empty(deadline)
    }

    /// Its name in the subtree.
    pub(super) fn name(&self) -> OsString {
        let name = self.held.as_ref().map(|held| held.name.to_bytes().to_vec());
        OsString::from_vec(name.unwrap_or_default())
    }
}

impl Subtree {
    /// How many cgroups are in it.
    pub(crate) fn children(&self) -> usize {
        files::children(self.directory()).map_or(0, |names| names.len())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        let link = format!("/proc/self/fd/{}", self.directory().as_raw_fd());
        std::fs::read_link(link).unwrap_or_default()
    }
}
