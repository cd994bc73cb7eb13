//! The retained output: a queue of segments between the oldest and the newest position.
//!
//! Owned by [`State`](super::state::State), always under the log's lock. It knows nothing of
//! readers and policies; it stores, evicts and looks up.

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Weak};

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use super::segment::Segment;
use super::OutputSource;

/// A read below this size is copied: moving its buffer in would waste most of it.
const MOVE_FROM: usize = 32 * 1024;
/// Reads are coalesced into segments of up to this size.
const COALESCE_TO: usize = 16 * 1024;

/// A range of a segment, which stays alive as long as this does.
#[derive(Clone)]
pub(super) struct Slice {
    pub segment: Arc<Segment>,
    pub range: Range<usize>,
}

impl Slice {
    pub fn bytes(&self) -> &[u8] {
        &self.segment.bytes()[self.range.clone()]
    }

    pub fn start(&self) -> u64 {
        self.segment.start + self.range.start as u64
    }
}

/// What a reader takes at once: mostly one slice, which needs no allocation.
pub(super) type Slices = SmallVec<[Slice; 1]>;

pub(super) struct Retained {
    segments: VecDeque<Arc<Segment>>,
    /// Evicted, but kept alive by somebody when last looked at.
    pinned: Vec<(Weak<Segment>, usize)>,
    head: u64,
    /// Position of the oldest retained byte, kept here because its segment is not in the cache.
    oldest: u64,
    piece: usize,
}

impl Retained {
    /// `limit`: the size that the whole is held to; no segment is larger than a quarter of it.
    pub fn new(limit: usize) -> Self {
        let piece = (limit / 4).max(1);
        Self { segments: VecDeque::new(), pinned: Vec::new(), head: 0, oldest: 0, piece }
    }

    /// Position just behind the newest byte: the number of bytes ever stored.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Position of the oldest retained byte.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    pub fn len(&self) -> usize {
        (self.head - self.oldest()) as usize
    }

    /// Where the segment starts that holds `position`: what is before it can be evicted.
    pub fn segment_start(&self, position: u64) -> u64 {
        let index = self.index_of(position);
        self.segments.get(index).map_or(self.head, |segment| segment.start)
    }

    /// Stores one read and leaves `buffer` empty, with at least the capacity it had.
    ///
    /// A well-filled large buffer is moved in, and `spare` (from an evicted segment) or a new one
    /// takes its place; everything else is copied, small reads onto the end of the last segment.
    pub fn store(
        &mut self,
        source: OutputSource,
        buffer: &mut Vec<u8>,
        time: DateTime<Utc>,
        spare: Vec<u8>,
    ) {
        if self.is_worth_moving(buffer) {
            let capacity = buffer.capacity();
            let fits = spare.capacity() >= capacity;
            let next = if fits { spare } else { Vec::with_capacity(capacity) };
            let data = mem::replace(buffer, next);
            self.push(source, time, data);
        } else if !self.coalesce(source, buffer, time) {
            self.copy(source, buffer, time, spare);
        }
        buffer.clear();
    }

    fn is_worth_moving(&self, buffer: &Vec<u8>) -> bool {
        let length = buffer.len();
        length >= MOVE_FROM && length <= self.piece && length >= buffer.capacity() / 4 * 3
    }

    /// Fails where a reader holds the last segment, which must not change under it.
    fn coalesce(&mut self, source: OutputSource, bytes: &[u8], time: DateTime<Utc>) -> bool {
        let limit = COALESCE_TO.min(self.piece);
        let Some(last) = self.segments.back_mut() else { return false };
        if last.source != source || last.len() + bytes.len() > limit {
            return false;
        }
        let Some(last) = Arc::get_mut(last) else { return false };
        let is_extended = last.extend(bytes, time);
        if is_extended {
            self.head += bytes.len() as u64;
        }
        is_extended
    }

    fn copy(
        &mut self,
        source: OutputSource,
        bytes: &[u8],
        time: DateTime<Utc>,
        mut spare: Vec<u8>,
    ) {
        for piece in bytes.chunks(self.piece) {
            let mut data = mem::take(&mut spare);
            let wasteful = data.capacity() > piece.len() / 4 * 5;
            if wasteful || data.capacity() < piece.len() {
                data = Vec::with_capacity(piece.len());
            }
            data.extend_from_slice(piece);
            self.push(source, time, data);
        }
    }

    fn push(&mut self, source: OutputSource, time: DateTime<Utc>, data: Vec<u8>) {
        let segment = Segment::new(source, self.head, time, data);
        self.head = segment.end();
        self.segments.push_back(Arc::new(segment));
    }

    pub fn front(&self) -> Option<&Arc<Segment>> {
        self.segments.front()
    }

    /// Lets go of the oldest segment; its buffer comes back unless a reader still holds it.
    pub fn evict(&mut self) -> Vec<u8> {
        let Some(segment) = self.segments.pop_front() else { return Vec::new() };
        self.oldest = segment.end();
        let (handle, length) = (Arc::downgrade(&segment), segment.len());
        match Arc::into_inner(segment) {
            Some(segment) => segment.into_buffer(),
            None => {
                self.pinned.push((handle, length));
                Vec::new()
            }
        }
    }

    /// Bytes of evicted segments that readers keep alive.
    pub fn pinned_bytes(&mut self) -> usize {
        self.pinned.retain(|(segment, _)| segment.strong_count() > 0);
        self.pinned.iter().map(|(_, length)| length).sum()
    }

    /// Adds the retained bytes from `position` on, whole segments, at least one and then no more
    /// than `max_bytes` in all; gives back the position behind them. Those of other sources than
    /// `only` are passed over.
    pub fn slices(
        &self,
        position: u64,
        max_bytes: usize,
        only: Option<OutputSource>,
        slices: &mut Slices,
    ) -> u64 {
        let (mut total, mut behind) = (0, position);
        for segment in self.segments.range(self.index_of(position)..) {
            let from = position.saturating_sub(segment.start) as usize;
            if only.is_none_or(|only| only == segment.source) {
                total += segment.len() - from;
                if total > max_bytes && !slices.is_empty() {
                    break;
                }
                slices.push(Slice { segment: segment.clone(), range: from..segment.len() });
            }
            behind = segment.end();
        }
        behind
    }

    fn index_of(&self, position: u64) -> usize {
        // A reader that keeps up asks for the newest.
        match self.segments.back() {
            Some(last) if position < last.start => {
                self.segments.partition_point(|segment| segment.end() <= position)
            }
            Some(_) if position < self.head => self.segments.len() - 1,
            _ => self.segments.len(),
        }
    }
}
