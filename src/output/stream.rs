//! Output one item at a time: as futures streams, and as a blocking iterator.
//!
//! All of them walk through batches; the lock is taken once a batch, not once an item.

use std::pin::Pin;
use std::task::{ready, Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::chunks::{Chunks, OutputChunk};

use super::reader::{OutputReader, BATCH_BYTES};
use super::record::{OutputRecord, Record, RecordData};
use super::walk::Walk;

use crate::error::Result;

/// The lines of a process as text: one item a line, without its newline, otherwise untouched;
/// bytes that are not UTF-8 are replaced by U+FFFD. Ends after the last line.
///
/// A line longer than the limit comes as several items. Gaps are passed over and counted
/// ([`lost`](Self::lost)); [`records`](Self::records) shows them in their place. The stream holds
/// the output, not the process.
pub struct OutputStream {
    lines: LineStream,
}

impl OutputStream {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self { lines: LineStream::new(reader) }
    }

    /// The lines as bytes.
    pub fn bytes(self) -> LineStream {
        self.lines
    }

    /// Lines and gaps with their stream, sequence number and time.
    pub fn records(self) -> RecordStream {
        RecordStream { walk: self.lines.walk }
    }

    /// The lines as a blocking iterator, for threads without an executor.
    pub fn lines(self) -> BlockingLines {
        BlockingLines { stream: self }
    }

    /// Waits for the next line; `None` after the last one.
    ///
    /// # Errors
    /// Those of [`OutputReader::next_batch_blocking`].
    pub fn next_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<String>> {
        self.lines.next_with(timeout, text)
    }

    /// Bytes and newlines that were dropped before this stream got to them, so far.
    pub fn lost(&self) -> (u64, u64) {
        self.lines.lost
    }
}

/// Checks first: the lossy conversion is several times slower, also for text that needs none.
fn text(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(line).into_owned(),
    }
}

impl Stream for OutputStream {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.lines.poll_with(cx, text)
    }
}

/// The lines of a process as bytes, without their newlines. Gaps as in [`OutputStream`].
pub struct LineStream {
    walk: Walk,
    lost: (u64, u64),
}

impl LineStream {
    fn new(reader: OutputReader) -> Self {
        Self { walk: Walk::new(reader), lost: (0, 0) }
    }

    /// Waits for the next line; `None` after the last one.
    ///
    /// # Errors
    /// Those of [`OutputReader::next_batch_blocking`].
    pub fn next_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<Vec<u8>>> {
        self.next_with(timeout, <[u8]>::to_vec)
    }

    /// Bytes and newlines that were dropped before this stream got to them, so far.
    pub fn lost(&self) -> (u64, u64) {
        self.lost
    }

    fn poll_with<T>(&mut self, cx: &mut Context<'_>, make: fn(&[u8]) -> T) -> Poll<Option<T>> {
        let lost = &mut self.lost;
        self.walk.poll(cx, |record| line(record, lost).map(make))
    }

    fn next_with<T>(
        &mut self,
        timeout: Option<Duration>,
        make: fn(&[u8]) -> T,
    ) -> Result<Option<T>> {
        let lost = &mut self.lost;
        self.walk.next_blocking(timeout, |record| line(record, lost).map(make))
    }
}

fn line<'a>(record: Record<'a>, lost: &mut (u64, u64)) -> Option<&'a [u8]> {
    match record.data {
        RecordData::Line { bytes, .. } => Some(bytes),
        RecordData::Gap { bytes, lines } => {
            *lost = (lost.0 + bytes, lost.1 + lines);
            None
        }
    }
}

impl Stream for LineStream {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        self.poll_with(cx, <[u8]>::to_vec)
    }
}

/// Lines and gaps as owned records.
pub struct RecordStream {
    walk: Walk,
}

impl RecordStream {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self { walk: Walk::new(reader) }
    }

    /// Waits for the next record; `None` after the last one.
    ///
    /// # Errors
    /// Those of [`OutputReader::next_batch_blocking`].
    pub fn next_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<OutputRecord>> {
        self.walk.next_blocking(timeout, |record| Some(record.into()))
    }
}

impl Stream for RecordStream {
    type Item = OutputRecord;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OutputRecord>> {
        self.walk.poll(cx, |record| Some(record.into()))
    }
}

/// Raw output, chunk by chunk, without copying. A chunk is given back to the log's bound when the
/// next batch is taken, whether or not the caller still holds it.
pub struct ChunkStream {
    reader: OutputReader,
    current: Option<(Chunks, usize)>,
}

impl ChunkStream {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self { reader, current: None }
    }

    /// Waits for the next chunk; `None` after the last byte.
    ///
    /// # Errors
    /// Those of [`OutputReader::next_batch_blocking`].
    pub fn next_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<OutputChunk>> {
        loop {
            if let Some(chunk) = self.next_ready() {
                return Ok(Some(chunk));
            }
            let Some(chunks) = self.reader.next_chunks_blocking(timeout)? else { return Ok(None) };
            self.current = Some((chunks, 0));
        }
    }

    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<OutputChunk>> {
        loop {
            if let Some(chunk) = self.next_ready() {
                return Poll::Ready(Some(chunk));
            }
            let Some(chunks) = ready!(self.reader.poll_chunks(cx, BATCH_BYTES)) else {
                return Poll::Ready(None);
            };
            self.current = Some((chunks, 0));
        }
    }

    /// Says that the current chunk is being read.
    pub(super) fn touch(&self) {
        self.reader.touch();
    }

    fn next_ready(&mut self) -> Option<OutputChunk> {
        self.touch();
        let (chunks, next) = self.current.as_mut()?;
        let chunk = chunks.get(*next).cloned();
        *next += 1;
        if chunk.is_none() {
            self.current = None;
        }
        chunk
    }
}

impl Stream for ChunkStream {
    type Item = OutputChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OutputChunk>> {
        self.poll_chunk(cx)
    }
}

/// The lines of a process as a blocking iterator of text. Ends after the last line, and at once
/// where nobody may wait: in a forked copy of the host and in a callback.
pub struct BlockingLines {
    stream: OutputStream,
}

impl Iterator for BlockingLines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.stream.next_blocking(None).ok().flatten()
    }
}
