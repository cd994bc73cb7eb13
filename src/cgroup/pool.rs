//! The cgroups that no process has: empty ones to be reused, dying ones to be removed later.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;

use super::group::Held;
use super::{files, kill, remove};

/// How many empty ones are kept.
const MOST_SPARE: usize = 32;
/// How many dying ones are looked at each time something else is asked for.
const LOOKED_AT: usize = 4;

/// Both lists.
#[derive(Debug, Default)]
pub(super) struct Pool {
    spare: Vec<Held>,
    dying: Vec<Held>,
    made: u64,
}

impl Pool {
    /// An empty one, and some cleaning on the way.
    pub(super) fn take(&mut self, parent: BorrowedFd<'_>) -> Option<Held> {
        self.bury(parent, LOOKED_AT);
        self.spare.pop()
    }

    /// A number for a new one.
    pub(super) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Keeps an empty one, removes it, or kills what is left in it and remembers it.
    pub(super) fn put(&mut self, parent: BorrowedFd<'_>, held: Held) {
        if !is_empty(&held) {
            let _ = kill::kill(held.directory.as_fd());
            self.dying.push(held);
        } else if self.spare.len() < MOST_SPARE && is_clean(&held) {
            self.spare.push(held);
        } else if remove::remove(parent, &held.name).is_err() {
            self.dying.push(held);
        }
    }

    /// Removes dying ones that have become empty. True: none is left.
    pub(super) fn bury(&mut self, parent: BorrowedFd<'_>, most: usize) -> bool {
        for _ in 0..most.min(self.dying.len()) {
            let held = self.dying.remove(0);
            if !is_empty(&held) {
                let _ = kill::kill(held.directory.as_fd());
                self.dying.push(held);
            } else if remove::remove(parent, &held.name).is_err() {
                self.dying.push(held);
            }
        }
        self.dying.is_empty()
    }

    /// Removes all. True: nothing is left.
    pub(super) fn clear(&mut self, parent: BorrowedFd<'_>) -> bool {
        self.dying.append(&mut self.spare);
        self.bury(parent, self.dying.len())
    }
}

fn is_empty(held: &Held) -> bool {
    let events = files::open(held.directory.as_fd(), "cgroup.events");
    matches!(events.and_then(files::is_populated), Ok(false))
}

/// Whether it is as it was made: nothing was done to it, and nothing made below it (a directory
/// counts the directories in it as links).
fn is_clean(held: &Held) -> bool {
    let childless = || rustix::fs::fstat(&held.directory).is_ok_and(|stat| stat.st_nlink <= 2);
    !held.spent.load(Ordering::Relaxed) && childless()
}
