//! The cursors of all readers of one log, as the log sees them. Always under the log's lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::Waker;

use super::gap::Gaps;
use super::segment::Segment;
use super::OutputSource;

/// Counts what a reader does; any change means that it is reading. Written by the reader's
/// threads without a lock, compared by the log.
pub(super) type Progress = Arc<AtomicU64>;

/// One reader.
pub(super) struct Slot {
    id: u64,
    /// Everything before it was taken, or was dropped and counted in `gaps`.
    pub position: u64,
    pub gaps: Gaps,
    pub only: Option<OutputSource>,
    /// Where the batches start that it took and has not dropped.
    pins: Vec<u64>,
    progress: Progress,
    /// `progress` when the reader was last looked at; never equal for one that is new.
    seen: u64,
    stalled: bool,
    waker: Option<Waker>,
}

impl Slot {
    fn new(id: u64, position: u64, gaps: Gaps) -> Self {
        let progress = Progress::default();
        let (pins, seen) = (Vec::new(), u64::MAX);
        Self { id, position, gaps, only: None, pins, progress, seen, stalled: false, waker: None }
    }

    /// The oldest byte that it still needs.
    pub fn floor(&self) -> u64 {
        self.pins.iter().copied().fold(self.position, u64::min)
    }

    fn has_moved(&self) -> bool {
        self.progress.load(Ordering::Relaxed) != self.seen
    }

    /// Whether it is known not to read: it held the log up for the whole grace, and has not moved
    /// since.
    pub fn is_stalled(&self) -> bool {
        self.stalled && !self.has_moved()
    }

    pub fn pin(&mut self, start: u64) {
        self.pins.push(start);
    }

    fn look(&mut self) {
        self.stalled = self.stalled && !self.has_moved();
        self.seen = self.progress.load(Ordering::Relaxed);
    }

    fn wants(&self, source: OutputSource) -> bool {
        self.only.is_none_or(|only| only == source)
    }
}

#[derive(Default)]
pub(super) struct Readers {
    slots: Vec<Slot>,
    next: u64,
}

impl Readers {
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds a reader and returns its number, which is never used again.
    pub fn add(&mut self, position: u64, gaps: Gaps) -> (u64, Progress) {
        let slot = Slot::new(self.next, position, gaps);
        let handle = (slot.id, slot.progress.clone());
        self.next += 1;
        self.slots.push(slot);
        handle
    }

    pub fn get(&mut self, id: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.id == id)
    }

    /// Removes a reader; the caller drops its waker after the lock.
    pub fn remove(&mut self, id: u64) -> Option<Waker> {
        let index = self.slots.iter().position(|slot| slot.id == id)?;
        self.slots.swap_remove(index).waker
    }

    pub fn unpin(&mut self, id: u64, start: u64) {
        let Some(slot) = self.get(id) else { return };
        if let Some(index) = slot.pins.iter().position(|pin| *pin == start) {
            slot.pins.swap_remove(index);
        }
    }

    /// The oldest byte that any reader still needs; without `stalled`, any that reads.
    pub fn floor(&self, stalled: bool) -> Option<u64> {
        let counted = self.slots.iter().filter(|slot| stalled || !slot.is_stalled());
        counted.map(Slot::floor).min()
    }

    /// Starts the observation that `mark_stalled` ends.
    pub fn look(&mut self) {
        self.slots.iter_mut().for_each(Slot::look);
    }

    /// Marks those that have something to read and have not moved since the last look.
    pub fn mark_stalled(&mut self, head: u64) {
        for slot in &mut self.slots {
            slot.stalled = slot.floor() < head && !slot.has_moved();
        }
        self.look();
    }

    /// Wakes those that wait for `source`; the others that wait are moved past it unwoken.
    pub fn arrived(
        &mut self,
        source: OutputSource,
        from: u64,
        to: u64,
        wake: &mut dyn FnMut(Waker),
    ) {
        for slot in &mut self.slots {
            if slot.wants(source) {
                slot.waker.take().into_iter().for_each(&mut *wake);
            } else if slot.position == from {
                slot.position = to;
            }
        }
    }

    pub fn wake_all(&mut self, wake: &mut dyn FnMut(Waker)) {
        self.slots.iter_mut().filter_map(|slot| slot.waker.take()).for_each(wake);
    }

    /// Counts a segment that is about to go for all who have not read it, and moves them behind
    /// it. True if there were any.
    pub fn skip(&mut self, segment: &Segment) -> bool {
        let behind = segment.end();
        let mut skipped = false;
        for slot in self.slots.iter_mut().filter(|slot| slot.position < behind) {
            if slot.wants(segment.source) {
                slot.gaps.count(segment, slot.position);
                skipped = true;
            }
            slot.position = behind;
        }
        skipped
    }

    pub fn waits_with(&mut self, id: u64, waker: &Waker) -> bool {
        let registered = self.get(id).and_then(|slot| slot.waker.as_ref());
        registered.is_some_and(|registered| registered.will_wake(waker))
    }

    /// Registers the one waker of a reader; the caller drops the old one after the lock.
    pub fn set_waker(&mut self, id: u64, waker: Waker) -> Option<Waker> {
        self.get(id)?.waker.replace(waker)
    }
}
