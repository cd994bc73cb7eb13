//! A batch: what a reader took at once, as lines and gaps. Iterated without locks and copies.

use std::iter::FusedIterator;
use std::ops::Range;

use memchr::memchr;

use super::cutter::{stamp, Piece, Pieces, Stamp};
use super::pin::Pin;
use super::record::{Record, RecordData};
use super::segment::Segment;

/// Lines and gaps that a reader took in one go.
///
/// It keeps its bytes alive, and counts as unread until it is dropped: under the policies that
/// hold a child up, keeping a batch keeps the child waiting.
pub struct Batch {
    pieces: Pieces,
    max_line: usize,
    pin: Pin,
}

/// A place in a [`Batch`], for those who cannot keep a borrowing iterator. Starts at its first
/// record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchCursor {
    /// The piece to go to next.
    pub(super) piece: usize,
    /// Bytes that are left of the one before it.
    pub(super) left: usize,
}

impl Batch {
    pub(super) fn new(pieces: Pieces, max_line: usize, pin: Pin) -> Self {
        Self { pieces, max_line: max_line.max(1), pin }
    }

    /// All records, in order.
    pub fn records(&self) -> Records<'_> {
        Records { walk: self.walk(BatchCursor::default()) }
    }

    /// All lines (also partial ones), in order, as bytes; gaps are passed over.
    pub fn lines(&self) -> Lines<'_> {
        Lines { walk: self.walk(BatchCursor::default()) }
    }

    /// The record at the cursor, which moves on; `None` at the end.
    pub fn next_record(&self, cursor: &mut BatchCursor) -> Option<Record<'_>> {
        let mut walk = self.walk(*cursor);
        let record = walk.next().map(record);
        *cursor = BatchCursor { piece: walk.piece, left: walk.rest.len() };
        record
    }

    /// Like [`next_record`](Self::next_record), without where and when, which cost something.
    #[inline]
    pub fn next_data(&self, cursor: &mut BatchCursor) -> Option<RecordData<'_>> {
        let mut walk = self.walk(*cursor);
        let data = walk.next().map(|(_, data)| data);
        *cursor = BatchCursor { piece: walk.piece, left: walk.rest.len() };
        data
    }

    /// Counts as read from now on, though it is kept.
    pub(super) fn release(&self) {
        self.pin.release();
    }

    fn walk(&self, cursor: BatchCursor) -> Walk<'_> {
        let mut walk = Walk { batch: self, piece: cursor.piece, within: None, end: 0, rest: &[] };
        let before = cursor.piece.checked_sub(1).and_then(|piece| self.pieces.get(piece));
        if let Some(Piece::Lines { segment, range }) = before {
            let from = range.end.saturating_sub(cursor.left).max(range.start);
            walk.enter(segment, from..range.end);
        }
        walk
    }
}

/// A walk through the records of a batch. The state of the piece it is in is kept apart from the
/// pieces, so that a line costs its search and little else.
struct Walk<'a> {
    batch: &'a Batch,
    piece: usize,
    within: Option<&'a Segment>,
    end: usize,
    rest: &'a [u8],
}

/// Where a record became complete; worked out only for those who ask.
enum Place<'a> {
    Within(&'a Segment, usize),
    Known(Stamp),
}

impl<'a> Walk<'a> {
    fn enter(&mut self, segment: &'a Segment, range: Range<usize>) {
        self.end = range.end;
        self.rest = &segment.bytes()[range];
        self.within = Some(segment);
    }

    #[inline(always)]
    fn next(&mut self) -> Option<(Place<'a>, RecordData<'a>)> {
        self.batch.pin.core.progress();
        loop {
            if let (Some(segment), Some(end)) = (self.within, memchr(b'\n', self.rest)) {
                let data = self.line(end);
                return Some((Place::Within(segment, self.end - self.rest.len()), data));
            }
            let piece = self.batch.pieces.get(self.piece)?;
            self.piece += 1;
            match piece {
                Piece::Lines { segment, range } => self.enter(segment, range.clone()),
                Piece::Single { stamp, data } => {
                    return Some((Place::Known(*stamp), data.as_ref()))
                }
            }
        }
    }

    /// Takes the line that ends at `end`, or the first part of it.
    #[inline]
    fn line(&mut self, end: usize) -> RecordData<'a> {
        let partial = end > self.batch.max_line;
        let bytes = &self.rest[..end.min(self.batch.max_line)];
        self.rest = &self.rest[bytes.len() + usize::from(!partial)..];
        RecordData::Line { bytes, partial }
    }
}

#[inline(always)]
fn record<'a>((place, data): (Place<'a>, RecordData<'a>)) -> Record<'a> {
    let Stamp { source, sequence, time } = match place {
        Place::Within(segment, end) => stamp(segment, end),
        Place::Known(stamp) => stamp,
    };
    Record { source, sequence, time, data }
}

/// Iterator over the records of a [`Batch`].
pub struct Records<'a> {
    walk: Walk<'a>,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next().map(record)
    }
}

impl FusedIterator for Records<'_> {}

/// Iterator over the lines of a [`Batch`].
pub struct Lines<'a> {
    walk: Walk<'a>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.walk.next()?.1 {
                RecordData::Line { bytes, .. } => return Some(bytes),
                RecordData::Gap { .. } => {}
            }
        }
    }
}

impl FusedIterator for Lines<'_> {}
