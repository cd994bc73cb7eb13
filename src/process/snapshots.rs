//! An append-only chain of snapshots, so that `info()` can lend a reference without a lock.
//!
//! A process publishes a handful of them (started, stop accepted, ended), so walking to the last
//! one costs a few loads, and nothing is freed while a caller may still read it.

use once_cell::sync::OnceCell;

use crate::types::ProcessInfo;

/// One snapshot and, once something changed, the next.
#[derive(Debug)]
pub(crate) struct Snapshots {
    info: ProcessInfo,
    next: OnceCell<Box<Snapshots>>,
}

impl Snapshots {
    /// A chain of one.
    pub(crate) fn new(info: ProcessInfo) -> Self {
        Self { info, next: OnceCell::new() }
    }

    /// The newest snapshot.
    pub(crate) fn latest(&self) -> &ProcessInfo {
        &self.last().info
    }

    /// Appends a changed copy of the newest snapshot.
    pub(crate) fn publish(&self, change: impl Fn(&mut ProcessInfo)) {
        let mut last = self.last();
        let mut info = last.info.clone();
        change(&mut info);
        let mut next = Box::new(Self::new(info));
        // Publishers hold the process lock, so the loop runs once; it keeps the chain whole
        // even if one ever does not.
        while let Err((there, refused)) = last.next.try_insert(next) {
            last = there.last();
            next = refused;
            next.info = last.info.clone();
            change(&mut next.info);
        }
    }

    fn last(&self) -> &Self {
        let mut at = self;
        while let Some(next) = at.next.get() {
            at = next;
        }
        at
    }
}
