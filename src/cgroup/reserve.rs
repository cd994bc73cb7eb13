//! Descriptors kept back for ending processes, in a host that has used up all it may have.
//!
//! A host that is out of descriptors gets some by ending processes; that must not take any.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::io::{fcntl_dupfd_cloexec, Errno};

/// A cgroup's directory, a file in it, and two to hold members by.
const KEPT: usize = 4;

/// The descriptors; duplicates of one that stays open anyway.
#[derive(Debug)]
pub(super) struct Reserve {
    kept: Mutex<Vec<OwnedFd>>,
}

impl Reserve {
    pub(super) fn new(of: impl AsFd) -> Self {
        let reserve = Self { kept: Mutex::default() };
        fill(&mut reserve.kept.lock().unwrap_or_else(PoisonError::into_inner), &of);
        reserve
    }

    /// Makes a call; if that fails for want of a descriptor, makes it again with the reserve given
    /// up for as long as it takes. Another thread of the host may take what is given up.
    pub(super) fn lend<T>(
        &self,
        of: impl AsFd,
        mut call: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        match call() {
            Err(error) if is_exhaustion(&error) => {}
            answer => return answer,
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
        let answer = call();
        fill(&mut kept, &of);
        answer
    }
}

/// What cannot be had now may be had the next time.
fn fill(kept: &mut Vec<OwnedFd>, of: &impl AsFd) {
    kept.extend((kept.len()..KEPT).map_while(|_| fcntl_dupfd_cloexec(of, 3).ok()));
}

fn is_exhaustion(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
