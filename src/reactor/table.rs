//! Which sources a reactor has, and which of their descriptors it watches.
//!
//! Every watch gets a stamp of its own, which travels through the epoll with the source's index
//! and the slot. An event whose stamp is not the slot's any more is stale: fetched before an
//! unwatch, or sent by a descriptor that a forked copy keeps alive. Called under its own lock, on
//! any thread; sources are never called or dropped under it.

use std::sync::Arc;
use std::time::Instant;

use super::deadlines::{Deadlines, Due};
use super::{Key, Slot, Source};
use crate::error::{ProcessError, Result};

/// Slots of one source.
const SLOTS: usize = 8;
/// Index values that fit into a token beside the slot and the stamp.
const MAX_SOURCES: usize = 1 << 29;

/// The sources of a reactor.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    free: Vec<u32>,
    last_stamp: u32,
    deadlines: Deadlines,
}

#[derive(Default)]
struct Entry {
    /// Tells a removed source's key from that of the next one in the same place.
    generation: u32,
    source: Option<Arc<dyn Source>>,
    /// The stamp of each watched slot; 0: not watched.
    stamps: [u32; SLOTS],
    due: Due,
}

fn removed() -> ProcessError {
    ProcessError::Closed("the source was removed".into())
}

impl Table {
    pub(super) fn insert(&mut self, source: Arc<dyn Source>) -> Result<Key> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow()?,
        };
        let entry = &mut self.entries[index as usize];
        entry.source = Some(source);
        Ok(Key { index, generation: entry.generation })
    }

    fn grow(&mut self) -> Result<u32> {
        if self.entries.len() >= MAX_SOURCES {
            return Err(ProcessError::LimitReached("sources of one reactor".into()));
        }
        self.entries.push(Entry::default());
        Ok((self.entries.len() - 1) as u32)
    }

    /// Forgets the source and returns it, to be dropped without the lock.
    pub(super) fn remove(&mut self, key: Key) -> Option<Arc<dyn Source>> {
        self.set_deadline(key, None);
        let entry = self.entry(key)?;
        let source = entry.source.take();
        entry.stamps = [0; SLOTS];
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(key.index);
        source
    }

    /// Forgets all sources.
    pub(super) fn clear(&mut self) -> Vec<Arc<dyn Source>> {
        let entries = std::mem::take(&mut self.entries);
        (self.free, self.deadlines) = Default::default();
        entries.into_iter().filter_map(|entry| entry.source).collect()
    }

    fn entry(&mut self, key: Key) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(key.index as usize)?;
        (entry.generation == key.generation && entry.source.is_some()).then_some(entry)
    }

    /// Stamps the slot; the token goes into the epoll.
    pub(super) fn stamp(&mut self, key: Key, slot: Slot) -> Result<u64> {
        self.last_stamp = self.last_stamp.wrapping_add(1).max(1);
        let stamp = self.last_stamp;
        let entry = self.entry(key).ok_or_else(removed)?;
        let place = entry.stamps.get_mut(usize::from(slot));
        *place.ok_or_else(|| ProcessError::invalid("slot", "a source has the slots 0 to 7"))? =
            stamp;
        Ok(u64::from(stamp) << 32 | u64::from(key.index) << 3 | u64::from(slot))
    }

    /// Events of this slot are stale from now on. False: it was not watched; of a source that was
    /// removed that is not known any more.
    pub(super) fn unstamp(&mut self, key: Key, slot: Slot) -> bool {
        let Some(entry) = self.entry(key) else { return true };
        let stamp = entry.stamps.get_mut(usize::from(slot));
        stamp.is_some_and(|stamp| std::mem::take(stamp) != 0)
    }

    /// The source and slot that an event is for, unless it is stale.
    pub(super) fn find(&self, token: u64) -> Option<(Arc<dyn Source>, Slot)> {
        let (stamp, slot) = ((token >> 32) as u32, (token & 7) as Slot);
        let entry = self.entries.get((token as u32 >> 3) as usize)?;
        let is_current = entry.stamps[usize::from(slot)] == stamp;
        entry.source.as_ref().filter(|_| is_current).map(|source| (source.clone(), slot))
    }

    pub(super) fn set_deadline(&mut self, key: Key, at: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(key.index as usize) else { return };
        if entry.generation == key.generation && entry.source.is_some() {
            self.deadlines.set(key.index, &mut entry.due, at);
        }
    }

    /// The time that the timer has to be set to, if it must be set anew.
    pub(super) fn rearm(&mut self) -> Option<Instant> {
        self.deadlines.rearm()
    }

    /// The timer has fired: takes the sources whose deadlines are due.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Arc<dyn Source>> {
        self.deadlines.fired();
        let mut due = Vec::new();
        while let Some(index) = self.deadlines.pop(now) {
            let entry = &mut self.entries[index as usize];
            if self.deadlines.is_due(index, &mut entry.due, now) {
                due.extend(entry.source.clone());
            }
        }
        due
    }
}
