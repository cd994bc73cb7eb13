//! A batch that several iterators hand out together: for bindings whose iterators share a place.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::batch::{Batch, BatchCursor};
use super::record::{Record, RecordData};

/// A batch with a place in it that all who hold it share.
///
/// Made for callers who take turns, because they hold an interpreter's lock: plain loads and stores
/// in place of a lock, which would cost as much as the line. Two at once may be given the same
/// record, and nothing worse.
pub struct SharedBatch {
    batch: Batch,
    piece: AtomicUsize,
    left: AtomicUsize,
}

impl SharedBatch {
    /// Starts at the first record.
    pub fn new(batch: Batch) -> Self {
        let BatchCursor { piece, left } = BatchCursor::default();
        Self { batch, piece: AtomicUsize::new(piece), left: AtomicUsize::new(left) }
    }

    /// The next record. At the end, `None`: then the batch counts as read, though somebody may
    /// keep it.
    pub fn next_record(&self) -> Option<Record<'_>> {
        self.step(Batch::next_record)
    }

    /// Like [`next_record`](Self::next_record), without where and when.
    #[inline]
    pub fn next_data(&self) -> Option<RecordData<'_>> {
        self.step(Batch::next_data)
    }

    #[inline]
    fn step<'a, T>(
        &'a self,
        next: impl FnOnce(&'a Batch, &mut BatchCursor) -> Option<T>,
    ) -> Option<T> {
        let (piece, left) = (self.piece.load(Ordering::Relaxed), self.left.load(Ordering::Relaxed));
        let mut cursor = BatchCursor { piece, left };
        let item = next(&self.batch, &mut cursor);
        self.piece.store(cursor.piece, Ordering::Relaxed);
        self.left.store(cursor.left, Ordering::Relaxed);
        if item.is_none() {
            self.batch.release();
        }
        item
    }
}
