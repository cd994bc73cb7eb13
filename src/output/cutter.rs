//! Cuts what a reader took into pieces that consist of whole lines. Runs on the reader's thread.
//!
//! A slice is searched from its first and from its last newline only: what lies between them
//! stays in the segment and is cut when it is iterated. Only lines that span slices are copied.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use memchr::{memchr, memrchr};
use smallvec::SmallVec;

use super::gap::Gap;
use super::record::OutputData;
use super::retained::Slice;
use super::segment::Segment;
use super::state::Taken;
use super::OutputSource;

/// Part of a batch.
pub(super) enum Piece {
    /// Whole lines within one segment; the last byte is a newline.
    Lines { segment: Arc<Segment>, range: Range<usize> },
    /// A line that lies in several segments, a part of one, or a gap.
    Single { stamp: Stamp, data: OutputData },
}

/// What one look gave: mostly one piece, which needs no allocation.
pub(super) type Pieces = SmallVec<[Piece; 1]>;

/// Where and when a record became complete.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub source: OutputSource,
    pub sequence: u64,
    pub time: DateTime<Utc>,
}

/// The unfinished lines of one reader. Never more than `max_line` bytes a source between calls.
#[derive(Clone)]
pub(super) struct Cutter {
    max_line: usize,
    unfinished: [Unfinished; 2],
}

/// The beginning of a line, and when its last byte was read.
#[derive(Clone, Default)]
struct Unfinished {
    bytes: Vec<u8>,
    time: DateTime<Utc>,
}

impl Cutter {
    pub fn new(max_line: usize) -> Self {
        Self { max_line: max_line.max(1), unfinished: Default::default() }
    }

    /// Forgets the unfinished line of the other source.
    pub fn keep_only(&mut self, source: OutputSource) {
        for other in OutputSource::BOTH.into_iter().filter(|other| *other != source) {
            self.unfinished[other.index()] = Unfinished::default();
        }
    }

    /// The pieces that are complete with what was taken.
    pub fn cut(&mut self, taken: Taken) -> Pieces {
        let mut pieces = Pieces::new();
        let gap_end = taken.slices.first().map_or(taken.position, Slice::start);
        for source in OutputSource::BOTH {
            self.gap(source, taken.gaps.0[source.index()], gap_end, &mut pieces);
        }
        for slice in taken.slices {
            self.slice(slice, &mut pieces);
        }
        for source in OutputSource::BOTH {
            if taken.ended[source.index()] {
                self.flush(source, taken.position, &mut pieces);
            }
        }
        pieces
    }

    fn gap(&mut self, source: OutputSource, gap: Gap, sequence: u64, pieces: &mut Pieces) {
        if gap.bytes > 0 {
            self.flush(source, sequence, pieces);
            let stamp = Stamp { source, sequence, time: Utc::now() };
            let data = OutputData::Gap { bytes: gap.bytes, lines: gap.lines };
            pieces.push(Piece::Single { stamp, data });
        }
    }

    /// Delivers the line that will not be finished.
    fn flush(&mut self, source: OutputSource, sequence: u64, pieces: &mut Pieces) {
        let Unfinished { bytes, time } = mem::take(&mut self.unfinished[source.index()]);
        if !bytes.is_empty() {
            pieces.push(line(Stamp { source, sequence, time }, bytes, true));
        }
    }

    fn slice(&mut self, slice: Slice, pieces: &mut Pieces) {
        let Slice { segment, range } = slice;
        let data = &segment.bytes()[range.clone()];
        let Some(last) = memrchr(b'\n', data) else {
            self.extend(&segment, range, pieces);
            return;
        };
        let (mut from, to) = (range.start, range.start + last + 1);
        if !self.unfinished[segment.source.index()].bytes.is_empty() {
            let first = range.start + memchr(b'\n', data).unwrap_or(last);
            self.finish(&segment, range.start..first, pieces);
            from = first + 1;
        }
        if from < to {
            pieces.push(Piece::Lines { segment: segment.clone(), range: from..to });
        }
        self.extend(&segment, to..range.end, pieces);
    }

    /// Adds the bytes of `range` to the unfinished line and delivers parts beyond the limit.
    fn extend(&mut self, segment: &Segment, range: Range<usize>, pieces: &mut Pieces) {
        let unfinished = &mut self.unfinished[segment.source.index()];
        let mut from = range.start;
        while range.end - from > self.max_line - unfinished.bytes.len() {
            let to = from + self.max_line - unfinished.bytes.len();
            let bytes = join(mem::take(&mut unfinished.bytes), &segment.bytes()[from..to]);
            pieces.push(line(stamp(segment, to), bytes, true));
            from = to;
        }
        if from < range.end {
            unfinished.bytes.extend_from_slice(&segment.bytes()[from..range.end]);
            unfinished.time = segment.time_at(range.end - 1);
        }
    }

    /// Ends the unfinished line with the bytes of `range`, which a newline follows.
    fn finish(&mut self, segment: &Segment, range: Range<usize>, pieces: &mut Pieces) {
        let end = range.end;
        self.extend(segment, range, pieces);
        let bytes = mem::take(&mut self.unfinished[segment.source.index()].bytes);
        pieces.push(line(stamp(segment, end + 1), bytes, false));
    }
}

fn line(stamp: Stamp, bytes: Vec<u8>, partial: bool) -> Piece {
    Piece::Single { stamp, data: OutputData::Line { bytes, partial } }
}

fn join(mut start: Vec<u8>, end: &[u8]) -> Vec<u8> {
    start.extend_from_slice(end);
    start
}

/// The stamp of a record that ends before byte `end` of the segment.
#[inline]
pub(super) fn stamp(segment: &Segment, end: usize) -> Stamp {
    let (source, sequence) = (segment.source, segment.start + end as u64);
    Stamp { source, sequence, time: segment.time_at(end.saturating_sub(1)) }
}
