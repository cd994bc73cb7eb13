//! What the watcher can end, as the host names it.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::protocol::{kind, Record};
use crate::error::{ProcessError, Result};

/// One thing to end. The descriptors are shared with their owner, so that they cost nothing.
#[derive(Debug, Clone)]
pub(crate) enum Registration {
    /// A process group, by the pidfd of its leader.
    Group {
        /// Its number.
        pgid: i32,
        /// Its leader.
        leader: Arc<OwnedFd>,
    },
    /// A cgroup with all that is below it, to be emptied and removed.
    Cgroup(Place),
    /// A directory to be removed with all that is in it.
    Directory(Place),
}

/// A directory entry, held by descriptors so that no rename and no link can redirect it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The directory that the entry is in.
    pub(crate) parent: Arc<OwnedFd>,
    /// Its name there.
    pub(crate) name: OsString,
    /// What the name stands for. For a directory its flock(2) must be free or held through this
    /// very descriptor.
    pub(crate) directory: Arc<OwnedFd>,
}

impl Registration {
    pub(super) fn record(&self, id: u32) -> Result<(Record, Vec<BorrowedFd<'_>>)> {
        match self {
            Self::Group { pgid, leader } => {
                Ok((Record::new(kind::ADD_GROUP, id, &[i64::from(*pgid)]), vec![leader.as_fd()]))
            }
            Self::Cgroup(place) => place.record(kind::ADD_CGROUP, id),
            Self::Directory(place) => place.record(kind::ADD_DIRECTORY, id),
        }
    }
}

impl Place {
    fn record(&self, kind: u16, id: u32) -> Result<(Record, Vec<BorrowedFd<'_>>)> {
        let mut record = Record::new(kind, id, &[]);
        if self.name.is_empty() || self.name.len() > 255 || !record.set_text(self.name.as_bytes()) {
            return Err(ProcessError::invalid("directory name", "must have 1 to 255 bytes"));
        }
        Ok((record, vec![self.parent.as_fd(), self.directory.as_fd()]))
    }
}
