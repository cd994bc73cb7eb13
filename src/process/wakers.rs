//! Those who wait for a process: each waiter has one slot, replaced not accumulated.

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
    /// Puts the waker into the waiter's place, taking a place if it has none.
    pub(crate) fn register(&mut self, place: &mut Place, waker: &Waker) {
        let found = self.entries.iter_mut().find(|(id, _)| Some(*id) == *place);
        if let Some((_, old)) = found {
            old.clone_from(waker);
            return;
        }
        self.next += 1;
        *place = Some(self.next);
        self.entries.push((self.next, waker.clone()));
    }

    /// Registers a waiter that has no place: the same waker is kept once.
    pub(crate) fn register_shared(&mut self, waker: &Waker) {
        if !self.entries.iter().any(|(_, known)| known.will_wake(waker)) {
            self.register(&mut None, waker);
        }
    }

    /// Gives the place up.
    pub(crate) fn forget(&mut self, place: &mut Place) {
        if let Some(place) = place.take() {
            self.entries.retain(|(id, _)| *id != place);
        }
    }

    /// Takes all wakers out, to be woken when the lock is gone.
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        self.entries.drain(..).map(|(_, waker)| waker).collect()
    }
}
