//! The cgroups that no process has: empty ones to be reused, dying ones to be removed later.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;

use super::group::Held;
use super::{kill, remove};

/// How many empty ones are kept for good: making and removing one costs more than half a start, and
/// a host that had many processes at a time tends to have them again.
pub(super) const MOST_SPARE: usize = 1024;
/// How many dying ones are looked at each time something else is asked for.
const LOOKED_AT: usize = 4;

/// How many in use keep their directory open.
const MOST_OPEN: usize = 64;

/// Both lists, and how many are in neither.
#[derive(Debug, Default)]
pub(super) struct Pool {
    spare: VecDeque<Held>,
    dying: VecDeque<Held>,
    in_use: usize,
    made: u64,
}

impl Pool {
    /// An empty one, and some cleaning on the way.
    pub(super) fn take(&mut self, parent: BorrowedFd<'_>) -> Option<Held> {
        self.bury(parent, LOOKED_AT);
        self.spare.pop_back()
    }

    /// Adds a new one.
    pub(super) fn keep(&mut self, held: Held) {
        self.spare.push_back(held);
    }

    /// One more is in use, until it is put back.
    pub(super) fn lend(&mut self) {
        self.in_use += 1;
    }

    /// Whether so many are in use that each should do without a descriptor.
    pub(super) fn is_crowded(&self) -> bool {
        self.in_use > MOST_OPEN
    }

    /// A number for a new one.
    pub(super) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Keeps an empty one, removes one that cannot be reused, or kills what is left in it and
    /// remembers it. To remove one takes longer than to end a process: what is too much is left to
    /// [`Pool::trim`].
    pub(super) fn put(&mut self, parent: BorrowedFd<'_>, held: Held) {
        self.in_use = self.in_use.saturating_sub(1);
        if !held.was_empty.load(Ordering::Relaxed) && !is_empty(parent, &held) {
            kill(parent, &held);
            self.dying.push_back(held);
        } else if is_clean(parent, &held) {
            self.spare.push_back(held);
        } else {
            self.remove(parent, held);
        }
    }

    /// How many more there are than are kept.
    pub(super) fn surplus(&self) -> usize {
        self.spare.len().saturating_sub(MOST_SPARE)
    }

    /// Removes so many of the surplus, the longest unused first. True: there is more.
    pub(super) fn trim(&mut self, parent: BorrowedFd<'_>, most: usize) -> bool {
        for _ in 0..most.min(self.surplus()) {
            let Some(held) = self.spare.pop_front() else { break };
            self.remove(parent, held);
        }
        self.surplus() > 0
    }

    fn remove(&mut self, parent: BorrowedFd<'_>, held: Held) {
        if remove::remove(parent, &held.name).is_err() {
            self.dying.push_back(held);
        }
    }

    /// Removes dying ones that have become empty. True: none is left.
    pub(super) fn bury(&mut self, parent: BorrowedFd<'_>, most: usize) -> bool {
        for _ in 0..most.min(self.dying.len()) {
            let Some(held) = self.dying.pop_front() else { break };
            if !is_empty(parent, &held) {
                kill(parent, &held);
                self.dying.push_back(held);
            } else {
                self.remove(parent, held);
            }
        }
        self.dying.is_empty()
    }

    /// Removes all. True: nothing is left.
    pub(super) fn clear(&mut self, parent: BorrowedFd<'_>) -> bool {
        self.dying.extend(self.spare.drain(..));
        self.bury(parent, self.dying.len())
    }
}

/// What cannot be killed now is killed when it is looked at again.
fn kill(parent: BorrowedFd<'_>, held: &Held) {
    let _ = held.open(parent).and_then(|directory| kill::kill(directory.as_fd()));
}

fn is_empty(parent: BorrowedFd<'_>, held: &Held) -> bool {
    matches!(held.is_populated(parent), Ok(false))
}

/// Whether it is as it was made: nothing was done to it, and nothing made below it.
fn is_clean(parent: BorrowedFd<'_>, held: &Held) -> bool {
    !held.spent.load(Ordering::Relaxed) && matches!(held.has_children(parent), Ok(false))
}
