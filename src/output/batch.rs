//! A batch: what a reader took at once, as lines and gaps. Iterated without locks and copies.

use std::iter::FusedIterator;

use memchr::memchr;

use super::cutter::{stamp, Piece, Stamp};
use super::pin::Pin;
use super::record::{Record, RecordData};
use super::segment::Segment;

/// Lines and gaps that a reader took in one go.
///
/// It keeps its bytes alive, and counts as unread until it is dropped: under the policies that
/// hold a child up, keeping a batch keeps the child waiting.
pub struct Batch {
    pieces: Vec<Piece>,
    max_line: usize,
    pin: Pin,
}

/// A place in a [`Batch`], for those who cannot keep a borrowing iterator. Starts at its first
/// record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchCursor {
    piece: usize,
    offset: usize,
}

impl Batch {
    pub(super) fn new(pieces: Vec<Piece>, max_line: usize, pin: Pin) -> Self {
        Self { pieces, max_line: max_line.max(1), pin }
    }

    /// All records, in order.
    pub fn records(&self) -> Records<'_> {
        Records { batch: self, cursor: BatchCursor::default() }
    }

    /// All lines (also partial ones), in order, as bytes; gaps are passed over.
    pub fn lines(&self) -> Lines<'_> {
        Lines { batch: self, cursor: BatchCursor::default() }
    }

    /// The record at the cursor, which moves on; `None` at the end.
    pub fn next_record(&self, cursor: &mut BatchCursor) -> Option<Record<'_>> {
        let (place, data) = self.advance(cursor)?;
        let Stamp { source, sequence, time } = place.stamp();
        Some(Record { source, sequence, time, data })
    }

    #[inline]
    fn advance(&self, cursor: &mut BatchCursor) -> Option<(Place<'_>, RecordData<'_>)> {
        self.pin.core.progress();
        loop {
            let (segment, range) = match self.pieces.get(cursor.piece)? {
                Piece::Lines { segment, range } => (segment, range),
                Piece::Single { stamp, data } => {
                    *cursor = BatchCursor { piece: cursor.piece + 1, offset: 0 };
                    return Some((Place::Known(*stamp), data.as_ref()));
                }
            };
            let from = range.start + cursor.offset;
            let rest = &segment.bytes()[from..range.end];
            if let Some((line, step)) = self.first_line(rest) {
                cursor.offset += step;
                let data = RecordData::Line { bytes: line, partial: step == line.len() };
                return Some((Place::Within(segment, from + step), data));
            }
            *cursor = BatchCursor { piece: cursor.piece + 1, offset: 0 };
        }
    }

    /// The first line, or part of one, of bytes that end with a newline; and how far it reaches.
    #[inline]
    fn first_line<'a>(&self, rest: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let end = memchr(b'\n', rest)?;
        if end > self.max_line {
            return Some((&rest[..self.max_line], self.max_line));
        }
        Some((&rest[..end], end + 1))
    }
}

/// Where a record became complete; worked out only for those who ask.
enum Place<'a> {
    Within(&'a Segment, usize),
    Known(Stamp),
}

impl Place<'_> {
    fn stamp(&self) -> Stamp {
        match self {
            Self::Within(segment, end) => stamp(segment, *end),
            Self::Known(stamp) => *stamp,
        }
    }
}

/// Iterator over the records of a [`Batch`].
pub struct Records<'a> {
    batch: &'a Batch,
    cursor: BatchCursor,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.batch.next_record(&mut self.cursor)
    }
}

impl FusedIterator for Records<'_> {}

/// Iterator over the lines of a [`Batch`].
pub struct Lines<'a> {
    batch: &'a Batch,
    cursor: BatchCursor,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.batch.advance(&mut self.cursor)?.1 {
                RecordData::Line { bytes, .. } => return Some(bytes),
                RecordData::Gap { .. } => {}
            }
        }
    }
}

impl FusedIterator for Lines<'_> {}
