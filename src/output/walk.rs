//! Walks through the records of a reader one at a time, keeping the batch it is in.

use std::task::{ready, Context, Poll};
use std::time::Duration;

use super::batch::{Batch, BatchCursor};
use super::reader::{OutputReader, BATCH_BYTES};
use super::record::Record;
use crate::error::Result;

pub(super) struct Walk {
    reader: OutputReader,
    current: Option<(Batch, BatchCursor)>,
}

impl Walk {
    pub fn new(reader: OutputReader) -> Self {
        Self { reader, current: None }
    }

    /// The first thing that `make` makes of a record; `None` after the last one.
    pub fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut make: impl FnMut(Record<'_>) -> Option<T>,
    ) -> Poll<Option<T>> {
        loop {
            if let Some(made) = self.next_ready(&mut make) {
                return Poll::Ready(Some(made));
            }
            let Some(batch) = ready!(self.reader.poll_batch(cx, BATCH_BYTES)) else {
                return Poll::Ready(None);
            };
            self.current = Some((batch, BatchCursor::default()));
        }
    }

    /// The blocking twin of [`poll`](Self::poll); the timeout is for each batch.
    pub fn next_blocking<T>(
        &mut self,
        timeout: Option<Duration>,
        mut make: impl FnMut(Record<'_>) -> Option<T>,
    ) -> Result<Option<T>> {
        loop {
            if let Some(made) = self.next_ready(&mut make) {
                return Ok(Some(made));
            }
            let Some(batch) = self.reader.next_batch_blocking(timeout)? else { return Ok(None) };
            self.current = Some((batch, BatchCursor::default()));
        }
    }

    /// Lets go of the batch when it is used up, so that the child can go on.
    fn next_ready<T>(&mut self, make: &mut impl FnMut(Record<'_>) -> Option<T>) -> Option<T> {
        let (batch, cursor) = self.current.as_mut()?;
        while let Some(record) = batch.next_record(cursor) {
            if let Some(made) = make(record) {
                return Some(made);
            }
        }
        self.current = None;
        None
    }
}
