//! What the log's lock protects, and the policies: when to evict, pause, resume and kill.
//!
//! The bound: `retained <= limit` where nothing constrains eviction. A constraint is the oldest
//! byte that a reader which must not lose anything still needs; batches that it holds count as
//! needed, so that what readers pin is inside the bound.

use std::task::Waker;
use std::time::{Duration, Instant};

use super::gap::{Gap, Gaps};
use super::log::{Appended, Stall};
use super::readers::{Progress, Readers};
use super::retained::{Retained, Slices};
use super::OutputSource;
use crate::command::{OutputOptions, OutputPolicy};

/// A reader that holds a full log up for this long without reading anything is stalled.
pub(super) const STALL_GRACE: Duration = Duration::from_millis(500);
/// How long after the start of a process its first reader may take to appear.
pub(super) const FIRST_READER_GRACE: Duration = Duration::from_millis(100);
/// Room that is promised as long as the log is not paused.
const LEAST_ROOM: usize = 4096;

/// What one look of a reader at the log gave.
#[derive(Default)]
pub(super) struct Taken {
    pub gaps: Gaps,
    pub slices: Slices,
    /// The reader's new position.
    pub position: u64,
    /// Sources of which nothing will be taken any more: ended and read up, or not wanted.
    pub ended: [bool; 2],
}

impl Taken {
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty() && self.gaps.is_empty()
    }

    /// Whether all was taken that ever will be.
    pub fn is_last(&self) -> bool {
        self.ended == [true; 2]
    }
}

pub(super) struct State {
    options: OutputOptions,
    pub retained: Retained,
    pub readers: Readers,
    open: [bool; 2],
    /// `Some` while paused; holds the time to call `stalled`, where the policy has one.
    paused: Option<Option<Instant>>,
    /// The furthest position that any reader of each source has reached.
    served: [u64; 2],
    /// Evicted beyond `served`: nobody had it, and nobody was told so.
    unseen: Gaps,
    /// Until when the first reader is waited for, while there has been none.
    first_reader_by: Option<Instant>,
    loss: Loss,
    killed: bool,
}

/// Whether unread output is being dropped, and whether the caller of `append` knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    None,
    Begun,
    Reported,
}

impl State {
    pub fn new(options: OutputOptions, open: [bool; 2], now: Instant) -> Self {
        Self {
            options,
            retained: Retained::new(options.limit),
            readers: Readers::default(),
            open,
            paused: None,
            served: [0; 2],
            unseen: Gaps::default(),
            first_reader_by: Some(now + FIRST_READER_GRACE),
            loss: Loss::None,
            killed: false,
        }
    }

    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    pub fn close(&mut self, source: OutputSource, wake: &mut dyn FnMut(Waker)) {
        self.open[source.index()] = false;
        self.readers.wake_all(wake);
    }

    pub fn append(
        &mut self,
        source: OutputSource,
        buffer: &mut Vec<u8>,
        now: Instant,
        wake: &mut dyn FnMut(Waker),
    ) -> Appended {
        self.first_reader_by = self.first_reader_by.filter(|by| now < *by);
        let (before, spare) = (self.retained.head(), self.make_room(buffer.len()));
        self.retained.store(source, buffer, chrono::Utc::now(), spare);
        self.make_room(0);
        self.readers.arrived(source, before, self.retained.head(), wake);
        self.verdict(now)
    }

    fn verdict(&mut self, now: Instant) -> Appended {
        let limit = self.options.limit;
        // What is needed and what is unread is a part of what is retained.
        let is_long = self.retained.len() >= limit;
        match self.options.policy {
            OutputPolicy::Auto | OutputPolicy::Block if is_long && self.needed() >= limit => {
                self.pause(now)
            }
            OutputPolicy::Kill if is_long && self.unread() > limit as u64 => {
                self.killed = true;
                Appended::Kill
            }
            OutputPolicy::Auto if self.loss == Loss::Begun => {
                self.loss = Loss::Reported;
                Appended::Dropping
            }
            _ => Appended::Continue,
        }
    }

    fn pause(&mut self, now: Instant) -> Appended {
        let stall_at = *self.paused.get_or_insert_with(|| {
            self.readers.look();
            let auto = self.options.policy == OutputPolicy::Auto;
            auto.then(|| self.first_reader_by.unwrap_or(now + STALL_GRACE))
        });
        Appended::Pause { stall_at }
    }

    /// The oldest byte that must not be evicted; `None` where everything may be.
    fn constraint(&self) -> Option<u64> {
        match self.options.policy {
            OutputPolicy::DropOldest => None,
            OutputPolicy::Kill if self.killed => None,
            OutputPolicy::Kill | OutputPolicy::Block => {
                Some(self.readers.floor(true).unwrap_or(self.reached()))
            }
            OutputPolicy::Auto => {
                let reading = self.readers.floor(false);
                reading.or(self.first_reader_by.map(|_| self.reached()))
            }
        }
    }

    fn reached(&self) -> u64 {
        self.served[0].max(self.served[1])
    }

    /// Bytes that a reader, or the first one, has still to read.
    fn unread(&self) -> u64 {
        self.constraint().map_or(0, |position| self.retained.head() - position)
    }

    /// Bytes that cannot be evicted.
    fn needed(&self) -> usize {
        let from = self.constraint().map(|position| self.retained.segment_start(position));
        from.map_or(0, |from| (self.retained.head() - from) as usize)
    }

    /// How much of `wanted` may be read now without leaving the bound. Zero only while paused.
    pub fn room(&self, wanted: usize) -> usize {
        let limit = self.options.limit;
        match self.options.policy {
            _ if self.is_paused() => 0,
            OutputPolicy::Kill => wanted,
            _ if wanted <= limit.saturating_sub(self.retained.len()) => wanted,
            _ if self.constraint().is_none() => wanted,
            _ => limit.saturating_sub(self.needed()).max(LEAST_ROOM).min(wanted),
        }
    }

    /// Evicts until `incoming` more bytes fit, as far as the constraint allows; returns the
    /// largest buffer that this has freed.
    ///
    /// Segments that stalled readers still pin use up to half of the limit: the rest stays for
    /// new output, so that a batch that is never dropped cannot stop everything.
    fn make_room(&mut self, incoming: usize) -> Vec<u8> {
        let limit = self.options.limit;
        if self.retained.len() + incoming <= limit / 2 {
            return Vec::new();
        }
        let target = limit.saturating_sub(self.retained.pinned_bytes()).max(limit / 2);
        let constraint = self.constraint().unwrap_or(u64::MAX);
        let mut spare = Vec::new();
        while self.retained.len() + incoming > target {
            match self.retained.front() {
                Some(front) if front.end() <= constraint => {}
                _ => break,
            }
            let freed = self.evict();
            if freed.capacity() > spare.capacity() {
                spare = freed;
            }
        }
        spare
    }

    fn evict(&mut self) -> Vec<u8> {
        let Some(front) = self.retained.front() else { return Vec::new() };
        let served = self.served[front.source.index()];
        let unseen = front.end() > served;
        if unseen {
            self.unseen.count(front, served);
        }
        let skipped = self.readers.skip(front);
        if self.loss == Loss::None && (skipped || unseen) {
            self.loss = Loss::Begun;
        }
        self.retained.evict()
    }

    /// Decides after `STALL_GRACE` of a full log whether its readers are still reading.
    pub fn stalled(&mut self, now: Instant) -> Stall {
        let stall_at = match self.paused {
            None => return Stall::Resume,
            Some(None) => return Stall::Wait(None),
            Some(Some(at)) => at,
        };
        if now < stall_at {
            return Stall::Wait(Some(stall_at));
        }
        self.first_reader_by = None;
        self.readers.mark_stalled(self.retained.head());
        if self.resume() {
            self.loss = Loss::Reported;
            return Stall::Dropping;
        }
        let next = Some(now + STALL_GRACE);
        self.paused = Some(next);
        Stall::Wait(next)
    }

    /// Ends the pause if half of the log is free. True if the caller has to resume reading.
    pub fn resume(&mut self) -> bool {
        let resumes = self.is_paused() && self.needed() <= self.options.limit / 2;
        if resumes {
            self.paused = None;
        }
        resumes
    }

    /// A new reader. It starts at the oldest retained byte; what is gone is a gap to it only if
    /// no reader ever had it or was told of it.
    pub fn add_reader(&mut self) -> (u64, Progress) {
        self.first_reader_by = None;
        self.readers.add(self.retained.oldest(), self.unseen)
    }

    /// A reader that stands where reader `id` stands.
    pub fn clone_reader(&mut self, id: u64) -> (u64, Progress) {
        let from = self.readers.get(id).map(|slot| (slot.position, slot.gaps, slot.only));
        let Some((position, gaps, only)) = from else { return self.add_reader() };
        let (id, progress) = self.readers.add(position, gaps);
        self.restrict(id, only);
        (id, progress)
    }

    /// Limits a reader to one source.
    pub fn restrict(&mut self, id: u64, only: Option<OutputSource>) {
        let Some(slot) = self.readers.get(id) else { return };
        slot.only = only;
        for source in OutputSource::BOTH {
            if only.is_some_and(|only| only != source) {
                slot.gaps.0[source.index()] = Gap::default();
            }
        }
    }

    /// What reader `id` has not had yet, up to about `max_bytes`.
    pub fn take(&mut self, id: u64, max_bytes: usize) -> Taken {
        let Some(slot) = self.readers.get(id) else { return Taken::default() };
        let mut taken = Taken { position: slot.position, ..Taken::default() };
        if slot.position != self.retained.head() || !slot.gaps.is_empty() {
            taken.gaps = std::mem::take(&mut slot.gaps);
            taken.position =
                self.retained.slices(slot.position, max_bytes, slot.only, &mut taken.slices);
            slot.position = taken.position;
        }
        if let Some(first) = taken.slices.first() {
            slot.pin(first.start());
        }
        let only = slot.only;
        self.serve(only, taken.position);
        if !taken.gaps.is_empty() {
            self.loss = Loss::None;
        }
        taken.ended = self.ended(only, taken.position);
        taken
    }

    /// Of which sources a reader of `only` that is at `position` will take nothing any more.
    fn ended(&self, only: Option<OutputSource>, position: u64) -> [bool; 2] {
        let at_head = position == self.retained.head();
        OutputSource::BOTH.map(|source| {
            let is_wanted = only.is_none_or(|only| only == source);
            at_head && !(is_wanted && self.open[source.index()])
        })
    }

    /// Notes that a reader of `only` (or of both sources) has had, or was told that it cannot
    /// have, everything before `position`.
    fn serve(&mut self, only: Option<OutputSource>, position: u64) {
        for source in OutputSource::BOTH {
            if only.is_none_or(|only| only == source) {
                let served = &mut self.served[source.index()];
                *served = position.max(*served);
                self.unseen.0[source.index()] = Gap::default();
            }
        }
    }
}
