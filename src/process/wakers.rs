//! Those who wait for a process: each waiter has one slot, replaced not accumulated.
//!
//! A waker is foreign code, also when it is cloned or dropped: it may be the last owner of a task
//! that holds a handle of this very process. So the set takes clones that were made without the
//! lock, and gives back what is to be dropped without it.

use std::task::Waker;

/// A set of wakers, kept under the lock of what they wait for.
#[derive(Debug, Default)]
pub(crate) struct WakerSet {
    next: u64,
    entries: Vec<(u64, Waker)>,
}

/// A waiter's place in the set.
pub(crate) type Place = Option<u64>;

impl WakerSet {
    /// Puts the waker into the waiter's place, taking a place if it has none; gives back the one
    /// that was there.
    #[must_use = "dropped without the lock"]
    pub(crate) fn register(&mut self, place: &mut Place, waker: Waker) -> Option<Waker> {
        let found = self.entries.iter_mut().find(|(id, _)| Some(*id) == *place);
        if let Some((_, old)) = found {
            return Some(std::mem::replace(old, waker));
        }
        self.next += 1;
        *place = Some(self.next);
        self.entries.push((self.next, waker));
        None
    }

    /// Registers a waiter that has no place: the same waker is kept once, and given back if it is
    /// there already.
    #[must_use = "dropped without the lock"]
    pub(crate) fn register_shared(&mut self, waker: Waker) -> Option<Waker> {
        if self.entries.iter().any(|(_, known)| known.will_wake(&waker)) {
            return Some(waker);
        }
        self.register(&mut None, waker)
    }

    /// Gives the place up, and the waker back.
    #[must_use = "dropped without the lock"]
    pub(crate) fn forget(&mut self, place: &mut Place) -> Option<Waker> {
        let place = place.take()?;
        let index = self.entries.iter().position(|(id, _)| *id == place)?;
        Some(self.entries.swap_remove(index).1)
    }

    /// Takes all wakers out, to be woken when the lock is gone.
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        self.entries.drain(..).map(|(_, waker)| waker).collect()
    }
}
