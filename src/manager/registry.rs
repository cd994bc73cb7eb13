//! The manager's entries: running ones without bound, ended ones up to a retention limit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use uuid::Uuid;

use super::events::{EventKind, Events};
use super::lock;
use crate::process::{Notice, Observer, ProcessRunner};

/// Ended entries that are kept unless the caller says otherwise.
const RETENTION: usize = 1024;

/// The entries by id; ids are UUIDs v7, so this is the order of their start.
pub(super) struct Registry {
    entries: BTreeMap<Uuid, Entry>,
    ended: VecDeque<Uuid>,
    retention: usize,
}

struct Entry {
    runner: ProcessRunner,
    is_ended: bool,
}

impl Default for Registry {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), ended: VecDeque::new(), retention: RETENTION }
    }
}

impl Registry {
    pub(super) fn get(&self, id: Uuid) -> Option<ProcessRunner> {
        self.entries.get(&id).map(|entry| entry.runner.clone())
    }

    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.entries.contains_key(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn all(&self) -> Vec<ProcessRunner> {
        self.entries.values().map(|entry| entry.runner.clone()).collect()
    }

    /// Enters a process that has just been started.
    pub(super) fn insert(&mut self, runner: ProcessRunner) {
        self.entries.insert(runner.id(), Entry { runner, is_ended: false });
    }

    /// Notes that the process of an entry has ended; gives back what went for it.
    #[must_use]
    pub(super) fn note_ended(&mut self, id: Uuid) -> Vec<ProcessRunner> {
        if let Some(entry) = self.entries.get_mut(&id).filter(|entry| !entry.is_ended) {
            entry.is_ended = true;
            self.ended.push_back(id);
        }
        self.evict()
    }

    #[must_use]
    pub(super) fn set_retention(&mut self, entries: usize) -> Vec<ProcessRunner> {
        self.retention = entries;
        self.evict()
    }

    fn evict(&mut self) -> Vec<ProcessRunner> {
        let surplus = self.ended.len().saturating_sub(self.retention);
        let ids: Vec<Uuid> = self.ended.drain(..surplus).collect();
        let gone = ids.iter().filter_map(|id| self.entries.remove(id));
        gone.map(|entry| entry.runner).collect()
    }

    pub(super) fn remove(&mut self, id: Uuid) -> Option<ProcessRunner> {
        let entry = self.entries.remove(&id)?;
        if entry.is_ended {
            self.ended.retain(|ended| *ended != id);
        }
        Some(entry.runner)
    }

    pub(super) fn clear(&mut self) -> Vec<ProcessRunner> {
        self.ended.clear();
        let entries = std::mem::take(&mut self.entries).into_values();
        entries.map(|entry| entry.runner).collect()
    }
}

/// What the processes of a manager tell it. Holds no manager: a process must not keep it alive.
pub(super) struct Watcher {
    registry: Arc<Mutex<Registry>>,
    events: Arc<Events>,
}

impl Watcher {
    pub(super) fn new(registry: &Arc<Mutex<Registry>>, events: &Arc<Events>) -> Self {
        Self { registry: registry.clone(), events: events.clone() }
    }
}

impl Observer for Watcher {
    fn note(&self, id: Uuid, notice: Notice, wakers: &mut Vec<Waker>) {
        self.events.publish(id, EventKind::from(notice), wakers);
    }

    fn closed(&self, id: Uuid) {
        let evicted = lock(&self.registry).note_ended(id);
        drop(evicted);
    }
}
